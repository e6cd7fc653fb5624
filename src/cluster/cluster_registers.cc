#include <algorithm>
#include <utility>

#include "cluster/cluster_parts.h"
#include "cluster/registers.h"
#include "cluster/routing.h"
#include "engines/vector/validation.h"

namespace rhizome::cluster {

using fabric::Level;
using format::InventoryPage;
using format::Operation;

namespace {

constexpr int64_t kCallTimeoutNs = 60'000'000'000;
constexpr uint32_t kKeysPerPage = 10'000;
using ReadAnswer = Result<std::vector<std::optional<Operation>>>;

}  // namespace

struct ClusterRegisters::Access {
  static Result<Cluster::Call> Begin(Cluster& cluster, const std::string& collection);
};

class ClusterRegisters::ShardView final : public PartitionView {
 public:
  ShardView(ClusterRegisters& owner, std::string collection, fabric::ShardNumber shard)
      : owner_(owner), collection_(std::move(collection)), shard_(shard), begin_(Now()) {}

  uint64_t begin_lsn() const override { return begin_; }
  Result<uint64_t> EndLsn() const override { return std::max(begin_ + 1, Now()); }
  Status Scan(const std::function<bool(const format::RegisterVersion&)>& visit) const override;
  Result<std::vector<std::optional<Operation>>> Read(std::span<const std::string> keys) const override;

 private:
  // As the time of a version.
  uint64_t Now() const { return static_cast<uint64_t>(owner_.clock_.WallMs()) << 16; }

  ClusterRegisters& owner_;
  const std::string collection_;
  const fabric::ShardNumber shard_;
  const uint64_t begin_;
};

Status ClusterRegisters::ShardView::Scan(const std::function<bool(const format::RegisterVersion&)>& visit) const {
  std::string after;
  do {
    ASSIGN_OR_RETURN(const Cluster::Call call, Access::Begin(owner_.cluster_, collection_));
    const fabric::InventoryCommand command{shard_, after, kKeysPerPage, Level::kQuorum, call.context};
    fabric::Member& member = owner_.cluster_.parts_.member;
    ASSIGN_OR_RETURN(const InventoryPage page,
                     owner_.cluster_.parts_.calls.One<Result<InventoryPage>>(
                         [&member, command] { return member.coordinator().Inventory(command); }));
    for (const format::RegisterVersion& entry : page.entries) {
      if (!visit(entry)) return Status::Ok();
    }
    if (!page.next.empty() && page.next <= after) return Status::Corruption("an inventory that does not go on");
    after = page.next;
  } while (!after.empty());
  return Status::Ok();
}

Result<std::vector<std::optional<Operation>>> ClusterRegisters::ShardView::Read(
    std::span<const std::string> keys) const {
  ASSIGN_OR_RETURN(const Cluster::Call call, Access::Begin(owner_.cluster_, collection_));
  const fabric::ReadCommand command{shard_, {keys.begin(), keys.end()}, Level::kQuorum, call.context};
  fabric::Member& member = owner_.cluster_.parts_.member;
  return owner_.cluster_.parts_.calls.One<ReadAnswer>(
      [&member, command] { return member.coordinator().Read(command); });
}

Result<Cluster::Call> ClusterRegisters::Access::Begin(Cluster& cluster, const std::string& collection) {
  CallOptions options;
  options.deadline_ns = SystemClock().MonotonicNs() + kCallTimeoutNs;
  ASSIGN_OR_RETURN(Cluster::Call call, cluster.Begin(collection, options, Level::kQuorum));
  call.context.background = true;
  return call;
}

Result<std::unique_ptr<PartitionView>> ClusterRegisters::View(const std::string& collection, uint32_t partition,
                                                              uint32_t of) {
  ASSIGN_OR_RETURN(const Cluster::Call call, Access::Begin(cluster_, collection));
  RETURN_IF_ERROR(CheckPartition(collection, partition, of, call.view.record.partitions));
  return std::unique_ptr<PartitionView>(new ShardView(*this, collection, call.view.ShardOf(partition)));
}

Result<std::vector<Version>> ClusterRegisters::Versions(const std::string& collection,
                                                        std::span<const std::string> keys) {
  using Answer = Result<fabric::VersionsRequest::Reply>;
  ASSIGN_OR_RETURN(const Cluster::Call call, Access::Begin(cluster_, collection));
  Parts<std::string> parts(call.view.record.partitions);
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSIGN_OR_RETURN(const format::RegisterKey key, format::ParseRegisterKey(keys[i]));
    parts.Add(call.view.PartitionOf(key.id), keys[i], i);
  }
  std::vector<LoopCalls::Start<Answer>> starts;
  std::vector<uint32_t> asked;
  for (uint32_t p = 0; p < parts.items.size(); ++p) {
    if (parts.items[p].empty()) continue;
    const fabric::ReadCommand command{call.view.ShardOf(p), std::move(parts.items[p]), Level::kQuorum, call.context};
    starts.push_back([this, command] { return cluster_.parts_.member.coordinator().Versions(command); });
    asked.push_back(p);
  }
  const std::vector<Answer> answers = cluster_.parts_.calls.All<Answer>(std::move(starts));
  std::vector<Version> versions(keys.size());
  for (size_t i = 0; i < answers.size(); ++i) {
    RETURN_IF_ERROR(answers[i].status().Annotate(call.view.Name(asked[i])));
    const std::vector<size_t>& positions = parts.positions[asked[i]];
    for (size_t k = 0; k < positions.size(); ++k) versions[positions[k]] = answers[i]->versions[k];
  }
  return versions;
}

Status ClusterRegisters::Merge(const std::string& collection, std::vector<Operation> operations) {
  using Answer = Result<fabric::WriteReceipt>;
  ASSIGN_OR_RETURN(const Cluster::Call call, Access::Begin(cluster_, collection));
  RETURN_IF_ERROR(vector::ValidateOperations(operations, call.view.spec.dimension, call.view.spec.metric));
  Parts<Operation> parts(call.view.record.partitions);
  for (size_t i = 0; i < operations.size(); ++i) {
    if (operations[i].version == Version{}) {
      return Status::InvalidArgument("operations[" + std::to_string(i) + "].version", "is required");
    }
    const uint32_t partition = call.view.PartitionOf(operations[i].id());
    parts.Add(partition, std::move(operations[i]), i);
  }
  std::vector<LoopCalls::Start<Answer>> starts;
  std::vector<uint32_t> asked;
  for (uint32_t p = 0; p < parts.items.size(); ++p) {
    if (parts.items[p].empty()) continue;
    fabric::WriteCommand command;
    command.shard = call.view.ShardOf(p);
    command.operations = std::move(parts.items[p]);
    command.brought = true;
    command.context = call.context;
    starts.push_back([this, command] { return cluster_.parts_.member.coordinator().Write(command); });
    asked.push_back(p);
  }
  const std::vector<Answer> answers = cluster_.parts_.calls.All<Answer>(std::move(starts));
  for (size_t i = 0; i < answers.size(); ++i) {
    RETURN_IF_ERROR(answers[i].status().Annotate(call.view.Name(asked[i])));
  }
  return Status::Ok();
}

}  // namespace rhizome::cluster
