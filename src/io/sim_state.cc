#include "io/sim_state.h"

#include <set>

namespace rhizome::io {

namespace {

// More versions of one sector than this add no new kind of crash.
constexpr size_t kVersionsMax = 4;

std::vector<std::string> Components(std::string_view path) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    begin = end + 1;
  }
  return parts;
}

Status NoSuch(std::string_view path) { return Status::NotFound(std::string(path) + ": no such file or directory"); }

}  // namespace

SimState::SimState() { inodes_[kRoot].is_directory = true; }

Result<SimState::Place> SimState::Locate(std::string_view path) const {
  const std::vector<std::string> parts = Components(path);
  if (parts.empty()) return Place{0, "", kRoot};
  Inode directory = kRoot;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    const Node& node = inodes_.at(directory);
    const auto entry = node.entries.find(parts[i]);
    if (entry == node.entries.end() || !inodes_.at(entry->second).is_directory) return NoSuch(path);
    directory = entry->second;
  }
  const auto& entries = inodes_.at(directory).entries;
  const auto entry = entries.find(parts.back());
  return Place{directory, parts.back(), entry == entries.end() ? 0 : entry->second};
}

Result<SimState::Place> SimState::LocatePresent(std::string_view path) const {
  ASSIGN_OR_RETURN(Place place, Locate(path));
  if (place.target == 0) return NoSuch(path);
  return place;
}

Result<SimState::Inode> SimState::Lookup(std::string_view path) const {
  ASSIGN_OR_RETURN(const Place place, LocatePresent(path));
  return place.target;
}

bool SimState::IsDirectory(Inode inode) const { return inodes_.at(inode).is_directory; }

std::string_view SimState::Content(Inode inode) const { return inodes_.at(inode).current; }

Result<std::vector<std::string>> SimState::List(std::string_view path) const {
  ASSIGN_OR_RETURN(const Inode inode, Lookup(path));
  const Node& node = inodes_.at(inode);
  if (!node.is_directory) return Status::NotFound(std::string(path) + ": not a directory");
  std::vector<std::string> names;
  for (const auto& [name, target] : node.entries) names.push_back(name);
  return names;
}

SimState::Inode SimState::NewInode(bool is_directory) {
  inodes_[next_inode_].is_directory = is_directory;
  return next_inode_++;
}

uint64_t SimState::Charge(const Node& node) const {
  if (node.link_count == 0 && node.open_count == 0) return 0;
  return std::max<uint64_t>(node.current.size(), node.reserved);
}

uint64_t SimState::GrowthTo(Inode inode, uint64_t length) const {
  const uint64_t now = Charge(inodes_.at(inode));
  return length > now ? length - now : 0;
}

void SimState::PutEntry(const EntryChange& change) {
  auto& entries = inodes_.at(change.directory).entries;
  if (const auto old = entries.find(change.name); old != entries.end()) {
    Node& node = inodes_.at(old->second);
    used_bytes_ -= Charge(node);
    --node.link_count;
    used_bytes_ += Charge(node);
    entries.erase(old);
  }
  if (change.target == 0) return;
  Node& node = inodes_.at(change.target);
  used_bytes_ -= Charge(node);
  ++node.link_count;
  used_bytes_ += Charge(node);
  entries[change.name] = change.target;
}

void SimState::Perform(DirectoryOperation operation) {
  for (const EntryChange& change : operation) PutEntry(change);
  unsynced_.push_back(std::move(operation));
}

Result<SimState::Inode> SimState::CreateFile(std::string_view path) {
  ASSIGN_OR_RETURN(const Place place, Locate(path));
  if (place.target != 0) return Status::AlreadyExists(std::string(path) + ": file exists");
  const Inode inode = NewInode(false);
  Perform({{place.directory, place.name, inode}});
  return inode;
}

Status SimState::CreateDirectory(std::string_view path) {
  ASSIGN_OR_RETURN(const Place place, Locate(path));
  if (place.target != 0) return Status::AlreadyExists(std::string(path) + ": file exists");
  Perform({{place.directory, place.name, NewInode(true)}});
  return Status::Ok();
}

Status SimState::Rename(std::string_view from, std::string_view to) {
  ASSIGN_OR_RETURN(const Place source, LocatePresent(from));
  ASSIGN_OR_RETURN(const Place target, Locate(to));
  if (source.directory == 0 || target.directory == 0) return Status::IoError("rename of the root");
  if (source.target == target.target) return Status::Ok();
  if (target.target != 0) {
    const Node& replaced = inodes_.at(target.target);
    if (replaced.is_directory && !replaced.entries.empty()) {
      return Status::FailedPrecondition(std::string(to) + ": directory not empty");
    }
    if (replaced.is_directory != inodes_.at(source.target).is_directory) {
      return Status::IoError("rename between a file and a directory");
    }
  }
  Perform({{target.directory, target.name, source.target}, {source.directory, source.name, 0}});
  return Status::Ok();
}

