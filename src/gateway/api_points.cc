// Routes on points: upsert, get, delete, scroll, count.
#include <set>

#include "base/steps.h"
#include "gateway/api_parts.h"

namespace rhizome::gateway {
namespace {

struct UpsertRequest {
  std::optional<std::string> collection, consistency;
  std::vector<format::Point> points;
};

}  // namespace

// Outside the unnamed namespace, where ReadJson of a vector finds it.
Status ReadJson(const boost::json::value& value, const JsonPath& path, format::Point& out) {
  JsonText payload;
  Fields fields(value, path);
  fields.Required("id", out.id)
      .Optional("vector", out.vector, LengthBetween{1, 4096})
      .Optional("title", out.title, LengthBetween{0, kTextBytesMax})
      .Optional("text", out.text, LengthBetween{0, kTextBytesMax})
      .Optional("payload", payload);
  out.payload = std::move(payload.text);
  return fields.Finish();
}

namespace {

Result<UpsertRequest> ReadUpsert(const std::string& body) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(body));
  UpsertRequest request;
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Optional("collection", request.collection)
      .Required("points", request.points, LengthBetween{1, kBatchItemsMax})
      .Optional("consistency", request.consistency);
  RETURN_IF_ERROR(fields.Finish());
  std::set<std::string> seen;
  for (size_t i = 0; i < request.points.size(); ++i) {
    if (seen.insert(request.points[i].id.Encode()).second) continue;
    return Status::InvalidArgument("points[" + std::to_string(i) + "].id",
                                   "appears twice in this batch: " + request.points[i].id.ToString());
  }
  return request;
}

// Points that bring text but no vector get one from the collection's embedder, if it has one.
Status EmbedMissing(const Backend& backend, const cluster::CollectionSpec& spec, std::vector<format::Point>& points) {
  if (spec.embedder.empty()) return Status::Ok();
  std::vector<std::string> texts;
  std::vector<size_t> places;
  for (size_t i = 0; i < points.size(); ++i) {
    if (!points[i].vector.empty() || points[i].text.empty()) continue;
    texts.push_back(points[i].text);
    places.push_back(i);
  }
  if (texts.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(auto vectors, EmbedFor(backend, spec, texts));
  for (size_t i = 0; i < places.size(); ++i) points[places[i]].vector = std::move(vectors[i]);
  return Status::Ok();
}

Result<Response> Upsert(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(UpsertRequest wanted, ReadUpsert(request.body));
  ASSIGN_OR_RETURN(const std::string name, CollectionName(options, wanted.collection));
  ASSIGN_OR_RETURN(const cluster::WriteOptions write, WriteOptionsOf(request, wanted.consistency));
  ASSIGN_OR_RETURN(const cluster::CollectionSpec spec, backend.database->GetSpec(name));
  RETURN_IF_ERROR(EmbedMissing(backend, spec, wanted.points));
  std::vector<format::Operation> operations;
  operations.reserve(wanted.points.size());
  for (auto& point : wanted.points) operations.push_back({Version{}, format::UpsertPoint{std::move(point)}});
  const size_t count = operations.size();
  const Step step("write");
  RETURN_IF_ERROR(RenameField(backend.database->Write(name, std::move(operations), write), "operations", "points"));
  JsonWriter writer;
  writer.BeginObject().Key("upserted").Integer(count).EndObject();
  return JsonResponse(writer);
}

struct IdsRequest {
  std::optional<std::string> collection, consistency;
  std::vector<format::PointId> ids;
  bool with_vector = false;
};

Result<IdsRequest> ReadIds(const std::string& body, bool may_ask_vector) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(body));
  IdsRequest request;
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Optional("collection", request.collection)
      .Required("ids", request.ids, LengthBetween{1, kBatchItemsMax})
      .Optional("consistency", request.consistency);
  if (may_ask_vector) fields.Optional("with_vector", request.with_vector);
  RETURN_IF_ERROR(fields.Finish());
  return request;
}

void WritePoint(JsonWriter& writer, const cluster::StoredPointView& stored, bool with_vector) {
  const format::Point& point = stored.point;
  writer.BeginObject().Key("id");
  WriteId(writer, point.id);
  writer.Key("title").String(point.title).Key("text").String(point.text);
  writer.Key("payload").Raw(point.payload.empty() ? "{}" : point.payload);
  if (with_vector) {
    writer.Key("vector").BeginArray();
    for (const float value : point.vector) writer.Number(value);
    writer.EndArray();
  }
  writer.Key("updated_ms").Integer(stored.version.WallMs()).EndObject();
}

