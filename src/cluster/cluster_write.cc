// THE write path of a cluster: check everything, route, let each partition's owners agree.
#include <utility>

#include "base/hash.h"
#include "cluster/cluster.h"
#include "cluster/cluster_parts.h"
#include "cluster/routing.h"
#include "engines/vector/validation.h"

namespace rhizome::cluster {

using fabric::Level;
using fabric::WriteCommand;
using fabric::WriteReceipt;
using format::Operation;

namespace {

// One outcome of all partitions: nothing was written, or it is there, or unknown.
Status Joined(const std::vector<Status>& outcomes) {
  Status refused, unknown;
  size_t taken = 0;
  for (const Status& outcome : outcomes) {
    if (outcome.ok()) {
      ++taken;
    } else if (outcome.code() == Code::kDeadlineExceeded) {
      if (unknown.ok()) unknown = outcome;
    } else if (refused.ok()) {
      refused = outcome;
    }
  }
  if (taken == outcomes.size()) return Status::Ok();
  if (!unknown.ok()) return unknown;
  if (taken == 0) return refused;
  return Status::DeadlineExceeded("only some partitions took the write; repeat it: " + refused.ToString());
}

}  // namespace

Status Cluster::Write(const std::string& collection, std::vector<Operation> operations, const WriteOptions& options) {
  ASSIGN_OR_RETURN(const Call call, Begin(collection, options, Level::kQuorum));
  const View& view = call.view;
  RETURN_IF_ERROR(vector::ValidateOperations(operations, view.spec.dimension, view.spec.metric));
  const auto request = StampOf(options, operations);
  Parts<Operation> split(view.record.partitions);
  for (size_t i = 0; i < operations.size(); ++i) {
    const uint32_t partition = view.PartitionOf(operations[i].id());
    split.Add(partition, std::move(operations[i]), i);
  }
  std::vector<LoopCalls::Start<Result<WriteReceipt>>> starts;
  std::vector<uint32_t> partitions;
  for (uint32_t p = 0; p < view.record.partitions; ++p) {
    if (split.items[p].empty()) continue;
    WriteCommand command;
    command.shard = view.ShardOf(p);
    command.operations = std::move(split.items[p]);
    command.level = call.level;
    command.request = request;
    command.context = call.context;
    starts.push_back([this, command = std::move(command)]() mutable {
      return parts_.member.coordinator().Write(std::move(command));
    });
    partitions.push_back(p);
  }
  const std::vector<Result<WriteReceipt>> receipts = parts_.calls.All<Result<WriteReceipt>>(std::move(starts));
  std::vector<Status> outcomes;
  for (size_t i = 0; i < receipts.size(); ++i) {
    outcomes.push_back(receipts[i].status().Annotate(view.Name(partitions[i])));
  }
  return Joined(outcomes);
}

}  // namespace rhizome::cluster
