#include "shard/log_order.h"

#include <memory>
#include <string>

namespace rhizome::shard {

Status LogOrder::Check() const {
  RETURN_IF_ERROR(write_status());
  return log_.write_status();
}

LogOrder::Place LogOrder::Begin(const std::function<std::string_view()>& encode) {
  MutexLock lock(mutex_);
  const wal::LogEntry entry{stream_, encode()};
  Place place;
  auto done = std::make_shared<std::promise<Result<wal::Lsn>>>();
  place.durable = done->get_future();
  place.ticket = next_ticket_++;
  log_.AppendAsync({&entry, 1}, [done](Result<wal::Lsn> lsn) { done->set_value(std::move(lsn)); });
  return place;
}

Status LogOrder::Finish(Place place, Apply apply) {
  const Result<wal::Lsn> lsn = place.durable.get();
  MutexLock lock(mutex_);
  while (turn_ != place.ticket) turn_changed_.Wait(mutex_);
  Status status = lsn.status();
  if (status.ok()) status = refused_;
  if (status.ok()) {
    status = apply(*lsn);
    if (!status.ok()) RefuseAfter(status);
  } else if (lsn.ok() && refused_.code() == Code::kNoSpace) {
    unapplied_.emplace_back(*lsn, std::move(apply));
  }
  // It is in the log: whatever kept it from being applied, it may yet be.
  if (lsn.ok() && !status.ok() && status.code() != Code::kNotFound) {
    status = Status::IoError("durable, but not applied: " + status.ToString());
  }
  ++turn_;
  turn_changed_.NotifyAll();
  return status;
}

wal::Lsn LogOrder::UnneededLsn(const std::function<Reached()>& reached) {
  MutexLock lock(mutex_);
  const Reached now = reached();
  const bool idle = refused_.ok() && turn_ == next_ticket_ && now.applied <= now.checkpoint;
  return idle ? log_.durable_lsn() : now.checkpoint;
}

void LogOrder::Stop(Status reason) {
  MutexLock lock(mutex_);
  Refuse(std::move(reason));
  while (turn_ != next_ticket_) turn_changed_.Wait(mutex_);
}

void LogOrder::RefuseAfter(const Status& failed_apply) {
  if (failed_apply.code() == Code::kNoSpace) {
    Refuse(Status::NoSpace("a durable write waits for room in the database; make room and restart: " +
                           failed_apply.ToString()));
  } else {
    Refuse(Status::ReadOnly("a durable write could not be applied; restart to replay it: " + failed_apply.ToString()));
  }
}

Status LogOrder::TryResume(const std::function<Status()>& retry) {
  MutexLock lock(mutex_);
  if (refused_.code() != Code::kNoSpace) return refused_;
  Status status = retry();
  while (status.ok() && !unapplied_.empty()) {
    const auto [lsn, apply] = std::move(unapplied_.front());
    unapplied_.pop_front();  // from here on the engine keeps it, if it has to wait on
    status = apply(lsn);
  }
  if (!status.ok()) {
    RefuseAfter(status);
    return status;
  }
  refused_ = Status::Ok();
  refuses_ = false;
  return status;
}

void LogOrder::Refuse(Status reason) {
  refused_ = std::move(reason);
  refuses_ = true;
}

Status LogOrder::write_status() const {
  if (!refuses_) return Status::Ok();
  MutexLock lock(mutex_);
  return refused_;
}

}  // namespace rhizome::shard
