// Routes for operators: health, readiness, figures, shards, metrics and the description of the API itself.
#include <map>

#include "gateway/api_parts.h"
#include "gateway/lane.h"
#include "gateway/openapi.h"
#include "memory/service.h"

namespace rhizome::gateway {
namespace {

Result<Response> Ready(const BackendSlot& slot) {
  const Result<Backend> backend = slot.Get();
  const std::string read_only = backend.ok() ? backend->database->ReadOnlyReason() : std::string();
  JsonWriter writer;
  writer.BeginObject().Key("ready").Bool(backend.ok()).Key("reasons").BeginArray();
  if (!backend.ok()) writer.String(backend.status().message());
  writer.EndArray().Key("read_only").Bool(!read_only.empty());
  if (!read_only.empty()) writer.Key("read_only_reason").String(read_only);
  writer.Key("degraded").BeginArray();
  if (backend.ok()) {
    for (const std::string& notice : backend->operations->Notices()) writer.String(notice);
  }
  writer.EndArray().EndObject();
  Response response = JsonResponse(writer, backend.ok() ? 200 : 503);
  if (!backend.ok()) response.headers.emplace_back("Retry-After", "1");
  return response;
}

// What each kind of requests is allowed and does, here and now.
void WriteLanes(MetricRegistry& metrics, JsonWriter& writer) {
  writer.Key("lanes").BeginObject();
  for (const std::string_view name : kLaneNames) {
    const LaneMetrics lane(metrics, name);
    writer.Key(name).BeginObject().Key("limit").Number(lane.limit.Value());
    writer.Key("running").Number(lane.running.Value()).Key("queued").Number(lane.queued.Value());
    writer.Key("latency_ms").Number(lane.latency_s.Value() * 1e3);
    writer.Key("shed").Number(lane.shed.Value()).Key("abandoned").Number(lane.abandoned.Value()).EndObject();
  }
  writer.EndObject();
}

// How far the pipeline is behind.
Status WritePipeline(memory::Service& memory, JsonWriter& writer) {
  ASSIGN_OR_RETURN(const workers::PipelineLag lag, memory.Lag());
  writer.Key("pipeline").BeginObject().Key("dead_letters").Integer(lag.dead_letters).Key("waiting").BeginObject();
  for (const auto& [topic, messages] : lag.topics) writer.Key(topic).Integer(messages);
  writer.EndObject().EndObject();
  return Status::Ok();
}

Result<Response> Stats(const BackendSlot& slot, MetricRegistry& metrics) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  uint64_t points = 0;
  uint64_t documents = 0;
  ASSIGN_OR_RETURN(const auto collections, backend.database->ListCollections());
  for (const auto& info : collections) {
    points += info.points;
    documents += info.documents;
  }
  JsonWriter writer;
  writer.BeginObject().Key("collections").Integer(collections.size()).Key("points").Integer(points);
  writer.Key("documents").Integer(documents).Key("embedder");
  if (const pipeline::Embedder* const embedder = backend.embedders.Default(); embedder != nullptr) {
    writer.String(embedder->name());
  } else {
    writer.Null();
  }
  writer.Key("embedders").BeginArray();
  for (const pipeline::Embedder* const embedder : backend.embedders.all()) writer.String(embedder->name());
  writer.EndArray();
  writer.Key("node").BeginObject();
  for (const auto& [name, value] : backend.database->Stats()) writer.Key(name).Number(value);
  writer.EndObject();
  WriteLanes(metrics, writer);
  if (backend.memory != nullptr) RETURN_IF_ERROR(WritePipeline(*backend.memory, writer));
  writer.EndObject();
  return JsonResponse(writer);
}

Result<Response> Shards(const BackendSlot& slot) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  JsonWriter writer;
  writer.BeginObject().Key("shards").BeginArray();
  for (const auto& shard : backend.database->Shards()) {
    writer.BeginObject().Key("shard").Integer(shard.shard).Key("collection").String(shard.collection);
    writer.Key("partition").Integer(shard.partition).Key("state").String(shard.state);
    writer.Key("detail").String(shard.detail).Key("points").Integer(shard.points);
    writer.Key("documents").Integer(shard.documents).Key("slots").Integer(shard.slots);
    writer.Key("pending_index").Integer(shard.pending_index).Key("applied_lsn").Integer(shard.applied_lsn);
    writer.Key("checkpoint_lsn").Integer(shard.checkpoint_lsn);
    writer.Key("epoch").Integer(shard.epoch).Key("role").String(shard.role).EndObject();
  }
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

// What the node counts changes with its collections, so it is written fresh instead of being registered.
void AppendNodeMetrics(const Backend& backend, std::string& text) {
  for (const auto& [name, value] : backend.database->Stats()) {
    const std::string metric = "rhizome_node_" + name;
    text.append("# TYPE ").append(metric).append(" gauge\n").append(metric).append(" ");
    text.append(JsonWriter().Number(value).Take()).append("\n");
  }
  const auto shards = backend.database->Shards();
  const auto append = [&](std::string_view metric, uint64_t cluster::ShardInfo::*member) {
    std::map<std::string, uint64_t> sums;
    for (const auto& shard : shards) sums[shard.collection] += shard.*member;
    text.append("# TYPE ").append(metric).append(" gauge\n");
    for (const auto& [collection, sum] : sums) {
      text.append(metric).append("{collection=\"").append(collection).append("\"} ");
      text.append(std::to_string(sum)).append("\n");
    }
  };
  append("rhizome_points", &cluster::ShardInfo::points);
  append("rhizome_documents", &cluster::ShardInfo::documents);
}

Response Metrics(const ApiOptions& options, const BackendSlot& slot, const MetricRegistry& metrics) {
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = MetricsText(options, slot, metrics);
  return response;
}

Response Health(const std::string& version, const BackendSlot& slot) {
  JsonWriter writer;
  writer.BeginObject().Key("status").String("alive").Key("version").String(version).Key("notices").BeginArray();
  if (const Result<Backend> backend = slot.Get(); backend.ok()) {
    const std::string read_only = backend->database->ReadOnlyReason();
    if (!read_only.empty()) writer.String("read-only: " + read_only);
    for (const std::string& notice : backend->operations->Notices()) writer.String(notice);
  } else {
    writer.String(backend.status().message());
  }
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

}  // namespace

std::string MetricsText(const ApiOptions& options, const BackendSlot& slot, const MetricRegistry& metrics) {
  options.refresh_metrics();
  const Result<Backend> backend = slot.Get();
  // A queue that cannot say how much waits in it leaves the gauges as they were.
  if (backend.ok() && backend->memory != nullptr) (void)backend->memory->Lag().ok();
  std::string text = metrics.Render();
  text.append("# TYPE rhizome_ready gauge\nrhizome_ready ").append(backend.ok() ? "1\n" : "0\n");
  if (backend.ok()) AppendNodeMetrics(*backend, text);
  return text;
}

std::vector<Route> SystemRoutes(const ApiOptions& options, const BackendSlot& slot, MetricRegistry& metrics) {
  return {
      {"GET", "/health", Lane::kInline, true, "Whether the process is alive",
       [version = options.version, &slot](const Request&) -> Result<Response> { return Health(version, slot); }},
      {"GET", "/ready", Lane::kInline, true, "Whether it can serve, and why not",
       [&slot](const Request&) { return Ready(slot); }},
      {"GET", "/stats", Lane::kAdmin, false, "Figures of this node",
       [&slot, &metrics](const Request&) { return Stats(slot, metrics); }},
      {"GET", "/shards", Lane::kAdmin, false, "State of every shard", [&slot](const Request&) { return Shards(slot); }},
      {"GET", "/metrics", Lane::kAdmin, false, "Prometheus metrics",
       [options, &slot, &metrics](const Request&) -> Result<Response> { return Metrics(options, slot, metrics); }},
      {"GET", "/openapi.json", Lane::kInline, false, "This API as OpenAPI 3.1", [](const Request&) -> Result<Response> {
         Response response;
         response.body = std::string(OpenApiDocument());
         return response;
       }}};
}

}  // namespace rhizome::gateway
