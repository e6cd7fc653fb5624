#include "cluster/cluster_operations.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "format/register.h"

namespace rhizome::cluster {

using fabric::MemberRecord;
using fabric::MemberState;

namespace {

NodeChange ChangeOf(const ClusterView& view, const MemberRecord& member, MemberState state, std::string detail) {
  NodeChange change;
  change.node = NodeOf(view, member);
  change.before = MemberStateName(member.state);
  change.state = MemberStateName(state);
  change.detail = std::move(detail);
  if (state != MemberState::kGone) change.node.state = change.state;
  return change;
}

PlannedMove MoveOf(const fabric::Topology& topology, fabric::ShardNumber shard, std::string cause, std::string reason) {
  PlannedMove move{.cause = std::move(cause), .reason = std::move(reason)};
  const fabric::Placement* placement = topology.Find(shard);
  const fabric::CollectionRecord* collection =
      placement == nullptr ? nullptr : topology.Collection(placement->collection);
  if (collection == nullptr) return move;
  move.collection = collection->name;
  move.partition = shard - collection->first_shard;
  return move;
}

std::string NodeName(const fabric::Topology& topology, fabric::MemberNumber number) {
  const MemberRecord* member = topology.Member(number);
  return member == nullptr ? std::to_string(number) : member->name;
}

ReplicaDigest DigestOf(const Result<fabric::DigestRequest::Reply>& answer) {
  ReplicaDigest replica;
  if (!answer.ok()) {
    replica.detail = answer.status().ToString();
    return replica;
  }
  replica.answered = true;
  const std::string bytes = format::EncodeRangeDigest(answer->digest);
  replica.digest = fmt::format("{:016x}", Checksum(bytes));
  for (const format::Leaf& leaf : answer->digest.leaves) replica.registers += leaf.count;
  return replica;
}

// Two that differ prove it, however many are silent.
std::string ComparisonState(const std::map<fabric::MemberNumber, Result<fabric::DigestRequest::Reply>>& answers) {
  const format::RangeDigest* first = nullptr;
  bool all = !answers.empty();
  for (const auto& [member, answer] : answers) {
    all = all && answer.ok();
    if (!answer.ok()) continue;
    if (first == nullptr) first = &answer->digest;
    if (answer->digest != *first) return "different";
  }
  return all ? "equal" : "unknown";
}

}  // namespace

Result<ClusterStatus> ClusterOperations::Status() {
  ASSIGN_OR_RETURN(const ClusterView view, controls_.View());
  return StatusOf(view);
}

Result<ClusterHealth> ClusterOperations::Health() {
  ASSIGN_OR_RETURN(const ClusterView view, controls_.View());
  return HealthOf(view);
}

Result<ClusterSharding> ClusterOperations::Sharding() {
  ASSIGN_OR_RETURN(const ClusterView view, controls_.View());
  return ShardingOf(view);
}

Result<NodeChange> ClusterOperations::AddNode(const NodeAddress& node) {
  ASSIGN_OR_RETURN(const ClusterView view, controls_.View());
  const auto found = FindMember(view.topology, node.id);
  if (!found.ok() && found.status().code() == Code::kNotFound) {
    return rhizome::Status::NotFound(fmt::format(
        "no node called {0} has registered: start it with 'rhizome node --node-name {0} --etcd …', the same "
        "coordination as here; it joins by itself, or with --join wait when this call admits it",
        node.id));
  }
  RETURN_IF_ERROR(found.status());
  const MemberRecord& member = **found;
  RETURN_IF_ERROR(CheckAddress(member, node));
  if (member.state == MemberState::kActive) {
    return ChangeOf(view, member, MemberState::kActive, "it is in the cluster already; nothing was changed");
  }
  RETURN_IF_ERROR(controls_.SetMemberState(member.number, MemberState::kActive));
  return ChangeOf(view, member, MemberState::kActive,
                  member.state == MemberState::kLeaving ? "it stays" : "the leader gives it its share of the shards");
}

Result<NodeChange> ClusterOperations::RemoveNode(const std::string& id, bool force) {
  ASSIGN_OR_RETURN(const ClusterView view, controls_.View());
  ASSIGN_OR_RETURN(const MemberRecord* const member, FindMember(view.topology, id));
  if (force) {
    RETURN_IF_ERROR(controls_.SetMemberState(member->number, MemberState::kGone));
    return ChangeOf(view, *member, MemberState::kGone,
                    "its shards are copied from their other replicas to other nodes; its data folder cannot come back");
  }
  const rhizome::Status enough = CheckRemoval(view.topology, member->number);
  if (!enough.ok()) {
    return rhizome::Status::FailedPrecondition(std::string(enough.message()) + "; force=true removes it all the same");
  }
  RETURN_IF_ERROR(controls_.SetMemberState(member->number, MemberState::kLeaving));
  return ChangeOf(
      view, *member, MemberState::kLeaving,
      "its shards move to other nodes; it is gone from /cluster/status once it holds none, and can be stopped");
}

Result<RebalanceReport> ClusterOperations::Rebalance() {
  ASSIGN_OR_RETURN(const ClusterView view, controls_.View());
  ASSIGN_OR_RETURN(const fabric::BalanceReport plan, fabric::PlanChanges(view.topology, {}, view.balance));
  RebalanceReport report;
  report.balanced = plan.balanced;
  report.moving = plan.moving;
  report.waiting = plan.waiting;
  for (const fabric::PlacementChange& change : plan.changes) {
    report.planned.push_back(
        MoveOf(view.topology, change.shard, std::string(fabric::ChangeCauseName(change.cause)), change.reason));
  }
  for (const fabric::BlockedShard& blocked : plan.blocked) {
    report.blocked.push_back(MoveOf(view.topology, blocked.shard, "blocked", blocked.reason));
  }
  return report;
}

Result<RepairReport> ClusterOperations::Repair() {
  ASSIGN_OR_RETURN(const ClusterView view, controls_.View());
  ASSIGN_OR_RETURN(const ClusterControls::Scheduled scheduled, controls_.CompareNow());
  RepairReport report;
  for (const auto& [number, answer] : scheduled) {
    if (answer.ok()) {
      ++report.nodes;
      report.comparisons += answer->scheduled;
    } else {
      report.silent.push_back(NodeName(view.topology, number));
    }
  }
  return report;
}

Result<ClusterComparison> ClusterOperations::Compare() {
  ASSIGN_OR_RETURN(const ClusterView view, controls_.View());
  ASSIGN_OR_RETURN(const fabric::Member::Digests digests, controls_.Digests());
  ClusterComparison report;
  report.shards = digests.size();
  for (const auto& [shard, answers] : digests) {
    const PlannedMove where = MoveOf(view.topology, shard, "", "");
    ShardComparison comparison{where.collection, where.partition, shard, ComparisonState(answers), {}};
    if (comparison.state == "equal") continue;
    ++(comparison.state == "different" ? report.different : report.unknown);
    if (report.unequal.size() == kReasonsMax) continue;
    for (const auto& [member, answer] : answers) {
      comparison.replicas.push_back(DigestOf(answer));
      comparison.replicas.back().node = NodeName(view.topology, member);
    }
    report.unequal.push_back(std::move(comparison));
  }
  report.equal = report.different + report.unknown == 0;
  return report;
}

rhizome::Status ClusterOperations::SetFactor(const std::string& collection, uint32_t factor) {
  ASSIGN_OR_RETURN(const ClusterView view, controls_.View());
  if (!view.topology.collections.contains(collection)) {
    return rhizome::Status::NotFound("there is no collection " + collection);
  }
  RETURN_IF_ERROR(CheckFactor(view.topology, factor));
  return controls_.SetFactor(collection, factor);
}

Result<Resharding> ClusterOperations::Reshard(const std::string& collection, uint32_t partitions) {
  RETURN_IF_ERROR(controls_.Reshard(collection, partitions));
  return ReshardingOf(collection);
}

Result<Resharding> ClusterOperations::CancelReshard(const std::string& collection) {
  RETURN_IF_ERROR(controls_.CancelReshard(collection));
  return ReshardingOf(collection);
}

Result<Resharding> ClusterOperations::ReshardingOf(const std::string& collection) {
  ASSIGN_OR_RETURN(const ClusterView view, controls_.View());
  const auto known = view.topology.collections.find(collection);
  if (known == view.topology.collections.end()) {
    return rhizome::Status::NotFound("there is no collection " + collection + " any more");
  }
  return Resharding{collection, known->second.value.partitions, known->second.value.next_partitions};
}

std::vector<std::string> ClusterOperations::Notices() {
  std::vector<std::string> notices = controls_.Troubles();
  const int64_t frozen_ms = controls_.FrozenMs();
  if (frozen_ms >= 0) {
    notices.push_back(
        fmt::format("coordination has not answered for {:.1f} s: reads and writes go on, the topology is frozen",
                    static_cast<double>(frozen_ms) / 1e3));
  }
  return notices;
}

}  // namespace rhizome::cluster
