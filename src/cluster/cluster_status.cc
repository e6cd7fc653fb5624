#include "cluster/cluster_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace rhizome::cluster {

using fabric::CollectionRecord;
using fabric::MemberNumber;
using fabric::MemberRecord;
using fabric::MemberState;
using fabric::Placement;
using fabric::ShardNumber;
using fabric::StatusRequest;
using fabric::Topology;

namespace {

bool Contains(const std::vector<MemberNumber>& members, MemberNumber member) {
  return std::find(members.begin(), members.end(), member) != members.end();
}

const StatusRequest::Reply* ReportOf(const ClusterView& view, MemberNumber member) {
  const auto report = view.reports.find(member);
  return report == view.reports.end() ? nullptr : &report->second;
}

const StatusRequest::Shard* ReplicaOf(const ClusterView& view, MemberNumber member, ShardNumber shard) {
  const StatusRequest::Reply* report = ReportOf(view, member);
  if (report == nullptr) return nullptr;
  const auto found = std::find_if(report->shards.begin(), report->shards.end(),
                                  [shard](const StatusRequest::Shard& held) { return held.shard == shard; });
  return found == report->shards.end() ? nullptr : &*found;
}

// Its own process, one that answered just now, or one that has not been silent for long.
bool Heard(const ClusterView& view, MemberNumber member) {
  if (member == view.self || view.reports.contains(member)) return true;
  const auto peer = view.peers.find(member);
  return peer != view.peers.end() && !peer->second.suspect;
}

std::string LivenessOf(const ClusterView& view, MemberNumber member) {
  const bool leased = view.topology.live.contains(member);
  if (leased && Heard(view, member)) return "healthy";
  return leased || Heard(view, member) ? "suspect" : "down";
}

// "[::1]:8000" → {"::1", 8000}
std::pair<std::string, uint16_t> SplitAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return {address, 0};
  uint16_t port = 0;
  const char* end = address.data() + address.size();
  if (std::from_chars(address.data() + colon + 1, end, port).ptr != end) port = 0;
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {std::move(host), port};
}

std::string NameOf(const Topology& topology, MemberNumber member) {
  const MemberRecord* record = topology.Member(member);
  return record == nullptr ? std::to_string(member) : record->name;
}

// What a replica that can be believed counts; replicas lag, so the most that any counts.
uint64_t PointsOf(const ClusterView& view, const Placement& placement) {
  uint64_t points = 0;
  for (const MemberNumber owner : placement.Owners()) {
    const StatusRequest::Shard* replica = ReplicaOf(view, owner, placement.shard);
    if (replica != nullptr && replica->complete && replica->damage.empty()) points = std::max(points, replica->points);
  }
  return points;
}

// Of a member's replicas, without those that are left behind until their grace is over.
uint64_t PointsOn(const ClusterView& view, MemberNumber member) {
  uint64_t points = 0;
  const StatusRequest::Reply* report = ReportOf(view, member);
  if (report == nullptr) return points;
  for (const StatusRequest::Shard& replica : report->shards) {
    const Placement* placement = view.topology.Find(replica.shard);
    if (placement != nullptr && placement->Owns(member) && !placement->pending()) points += replica.points;
  }
  return points;
}

ReplicaStatus ReplicaStatusOf(const ClusterView& view, const Placement& placement, MemberNumber owner) {
  ReplicaStatus status;
  status.node = NameOf(view.topology, owner);
  status.joining = placement.moving() && !Contains(placement.replicas, owner);
  status.leaving = placement.moving() && !Contains(placement.next, owner);
  const StatusRequest::Shard* replica = ReplicaOf(view, owner, placement.shard);
  if (replica == nullptr) {
    // One that answers and does not hold it yet is about to open it.
    status.state = ReportOf(view, owner) == nullptr ? "silent" : "copying";
    return status;
  }
  status.points = replica->points;
  status.copied = replica->copied;
  status.total = std::max(replica->total, replica->copied);
  status.detail = replica->damage.empty() ? replica->refusal : replica->damage;
  status.state = !replica->damage.empty()    ? "damaged"
                 : !replica->complete        ? "copying"
                 : !replica->refusal.empty() ? "read_only"
                                             : "active";
  return status;
}

