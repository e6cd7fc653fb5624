#include "gateway/api.h"

#include <algorithm>

#include "base/steps.h"
#include "gateway/api_parts.h"
#include "gateway/target.h"

namespace rhizome::gateway {

Status ReadJson(const boost::json::value& value, const JsonPath& path, format::PointId& out) {
  if (value.is_string()) {
    const auto& text = value.get_string();
    // Chunks may be looked up; the engine refuses to change them by their own ids.
    auto id = format::PointId::Reference({text.data(), text.size()});
    if (!id.ok()) return Status::InvalidArgument(path.ToString(), std::string(id.status().message()));
    out = *std::move(id);
    return Status::Ok();
  }
  uint64_t number = 0;
  if (!ReadJson(value, path, number).ok()) {
    return WrongType(value, path, "an integer from 0 to 18446744073709551615 or a string");
  }
  out = format::PointId(number);
  return Status::Ok();
}

void WriteId(JsonWriter& writer, const format::PointId& id) {
  if (id.is_number()) {
    writer.Integer(id.number());
  } else {
    writer.String(id.ToString());
  }
}

Result<std::shared_ptr<const vector::Filter>> ReadFilter(JsonView filter) {
  if (filter == nullptr) return std::shared_ptr<const vector::Filter>();
  ASSIGN_OR_RETURN(vector::Filter parsed, vector::ParseFilter(*filter, "filter"));
  return std::shared_ptr<const vector::Filter>(std::make_shared<vector::Filter>(std::move(parsed)));
}

Result<std::string> CollectionName(const ApiOptions& options, const std::optional<std::string>& name) {
  if (!name) return options.default_collection;
  if (IsCollectionName(*name)) return *name;
  return Status::InvalidArgument("collection", "a collection's name is 1 to 128 of A-Z a-z 0-9 _ -");
}

Status RenameField(const Status& status, std::string_view from, std::string_view to) {
  const std::string_view field = status.field();
  if (status.ok() || !field.starts_with(from)) return status;
  return Status(status.code(), std::string(status.message()), std::string(to).append(field.substr(from.size())));
}

Result<std::vector<std::vector<float>>> EmbedFor(const Backend& backend, const cluster::CollectionSpec& spec,
                                                 const std::vector<std::string>& texts) {
  if (spec.embedder.empty()) {
    return Status::FailedPrecondition("collection " + spec.name +
                                      " has no embedder: send a vector, or search in mode text");
  }
  ASSIGN_OR_RETURN(pipeline::Embedder* const embedder, backend.embedders.For(spec.name, spec.embedder));
  const Step step("embed");
  return embedder->Embed(texts);
}

namespace {

constexpr size_t kIdempotencyKeyBytesMax = 256;

Status FillOptions(const Request& request, const std::optional<std::string>& consistency,
                   cluster::CallOptions& options) {
  if (consistency) {
    const auto parsed = cluster::ParseConsistency(*consistency);
    if (!parsed) return Status::InvalidArgument("consistency", "must be one, quorum or all");
    options.consistency = *parsed;
  }
  options.deadline_ns = request.deadline_ns;
  options.request_id = request.id;
  options.traceparent = request.traceparent;
  return Status::Ok();
}

}  // namespace

Result<cluster::ReadOptions> ReadOptionsOf(const Request& request, const std::optional<std::string>& consistency) {
  cluster::ReadOptions options;
  RETURN_IF_ERROR(FillOptions(request, consistency, options));
  return options;
}

Result<cluster::WriteOptions> WriteOptionsOf(const Request& request, const std::optional<std::string>& consistency) {
  cluster::WriteOptions options;
  RETURN_IF_ERROR(FillOptions(request, consistency, options));
  const std::string& key = request.idempotency_key;
  const auto printable = [](unsigned char c) { return c >= ' ' && c <= '~'; };
  if (key.size() > kIdempotencyKeyBytesMax || !std::all_of(key.begin(), key.end(), printable)) {
    return Status::InvalidArgument("Idempotency-Key", "must be at most 256 printable ASCII characters");
  }
  options.idempotency_key = key;
  return options;
}

cluster::CollectionSpec DefaultSpec(const Backend& backend, std::string name) {
  cluster::CollectionSpec spec;
  spec.name = std::move(name);
  const cluster::CollectionDefaults defaults = backend.database->Defaults();
  spec.shards = defaults.shards;
  spec.replication_factor = defaults.replication_factor;
  const pipeline::Embedder* const embedder = backend.embedders.Default();
  if (embedder == nullptr) return spec;
  spec.embedder = std::string(embedder->name());
  spec.dimension = embedder->dimension();
  return spec;
}

Response JsonResponse(JsonWriter& writer, int status) {
  Response response;
  response.status = status;
  response.body = writer.Take();
  return response;
}

std::vector<Route> ApiRoutes(const ApiOptions& options, const BackendSlot& slot, MetricRegistry& metrics) {
  std::vector<Route> routes = CollectionRoutes(options, slot);
  for (auto part : {PointRoutes(options, slot), SearchRoutes(options, slot), DocumentRoutes(options, slot),
                    MemoryRoutes(options, slot), EvolveRoutes(options, slot), AskRoutes(options, slot),
                    RelationRoutes(options, slot), TaskRoutes(slot), GraphBuildRoutes(slot),
                    ClusterRoutes(options, slot), SnapshotRoutes(options, slot), CommunityRoutes(options, slot),
                    GraphRoutes(options, slot), SystemRoutes(options, slot, metrics)}) {
    routes.insert(routes.end(), part.begin(), part.end());
  }
  return routes;
}

}  // namespace rhizome::gateway
