#include "io/sim_disk.h"

#include <sys/mman.h>

#include "io/memory_mapping.h"

namespace rhizome::io {

namespace {

class SplitMixChooser final : public CrashChooser {
 public:
  explicit SplitMixChooser(uint64_t seed) : state_(seed) {}
  uint64_t Choose(uint64_t count) override {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % count;
  }

 private:
  uint64_t state_;
};

Status FaultStatus(SimFault fault, std::string_view call, std::string_view path) {
  std::string message(call);
  message.append(" ").append(path).append(": injected fault");
  return fault == SimFault::kNoSpace ? Status::NoSpace(std::move(message)) : Status::IoError(std::move(message));
}

}  // namespace

std::unique_ptr<CrashChooser> RandomChooser(uint64_t seed) { return std::make_unique<SplitMixChooser>(seed); }

std::string SimOperation::ToString() const {
  const std::string at = path + " @" + std::to_string(offset);
  switch (kind) {
    case Kind::kCreate: return "create " + path;
    case Kind::kCreateDirectory: return "mkdir " + path;
    case Kind::kRename: return "rename " + path + " to " + to;
    case Kind::kLink: return "link " + path + " to " + to;
    case Kind::kRemove: return "remove " + path;
    case Kind::kRemoveDirectory: return "rmdir " + path;
    case Kind::kSyncDirectory: return "sync directory " + path;
    case Kind::kWrite: return "write " + at + " +" + std::to_string(bytes.size());
    case Kind::kTruncate: return "truncate " + at;
    case Kind::kReserve: return "reserve " + at;
    case Kind::kSync: return "sync " + path;
    case Kind::kForgetUnsynced: return "failed sync " + path;
    case Kind::kMark: return "mark " + std::to_string(offset);
  }
  return "?";
}

void Replay(const SimOperation& operation, SimState& state) {
  using Kind = SimOperation::Kind;
  // A removed file that was still open when recorded: no crash can bring it back.
  if (operation.inode != 0 && operation.kind != Kind::kCreate && !state.Has(operation.inode)) return;
  Status status;
  switch (operation.kind) {
    case Kind::kCreate: status = state.CreateFile(operation.path).status(); break;
    case Kind::kCreateDirectory: status = state.CreateDirectory(operation.path); break;
    case Kind::kRename: status = state.Rename(operation.path, operation.to); break;
    case Kind::kLink: status = state.Link(operation.path, operation.to); break;
    case Kind::kRemove: status = state.Remove(operation.path); break;
    case Kind::kRemoveDirectory: status = state.RemoveDirectory(operation.path); break;
    case Kind::kSyncDirectory: status = state.SyncDirectory(operation.path); break;
    case Kind::kWrite: state.Write(operation.inode, operation.offset, operation.bytes); break;
    case Kind::kTruncate: state.Truncate(operation.inode, operation.offset); break;
    case Kind::kReserve: state.Reserve(operation.inode, operation.offset); break;
    case Kind::kSync: state.SyncFile(operation.inode); break;
    case Kind::kForgetUnsynced: state.ForgetUnsynced(operation.inode); break;
    case Kind::kMark: break;
  }
  CHECK(status.ok());  // it succeeded on this very state when it was recorded
}

// A handle: the inode, and the life of the disk it was opened in.
class SimFile final : public File {
 public:
  SimFile(SimDisk& disk, std::string path, SimState::Inode inode, bool writable)
      : disk_(disk), path_(std::move(path)), inode_(inode), writable_(writable), epoch_(disk.epoch_) {}
  ~SimFile() override {
    const MutexLock lock(disk_.mutex_);
    if (disk_.epoch_ == epoch_) disk_.state_.DropOpen(inode_);
  }

  Status Append(std::string_view bytes) override {
    const MutexLock lock(disk_.mutex_);
    RETURN_IF_ERROR(CheckAlive());
    return Write(disk_.state_.Content(inode_).size(), bytes);
  }

  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    const MutexLock lock(disk_.mutex_);
    RETURN_IF_ERROR(CheckAlive());
    return Write(offset, bytes);
  }