bool HasQuorum(const std::vector<MemberNumber>& owners, const std::set<MemberNumber>& usable) {
  const auto count = static_cast<size_t>(
      std::count_if(owners.begin(), owners.end(), [&](MemberNumber owner) { return usable.contains(owner); }));
  return count > owners.size() / 2;
}

// Owners whose replica can vote, or, of those that are new to it, that can take writes.
std::set<MemberNumber> UsableOwners(const ClusterView& view, const Placement& placement) {
  std::set<MemberNumber> usable;
  for (const MemberNumber owner : placement.Owners()) {
    const ReplicaStatus replica = ReplicaStatusOf(view, placement, owner);
    if (replica.state == "active" || (replica.state == "copying" && replica.joining)) usable.insert(owner);
  }
  return usable;
}

std::string ShardStateOf(const ClusterView& view, const Placement& placement, uint32_t factor) {
  const std::set<MemberNumber> usable = UsableOwners(view, placement);
  if (!HasQuorum(placement.replicas, usable) || (placement.moving() && !HasQuorum(placement.next, usable))) {
    return "no_quorum";
  }
  const auto whole = static_cast<uint32_t>(
      std::count_if(placement.replicas.begin(), placement.replicas.end(),
                    [&](MemberNumber owner) { return ReplicaStatusOf(view, placement, owner).state == "active"; }));
  if (whole < factor) return "under_replicated";
  return placement.moving() ? "moving" : "healthy";
}

std::string BlockedReason(const ClusterView& view, ShardNumber shard) {
  for (const auto& [member, report] : view.reports) {
    for (const StatusRequest::Blocked& blocked : report.blocked) {
      if (report.leading && blocked.shard == shard) return blocked.reason;
    }
  }
  return "";
}

ShardStatus ShardStatusOf(const ClusterView& view, const CollectionRecord& collection, const Placement& placement) {
  ShardStatus status;
  status.collection = collection.name;
  status.partition = placement.shard - collection.first_shard;
  status.shard = placement.shard;
  status.epoch = placement.epoch;
  status.state = ShardStateOf(view, placement, collection.factor);
  status.points = PointsOf(view, placement);
  status.blocked = BlockedReason(view, placement.shard);
  for (const MemberNumber owner : placement.Owners()) {
    status.replicas.push_back(ReplicaStatusOf(view, placement, owner));
  }
  return status;
}

// A member's own word for it: what it is filling now is not complete.
void AddFilling(const ClusterView& view, const Placement& placement, CollectionSharding& sharding) {
  for (const MemberNumber owner : placement.replicas) {
    ++sharding.next_replicas;
    sharding.next_filled += ReplicaStatusOf(view, placement, owner).state == "active" ? 1 : 0;
  }
}

CollectionSharding ShardingOfCollection(const ClusterView& view, const CollectionRecord& collection) {
  CollectionSharding sharding;
  sharding.name = collection.name;
  sharding.replication_factor = collection.factor;
  uint64_t fullest = 0;
  for (uint32_t p = 0; p < collection.partitions; ++p) {
    const Placement* placement = view.topology.Find(collection.first_shard + p);
    if (placement == nullptr) continue;
    sharding.shards.push_back(ShardStatusOf(view, collection, *placement));
    sharding.points += sharding.shards.back().points;
    fullest = std::max(fullest, sharding.shards.back().points);
  }
  for (uint32_t p = 0; p < collection.next_partitions; ++p) {
    const Placement* placement = view.topology.Find(collection.next_first_shard + p);
    if (placement != nullptr) AddFilling(view, *placement, sharding);
  }
  sharding.next_partitions = collection.next_partitions;
  if (sharding.points > 0) {
    sharding.skew = static_cast<double>(fullest) * static_cast<double>(sharding.shards.size()) /
                    static_cast<double>(sharding.points);
  }
  return sharding;
}

