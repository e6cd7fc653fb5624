// Routes that make, show and drop collections.
#include "gateway/api_parts.h"
#include "memory/service.h"

namespace rhizome::gateway {
namespace {

struct CreateRequest {
  std::string name;
  std::optional<uint32_t> dimension;
  std::string metric = "cosine";
  std::optional<std::string> embedder;
  std::string language = "english";
  std::optional<uint32_t> shards;
  std::optional<uint32_t> replication_factor;
  bool graph = false;
};

Result<CreateRequest> ReadCreate(const std::string& body) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(body));
  CreateRequest request;
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Required("name", request.name)
      .Optional("dimension", request.dimension, Between{0, 4096})
      .Optional("metric", request.metric)
      .Optional("embedder", request.embedder)
      .Optional("language", request.language)
      .Optional("shards", request.shards, Between{1, 64})
      .Optional("replication_factor", request.replication_factor, Between{1, 16})
      .Optional("graph", request.graph);
  RETURN_IF_ERROR(fields.Finish());
  return request;
}

// What was left out follows from what was said: an embedder brings its dimension; a dimension alone means that
// clients bring their own vectors; neither means the server's embedder.
Result<cluster::CollectionSpec> SpecOf(const CreateRequest& request, const Backend& backend) {
  cluster::CollectionSpec spec = DefaultSpec(backend, request.name);
  const auto metric = vector::ParseMetric(request.metric);
  if (!metric) return Status::InvalidArgument("metric", "must be cosine, dot or l2");
  spec.metric = *metric;
  spec.language = request.language;
  spec.shards = request.shards.value_or(spec.shards);
  spec.replication_factor = request.replication_factor.value_or(spec.replication_factor);
  const bool wants_embedder = request.embedder ? !request.embedder->empty() : !request.dimension;
  if (!wants_embedder) {
    if (!request.dimension) return Status::InvalidArgument("dimension", "is required without an embedder");
    spec.embedder.clear();
    spec.dimension = *request.dimension;
    return spec;
  }
  if (spec.embedder.empty()) {
    return Status::InvalidArgument(request.embedder ? "embedder" : "dimension",
                                   "this server runs no embedder: give a dimension and send vectors");
  }
  if (request.embedder) {
    const pipeline::Embedder* const asked = backend.embedders.Find(*request.embedder);
    if (asked == nullptr) return Status::InvalidArgument("embedder", "this server runs " + backend.embedders.Names());
    spec.embedder = std::string(asked->name());
    spec.dimension = asked->dimension();
  }
  if (request.dimension && *request.dimension != spec.dimension) {
    return Status::InvalidArgument("dimension", spec.embedder + " makes vectors of " + std::to_string(spec.dimension));
  }
  return spec;
}

void WriteInfo(JsonWriter& writer, const cluster::CollectionInfo& info) {
  writer.BeginObject().Key("name").String(info.spec.name).Key("dimension").Integer(info.spec.dimension);
  writer.Key("metric").String(vector::MetricName(info.spec.metric)).Key("embedder").String(info.spec.embedder);
  writer.Key("language").String(info.spec.language).Key("shards").Integer(info.spec.shards);
  writer.Key("replication_factor").Integer(info.spec.replication_factor);
  writer.Key("points").Integer(info.points).Key("documents").Integer(info.documents);
  if (!info.failed_partitions.empty()) {
    writer.Key("failed_partitions").BeginArray();
    for (const uint32_t partition : info.failed_partitions) writer.Integer(partition);
    writer.EndArray();
  }
  writer.Key("created_ms").Integer(info.created_ms).EndObject();
}

Result<Response> Create(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const CreateRequest wanted, ReadCreate(request.body));
  ASSIGN_OR_RETURN(const cluster::CollectionSpec spec, SpecOf(wanted, backend));
  RETURN_IF_ERROR(cluster::ValidateSpec(spec));
  if (wanted.graph && backend.memory == nullptr) {
    return Status::InvalidArgument("graph", "a cluster keeps no knowledge graphs yet: a server alone does");
  }
  ASSIGN_OR_RETURN(const cluster::CollectionInfo info,
                   wanted.graph ? backend.memory->CreateMemory(spec) : backend.database->CreateCollection(spec));
  JsonWriter writer;
  WriteInfo(writer, info);
  return JsonResponse(writer, 201);
}

Result<Response> List(const BackendSlot& slot, const Request&) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const auto infos, backend.database->ListCollections());
  JsonWriter writer;
  writer.BeginObject().Key("collections").BeginArray();
  for (const auto& info : infos) WriteInfo(writer, info);
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

Result<Response> Show(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const cluster::CollectionInfo info, backend.database->GetCollection(request.PathParam("name")));
  JsonWriter writer;
  WriteInfo(writer, info);
  return JsonResponse(writer);
}

// Nothing else of a collection can change.
Result<Response> Change(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(request.body));
  uint32_t factor = 0;
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Required("replication_factor", factor, Between{1, 16});
  RETURN_IF_ERROR(fields.Finish());
  RETURN_IF_ERROR(backend.operations->SetFactor(request.PathParam("name"), factor));
  return Show(slot, request);
}

Result<Response> Drop(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  RETURN_IF_ERROR(backend.database->DropCollection(request.PathParam("name")));
  JsonWriter writer;
  writer.BeginObject().Key("dropped").String(request.PathParam("name")).EndObject();
  return JsonResponse(writer);
}

}  // namespace

std::vector<Route> CollectionRoutes(const ApiOptions&, const BackendSlot& slot) {
  const auto bind = [&slot](Result<Response> (*call)(const BackendSlot&, const Request&)) {
    return [&slot, call](const Request& request) { return call(slot, request); };
  };
  return {{"POST", "/collections", Lane::kWrite, false, "Make a collection", bind(Create)},
          {"GET", "/collections", Lane::kAdmin, false, "List all collections", bind(List)},
          {"GET", "/collections/{name}", Lane::kAdmin, false, "Show a collection", bind(Show)},
          {"PATCH", "/collections/{name}", Lane::kWrite, false, "Change how often a collection is kept", bind(Change)},
          {"DELETE", "/collections/{name}", Lane::kWrite, false, "Drop a collection with all it holds", bind(Drop)}};
}

}  // namespace rhizome::gateway
