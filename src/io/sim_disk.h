// SimDisk: the Disk port in memory, deterministic, with the faults of real devices (fault model: io/sim_state.h).
//
// A test drives it three ways: Crash loses unsynced state; FailOperation and SetCapacity make calls fail; and a
// recorded Trace is replayed by EnumerateCrashStates (io/crash_enumeration.h) up to each of its operations.
// Thread-safe. Files and mappings must not outlive the disk; files opened before a crash answer IoError after it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "io/disk.h"
#include "io/sim_state.h"

namespace rhizome::io {

enum class SimFault {
  kIoError,   // the call fails; a write may have left a prefix
  kNoSpace,   // the same, as a full disk
  kSyncLies,  // a Sync fails, loses what was unsynced and succeeds ever after; other calls fail with IoError
};

// One call that changed the disk.
struct SimOperation {
  enum class Kind {
    kCreate,
    kCreateDirectory,
    kRename,
    kLink,
    kRemove,
    kRemoveDirectory,
    kSyncDirectory,
    kWrite,
    kTruncate,
    kReserve,
    kSync,
    kForgetUnsynced,
    kMark,
  };
  Kind kind = Kind::kMark;
  std::string path;  // of the call, or of the file's opening
  std::string to;
  SimState::Inode inode = 0;
  uint64_t offset = 0;  // or length, or the mark
  std::string bytes;

  // "write log/1 @512 +40", for failure messages.
  std::string ToString() const;
};

// What happened to a disk since recording started.
struct SimTrace {
  SimState start;
  std::vector<SimOperation> operations;
};

// Repeats a recorded operation on the state it was recorded on.
void Replay(const SimOperation& operation, SimState& state);

struct SimDiskOptions {
  uint64_t seed = 1;
  uint64_t capacity_bytes = UINT64_MAX;
  // Planted bugs: the call reports success and does nothing. A test that cannot see it is worthless.
  bool sync_does_nothing = false;
  bool directory_sync_does_nothing = false;
};

class SimDisk final : public Disk {
 public:
  explicit SimDisk(SimDiskOptions options = {});
  SimDisk(SimState state, SimDiskOptions options);

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Result<std::unique_ptr<Mapping>> Map(const std::string& path, void* at = nullptr) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status CreateDirectory(const std::string& path) override;
  Status RemoveDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override;
  Result<PathInfo> Inspect(const std::string& path) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;
  Result<std::shared_ptr<void>> Lock(const std::string& path) override;

  // Power loss and restart: choices by the disk's own seed, or by `chooser`. Locks fall, open files go dead.
  void Crash() EXCLUDES(mutex_);
  void Crash(CrashChooser& chooser, bool directory_operations_in_order = false) EXCLUDES(mutex_);

  // The call number `nth` from now (0: the next) fails, once. Every call that can fail counts, reads included.
  void FailOperation(uint64_t nth, SimFault fault) EXCLUDES(mutex_);
  // Calls so far.
  uint64_t operations() EXCLUDES(mutex_);
  void SetCapacity(uint64_t bytes) EXCLUDES(mutex_);
  uint64_t used_bytes() EXCLUDES(mutex_);
  Status FlipBit(const std::string& path, uint64_t offset, int bit) EXCLUDES(mutex_);

  void StartTrace() EXCLUDES(mutex_);
  // The trace so far; recording goes on.
  SimTrace trace() EXCLUDES(mutex_);
  // Notes a promise given to a client, e.g. the highest LSN acknowledged, so that crash states know it.
  void Mark(uint64_t value) EXCLUDES(mutex_);
  // A copy of everything held, crash-relevant state included.
  SimState state() EXCLUDES(mutex_);

 private:
  friend class SimFile;
  using Kind = SimOperation::Kind;
  struct Pending {
    uint64_t at;
    SimFault fault;
  };

  // Counts the call; the fault planted for it, if any.
  std::optional<SimFault> NextFault() REQUIRES(mutex_);
  Status CheckFault(std::string_view call, std::string_view path) REQUIRES(mutex_);
  void Record(SimOperation operation) REQUIRES(mutex_);
  // Counts, checks for a planted fault, performs `call` and records it.
  Status Change(SimOperation operation, const std::function<Status(SimState&)>& call) EXCLUDES(mutex_);
  bool Fits(uint64_t growth) REQUIRES(mutex_);

  const SimDiskOptions options_;
  Mutex mutex_;
  SimState state_ GUARDED_BY(mutex_);
  std::unique_ptr<CrashChooser> own_chooser_ GUARDED_BY(mutex_);
  uint64_t capacity_ GUARDED_BY(mutex_);
  uint64_t operations_ GUARDED_BY(mutex_) = 0;
  uint64_t epoch_ GUARDED_BY(mutex_) = 0;  // crashes so far
  std::vector<Pending> faults_ GUARDED_BY(mutex_);
  std::map<std::string, std::weak_ptr<void>> locks_ GUARDED_BY(mutex_);
  bool tracing_ GUARDED_BY(mutex_) = false;
  SimTrace trace_ GUARDED_BY(mutex_);
};

// Choices drawn from a seed (SplitMix64: Steele, Lea, Flood, OOPSLA 2014, fig. 11).
std::unique_ptr<CrashChooser> RandomChooser(uint64_t seed);

}  // namespace rhizome::io
