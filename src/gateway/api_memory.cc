// Routes on memories: what became of a document's task, entities and relations of a collection's knowledge graph.
#include "engines/graph/types.h"
#include "format/entity_name.h"
#include "gateway/api_parts.h"
#include "gateway/query_parameters.h"
#include "memory/service.h"
#include "shard/graph_view.h"

namespace rhizome::gateway {
void WriteRelation(JsonWriter& writer, const graph::FoundFact& fact) {
  writer.BeginObject().Key("id").String(fact.id.ToString());
  writer.Key("source").String(fact.source.name).Key("type").String(fact.type);
  writer.Key("target").String(fact.target.name);
  writer.Key("weight").Number(fact.weight).Key("confidence").Number(fact.confidence);
  if (fact.valid_from != format::kAlways) writer.Key("valid_from_ms").Integer(fact.valid_from);
  if (fact.valid_until != format::kForever) writer.Key("valid_until_ms").Integer(fact.valid_until);
  writer.Key("recorded_ms").Integer(fact.recorded_at.WallMs());
  if (fact.superseded_at) writer.Key("superseded_ms").Integer(fact.superseded_at->WallMs());
  if (fact.closed_at) writer.Key("closed_ms").Integer(fact.closed_at->WallMs());
  if (fact.superseded_by) writer.Key("superseded_by").String(fact.superseded_by->ToString());
  if (fact.by_conflict) writer.Key("conflict").Bool(true);
  if (fact.origin.kind == graph::GraphOrigin::Kind::kDocument) {
    writer.Key("document").String(fact.origin.id.ToString()).Key("chunks").BeginArray();
    for (const uint32_t chunk : fact.chunks) writer.Integer(chunk);
    writer.EndArray();
  }
  writer.EndObject();
}

namespace {

constexpr uint32_t kPageMax = 1000;
constexpr uint32_t kPageDefault = 100;

struct Asked {
  std::string collection;
  std::shared_ptr<shard::GraphShards> graph;
  uint32_t limit = kPageDefault;
  std::string after;
};

Result<Asked> ReadAsked(const ApiOptions& options, const Backend& backend, const Parameters& parameters) {
  if (backend.memory == nullptr) {
    return Status::FailedPrecondition("a cluster keeps no knowledge graphs yet: a server alone does");
  }
  const auto name = CollectionName(options, parameters.Text("collection"));
  if (!name.ok()) return NamedAsQuery(name.status());
  Asked asked;
  asked.collection = *name;
  ASSIGN_OR_RETURN(asked.graph, backend.memory->Graph(*name));
  ASSIGN_OR_RETURN(const auto limit, parameters.Number("limit", 1, kPageMax));
  if (limit) asked.limit = static_cast<uint32_t>(*limit);
  ASSIGN_OR_RETURN(asked.after, DecodePlace(parameters.Text("after").value_or("")));
  return asked;
}

Result<graph::Times> ReadTimes(const Parameters& parameters) {
  graph::Times times;
  ASSIGN_OR_RETURN(times.as_of_ms, parameters.Number("as_of_ms", INT64_MIN, INT64_MAX));
  ASSIGN_OR_RETURN(times.known_at_ms, parameters.Number("known_at_ms", 0, INT64_MAX));
  return times;
}

Result<Response> ListEntities(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::Read(request, {"collection", "prefix", "state", "after", "limit"}));
  ASSIGN_OR_RETURN(const Asked asked, ReadAsked(options, backend, parameters));
  const std::string state = parameters.Text("state").value_or("");
  if (!state.empty() && state != "all" && !EntityStateOf(state)) {
    return Status::InvalidArgument("query.state", "must be active, archived, deleted or all");
  }
  const std::string prefix = format::EntityName(parameters.Text("prefix").value_or(""));
  ASSIGN_OR_RETURN(const graph::NamePage page, asked.graph->NamesFrom(prefix, asked.after, asked.limit));
  std::vector<graph::EntityId> ids;
  for (const graph::NameEntry& entry : page.entries) ids.push_back(entry.entity);
  ASSIGN_OR_RETURN(const auto entities, asked.graph->Entities(ids));
  ASSIGN_OR_RETURN(const auto classes, shard::GraphView(*asked.graph, backend.memory->functional()).Classes(ids));
  std::vector<graph::EntityId> roots;
  for (const graph::EntityId& id : ids) roots.push_back(classes.RootOf(id));
  ASSIGN_OR_RETURN(const auto root_names, asked.graph->Statistics(roots));
  JsonWriter writer;
  writer.BeginObject().Key("entities").BeginArray();
  for (size_t i = 0; i < ids.size(); ++i) {
    const graph::Entity entity = entities[i].value_or(graph::Entity{ids[i]});
    const auto is = entity.state.value;
    if (state.empty() ? is == format::EntityState::kDeleted : state != "all" && EntityStateOf(state) != is) continue;
    writer.BeginObject().Key("name").String(page.entries[i].name);
    if (page.entries[i].alias) writer.Key("alias_of").String(entity.statistics.name);
    if (roots[i] != ids[i]) writer.Key("same_as").String(root_names[i].name);
    if (is != format::EntityState::kActive) writer.Key("state").String(EntityStateName(is));
    writer.Key("type").String(entity.statistics.Type()).Key("documents").Integer(entity.statistics.documents);
    writer.Key("mentions").Integer(entity.statistics.mentions);
    writer.Key("relations").Integer(entity.statistics.facts).EndObject();
  }
  writer.EndArray().Key("next").String(EncodePlace(page.next)).EndObject();
  return JsonResponse(writer);
}

Result<Response> ListRelations(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::Read(request, {"collection", "entity", "direction", "type", "as_of_ms", "known_at_ms",
                                              "after", "limit"}));
  ASSIGN_OR_RETURN(const Asked asked, ReadAsked(options, backend, parameters));
  const std::string entity = format::EntityName(parameters.Text("entity").value_or(""));
  if (entity.empty()) return Status::InvalidArgument("query.entity", "is required: a name");
  const shard::GraphView view(*asked.graph, backend.memory->functional());
  ASSIGN_OR_RETURN(const auto named, view.Named(entity));
  ASSIGN_OR_RETURN(const auto evolver, backend.memory->housekeeper().EvolverOf(asked.collection));
  evolver->CountReading(named);
  graph::FactQuery query{named.empty() ? format::EntityIdOf(entity) : named.front()};
  const std::string direction = parameters.Text("direction").value_or("both");
  if (direction != "both" && direction != "out" && direction != "in") {
    return Status::InvalidArgument("query.direction", "must be both, out or in");
  }
  query.direction = direction == "out"  ? graph::Direction::kOut
                    : direction == "in" ? graph::Direction::kIn
                                        : graph::Direction::kBoth;
  if (const auto type = parameters.Text("type")) query.types = {*type};
  ASSIGN_OR_RETURN(query.times, ReadTimes(parameters));
  query.limit = asked.limit;
  query.after = asked.after;
  const auto page = view.Facts(query);
  if (!page.ok()) return NamedAsQuery(page.status());
  JsonWriter writer;
  writer.BeginObject().Key("entity").String(entity).Key("relations").BeginArray();
  for (const graph::FoundFact& fact : page->facts) WriteRelation(writer, fact);
  writer.EndArray().Key("next").String(EncodePlace(page->next)).EndObject();
  return JsonResponse(writer);
}

}  // namespace

std::vector<Route> MemoryRoutes(const ApiOptions& options, const BackendSlot& slot) {
  const auto bind = [&](Result<Response> (*call)(const ApiOptions&, const BackendSlot&, const Request&)) {
    return [options, &slot, call](const Request& request) { return call(options, slot, request); };
  };
  return {{"GET", "/entities", Lane::kQuery, false, "List what a collection's documents speak of", bind(ListEntities)},
          {"GET", "/relations", Lane::kQuery, false, "List what is said of an entity", bind(ListRelations)}};
}

}  // namespace rhizome::gateway
