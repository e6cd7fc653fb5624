// What is wrong with a cluster, by one member's view.
#include <fmt/format.h>

#include <algorithm>

#include "cluster/cluster_status.h"
#include "fabric/write_pace.h"

namespace rhizome::cluster {

using fabric::MemberNumber;

namespace {

class Reasons {
 public:
  void Add(HealthLevel level, std::string code, std::string subject, std::string detail) {
    all_.push_back({level, std::move(code), std::move(subject), std::move(detail)});
  }
  ClusterHealth Take() {
    ClusterHealth health;
    std::stable_sort(all_.begin(), all_.end(),
                     [](const HealthReason& a, const HealthReason& b) { return a.level > b.level; });
    if (!all_.empty()) health.level = all_.front().level;
    health.omitted = all_.size() > kReasonsMax ? all_.size() - kReasonsMax : 0;
    all_.resize(all_.size() - health.omitted);
    health.reasons = std::move(all_);
    return health;
  }

 private:
  std::vector<HealthReason> all_;
};

void JudgeCoordination(const ClusterView& view, Reasons& reasons) {
  if (view.frozen_ms >= 0) {
    reasons.Add(
        HealthLevel::kDegraded, "coordination_unreachable", "",
        fmt::format("coordination has not answered for {:.1f} s: reads and writes go on, the topology is frozen",
                    static_cast<double>(view.frozen_ms) / 1e3));
  } else if (view.topology.leader == 0) {
    reasons.Add(HealthLevel::kDegraded, "no_leader", "", "no node leads: shards are not moved until one does");
  }
  for (const auto& [member, report] : view.reports) {
    if (report.frozen_ms < 0 || view.frozen_ms >= 0) continue;
    const fabric::MemberRecord* record = view.topology.Member(member);
    reasons.Add(HealthLevel::kDegraded, "coordination_unreachable", record == nullptr ? "" : record->name,
                fmt::format("coordination has been out of this node's reach for {:.1f} s",
                            static_cast<double>(report.frozen_ms) / 1e3));
  }
}

void JudgeNode(const NodeStatus& node, Reasons& reasons) {
  if (node.status == "down") {
    reasons.Add(HealthLevel::kDegraded, "node_down", node.id,
                fmt::format("holds no lease and does not answer; it is an owner of {} shards", node.shards));
  } else if (node.status == "suspect") {
    reasons.Add(HealthLevel::kDegraded, "node_suspect", node.id,
                node.answered ? "answers, but its lease has ended" : "does not answer, but its lease still runs");
  }
  if (node.state == "leaving") {
    reasons.Add(HealthLevel::kOk, "node_leaving", node.id,
                fmt::format("{} shards are still to move away", node.shards));
  } else if (node.state == "waiting") {
    reasons.Add(HealthLevel::kOk, "node_waiting", node.id, "has come and waits to be admitted");
  }
}

// A member whose durable writes take many times as long as the others', by the rule by which members ask it last.
void JudgePace(const ClusterView& view, const fabric::MemberRecord& member, Reasons& reasons) {
  const auto own = view.reports.find(member.number);
  if (own == view.reports.end()) return;
  std::vector<uint32_t> others;
  for (const auto& [number, report] : view.reports) {
    if (number != member.number && report.write_us > 0) others.push_back(report.write_us);
  }
  const auto peer = view.peers.find(member.number);
  const bool was = peer != view.peers.end() && peer->second.slow;
  if (!fabric::MuchSlower(own->second.write_us, others, was)) return;
  std::sort(others.begin(), others.end());
  reasons.Add(HealthLevel::kDegraded, "node_slow", member.name,
              fmt::format("a durable write takes {:.1f} ms there, {:.1f} ms on the others: it is asked last",
                          own->second.write_us / 1e3, others[others.size() / 2] / 1e3));
}

// Both answer us, and one does not hear the other: their link is at fault, perhaps in one direction only.
void JudgeLinks(const ClusterView& view, const fabric::MemberRecord& member, Reasons& reasons) {
  const auto report = view.reports.find(member.number);
  if (report == view.reports.end()) return;
  for (const MemberNumber suspect : report->second.suspects) {
    const fabric::MemberRecord* other = view.topology.Member(suspect);
    if (other == nullptr || other->state == fabric::MemberState::kGone || !view.reports.contains(suspect)) continue;
    reasons.Add(HealthLevel::kDegraded, "link_broken", member.name,
                fmt::format("hears nothing from {}, which answers here", other->name));
  }
}

void JudgeShard(const ShardStatus& shard, uint32_t factor, Reasons& reasons) {
  const std::string subject = fmt::format("{}/{}", shard.collection, shard.partition);
  const auto count = [&shard](std::string_view state) {
    return std::count_if(shard.replicas.begin(), shard.replicas.end(),
                         [state](const ReplicaStatus& replica) { return replica.state == state; });
  };
  if (shard.state == "no_quorum") {
    // While replicas change, the old and the new ones each need a majority.
    const bool changing = std::any_of(shard.replicas.begin(), shard.replicas.end(),
                                      [](const ReplicaStatus& replica) { return replica.joining || replica.leaving; });
    reasons.Add(HealthLevel::kCritical, "shard_without_quorum", subject,
                fmt::format("{} of {} replicas can be used{}: reads and writes at quorum fail", count("active"),
                            shard.replicas.size(), changing ? ", while they are being changed" : ""));
  } else if (shard.state == "under_replicated") {
    reasons.Add(HealthLevel::kDegraded, "shard_under_replicated", subject,
                fmt::format("{} of {} replicas are whole and answer", count("active"), factor));
  } else if (shard.state == "moving") {
    reasons.Add(HealthLevel::kOk, "shard_moving", subject, "is being copied to other nodes");
  }
  for (const ReplicaStatus& replica : shard.replicas) {
    if (replica.state == "read_only") {
      reasons.Add(HealthLevel::kDegraded, "replica_read_only", subject,
                  fmt::format("the replica on {} takes no writes: {}", replica.node, replica.detail));
    }
    if (replica.state != "damaged") continue;
    reasons.Add(
        HealthLevel::kDegraded, "replica_damaged", subject,
        fmt::format("the replica on {} is damaged and is rebuilt from the others: {}", replica.node, replica.detail));
  }
  if (!shard.blocked.empty()) reasons.Add(HealthLevel::kDegraded, "change_blocked", subject, shard.blocked);
}

}  // namespace

std::string_view HealthLevelName(HealthLevel level) {
  switch (level) {
    case HealthLevel::kOk: return "ok";
    case HealthLevel::kDegraded: return "degraded";
    case HealthLevel::kCritical: return "critical";
  }
  return "";
}

ClusterHealth HealthOf(const ClusterView& view) {
  Reasons reasons;
  JudgeCoordination(view, reasons);
  for (const auto& [number, kept] : view.topology.members) {
    if (kept.value.state == fabric::MemberState::kGone) continue;
    JudgeNode(NodeOf(view, kept.value), reasons);
    JudgePace(view, kept.value, reasons);
    JudgeLinks(view, kept.value, reasons);
  }
  for (const CollectionSharding& collection : ShardingOf(view).collections) {
    if (collection.next_partitions != 0) {
      reasons.Add(
          HealthLevel::kOk, "collection_resharding", collection.name,
          fmt::format("is on its way from {} to {} partitions: {} of {} replicas are filled", collection.shards.size(),
                      collection.next_partitions, collection.next_filled, collection.next_replicas));
    }
    for (const ShardStatus& shard : collection.shards) JudgeShard(shard, collection.replication_factor, reasons);
  }
  return reasons.Take();
}

}  // namespace rhizome::cluster
