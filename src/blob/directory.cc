#include "blob/directory.h"

#include <algorithm>

namespace rhizome::blob {

using io::PathInfo;
using io::PathKind;

struct Directory::Walk {
  const std::string& prefix;
  const std::string& after;
  size_t limit;
  ObjectPage page;
  bool more = false;
};

Result<std::unique_ptr<Directory>> Directory::Open(io::Disk& disk, std::string root) {
  while (root.size() > 1 && root.ends_with('/')) root.pop_back();
  if (root.empty()) return Status::InvalidArgument("target", "names no folder");
  RETURN_IF_ERROR(io::CreateDirectories(disk, root));
  return std::unique_ptr<Directory>(new Directory(disk, std::move(root)));
}

Status Directory::CheckFolders(const std::string& name) const {
  for (size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    const std::string folder = PathOf(name.substr(0, slash));
    ASSIGN_OR_RETURN(const PathInfo info, disk_.Inspect(folder));
    if (info.kind != PathKind::kDirectory) return Status::FailedPrecondition(folder + " is not a folder");
  }
  return Status::Ok();
}

Result<PathInfo> Directory::Find(const std::string& name) const {
  RETURN_IF_ERROR(CheckName(name));
  RETURN_IF_ERROR(CheckFolders(name));
  ASSIGN_OR_RETURN(const PathInfo info, disk_.Inspect(PathOf(name)));
  if (info.kind != PathKind::kFile) return Status::FailedPrecondition(PathOf(name) + " is not a regular file");
  return info;
}

Status Directory::Put(const std::string& name, std::string_view bytes) {
  RETURN_IF_ERROR(CheckName(name));
  if (bytes.size() > kObjectBytesMax) return Status::TooLarge("object", name + " is larger than objects may be");
  Status folders = CheckFolders(name);
  if (folders.code() == Code::kNotFound) {
    RETURN_IF_ERROR(io::CreateDirectories(disk_, PathOf(name.substr(0, name.rfind('/')))));
    folders = CheckFolders(name);
  }
  RETURN_IF_ERROR(folders);
  const Result<PathInfo> there = disk_.Inspect(PathOf(name));
  if (there.ok() && there->kind == PathKind::kDirectory) {
    return Status::FailedPrecondition(PathOf(name) + " is a folder");
  }
  // What a cut-off write left, or a link to elsewhere, is not to be written through.
  const std::string neighbour = PathOf(name) + ".new";
  if (const Status removed = disk_.Remove(neighbour); !removed.ok() && removed.code() != Code::kNotFound) {
    return removed;
  }
  return io::WriteFileAtomically(disk_, PathOf(name), bytes);
}

Result<std::string> Directory::Read(const std::string& name, uint64_t offset, uint64_t length) const {
  ASSIGN_OR_RETURN(const auto file, disk_.Open(PathOf(name), io::OpenMode::kRead));
  return file->ReadAt(offset, length);
}

Result<std::string> Directory::Get(const std::string& name, uint64_t bytes_max) {
  ASSIGN_OR_RETURN(const PathInfo info, Find(name));
  if (info.size > bytes_max) {
    return Status::TooLarge("object", name + " has " + std::to_string(info.size) + " bytes, more than the " +
                                          std::to_string(bytes_max) + " expected at most");
  }
  return Read(name, 0, info.size);
}

Result<std::string> Directory::GetRange(const std::string& name, uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(Find(name).status());
  return Read(name, offset, std::min(length, kObjectBytesMax));
}

Result<std::optional<uint64_t>> Directory::SizeOf(const std::string& name) {
  const Result<PathInfo> info = Find(name);
  if (info.ok()) return std::optional<uint64_t>(info->size);
  if (info.status().code() == Code::kNotFound) return std::optional<uint64_t>();
  return info.status();
}

// In the order of whole names: a folder sorts as its name and '/'.
Status Directory::Visit(const std::string& folder, Walk& walk) const {
  ASSIGN_OR_RETURN(std::vector<std::string> entries,
                   disk_.List(PathOf(folder).substr(0, root_.size() + folder.size())));
  std::vector<std::pair<std::string, PathInfo>> found;
  for (const std::string& entry : entries) {
    std::string name = folder + entry;
    if (!CheckName(name).ok()) continue;
    const Result<PathInfo> info = disk_.Inspect(PathOf(name));
    if (info.status().code() == Code::kNotFound) continue;  // gone since
    RETURN_IF_ERROR(info.status());
    if (info->kind == PathKind::kDirectory) name += '/';
    found.emplace_back(std::move(name), *info);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [name, info] : found) {
    if (walk.more) return Status::Ok();
    if (info.kind == PathKind::kDirectory) {
      const bool wanted = name.starts_with(walk.prefix) || walk.prefix.starts_with(name);
      const bool passed = name < walk.after && !walk.after.starts_with(name);
      if (wanted && !passed) RETURN_IF_ERROR(Visit(name, walk));
      continue;
    }
    if (info.kind != PathKind::kFile || !name.starts_with(walk.prefix) || name <= walk.after) continue;
    walk.more = walk.page.objects.size() == walk.limit;
    if (!walk.more) walk.page.objects.push_back({name, info.size});
  }
  return Status::Ok();
}

Result<ObjectPage> Directory::List(const std::string& prefix, const std::string& after, uint32_t limit) {
  RETURN_IF_ERROR(CheckPrefix(prefix));
  if (limit == 0 || limit > kListLimitMax) return Status::InvalidArgument("limit", "must be 1 to 1000");
  Walk walk{prefix, after, limit, {}, false};
  RETURN_IF_ERROR(Visit("", walk));
  if (walk.more) walk.page.next = walk.page.objects.back().name;
  return std::move(walk.page);
}

Status Directory::Delete(const std::string& name) {
  const Result<PathInfo> info = Find(name);
  if (info.status().code() == Code::kNotFound) return Status::Ok();
  RETURN_IF_ERROR(info.status());
  RETURN_IF_ERROR(disk_.Remove(PathOf(name)));
  const size_t slash = name.rfind('/');
  return disk_.SyncDirectory(slash == std::string::npos ? root_ : PathOf(name.substr(0, slash)));
}

}  // namespace rhizome::blob
