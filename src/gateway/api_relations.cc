// Routes on single relations: what a client says itself, what it puts right by hand, and which contradict each other
// (docs/evolution.md).
#include "engines/graph/types.h"
#include "evolve/conflict_list.h"
#include "format/derivation_builder.h"
#include "format/entity_name.h"
#include "format/graph_key.h"
#include "gateway/api_parts.h"
#include "gateway/query_parameters.h"
#include "memory/service.h"
#include "shard/graph_view.h"

namespace rhizome::gateway {

// Milliseconds since 1970, before it too.
struct Moment {
  int64_t ms = 0;
};
Status ReadJson(const boost::json::value& value, const JsonPath& path, Moment& out) {
  if (value.is_int64()) {
    out.ms = value.get_int64();
    return Status::Ok();
  }
  return WrongType(value, path, "a whole number of milliseconds");
}

namespace {

constexpr uint32_t kConflictsMax = 1000;

Result<std::shared_ptr<shard::GraphShards>> GraphOf(const ApiOptions& options, const Backend& backend,
                                                    const std::optional<std::string>& collection) {
  if (backend.memory == nullptr) {
    return Status::FailedPrecondition("a cluster keeps no knowledge graphs yet: a server alone does");
  }
  ASSIGN_OR_RETURN(const std::string name, CollectionName(options, collection));
  return backend.memory->Graph(name);
}

Result<graph::FactId> IdIn(const Request& request) {
  const std::optional<graph::FactId> id = graph::FactId::Parse(request.PathParam("id"));
  if (!id) return Status::NotFound("there is no relation " + request.PathParam("id"));
  return *id;
}

Result<graph::FoundFact> Find(const shard::GraphView& view, const graph::FactId& id) {
  ASSIGN_OR_RETURN(std::optional<graph::FoundFact> found, view.FindFact(id, {}));
  if (!found) return Status::NotFound("there is no relation " + id.ToString());
  return std::move(*found);
}

Result<Response> PutRelation(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument body, JsonDocument::Parse(request.body));
  std::optional<std::string> collection;
  format::ClientFact said;
  std::optional<Moment> from, until;
  Fields fields(body.root(), {});
  fields.Optional("collection", collection)
      .Required("source", said.source, LengthBetween{1, 512})
      .Required("type", said.type, LengthBetween{1, 128})
      .Required("target", said.target, LengthBetween{1, 512})
      .Optional("source_type", said.source_type, LengthBetween{0, 128})
      .Optional("target_type", said.target_type, LengthBetween{0, 128})
      .Optional("weight", said.weight, Between{0, 1e9})
      .Optional("confidence", said.confidence, Between{0, 1})
      .Optional("valid_from_ms", from)
      .Optional("valid_until_ms", until);
  RETURN_IF_ERROR(fields.Finish());
  said.valid_from = from ? from->ms : format::kAlways;
  said.valid_until = until ? until->ms : format::kForever;
  for (const auto& [field, name] : {std::pair("source", said.source), std::pair("target", said.target)}) {
    if (format::EntityName(name).empty()) return Status::InvalidArgument(field, "is blank");
  }
  if (said.valid_until <= said.valid_from) {
    return Status::InvalidArgument("valid_until_ms", "must be later than valid_from_ms");
  }
  ASSIGN_OR_RETURN(const auto graph, GraphOf(options, backend, collection));
  const format::PutDerivation put = format::PutFactOf(format::DerivedFactId(said), said);
  RETURN_IF_ERROR(graph->Write({{{}, put}}));
  const shard::GraphView view(*graph, backend.memory->functional());
  ASSIGN_OR_RETURN(const graph::FoundFact fact, Find(view, put.derivation.IdOf(put.origin, 0)));
  JsonWriter writer;
  WriteRelation(writer, fact);
  return JsonResponse(writer);
}

Result<Response> ShowRelation(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::Read(request, {"collection"}));
  const auto graph = GraphOf(options, backend, parameters.Text("collection"));
  if (!graph.ok()) return NamedAsQuery(graph.status());
  ASSIGN_OR_RETURN(const graph::FactId id, IdIn(request));
  ASSIGN_OR_RETURN(const graph::FoundFact fact, Find(shard::GraphView(**graph, backend.memory->functional()), id));
  JsonWriter writer;
  WriteRelation(writer, fact);
  return JsonResponse(writer);
}

