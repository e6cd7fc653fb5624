#include "shard/graph_shard.h"

#include <string>

#include "engines/graph/validation.h"

namespace rhizome::shard {

using format::GraphOperation;

namespace {

// A count is no version of a clock's.
bool IsVersioned(const GraphOperation& operation) {
  return !std::holds_alternative<format::CountAccess>(operation.body);
}

}  // namespace

GraphShard::GraphShard(uint32_t stream, std::unique_ptr<graph::GraphEngine> engine, wal::Log& log, HybridClock& clock)
    : engine_(std::move(engine)), clock_(clock), order_(stream, log) {
  clock_.Observe(engine_->max_version());
}

void GraphShard::Observe(const std::vector<GraphOperation>& operations) {
  for (const GraphOperation& operation : operations) {
    if (IsVersioned(operation)) clock_.Observe(operation.version);
  }
}

Status GraphShard::Replay(const wal::LogRecord& record) {
  if (record.lsn <= engine_->applied_lsn()) return Status::Ok();
  ASSIGN_OR_RETURN(const std::vector<GraphOperation> operations, format::DecodeGraphBatch(record.payload));
  Observe(operations);
  return engine_->Apply(record.lsn, operations);
}

Status GraphShard::Check(const std::vector<GraphOperation>& operations) const {
  RETURN_IF_ERROR(order_.Check());
  return graph::ValidateGraphOperations(operations);
}

Status GraphShard::CheckMerge(const std::vector<GraphOperation>& operations) const {
  for (size_t i = 0; i < operations.size(); ++i) {
    if (IsVersioned(operations[i]) && operations[i].version == Version{}) {
      return Status::InvalidArgument("operations[" + std::to_string(i) + "].version", "was never assigned");
    }
  }
  return Check(operations);
}

PendingGraphWrite GraphShard::Begin(std::vector<GraphOperation> operations, Stamp stamp) {
  std::string encoded;
  LogOrder::Place place = order_.Begin([&]() -> std::string_view {
    for (GraphOperation& operation : operations) {
      if (stamp == Stamp::kAssign && IsVersioned(operation)) operation.version = clock_.Next();
    }
    if (stamp == Stamp::kKeep) Observe(operations);
    encoded = format::EncodeGraphBatch(operations);
    return encoded;
  });
  return {std::move(place), std::move(operations)};
}

Status GraphShard::Finish(PendingGraphWrite pending) {
  return order_.Finish(std::move(pending.place), [this, operations = std::move(pending.operations)](wal::Lsn lsn) {
    return engine_->Apply(lsn, operations);
  });
}

Status GraphShard::Write(std::vector<GraphOperation> operations) {
  RETURN_IF_ERROR(Check(operations));
  return Finish(Begin(std::move(operations), Stamp::kAssign));
}

Status GraphShard::Merge(std::vector<GraphOperation> operations) {
  RETURN_IF_ERROR(CheckMerge(operations));
  return Finish(Begin(std::move(operations), Stamp::kKeep));
}

Status GraphShard::MergeEncoded(std::string_view encoded) {
  ASSIGN_OR_RETURN(std::vector<GraphOperation> operations, format::DecodeGraphBatch(encoded));
  RETURN_IF_ERROR(CheckMerge(operations));
  LogOrder::Place place = order_.Begin([&] {
    Observe(operations);
    return encoded;
  });
  return Finish({std::move(place), std::move(operations)});
}

}  // namespace rhizome::shard
