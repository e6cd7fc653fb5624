#include "shard/log_order.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "base/check.h"

namespace rhizome::shard {

Status LogOrder::Check() const {
  RETURN_IF_ERROR(write_status());
  return log_.write_status();
}

LogOrder::Place LogOrder::Begin(const std::function<std::string_view()>& encode) {
  return BeginAll([&]() -> Entries { return {encode()}; }, CommitBy::kLog);
}

LogOrder::Place LogOrder::BeginAll(const std::function<Entries()>& encode, CommitBy by) {
  MutexLock lock(mutex_);
  std::vector<wal::LogEntry> entries;
  for (const std::string_view payload : encode()) entries.push_back({stream_, payload});
  CHECK(!entries.empty());
  Place place;
  place.commits = by == CommitBy::kInFinish;
  auto done = std::make_shared<std::promise<Result<wal::Lsn>>>();
  place.durable = done->get_future();
  place.ticket = next_ticket_++;
  auto tell = [done, behind = entries.size() - 1](Result<wal::Lsn> first) {
    done->set_value(first.ok() ? Result<wal::Lsn>(*first + behind) : std::move(first));
  };
  if (place.commits) {
    log_.AppendLater(entries, std::move(tell));
  } else {
    log_.AppendAsync(entries, std::move(tell));
  }
  return place;
}

Status LogOrder::Finish(Place place, Apply apply) {
  // Its outcome is in `durable`.
  if (place.commits && place.durable.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    (void)log_.Commit().ok();
  }
  const Result<wal::Lsn> lsn = place.durable.get();
  MutexLock lock(mutex_);
  while (turn_ != place.ticket) turn_changed_.Wait(mutex_);
  Status status = lsn.status();
  if (lsn.ok()) last_lsn_ = std::max(last_lsn_, *lsn);
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

wal::Lsn LogOrder::Drain() {
  MutexLock lock(mutex_);
  for (const uint64_t begun = next_ticket_; turn_ < begun;) turn_changed_.Wait(mutex_);
  return last_lsn_;
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