Result<Response> MarkRelation(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument body, JsonDocument::Parse(request.body));
  std::optional<std::string> collection;
  std::optional<Moment> until;
  std::string mark;
  Fields fields(body.root(), {});
  fields.Optional("collection", collection).Required("mark", mark).Optional("valid_until_ms", until);
  RETURN_IF_ERROR(fields.Finish());
  if (mark != "closed" && mark != "open" && mark != "none") {
    return Status::InvalidArgument("mark", "must be closed, open or none");
  }
  if ((mark == "closed") != until.has_value()) {
    return Status::InvalidArgument("valid_until_ms", "belongs to a relation that is closed, and only there");
  }
  ASSIGN_OR_RETURN(const auto graph, GraphOf(options, backend, collection));
  ASSIGN_OR_RETURN(const graph::FactId id, IdIn(request));
  const shard::GraphView view(*graph, backend.memory->functional());
  ASSIGN_OR_RETURN(const graph::FoundFact before, Find(view, id));
  format::GraphOperation operation;
  if (mark == "none") {
    operation.body = format::DeleteRegister{format::ClosureKeyOf(before.origin, id.fact)};
  } else {
    operation.body = format::PutClosure{before.origin, id.fact, mark == "closed", until ? until->ms : format::kForever};
  }
  RETURN_IF_ERROR(graph->Write({std::move(operation)}));
  ASSIGN_OR_RETURN(const graph::FoundFact after, Find(view, id));
  JsonWriter writer;
  WriteRelation(writer, after);
  return JsonResponse(writer);
}

Result<Response> DeleteRelation(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::Read(request, {"collection"}));
  const auto graph = GraphOf(options, backend, parameters.Text("collection"));
  if (!graph.ok()) return NamedAsQuery(graph.status());
  ASSIGN_OR_RETURN(const graph::FactId id, IdIn(request));
  ASSIGN_OR_RETURN(const graph::FoundFact fact, Find(shard::GraphView(**graph, backend.memory->functional()), id));
  if (fact.origin.kind == graph::GraphOrigin::Kind::kDocument) {
    return Status::FailedPrecondition("a document says so: change or delete that, or mark the relation as closed");
  }
  RETURN_IF_ERROR((*graph)->Write({{{}, format::DeleteRegister{format::GraphKeyOf(fact.origin)}}}));
  const graph::EntityId ends[] = {fact.source.id, fact.target.id};
  RETURN_IF_ERROR((*graph)->ForgetUnnamed(ends).status());
  JsonWriter writer;
  writer.BeginObject().Key("deleted").Bool(true).EndObject();
  return JsonResponse(writer);
}

Result<Response> ListConflicts(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::Read(request, {"collection"}));
  const auto graph = GraphOf(options, backend, parameters.Text("collection"));
  if (!graph.ok()) return NamedAsQuery(graph.status());
  ASSIGN_OR_RETURN(const evolve::ConflictList list,
                   evolve::FindConflicts(**graph, backend.memory->functional(), kConflictsMax));
  JsonWriter writer;
  writer.BeginObject().Key("functional").String(backend.memory->functional().ToString());
  writer.Key("relations").BeginArray();
  for (const graph::FoundFact& fact : list.ended) WriteRelation(writer, fact);
  writer.EndArray().Key("truncated").Bool(list.truncated).EndObject();
  return JsonResponse(writer);
}

}  // namespace

std::vector<Route> RelationRoutes(const ApiOptions& options, const BackendSlot& slot) {
  const auto bind = [&](Result<Response> (*call)(const ApiOptions&, const BackendSlot&, const Request&)) {
    return [options, &slot, call](const Request& request) { return call(options, slot, request); };
  };
  return {{"POST", "/relations", Lane::kWrite, false, "Say how two entities relate", bind(PutRelation)},
          {"GET", "/relations/{id}", Lane::kQuery, false, "Show a relation", bind(ShowRelation)},
          {"PATCH", "/relations/{id}", Lane::kWrite, false, "Close or open a relation by hand", bind(MarkRelation)},
          {"DELETE", "/relations/{id}", Lane::kWrite, false, "Take back what a client said", bind(DeleteRelation)},
          {"GET", "/conflicts", Lane::kAdmin, false, "List relations that others ended", bind(ListConflicts)}};
}

}  // namespace rhizome::gateway