  Result<size_t> ReadInto(uint64_t offset, char* to, size_t length) const override {
    const MutexLock lock(disk_.mutex_);
    RETURN_IF_ERROR(CheckAlive());
    RETURN_IF_ERROR(disk_.CheckFault("read", path_));
    const std::string_view content = disk_.state_.Content(inode_);
    if (offset >= content.size()) return size_t{0};
    return content.copy(to, length, offset);
  }

  Status Sync() override {
    const MutexLock lock(disk_.mutex_);
    RETURN_IF_ERROR(CheckAlive());
    if (const auto fault = disk_.NextFault()) {
      if (*fault == SimFault::kSyncLies) {
        disk_.state_.ForgetUnsynced(inode_);
        Record(SimOperation::Kind::kForgetUnsynced, 0, {});
      }
      return FaultStatus(*fault, "sync", path_);
    }
    if (disk_.options_.sync_does_nothing) return Status::Ok();
    disk_.state_.SyncFile(inode_);
    Record(SimOperation::Kind::kSync, 0, {});
    return Status::Ok();
  }

  Status Truncate(uint64_t length) override {
    const MutexLock lock(disk_.mutex_);
    RETURN_IF_ERROR(CheckAlive());
    RETURN_IF_ERROR(CheckWritable());
    RETURN_IF_ERROR(disk_.CheckFault("truncate", path_));
    if (!disk_.Fits(disk_.state_.GrowthTo(inode_, length))) return Status::NoSpace("truncate " + path_ + ": disk full");
    disk_.state_.Truncate(inode_, length);
    Record(SimOperation::Kind::kTruncate, length, {});
    return Status::Ok();
  }

  Status Preallocate(uint64_t length) override {
    const MutexLock lock(disk_.mutex_);
    RETURN_IF_ERROR(CheckAlive());
    RETURN_IF_ERROR(CheckWritable());
    RETURN_IF_ERROR(disk_.CheckFault("fallocate", path_));
    if (!disk_.Fits(disk_.state_.GrowthTo(inode_, length))) {
      return Status::NoSpace("fallocate " + path_ + ": disk full");
    }
    disk_.state_.Reserve(inode_, length);
    Record(SimOperation::Kind::kReserve, length, {});
    return Status::Ok();
  }

  Result<uint64_t> Size() const override {
    const MutexLock lock(disk_.mutex_);
    RETURN_IF_ERROR(CheckAlive());
    RETURN_IF_ERROR(disk_.CheckFault("stat", path_));
    return static_cast<uint64_t>(disk_.state_.Content(inode_).size());
  }

 private:
  Status CheckAlive() const REQUIRES(disk_.mutex_) {
    return disk_.epoch_ == epoch_ ? Status::Ok() : Status::IoError(path_ + ": opened before the crash");
  }
  Status CheckWritable() const {
    return writable_ ? Status::Ok() : Status::IoError(path_ + ": opened for reading only");
  }
  void Record(SimOperation::Kind kind, uint64_t offset, std::string_view bytes) REQUIRES(disk_.mutex_) {
    disk_.Record({kind, path_, "", inode_, offset, std::string(bytes)});
  }
  Status Write(uint64_t offset, std::string_view bytes) REQUIRES(disk_.mutex_) {
    RETURN_IF_ERROR(CheckWritable());
    Status status;
    if (const auto fault = disk_.NextFault()) {
      status = FaultStatus(*fault, "write", path_);
      bytes = bytes.substr(0, bytes.size() / 2);
    } else if (const uint64_t growth = disk_.state_.GrowthTo(inode_, offset + bytes.size()); !disk_.Fits(growth)) {
      // As much as fits is written, as the kernel does.
      const uint64_t room = disk_.capacity_ - std::min(disk_.capacity_, disk_.state_.used_bytes());
      bytes = bytes.substr(0, bytes.size() - std::min<uint64_t>(bytes.size(), growth - room));
      status = Status::NoSpace("write " + path_ + ": disk full");
    }
    if (bytes.empty()) return status;
    disk_.state_.Write(inode_, offset, bytes);
    Record(SimOperation::Kind::kWrite, offset, bytes);
    return status;
  }

