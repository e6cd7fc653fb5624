// Routes for operators of a cluster: what it is made of, how it is, and changes to it.
#include "gateway/api_parts.h"

namespace rhizome::gateway {
namespace {

using cluster::ClusterHealth;
using cluster::ClusterSharding;
using cluster::ClusterStatus;
using cluster::CollectionSharding;
using cluster::NodeChange;
using cluster::NodeStatus;
using cluster::PlannedMove;
using cluster::ShardStatus;

void WriteNode(JsonWriter& writer, const NodeStatus& node) {
  writer.BeginObject().Key("id").String(node.id).Key("number").Integer(node.number);
  writer.Key("host").String(node.host).Key("port").Integer(node.port);
  writer.Key("status").String(node.status).Key("state").String(node.state).Key("zone").String(node.zone);
  writer.Key("load").Number(node.load).Key("leader").Bool(node.leader).Key("answered").Bool(node.answered);
  writer.Key("vector_count").Integer(node.vector_count).Key("shards").Integer(node.shards);
  writer.Key("hints").Integer(node.hints).Key("repairs_waiting").Integer(node.repairs_waiting);
  writer.Key("registers_repaired").Integer(node.registers_repaired).Key("collections").BeginArray();
  for (const std::string& name : node.collections) writer.String(name);
  writer.EndArray().EndObject();
}

Result<Response> ShowStatus(cluster::Operations& operations, const Request&) {
  ASSIGN_OR_RETURN(const ClusterStatus status, operations.Status());
  JsonWriter writer;
  writer.BeginObject().Key("clustered").Bool(status.clustered).Key("total_nodes").Integer(status.total_nodes);
  writer.Key("healthy_nodes").Integer(status.healthy_nodes).Key("total_shards").Integer(status.total_shards);
  writer.Key("total_collections").Integer(status.total_collections);
  writer.Key("total_vectors").Integer(status.total_vectors);
  writer.Key("replication_factor").Integer(status.replication_factor);
  writer.Key("consistency_level").String(status.consistency_level).Key("leader").String(status.leader);
  writer.Key("coordination").String(status.coordination).Key("unreachable_ms").Integer(status.unreachable_ms);
  writer.Key("moving").Integer(status.moving).Key("resharding").Integer(status.resharding);
  writer.Key("nodes").BeginArray();
  for (const NodeStatus& node : status.nodes) WriteNode(writer, node);
  writer.EndArray().Key("gateways").BeginArray();
  for (const cluster::GatewayStatus& gateway : status.gateways) {
    writer.BeginObject().Key("id").String(gateway.id).Key("host").String(gateway.host);
    writer.Key("port").Integer(gateway.port).Key("age_s").Number(static_cast<double>(gateway.age_s)).EndObject();
  }
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

Result<Response> ShowHealth(cluster::Operations& operations, const Request&) {
  ASSIGN_OR_RETURN(const ClusterHealth health, operations.Health());
  JsonWriter writer;
  writer.BeginObject().Key("status").String(cluster::HealthLevelName(health.level)).Key("reasons").BeginArray();
  for (const cluster::HealthReason& reason : health.reasons) {
    writer.BeginObject().Key("level").String(cluster::HealthLevelName(reason.level));
    writer.Key("code").String(reason.code).Key("subject").String(reason.subject);
    writer.Key("detail").String(reason.detail).EndObject();
  }
  writer.EndArray().Key("omitted").Integer(health.omitted).EndObject();
  return JsonResponse(writer);
}

void WriteShard(JsonWriter& writer, const ShardStatus& shard) {
  writer.BeginObject().Key("partition").Integer(shard.partition).Key("shard").Integer(shard.shard);
  writer.Key("epoch").Integer(shard.epoch).Key("state").String(shard.state).Key("points").Integer(shard.points);
  writer.Key("blocked").String(shard.blocked).Key("replicas").BeginArray();
  for (const cluster::ReplicaStatus& replica : shard.replicas) {
    writer.BeginObject().Key("node").String(replica.node).Key("state").String(replica.state);
    writer.Key("points").Integer(replica.points).Key("copied").Integer(replica.copied);
    writer.Key("total").Integer(replica.total).Key("joining").Bool(replica.joining);
    writer.Key("leaving").Bool(replica.leaving).Key("detail").String(replica.detail).EndObject();
  }
  writer.EndArray().EndObject();
}

void WriteCollection(JsonWriter& writer, const CollectionSharding& collection) {
  writer.BeginObject().Key("name").String(collection.name);
  writer.Key("replication_factor").Integer(collection.replication_factor);
  writer.Key("points").Integer(collection.points).Key("skew").Number(collection.skew);
  writer.Key("next_partitions").Integer(collection.next_partitions);
  writer.Key("next_replicas").Integer(collection.next_replicas).Key("next_filled").Integer(collection.next_filled);
  writer.Key("shards").BeginArray();
  for (const ShardStatus& shard : collection.shards) WriteShard(writer, shard);
  writer.EndArray().EndObject();
}

Result<Response> ShowSharding(cluster::Operations& operations, const Request&) {
  ASSIGN_OR_RETURN(const ClusterSharding sharding, operations.Sharding());
  JsonWriter writer;
  writer.BeginObject().Key("moving").Integer(sharding.moving).Key("waiting").Integer(sharding.waiting);
  writer.Key("registers_copied").Integer(sharding.registers_copied);
  writer.Key("registers_total").Integer(sharding.registers_total).Key("skew").Number(sharding.skew);
  writer.Key("collections").BeginArray();
  for (const CollectionSharding& collection : sharding.collections) WriteCollection(writer, collection);
  writer.EndArray().Key("nodes").BeginArray();
  for (const cluster::NodeShare& node : sharding.nodes) {
    writer.BeginObject().Key("id").String(node.id).Key("shards").Integer(node.shards);
    writer.Key("shards_in").Integer(node.shards_in).Key("shards_out").Integer(node.shards_out);
    writer.Key("points").Integer(node.points).EndObject();
  }
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

Response ChangeResponse(const NodeChange& change, int status) {
  JsonWriter writer;
  writer.BeginObject().Key("node");
  WriteNode(writer, change.node);
  writer.Key("before").String(change.before).Key("state").String(change.state);
  writer.Key("detail").String(change.detail).Key("progress").String("/cluster/sharding").EndObject();
  return JsonResponse(writer, status);
}

Result<Response> AddNode(cluster::Operations& operations, const Request& request) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(request.body));
  cluster::NodeAddress node;
  uint32_t port = 0;
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Required("node_id", node.id, LengthBetween{1, 64})
      .Required("host", node.host, LengthBetween{1, 255})
      .Required("port", port, Between{1, 65535});
  RETURN_IF_ERROR(fields.Finish());
  node.port = static_cast<uint16_t>(port);
  ASSIGN_OR_RETURN(const NodeChange change, operations.AddNode(node));
  return ChangeResponse(change, 200);
}

Result<bool> ReadForce(const Request& request) {
  const std::string* force = FindValue(request.query, "force");
  if (force == nullptr) return false;
  if (*force == "true") return true;
  if (*force == "false") return false;
  return Status::InvalidArgument("force", "must be true or false");
}

Result<Response> RemoveNode(cluster::Operations& operations, const Request& request) {
  ASSIGN_OR_RETURN(const bool force, ReadForce(request));
  ASSIGN_OR_RETURN(const NodeChange change, operations.RemoveNode(request.PathParam("id"), force));
  return ChangeResponse(change, 202);
}

void WriteMoves(JsonWriter& writer, const std::vector<PlannedMove>& moves) {
  writer.BeginArray();
  for (const PlannedMove& move : moves) {
    writer.BeginObject().Key("collection").String(move.collection).Key("partition").Integer(move.partition);
    writer.Key("cause").String(move.cause).Key("reason").String(move.reason).EndObject();
  }
  writer.EndArray();
}

Result<Response> Rebalance(cluster::Operations& operations, const Request&) {
  ASSIGN_OR_RETURN(const cluster::RebalanceReport report, operations.Rebalance());
  JsonWriter writer;
  writer.BeginObject().Key("balanced").Bool(report.balanced).Key("moving").Integer(report.moving);
  writer.Key("waiting").Integer(report.waiting).Key("planned");
  WriteMoves(writer, report.planned);
  writer.Key("blocked");
  WriteMoves(writer, report.blocked);
  writer.Key("progress").String("/cluster/sharding").EndObject();
  return JsonResponse(writer, 202);
}

Response ReshardingResponse(const cluster::Resharding& resharding) {
  JsonWriter writer;
  writer.BeginObject().Key("collection").String(resharding.collection);
  writer.Key("partitions").Integer(resharding.partitions);
  writer.Key("next_partitions").Integer(resharding.next_partitions);
  writer.Key("progress").String("/cluster/sharding").EndObject();
  return JsonResponse(writer, 202);
}

Result<Response> Reshard(cluster::Operations& operations, const Request& request) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(request.body));
  uint32_t partitions = 0;
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Required("partitions", partitions, Between{2, 64});
  RETURN_IF_ERROR(fields.Finish());
  ASSIGN_OR_RETURN(const cluster::Resharding begun, operations.Reshard(request.PathParam("name"), partitions));
  return ReshardingResponse(begun);
}