NodeShare ShareOf(const ClusterView& view, const MemberRecord& member) {
  NodeShare share;
  share.id = member.name;
  for (const auto& [shard, kept] : view.topology.placements) {
    const Placement& placement = kept.value;
    if (placement.pending()) continue;
    const bool now = Contains(placement.replicas, member.number);
    const bool then = placement.moving() ? Contains(placement.next, member.number) : now;
    share.shards += then ? 1 : 0;
    share.shards_in += then && !now ? 1 : 0;
    share.shards_out += now && !then ? 1 : 0;
  }
  share.points = PointsOn(view, member.number);
  return share;
}

// Waiting and leaving members are not to have any.
double NodeSkew(const ClusterView& view) {
  uint64_t most = 0, sum = 0, active = 0;
  for (const auto& [number, kept] : view.topology.members) {
    if (kept.value.state != MemberState::kActive) continue;
    const NodeShare share = ShareOf(view, kept.value);
    most = std::max(most, share.shards);
    sum += share.shards;
    ++active;
  }
  return sum == 0 ? 1.0 : static_cast<double>(most) * static_cast<double>(active) / static_cast<double>(sum);
}

uint32_t CountActive(const Topology& topology, MemberNumber without) {
  return static_cast<uint32_t>(std::count_if(topology.members.begin(), topology.members.end(), [&](const auto& entry) {
    return entry.first != without && entry.second.value.state == MemberState::kActive &&
           topology.live.contains(entry.first);
  }));
}

}  // namespace

std::string_view MemberStateName(MemberState state) {
  switch (state) {
    case MemberState::kActive: return "active";
    case MemberState::kLeaving: return "leaving";
    case MemberState::kGone: return "gone";
    case MemberState::kWaiting: return "waiting";
  }
  return "";
}

NodeStatus NodeOf(const ClusterView& view, const MemberRecord& member) {
  NodeStatus node;
  node.id = member.name;
  node.number = member.number;
  std::tie(node.host, node.port) = SplitAddress(member.http_address);
  node.status = LivenessOf(view, member.number);
  node.state = MemberStateName(member.state);
  node.zone = member.zone;
  node.leader = view.topology.leader == member.number;
  std::set<std::string> collections;
  for (const auto& [shard, kept] : view.topology.placements) {
    if (!kept.value.Owns(member.number) || kept.value.pending()) continue;
    ++node.shards;
    const CollectionRecord* collection = view.topology.Collection(kept.value.collection);
    if (collection != nullptr) collections.insert(collection->name);
  }
  node.collections.assign(collections.begin(), collections.end());
  const StatusRequest::Reply* report = ReportOf(view, member.number);
  if (report == nullptr) return node;
  node.answered = true;
  node.load = report->load_permille / 1000.0;
  node.hints = report->hints;
  node.repairs_waiting = report->comparisons_waiting;
  node.registers_repaired = report->repaired;
  node.vector_count = PointsOn(view, member.number);
  return node;
}

ClusterStatus StatusOf(const ClusterView& view) {
  ClusterStatus status;
  status.clustered = true;
  status.replication_factor = view.default_factor;
  status.consistency_level = "quorum";
  status.coordination = view.frozen_ms < 0 ? "reachable" : "unreachable";
  status.unreachable_ms = std::max<int64_t>(0, view.frozen_ms);
  status.total_collections = view.topology.collections.size();
  if (view.topology.leader != 0) status.leader = NameOf(view.topology, view.topology.leader);
  for (const auto& [shard, kept] : view.topology.placements) {
    if (kept.value.pending()) continue;
    ++status.total_shards;
    status.moving += kept.value.moving() ? 1 : 0;
    status.total_vectors += PointsOf(view, kept.value);
  }
  for (const auto& [name, kept] : view.topology.collections) status.resharding += kept.value.resharding() ? 1 : 0;
  for (const auto& [number, kept] : view.topology.members) {
    if (kept.value.state == MemberState::kGone) continue;
    status.nodes.push_back(NodeOf(view, kept.value));
    status.healthy_nodes += status.nodes.back().status == "healthy" ? 1 : 0;
  }
  status.total_nodes = status.nodes.size();
  for (const fabric::GatewayRecord& gateway : view.topology.gateways) {
    GatewayStatus& listed = status.gateways.emplace_back();
    listed.id = gateway.name;
    std::tie(listed.host, listed.port) = SplitAddress(gateway.http_address);
    listed.age_s = std::max<int64_t>(0, view.wall_ms - gateway.since_ms) / 1'000;
  }
  std::sort(status.gateways.begin(), status.gateways.end(), [](const GatewayStatus& a, const GatewayStatus& b) {
    return std::tie(a.id, a.host, a.port) < std::tie(b.id, b.host, b.port);
  });
  std::sort(status.nodes.begin(), status.nodes.end(), [](const NodeStatus& a, const NodeStatus& b) {
    return std::tie(a.id, a.number) < std::tie(b.id, b.number);
  });
  return status;
}