Status SimState::Link(std::string_view from, std::string_view to) {
  ASSIGN_OR_RETURN(const Place source, LocatePresent(from));
  ASSIGN_OR_RETURN(const Place target, Locate(to));
  if (target.target != 0) return Status::AlreadyExists(std::string(to) + ": file exists");
  if (inodes_.at(source.target).is_directory) return Status::IoError("link to a directory");
  Perform({{target.directory, target.name, source.target}});
  return Status::Ok();
}

Status SimState::Remove(std::string_view path) {
  ASSIGN_OR_RETURN(const Place place, LocatePresent(path));
  if (inodes_.at(place.target).is_directory) return Status::IoError(std::string(path) + ": is a directory");
  Perform({{place.directory, place.name, 0}});
  return Status::Ok();
}

Status SimState::RemoveDirectory(std::string_view path) {
  ASSIGN_OR_RETURN(const Place place, LocatePresent(path));
  const Node& node = inodes_.at(place.target);
  if (!node.is_directory) return Status::NotFound(std::string(path) + ": not a directory");
  if (!node.entries.empty() || place.directory == 0) {
    return Status::FailedPrecondition(std::string(path) + ": directory not empty");
  }
  Perform({{place.directory, place.name, 0}});
  return Status::Ok();
}

Status SimState::SyncDirectory(std::string_view path) {
  ASSIGN_OR_RETURN(const Inode inode, Lookup(path));
  if (!inodes_.at(inode).is_directory) return Status::NotFound(std::string(path) + ": not a directory");
  // A rename between directories carries along what came before it in the other one, as a journal would.
  std::set<Inode> synced = {inode};
  std::vector<bool> durable(unsynced_.size());
  for (size_t i = unsynced_.size(); i-- > 0;) {
    for (const EntryChange& change : unsynced_[i]) durable[i] = durable[i] || synced.contains(change.directory);
    if (!durable[i]) continue;
    for (const EntryChange& change : unsynced_[i]) synced.insert(change.directory);
  }
  std::vector<DirectoryOperation> left;
  for (size_t i = 0; i < unsynced_.size(); ++i) {
    if (!durable[i]) {
      left.push_back(std::move(unsynced_[i]));
      continue;
    }
    for (const EntryChange& change : unsynced_[i]) {
      auto& entries = inodes_.at(change.directory).durable_entries;
      if (change.target == 0) {
        entries.erase(change.name);
      } else {
        entries[change.name] = change.target;
      }
    }
  }
  unsynced_ = std::move(left);
  ForgetUnreachable();
  return Status::Ok();
}

void SimState::NoteSectors(Node& node, uint64_t begin, uint64_t end) {
  for (uint64_t sector = begin / kSimSectorBytes; sector * kSimSectorBytes < end; ++sector) {
    std::vector<std::string>& versions = node.versions[sector];
    std::string bytes = node.current.substr(sector * kSimSectorBytes, kSimSectorBytes);
    if (versions.size() == kVersionsMax) {
      versions.back() = std::move(bytes);
    } else {
      versions.push_back(std::move(bytes));
    }
  }
}

void SimState::Write(Inode inode, uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  Node& node = inodes_.at(inode);
  used_bytes_ -= Charge(node);
  const uint64_t old_length = node.current.size();
  if (offset + bytes.size() > old_length) {
    node.current.resize(offset + bytes.size(), '\0');
    node.lengths.push_back(node.current.size());
  }
  node.current.replace(offset, bytes.size(), bytes);
  NoteSectors(node, std::min(offset, old_length), offset + bytes.size());
  used_bytes_ += Charge(node);
}

void SimState::Truncate(Inode inode, uint64_t length) {
  Node& node = inodes_.at(inode);
  const uint64_t old_length = node.current.size();
  used_bytes_ -= Charge(node);
  if (length <= old_length) node.reserved = std::min(node.reserved, length);
  if (length != old_length) {
    node.current.resize(length, '\0');
    node.lengths.push_back(length);
  }
  if (length > old_length) NoteSectors(node, old_length, length);
  used_bytes_ += Charge(node);
}

void SimState::Reserve(Inode inode, uint64_t length) {
  Node& node = inodes_.at(inode);
  used_bytes_ -= Charge(node);
  node.reserved = std::max(node.reserved, length);
  used_bytes_ += Charge(node);
}