Result<Response> CancelReshard(cluster::Operations& operations, const Request& request) {
  ASSIGN_OR_RETURN(const cluster::Resharding left, operations.CancelReshard(request.PathParam("name")));
  return ReshardingResponse(left);
}

Result<Response> Repair(cluster::Operations& operations, const Request&) {
  ASSIGN_OR_RETURN(const cluster::RepairReport report, operations.Repair());
  JsonWriter writer;
  writer.BeginObject().Key("nodes").Integer(report.nodes).Key("comparisons").Integer(report.comparisons);
  writer.Key("silent").BeginArray();
  for (const std::string& node : report.silent) writer.String(node);
  writer.EndArray().Key("progress").String("/cluster/status").EndObject();
  return JsonResponse(writer, 202);
}

void WriteComparison(JsonWriter& writer, const cluster::ShardComparison& shard) {
  writer.BeginObject().Key("collection").String(shard.collection).Key("partition").Integer(shard.partition);
  writer.Key("shard").Integer(shard.shard).Key("state").String(shard.state).Key("replicas").BeginArray();
  for (const cluster::ReplicaDigest& replica : shard.replicas) {
    writer.BeginObject().Key("node").String(replica.node).Key("answered").Bool(replica.answered);
    writer.Key("registers").Integer(replica.registers).Key("digest").String(replica.digest);
    writer.Key("detail").String(replica.detail).EndObject();
  }
  writer.EndArray().EndObject();
}