  SimDisk& disk_;
  const std::string path_;
  const SimState::Inode inode_;
  const bool writable_;
  const uint64_t epoch_;
};

SimDisk::SimDisk(SimDiskOptions options) : SimDisk(SimState(), options) {}

SimDisk::SimDisk(SimState state, SimDiskOptions options)
    : options_(options),
      state_(std::move(state)),
      own_chooser_(RandomChooser(options.seed)),
      capacity_(options.capacity_bytes) {}

std::optional<SimFault> SimDisk::NextFault() {
  const uint64_t now = operations_++;
  for (size_t i = 0; i < faults_.size(); ++i) {
    if (faults_[i].at != now) continue;
    const SimFault fault = faults_[i].fault;
    faults_.erase(faults_.begin() + static_cast<std::ptrdiff_t>(i));
    return fault;
  }
  return std::nullopt;
}

Status SimDisk::CheckFault(std::string_view call, std::string_view path) {
  const auto fault = NextFault();
  return fault ? FaultStatus(*fault, call, path) : Status::Ok();
}

void SimDisk::Record(SimOperation operation) {
  if (tracing_) trace_.operations.push_back(std::move(operation));
}

bool SimDisk::Fits(uint64_t growth) {
  const uint64_t used = state_.used_bytes();
  return growth == 0 || (used <= capacity_ && growth <= capacity_ - used);
}

Status SimDisk::Change(SimOperation operation, const std::function<Status(SimState&)>& call) {
  const MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckFault(operation.ToString(), ""));
  RETURN_IF_ERROR(call(state_));
  Record(std::move(operation));
  return Status::Ok();
}

Result<std::unique_ptr<File>> SimDisk::Open(const std::string& path, OpenMode mode) {
  const MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckFault("open", path));
  auto found = state_.Lookup(path);
  SimState::Inode inode = 0;
  if (found.ok()) {
    inode = *found;
    if (mode == OpenMode::kCreate) return Status::AlreadyExists(path + ": file exists");
    if (state_.IsDirectory(inode)) return Status::IoError(path + ": is a directory");
  } else {
    if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) return found.status();
    ASSIGN_OR_RETURN(inode, state_.CreateFile(path));
    Record({Kind::kCreate, path, "", inode, 0, ""});
  }
  state_.AddOpen(inode);
  return std::unique_ptr<File>(new SimFile(*this, path, inode, mode != OpenMode::kRead));
}

Result<std::unique_ptr<Mapping>> SimDisk::Map(const std::string& path, void* at) {
  const MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckFault("map", path));
  ASSIGN_OR_RETURN(const SimState::Inode inode, state_.Lookup(path));
  const std::string_view content = state_.Content(inode);
  if (content.empty()) return std::unique_ptr<Mapping>(new MemoryMapping(static_cast<char*>(at), 0, at != nullptr));
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | (at != nullptr ? MAP_FIXED : 0);
  void* data = ::mmap(at, content.size(), PROT_READ | PROT_WRITE, flags, -1, 0);
  if (data == MAP_FAILED) return Status::IoError("map " + path + ": out of memory");
  std::memcpy(data, content.data(), content.size());
  return std::unique_ptr<Mapping>(new MemoryMapping(static_cast<char*>(data), content.size(), at != nullptr));
}

Status SimDisk::Rename(const std::string& from, const std::string& to) {
  return Change({Kind::kRename, from, to, 0, 0, ""}, [&](SimState& state) { return state.Rename(from, to); });
}

Status SimDisk::Link(const std::string& from, const std::string& to) {
  return Change({Kind::kLink, from, to, 0, 0, ""}, [&](SimState& state) { return state.Link(from, to); });
}

