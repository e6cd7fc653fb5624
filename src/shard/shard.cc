#include "shard/shard.h"

namespace rhizome::shard {

using format::Operation;
using format::OperationBatch;

Shard::Shard(uint32_t number, std::unique_ptr<vector::VectorEngine> engine, wal::Log& log, HybridClock& clock)
    : number_(number), engine_(std::move(engine)), log_(log), clock_(clock) {
  MutexLock lock(order_mutex_);
  clock_.Observe(engine_->max_version());
}

Status Shard::Replay(const wal::LogRecord& record) {
  if (record.lsn <= engine_->checkpoint_lsn()) return Status::Ok();
  ASSIGN_OR_RETURN(const OperationBatch batch, format::DecodeOperationBatch(record.payload));
  for (const Operation& operation : batch.operations) clock_.Observe(operation.version);
  return engine_->Apply(record.lsn, batch.operations, batch.fates);
}

Status Shard::Check(const std::vector<Operation>& operations) const {
  RETURN_IF_ERROR(write_status());
  RETURN_IF_ERROR(log_.write_status());
  return engine_->Validate(operations);
}

Status Shard::CheckMerge(const std::vector<Operation>& operations) const {
  for (size_t i = 0; i < operations.size(); ++i) {
    if (operations[i].version == Version{}) {
      return Status::InvalidArgument("operations[" + std::to_string(i) + "].version", "was never assigned");
    }
  }
  return Check(operations);
}

PendingWrite Shard::Begin(std::vector<Operation> operations, Stamp stamp) {
  MutexLock lock(order_mutex_);
  for (Operation& operation : operations) {
    if (stamp == Stamp::kAssign) {
      operation.version = clock_.Next();
    } else {
      clock_.Observe(operation.version);
    }
  }
  const std::string encoded = format::EncodeBatch(operations);
  return Enqueue({std::move(operations), {}}, encoded);
}

PendingWrite Shard::Enqueue(OperationBatch batch, std::string_view encoded) {
  PendingWrite pending;
  auto done = std::make_shared<std::promise<Result<wal::Lsn>>>();
  pending.durable = done->get_future();
  pending.batch = std::move(batch);
  pending.ticket = next_ticket_++;
  const wal::LogEntry entry{number_, encoded};
  log_.AppendAsync({&entry, 1}, [done](Result<wal::Lsn> lsn) { done->set_value(std::move(lsn)); });
  return pending;
}

Status Shard::Finish(PendingWrite pending) {
  const Result<wal::Lsn> lsn = pending.durable.get();
  MutexLock lock(order_mutex_);
  while (turn_ != pending.ticket) turn_changed_.Wait(order_mutex_);
  Status status = lsn.status();
  if (status.ok() && refused_.code() == Code::kNoSpace) {
    unapplied_.emplace_back(*lsn, std::move(pending.batch));
  }
  if (status.ok()) status = refused_;
  if (status.ok()) {
    status = engine_->Apply(*lsn, pending.batch.operations, pending.batch.fates);
    if (!status.ok()) RefuseAfter(status);
  }
  // It is in the log: whatever kept it from being applied, it may yet be.
  if (lsn.ok() && !status.ok() && status.code() != Code::kNotFound) {
    status = Status::IoError("durable, but not applied: " + status.ToString());
  }
  ++turn_;
  turn_changed_.NotifyAll();
  return status;
}

Status Shard::Write(std::vector<Operation> operations) {
  RETURN_IF_ERROR(Check(operations));
  return Finish(Begin(std::move(operations), Stamp::kAssign));
}

Status Shard::Merge(std::vector<Operation> operations) {
  RETURN_IF_ERROR(CheckMerge(operations));
  return Finish(Begin(std::move(operations), Stamp::kKeep));
}

Status Shard::MergeEncoded(std::string_view encoded) {
  ASSIGN_OR_RETURN(OperationBatch batch, format::DecodeOperationBatch(encoded));
  RETURN_IF_ERROR(CheckMerge(batch.operations));
  PendingWrite pending;
  {
    MutexLock lock(order_mutex_);
    for (const Operation& operation : batch.operations) clock_.Observe(operation.version);
    pending = Enqueue(std::move(batch), encoded);
  }
  return Finish(std::move(pending));
}

wal::Lsn Shard::UnneededLsn() {
  MutexLock lock(order_mutex_);
  const bool idle = refused_.ok() && turn_ == next_ticket_ && !dirty();
  return idle ? log_.durable_lsn() : engine_->checkpoint_lsn();
}

void Shard::Stop(Status reason) {
  MutexLock lock(order_mutex_);
  Refuse(std::move(reason));
  while (turn_ != next_ticket_) turn_changed_.Wait(order_mutex_);
}

void Shard::RefuseAfter(const Status& failed_apply) {
  if (failed_apply.code() == Code::kNoSpace) {
    Refuse(Status::NoSpace("a durable write waits for room in the database; make room and restart: " +
                           failed_apply.ToString()));
  } else {
    Refuse(Status::ReadOnly("a durable write could not be applied; restart to replay it: " + failed_apply.ToString()));
  }
}

Status Shard::TryResume() {
  MutexLock lock(order_mutex_);
  if (refused_.code() != Code::kNoSpace) return refused_;
  Status status = engine_->Retry();
  while (status.ok() && !unapplied_.empty()) {
    const auto [lsn, batch] = std::move(unapplied_.front());
    unapplied_.pop_front();  // from here on the engine keeps it, if it has to wait on
    status = engine_->Apply(lsn, batch.operations, batch.fates);
  }
  if (!status.ok()) {
    RefuseAfter(status);
    return status;
  }
  refused_ = Status::Ok();
  refuses_ = false;
  return status;
}

void Shard::Refuse(Status reason) {
  refused_ = std::move(reason);
  refuses_ = true;
}

Status Shard::write_status() const {
  if (!refuses_) return Status::Ok();
  MutexLock lock(order_mutex_);
  return refused_;
}

}  // namespace rhizome::shard