ClusterSharding ShardingOf(const ClusterView& view) {
  ClusterSharding sharding;
  for (const auto& [name, kept] : view.topology.collections) {
    sharding.collections.push_back(ShardingOfCollection(view, kept.value));
    for (const ShardStatus& shard : sharding.collections.back().shards) {
      for (const ReplicaStatus& replica : shard.replicas) {
        if (replica.state != "copying") continue;
        sharding.registers_copied += replica.copied;
        sharding.registers_total += replica.total;
      }
    }
  }
  for (const auto& [shard, kept] : view.topology.placements) sharding.moving += kept.value.moving() ? 1 : 0;
  for (const auto& [member, report] : view.reports) {
    if (report.leading) sharding.waiting = report.changes_waiting;
  }
  for (const auto& [number, kept] : view.topology.members) {
    if (kept.value.state != MemberState::kGone) sharding.nodes.push_back(ShareOf(view, kept.value));
  }
  std::sort(sharding.nodes.begin(), sharding.nodes.end(),
            [](const NodeShare& a, const NodeShare& b) { return a.id < b.id; });
  sharding.skew = NodeSkew(view);
  return sharding;
}

Result<const MemberRecord*> FindMember(const Topology& topology, const std::string& id) {
  const MemberRecord* found = nullptr;
  for (const auto& [number, kept] : topology.members) {
    const MemberRecord& member = kept.value;
    if (member.state == MemberState::kGone) continue;
    if (std::to_string(number) == id) return &member;
    if (member.name != id) continue;
    if (found != nullptr) {
      return Status::FailedPrecondition(
          fmt::format("two nodes are called {}, numbers {} and {}: name one by its number", id, found->number, number));
    }
    found = &member;
  }
  if (found == nullptr) return Status::NotFound("there is no node " + id);
  return found;
}

Status CheckRemoval(const Topology& topology, MemberNumber leaving) {
  const uint32_t left = CountActive(topology, leaving);
  for (const auto& [name, kept] : topology.collections) {
    if (kept.value.factor <= left) continue;
    return Status::FailedPrecondition(
        fmt::format("collection {} wants {} replicas of each shard and only {} other active nodes are live: add a node "
                    "first, or lower its replication_factor",
                    name, kept.value.factor, left));
  }
  return Status::Ok();
}

Status CheckFactor(const Topology& topology, uint32_t factor) {
  const uint32_t active = CountActive(topology, 0);
  if (factor <= active) return Status::Ok();
  return Status::FailedPrecondition(
      fmt::format("{} replicas of each shard need as many active nodes, and {} are live", factor, active));
}

Status CheckAddress(const MemberRecord& member, const NodeAddress& meant) {
  const auto [host, port] = SplitAddress(member.http_address);
  const std::string says = fmt::format("node {} has registered as {}", member.name, member.http_address);
  const auto loopback = [](const std::string& name) { return name == "localhost" || name == "127.0.0.1"; };
  if (host != meant.host && !(loopback(host) && loopback(meant.host))) return Status::InvalidArgument("host", says);
  if (port != meant.port) return Status::InvalidArgument("port", says);
  return Status::Ok();
}

}  // namespace rhizome::cluster
