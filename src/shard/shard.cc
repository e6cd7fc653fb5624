#include "shard/shard.h"

namespace rhizome::shard {

using format::Operation;
using format::OperationBatch;

Shard::Shard(uint32_t number, std::unique_ptr<vector::VectorEngine> engine, wal::Log& log, HybridClock& clock)
    : engine_(std::move(engine)), clock_(clock), order_(number, log) {
  clock_.Observe(engine_->max_version());
}

Status Shard::Replay(const wal::LogRecord& record) {
  if (record.lsn <= engine_->checkpoint_lsn()) return Status::Ok();
  ASSIGN_OR_RETURN(const OperationBatch batch, format::DecodeOperationBatch(record.payload));
  for (const Operation& operation : batch.operations) clock_.Observe(operation.version);
  return engine_->Apply(record.lsn, batch.operations, batch.fates);
}

Status Shard::Check(const std::vector<Operation>& operations) const {
  RETURN_IF_ERROR(order_.Check());
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
  std::string encoded;
  LogOrder::Place place = order_.Begin([&]() -> std::string_view {
    for (Operation& operation : operations) {
      if (stamp == Stamp::kAssign) {
        operation.version = clock_.Next();
      } else {
        clock_.Observe(operation.version);
      }
    }
    encoded = format::EncodeBatch(operations);
    return encoded;
  });
  return {std::move(place), {std::move(operations), {}}};
}

LogOrder::Apply Shard::ApplyOf(OperationBatch batch) {
  return [this, batch = std::move(batch)](wal::Lsn lsn) { return engine_->Apply(lsn, batch.operations, batch.fates); };
}

Status Shard::Finish(PendingWrite pending) {
  return order_.Finish(std::move(pending.place), ApplyOf(std::move(pending.batch)));
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
  LogOrder::Place place = order_.Begin([&] {
    for (const Operation& operation : batch.operations) clock_.Observe(operation.version);
    return encoded;
  });
  return order_.Finish(std::move(place), ApplyOf(std::move(batch)));
}

}  // namespace rhizome::shard