void SimState::SyncFile(Inode inode) {
  Node& node = inodes_.at(inode);
  node.durable.resize(node.current.size(), '\0');
  for (const auto& [sector, versions] : node.versions) {
    const uint64_t begin = sector * kSimSectorBytes;
    if (begin >= node.current.size()) continue;  // cut off since
    const std::string_view bytes = std::string_view(node.current).substr(begin, kSimSectorBytes);
    node.durable.replace(begin, bytes.size(), bytes);
  }
  node.versions.clear();
  node.lengths.clear();
}

void SimState::ForgetUnsynced(Inode inode) {
  Node& node = inodes_.at(inode);
  node.versions.clear();
  node.lengths.clear();
}

void SimState::FlipBit(Inode inode, uint64_t offset, int bit) {
  Node& node = inodes_.at(inode);
  const char mask = static_cast<char>(1 << (bit & 7));
  if (offset < node.current.size()) node.current[offset] = static_cast<char>(node.current[offset] ^ mask);
  if (offset < node.durable.size()) node.durable[offset] = static_cast<char>(node.durable[offset] ^ mask);
}

void SimState::CrashFile(Node& node, CrashChooser& chooser) {
  // Lengths the file may be found at: the durable one, then each later one with the sector boundaries on the way up.
  std::vector<uint64_t> lengths = {node.durable.size()};
  for (const uint64_t length : node.lengths) {
    const uint64_t before = lengths.back();
    for (uint64_t at = (before / kSimSectorBytes + 1) * kSimSectorBytes; at < length; at += kSimSectorBytes) {
      lengths.push_back(at);
    }
    if (length != before) lengths.push_back(length);
  }
  const uint64_t length = lengths[lengths.size() > 1 ? chooser.Choose(lengths.size()) : 0];
  std::string kept = node.durable;
  kept.resize(length, '\0');
  for (const auto& [sector, versions] : node.versions) {
    const uint64_t choice = chooser.Choose(versions.size() + 1);
    const uint64_t begin = sector * kSimSectorBytes;
    if (choice == 0 || begin >= length) continue;
    const std::string_view bytes = std::string_view(versions[choice - 1]).substr(0, length - begin);
    kept.replace(begin, bytes.size(), bytes);
  }
  node.current = kept;
  node.durable = std::move(kept);
  node.versions.clear();
  node.lengths.clear();
}

void SimState::Crash(CrashChooser& chooser, bool directory_operations_in_order) {
  const size_t unsynced = unsynced_.size();
  const size_t prefix = directory_operations_in_order && unsynced > 0 ? chooser.Choose(unsynced + 1) : 0;
  for (size_t i = 0; i < unsynced; ++i) {
    const DirectoryOperation& operation = unsynced_[i];
    if (directory_operations_in_order ? i >= prefix : chooser.Choose(2) == 0) continue;
    for (const EntryChange& change : operation) {
      auto& entries = inodes_.at(change.directory).durable_entries;
      if (change.target == 0) {
        entries.erase(change.name);
      } else {
        entries[change.name] = change.target;
      }
    }
  }
  unsynced_.clear();
  for (auto& [inode, node] : inodes_) {
    node.open_count = 0;
    node.entries = node.durable_entries;
    if (!node.is_directory) CrashFile(node, chooser);
  }
  ForgetUnreachable();
  Recount();
}

void SimState::DropOpen(Inode inode) {
  Node& node = inodes_.at(inode);
  used_bytes_ -= Charge(node);
  --node.open_count;
  used_bytes_ += Charge(node);
}

void SimState::ForgetUnreachable() {
  std::set<Inode> reached = {kRoot};
  std::vector<Inode> queue = {kRoot};
  const auto reach = [&](Inode inode) {
    if (inode != 0 && reached.insert(inode).second) queue.push_back(inode);
  };
  for (const DirectoryOperation& operation : unsynced_) {
    for (const EntryChange& change : operation) {
      reach(change.target);
      reach(change.directory);
    }
  }
  for (const auto& [inode, node] : inodes_) {
    if (node.open_count > 0) reach(inode);
  }
  while (!queue.empty()) {
    const Node& node = inodes_.at(queue.back());
    queue.pop_back();
    for (const auto& [name, target] : node.entries) reach(target);
    for (const auto& [name, target] : node.durable_entries) reach(target);
  }
  std::erase_if(inodes_, [&](const auto& entry) { return !reached.contains(entry.first); });
}

void SimState::Recount() {
  used_bytes_ = 0;
  for (auto& [inode, node] : inodes_) {
    node.link_count = 0;
    node.reserved = 0;
  }
  for (const auto& [inode, node] : inodes_) {
    for (const auto& [name, target] : node.entries) ++inodes_.at(target).link_count;
  }
  for (const auto& [inode, node] : inodes_) used_bytes_ += Charge(node);
}

}  // namespace rhizome::io
