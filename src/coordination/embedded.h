// Embedded: the coordination port in this process, kept on its own disk; what a single process runs on.
//
// A State, written whole to the file `state` in its directory before a change is seen or acknowledged
// (docs/formats/coordination.md). The directory is locked against other processes. Leases run while the store is open:
// after a restart each has its whole life again, so that whoever lived on one can come back to it.
//
// Errors, beside those of the port: Corruption from Open, when the file is not what was written (nothing is guessed);
// ResourceExhausted (full). A change that could not be written is DeadlineExceeded: whether the disk has it is unknown,
// and an end of leases that could not be written is Unavailable. A full disk passes: the next change is tried anew.
// Any other failure of the disk is final, since what it holds is no longer known: every later call is Unavailable until
// the store is opened again.
//
// Thread-safe. Waiters in AwaitChange must have returned before it goes.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "coordination/coordination.h"
#include "coordination/state.h"
#include "io/disk.h"

namespace rhizome::coordination {

class Embedded final : public Coordination {
 public:
  // Makes the directory if need be. Errors: FailedPrecondition (another process has it), Corruption, and the disk's.
  // `disk` and `clock` outlive the store.
  static Result<std::unique_ptr<Embedded>> Open(io::Disk& disk, const std::string& directory,
                                                Clock& clock = SystemClock());

  Result<Committed> Commit(const Transaction& transaction) override EXCLUDES(mutex_);
  Result<Listing> List(const std::string& prefix) override EXCLUDES(mutex_);
  Result<LeaseId> Grant(int64_t ttl_ms) override EXCLUDES(mutex_);
  Result<int64_t> KeepAlive(LeaseId lease) override EXCLUDES(mutex_);
  Status Revoke(LeaseId lease) override EXCLUDES(mutex_);
  Result<int64_t> AwaitChange(const std::string& prefix, int64_t after_revision, int64_t timeout_ms) override
      EXCLUDES(mutex_);

 private:
  Embedded(io::Disk& disk, std::string path, std::shared_ptr<void> lock, State state, Clock& clock);
  int64_t NowMs() const;
  // Ends what is due, durably; to be called before anything looks at the state.
  Status Settle() REQUIRES(mutex_);
  // Writes `next`, which then is the state, and wakes waiters.
  Status Publish(State next) REQUIRES(mutex_);

  // Constant after construction.
  io::Disk& disk_;
  const std::string path_;
  const std::shared_ptr<void> directory_lock_;
  Clock& clock_;

  Mutex mutex_;
  CondVar changed_;
  State state_ GUARDED_BY(mutex_);
  Status broken_ GUARDED_BY(mutex_);  // not OK: the disk failed
};

}  // namespace rhizome::coordination