Result<Response> Get(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const IdsRequest wanted, ReadIds(request.body, true));
  ASSIGN_OR_RETURN(const std::string name, CollectionName(options, wanted.collection));
  ASSIGN_OR_RETURN(const cluster::ReadOptions read, ReadOptionsOf(request, wanted.consistency));
  ASSIGN_OR_RETURN(const auto found, backend.database->Get(name, wanted.ids, wanted.with_vector, read));
  JsonWriter writer;
  writer.BeginObject().Key("points").BeginArray();
  for (const auto& point : found) {
    if (point) WritePoint(writer, *point, wanted.with_vector);
  }
  writer.EndArray().Key("missing").BeginArray();
  for (size_t i = 0; i < found.size(); ++i) {
    if (!found[i]) WriteId(writer, wanted.ids[i]);
  }
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

Result<Response> Delete(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(IdsRequest wanted, ReadIds(request.body, false));
  ASSIGN_OR_RETURN(const std::string name, CollectionName(options, wanted.collection));
  ASSIGN_OR_RETURN(const cluster::WriteOptions write, WriteOptionsOf(request, wanted.consistency));
  std::vector<format::Operation> operations;
  std::set<std::string> seen;
  for (auto& id : wanted.ids) {
    if (seen.insert(id.Encode()).second) operations.push_back({Version{}, format::DeletePoint{std::move(id)}});
  }
  const size_t count = operations.size();
  const Step step("write");
  RETURN_IF_ERROR(RenameField(backend.database->Write(name, std::move(operations), write), "operations", "ids"));
  JsonWriter writer;
  writer.BeginObject().Key("deleted").Integer(count).EndObject();
  return JsonResponse(writer);
}

Result<Response> Scroll(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(request.body));
  cluster::ScrollRequest wanted;
  std::optional<std::string> collection, consistency;
  JsonView filter = nullptr;
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Optional("collection", collection)
      .Optional("after", wanted.after)
      .Optional("limit", wanted.limit, Between{1, kBatchItemsMax})
      .Optional("filter", filter)
      .Optional("with_vector", wanted.with_vector)
      .Optional("consistency", consistency);
  RETURN_IF_ERROR(fields.Finish());
  ASSIGN_OR_RETURN(const cluster::ReadOptions read, ReadOptionsOf(request, consistency));
  ASSIGN_OR_RETURN(wanted.collection, CollectionName(options, collection));
  ASSIGN_OR_RETURN(wanted.filter, ReadFilter(filter));
  ASSIGN_OR_RETURN(const cluster::ScrollResponse found, backend.database->Scroll(wanted, read));
  JsonWriter writer;
  writer.BeginObject().Key("points").BeginArray();
  for (const auto& point : found.points) WritePoint(writer, point, wanted.with_vector);
  writer.EndArray().Key("next");
  if (found.next) {
    WriteId(writer, *found.next);
  } else {
    writer.Null();
  }
  writer.EndObject();
  return JsonResponse(writer);
}

Result<Response> Count(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(request.body));
  std::optional<std::string> collection, consistency;
  JsonView filter_json = nullptr;
  const JsonPath path;
  RETURN_IF_ERROR(Fields(document.root(), path)
                      .Optional("collection", collection)
                      .Optional("filter", filter_json)
                      .Optional("consistency", consistency)
                      .Finish());
  ASSIGN_OR_RETURN(const cluster::ReadOptions read, ReadOptionsOf(request, consistency));
  ASSIGN_OR_RETURN(const std::string name, CollectionName(options, collection));
  ASSIGN_OR_RETURN(const auto filter, ReadFilter(filter_json));
  ASSIGN_OR_RETURN(const uint64_t count, backend.database->Count(name, filter.get(), read));
  JsonWriter writer;
  writer.BeginObject().Key("count").Integer(count).EndObject();
  return JsonResponse(writer);
}

}  // namespace

std::vector<Route> PointRoutes(const ApiOptions& options, const BackendSlot& slot) {
  const auto bind = [&](Result<Response> (*call)(const ApiOptions&, const BackendSlot&, const Request&)) {
    return [options, &slot, call](const Request& request) { return call(options, slot, request); };
  };
  return {{"POST", "/vectors", Lane::kWrite, false, "Upsert points", bind(Upsert)},
          {"POST", "/vectors/get", Lane::kQuery, false, "Get points by id", bind(Get)},
          {"POST", "/vectors/delete", Lane::kWrite, false, "Delete points by id", bind(Delete)},
          {"POST", "/vectors/scroll", Lane::kQuery, false, "Page through points in id order", bind(Scroll)},
          {"POST", "/vectors/count", Lane::kQuery, false, "Count points", bind(Count)}};
}

}  // namespace rhizome::gateway
