#include "cluster/alone_operations.h"

#include <algorithm>
#include <map>
#include <set>

namespace rhizome::cluster {
namespace {

rhizome::Status Alone(const std::string& why) {
  return rhizome::Status::FailedPrecondition(
      "this server runs alone: start servers with --etcd HOST:PORT,… and empty data folders to form a cluster, " + why);
}

bool Usable(const ShardInfo& shard) { return shard.state == "active"; }

}  // namespace

NodeStatus AloneOperations::Node() {
  NodeStatus node;
  node.id = self_.id;
  node.host = self_.host;
  node.port = self_.port;
  node.status = database_.ReadOnlyReason().empty() ? "healthy" : "suspect";
  node.state = "active";
  node.leader = true;
  node.answered = true;
  std::set<std::string> collections;
  for (const ShardInfo& shard : database_.Shards()) {
    ++node.shards;
    node.vector_count += shard.points;
    collections.insert(shard.collection);
  }
  node.collections.assign(collections.begin(), collections.end());
  return node;
}

Result<ClusterStatus> AloneOperations::Status() {
  ASSIGN_OR_RETURN(const std::vector<CollectionInfo> collections, database_.ListCollections());
  ClusterStatus status;
  status.nodes.push_back(Node());
  status.total_nodes = 1;
  status.healthy_nodes = status.nodes[0].status == "healthy" ? 1 : 0;
  status.total_shards = status.nodes[0].shards;
  status.total_vectors = status.nodes[0].vector_count;
  status.total_collections = collections.size();
  status.replication_factor = database_.Defaults().replication_factor;
  status.consistency_level = "quorum";
  status.leader = self_.id;
  status.coordination = "embedded";
  return status;
}

Result<ClusterHealth> AloneOperations::Health() {
  ClusterHealth health;
  if (const std::string reason = database_.ReadOnlyReason(); !reason.empty()) {
    health.reasons.push_back({HealthLevel::kCritical, "read_only", self_.id, reason});
  }
  for (const ShardInfo& shard : database_.Shards()) {
    if (shard.state != "damaged") continue;
    health.reasons.push_back({HealthLevel::kCritical, "replica_damaged",
                              shard.collection + "/" + std::to_string(shard.partition), shard.detail});
  }
  if (!health.reasons.empty()) health.level = HealthLevel::kCritical;
  return health;
}

Result<ClusterSharding> AloneOperations::Sharding() {
  ClusterSharding sharding;
  NodeShare share{.id = self_.id};
  std::map<std::string, CollectionSharding> collections;
  for (const ShardInfo& shard : database_.Shards()) {
    CollectionSharding& collection = collections[shard.collection];
    collection.name = shard.collection;
    collection.points += shard.points;
    ReplicaStatus replica{.node = self_.id, .state = shard.state == "damaged" ? "damaged" : "active"};
    replica.points = shard.points;
    replica.detail = shard.detail;
    ShardStatus status{.collection = shard.collection, .partition = shard.partition, .shard = shard.shard, .epoch = 1};
    status.state = Usable(shard) ? "healthy" : "no_quorum";
    status.points = shard.points;
    status.replicas.push_back(std::move(replica));
    collection.shards.push_back(std::move(status));
    ++share.shards;
    share.points += shard.points;
  }
  for (auto& [name, collection] : collections) {
    const auto fullest = std::max_element(collection.shards.begin(), collection.shards.end(),
                                          [](const auto& a, const auto& b) { return a.points < b.points; });
    if (collection.points > 0) {
      collection.skew = static_cast<double>(fullest->points) * static_cast<double>(collection.shards.size()) /
                        static_cast<double>(collection.points);
    }
    sharding.collections.push_back(std::move(collection));
  }
  sharding.nodes.push_back(std::move(share));
  return sharding;
}

Result<NodeChange> AloneOperations::AddNode(const NodeAddress&) { return Alone("which nodes can join"); }
Result<NodeChange> AloneOperations::RemoveNode(const std::string& id, bool) {
  if (id != self_.id) return rhizome::Status::NotFound("there is no node " + id);
  return Alone("which nodes can leave");
}
Result<RebalanceReport> AloneOperations::Rebalance() { return Alone("whose shards can move"); }
Result<RepairReport> AloneOperations::Repair() { return Alone("whose replicas can be compared"); }
Result<ClusterComparison> AloneOperations::Compare() { return Alone("whose replicas can be compared"); }

Result<Resharding> AloneOperations::Reshard(const std::string& collection, uint32_t) {
  RETURN_IF_ERROR(database_.GetSpec(collection).status());
  return Alone("whose collections can get more partitions; a snapshot can be restored into any number here");
}
Result<Resharding> AloneOperations::CancelReshard(const std::string& collection) {
  RETURN_IF_ERROR(database_.GetSpec(collection).status());
  return Alone("whose collections can get more partitions");
}

rhizome::Status AloneOperations::SetFactor(const std::string& collection, uint32_t factor) {
  RETURN_IF_ERROR(database_.GetSpec(collection).status());
  if (factor == 1) return rhizome::Status::Ok();
  return Alone("which can keep " + std::to_string(factor) + " copies");
}

}  // namespace rhizome::cluster
