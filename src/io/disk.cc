#include "io/disk.h"

namespace rhizome::io {

Result<std::string> File::ReadAt(uint64_t offset, size_t length) const {
  // The size bounds the allocation, so a length read from damaged bytes costs nothing.
  ASSIGN_OR_RETURN(const uint64_t size, Size());
  if (offset >= size) return std::string();
  std::string bytes(static_cast<size_t>(std::min<uint64_t>(length, size - offset)), '\0');
  ASSIGN_OR_RETURN(const size_t read, ReadInto(offset, bytes.data(), bytes.size()));
  bytes.resize(read);
  return bytes;
}

namespace {

std::string ParentOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status WriteAndSync(Disk& disk, const std::string& path, std::string_view bytes) {
  ASSIGN_OR_RETURN(auto file, disk.Open(path, OpenMode::kCreateOrOpen));
  RETURN_IF_ERROR(file->Truncate(0));  // left over from a crash
  RETURN_IF_ERROR(file->Append(bytes));
  return file->Sync();
}

}  // namespace

Status WriteFileAtomically(Disk& disk, const std::string& path, std::string_view bytes) {
  const std::string neighbour = path + ".new";
  if (Status status = WriteAndSync(disk, neighbour, bytes); !status.ok()) {
    // The caller hears of the write's failure; a leftover is overwritten by the next attempt.
    (void)disk.Remove(neighbour).ok();
    return status.Annotate("writing " + neighbour);
  }
  RETURN_IF_ERROR(disk.Rename(neighbour, path));
  return disk.SyncDirectory(ParentOf(path));
}

Result<std::string> ReadWholeFile(Disk& disk, const std::string& path) {
  ASSIGN_OR_RETURN(auto file, disk.Open(path, OpenMode::kRead));
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  return file->ReadAt(0, size);
}

Status CreateDirectories(Disk& disk, const std::string& path) {
  if (path.empty() || path == "/" || path == ".") return Status::Ok();
  ASSIGN_OR_RETURN(const bool exists, disk.Exists(path));
  const std::string parent = ParentOf(path);
  if (!exists) {
    RETURN_IF_ERROR(CreateDirectories(disk, parent));
    const Status created = disk.CreateDirectory(path);
    if (!created.ok() && created.code() != Code::kAlreadyExists) return created;
    const Status synced = disk.SyncDirectory(parent);
    // Left there, the next attempt would take it for durable.
    if (created.ok() && !synced.ok()) (void)disk.RemoveDirectory(path).ok();
    return synced;
  }
  // A file of that name is the caller's mistake, told here rather than at the first use.
  return disk.List(path).status();
}

Status RemoveTree(Disk& disk, const std::string& path) {
  const Result<PathInfo> info = disk.Inspect(path);
  if (info.status().code() == Code::kNotFound) return Status::Ok();
  RETURN_IF_ERROR(info.status());
  if (info->kind != PathKind::kDirectory) return disk.Remove(path);  // of a link only the link
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(path));
  for (const std::string& name : names) RETURN_IF_ERROR(RemoveTree(disk, path + "/" + name));
  return disk.RemoveDirectory(path);
}

}  // namespace rhizome::io