Result<Response> Compare(cluster::Operations& operations, const Request&) {
  ASSIGN_OR_RETURN(const cluster::ClusterComparison report, operations.Compare());
  JsonWriter writer;
  writer.BeginObject().Key("equal").Bool(report.equal).Key("shards").Integer(report.shards);
  writer.Key("different").Integer(report.different).Key("unknown").Integer(report.unknown);
  writer.Key("unequal").BeginArray();
  for (const cluster::ShardComparison& shard : report.unequal) WriteComparison(writer, shard);
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

}  // namespace

std::vector<Route> ClusterRoutes(const ApiOptions&, const BackendSlot& slot) {
  const auto bind = [&slot](Result<Response> (*call)(cluster::Operations&, const Request&)) {
    return [&slot, call](const Request& request) -> Result<Response> {
      ASSIGN_OR_RETURN(const Backend backend, slot.Get());
      return call(*backend.operations, request);
    };
  };
  return {
      {"GET", "/cluster/status", Lane::kAdmin, false, "What the cluster is made of", bind(ShowStatus)},
      {"GET", "/cluster/health", Lane::kAdmin, false, "What is wrong with the cluster", bind(ShowHealth)},
      {"GET", "/cluster/sharding", Lane::kAdmin, false, "Where every shard is, and what moves", bind(ShowSharding)},
      {"GET", "/cluster/comparison", Lane::kAdmin, false, "Whether all replicas hold the same now", bind(Compare)},
      {"POST", "/cluster/nodes", Lane::kAdmin, false, "Admit a node", bind(AddNode)},
      {"DELETE", "/cluster/nodes/{id}", Lane::kAdmin, false, "Empty a node and let it go", bind(RemoveNode)},
      {"POST", "/cluster/rebalance", Lane::kAdmin, false, "What the leader moves, and what it will move",
       bind(Rebalance)},
      {"POST", "/collections/{name}/reshard", Lane::kAdmin, false, "Give a collection more partitions", bind(Reshard)},
      {"DELETE", "/collections/{name}/reshard", Lane::kAdmin, false, "Leave the partitions as they are",
       bind(CancelReshard)},
      {"POST", "/cluster/repair", Lane::kAdmin, false, "Compare all replicas now", bind(Repair)},
  };
}

}  // namespace rhizome::gateway
