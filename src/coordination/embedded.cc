#include "coordination/embedded.h"

#include <algorithm>
#include <chrono>

namespace rhizome::coordination {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// A clock that stands still must not hold a waiter longer than this between two looks.
constexpr int64_t kWaitMsMax = 1'000;

int64_t NowMsOf(Clock& clock) { return clock.MonotonicNs() / kNsPerMs; }

Status Unknown(const Status& failure) {
  return Status::DeadlineExceeded("unknown outcome: " + std::string(failure.message()));
}

}  // namespace

Result<std::unique_ptr<Embedded>> Embedded::Open(io::Disk& disk, const std::string& directory, Clock& clock) {
  RETURN_IF_ERROR(io::CreateDirectories(disk, directory));
  ASSIGN_OR_RETURN(auto lock, disk.Lock(directory + "/LOCK"));
  const std::string path = directory + "/state";
  ASSIGN_OR_RETURN(const bool exists, disk.Exists(path));
  State state;
  if (exists) {
    ASSIGN_OR_RETURN(const std::string bytes, io::ReadWholeFile(disk, path));
    auto decoded = State::Decode(bytes, NowMsOf(clock));
    if (!decoded.ok()) return decoded.status().Annotate(path);
    state = std::move(decoded).value();
    // The rename that published it may not have been made durable before a crash; what is shown from here on must be.
    RETURN_IF_ERROR(disk.SyncDirectory(directory));
  }
  return std::unique_ptr<Embedded>(new Embedded(disk, path, std::move(lock), std::move(state), clock));
}

Embedded::Embedded(io::Disk& disk, std::string path, std::shared_ptr<void> lock, State state, Clock& clock)
    : disk_(disk), path_(std::move(path)), directory_lock_(std::move(lock)), clock_(clock), state_(std::move(state)) {}

int64_t Embedded::NowMs() const { return NowMsOf(clock_); }

Status Embedded::Publish(State next) {
  if (const Status status = io::WriteFileAtomically(disk_, path_, next.Encode()); !status.ok()) {
    // On a full disk the next change writes a file of its own again. After any other failure the old file and the new
    // may both be what a restart finds, and a second try may seem to succeed without having.
    if (status.code() != Code::kNoSpace) {
      broken_ = Status::Unavailable("coordination waits for a restart: " + std::string(status.message()));
    }
    return status;
  }
  state_ = std::move(next);
  changed_.NotifyAll();
  return Status::Ok();
}

Status Embedded::Settle() {
  RETURN_IF_ERROR(broken_);
  const auto next_expiry = state_.NextExpiryMs();
  if (!next_expiry || *next_expiry > NowMs()) return Status::Ok();
  State next = state_;
  next.Expire(NowMs());
  const Status status = Publish(std::move(next));
  return status.ok() ? status : Status::Unavailable("ending leases: " + std::string(status.message()));
}

Result<Committed> Embedded::Commit(const Transaction& transaction) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Settle());
  State next = state_;
  ASSIGN_OR_RETURN(const Committed committed, next.Commit(transaction));
  if (next.revision() == state_.revision()) return committed;
  if (const Status status = Publish(std::move(next)); !status.ok()) return Unknown(status);
  return committed;
}

Result<Listing> Embedded::List(const std::string& prefix) {
  RETURN_IF_ERROR(CheckPrefix(prefix));
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Settle());
  return state_.List(prefix);
}

Result<LeaseId> Embedded::Grant(int64_t ttl_ms) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Settle());
  State next = state_;
  ASSIGN_OR_RETURN(const LeaseId lease, next.Grant(ttl_ms, NowMs()));
  if (const Status status = Publish(std::move(next)); !status.ok()) return Unknown(status);
  return lease;
}

Result<int64_t> Embedded::KeepAlive(LeaseId lease) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Settle());
  return state_.KeepAlive(lease, NowMs());
}

Status Embedded::Revoke(LeaseId lease) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Settle());
  State next = state_;
  RETURN_IF_ERROR(next.Revoke(lease));
  const Status status = Publish(std::move(next));
  return status.ok() ? status : Unknown(status);
}

Result<int64_t> Embedded::AwaitChange(const std::string& prefix, int64_t after_revision, int64_t timeout_ms) {
  RETURN_IF_ERROR(CheckPrefix(prefix));
  const int64_t end_ms = NowMs() + timeout_ms;
  MutexLock lock(mutex_);
  while (true) {
    RETURN_IF_ERROR(Settle());
    if (state_.ChangedAfter(prefix, after_revision)) return state_.revision();
    const int64_t now_ms = NowMs();
    if (now_ms >= end_ms) return after_revision;
    const int64_t wake_ms = std::min(end_ms, state_.NextExpiryMs().value_or(end_ms));
    const int64_t wait_ms = std::clamp<int64_t>(wake_ms - now_ms, 1, kWaitMsMax);
    changed_.WaitFor(mutex_, std::chrono::milliseconds(wait_ms));
  }
}

}  // namespace rhizome::coordination