Status SimDisk::Remove(const std::string& path) {
  return Change({Kind::kRemove, path, "", 0, 0, ""}, [&](SimState& state) { return state.Remove(path); });
}

Status SimDisk::CreateDirectory(const std::string& path) {
  return Change({Kind::kCreateDirectory, path, "", 0, 0, ""},
                [&](SimState& state) { return state.CreateDirectory(path); });
}

Status SimDisk::RemoveDirectory(const std::string& path) {
  return Change({Kind::kRemoveDirectory, path, "", 0, 0, ""},
                [&](SimState& state) { return state.RemoveDirectory(path); });
}

Status SimDisk::SyncDirectory(const std::string& path) {
  const MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckFault("sync directory", path));
  if (options_.directory_sync_does_nothing) return Status::Ok();
  RETURN_IF_ERROR(state_.SyncDirectory(path));
  Record({Kind::kSyncDirectory, path, "", 0, 0, ""});
  return Status::Ok();
}

Result<std::vector<std::string>> SimDisk::List(const std::string& path) {
  const MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckFault("list", path));
  return state_.List(path);
}

Result<bool> SimDisk::Exists(const std::string& path) {
  const MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckFault("stat", path));
  return state_.Lookup(path).ok();
}

Result<PathInfo> SimDisk::Inspect(const std::string& path) {
  const MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckFault("lstat", path));
  ASSIGN_OR_RETURN(const SimState::Inode inode, state_.Lookup(path));
  if (state_.IsDirectory(inode)) return PathInfo{PathKind::kDirectory, 0};
  return PathInfo{PathKind::kFile, state_.Content(inode).size()};
}

Result<uint64_t> SimDisk::FreeBytes(const std::string& path) {
  const MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckFault("statvfs", path));
  return capacity_ - std::min(capacity_, state_.used_bytes());
}

Result<std::shared_ptr<void>> SimDisk::Lock(const std::string& path) {
  const MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckFault("lock", path));
  if (!locks_[path].expired()) return Status::FailedPrecondition(path + " is locked by another holder");
  auto held = std::static_pointer_cast<void>(std::make_shared<char>());
  locks_[path] = held;
  return held;
}

void SimDisk::Crash() {
  const MutexLock lock(mutex_);
  state_.Crash(*own_chooser_);
  ++epoch_;
  locks_.clear();
}

void SimDisk::Crash(CrashChooser& chooser, bool directory_operations_in_order) {
  const MutexLock lock(mutex_);
  state_.Crash(chooser, directory_operations_in_order);
  ++epoch_;
  locks_.clear();
}

void SimDisk::FailOperation(uint64_t nth, SimFault fault) {
  const MutexLock lock(mutex_);
  faults_.push_back({operations_ + nth, fault});
}

uint64_t SimDisk::operations() {
  const MutexLock lock(mutex_);
  return operations_;
}

void SimDisk::SetCapacity(uint64_t bytes) {
  const MutexLock lock(mutex_);
  capacity_ = bytes;
}

uint64_t SimDisk::used_bytes() {
  const MutexLock lock(mutex_);
  return state_.used_bytes();
}

Status SimDisk::FlipBit(const std::string& path, uint64_t offset, int bit) {
  const MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const SimState::Inode inode, state_.Lookup(path));
  state_.FlipBit(inode, offset, bit);
  return Status::Ok();
}

void SimDisk::StartTrace() {
  const MutexLock lock(mutex_);
  tracing_ = true;
  trace_ = {state_, {}};
}

SimTrace SimDisk::trace() {
  const MutexLock lock(mutex_);
  return trace_;
}

void SimDisk::Mark(uint64_t value) {
  const MutexLock lock(mutex_);
  Record({Kind::kMark, "", "", 0, value, ""});
}

SimState SimDisk::state() {
  const MutexLock lock(mutex_);
  return state_;
}

}  // namespace rhizome::io
