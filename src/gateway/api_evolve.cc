// Routes on how a memory ages and mends itself: plans and passes, the audit, what is brought back, what a client says
// an entity is worth (docs/evolution.md).
#include <algorithm>
#include <map>
#include <set>

#include "engines/graph/types.h"
#include "evolve/evolver.h"
#include "extract/extract.h"
#include "format/entity_name.h"
#include "gateway/api_parts.h"
#include "gateway/query_parameters.h"
#include "memory/service.h"
#include "shard/graph_view.h"

namespace rhizome::gateway {

std::string_view EntityStateName(format::EntityState state) {
  switch (state) {
    case format::EntityState::kActive: return "active";
    case format::EntityState::kArchived: return "archived";
    case format::EntityState::kDeleted: return "deleted";
  }
  return "";
}

std::optional<format::EntityState> EntityStateOf(std::string_view name) {
  for (const auto state :
       {format::EntityState::kActive, format::EntityState::kArchived, format::EntityState::kDeleted}) {
    if (EntityStateName(state) == name) return state;
  }
  return std::nullopt;
}

namespace {

constexpr uint32_t kChangesShown = 1000;
constexpr uint32_t kEventsPageMax = 1000;
constexpr uint32_t kEventsPageDefault = 100;
constexpr size_t kNamesMax = 1000;

Result<std::shared_ptr<evolve::Evolver>> EvolverFor(const ApiOptions& options, const Backend& backend,
                                                    const std::optional<std::string>& collection) {
  if (backend.memory == nullptr) {
    return Status::FailedPrecondition("a cluster keeps no knowledge graphs yet: a server alone does");
  }
  ASSIGN_OR_RETURN(const std::string name, CollectionName(options, collection));
  return backend.memory->housekeeper().EvolverOf(name);
}

// Names of entities by id, "" of those that nobody names any more.
Result<std::map<graph::EntityId, std::string>> NamesOf(const shard::GraphShards& graph,
                                                       const std::vector<graph::EntityId>& ids) {
  ASSIGN_OR_RETURN(const auto statistics, graph.Statistics(ids));
  std::map<graph::EntityId, std::string> names;
  for (size_t i = 0; i < ids.size(); ++i) names[ids[i]] = statistics[i].name;
  return names;
}

void WriteScore(JsonWriter& writer, const evolve::Score& score) {
  writer.Key("score").BeginObject().Key("age_days").Number(score.age_days).Key("recency").Number(score.recency);
  writer.Key("frequency").Number(score.frequency).Key("rank").Number(score.rank);
  writer.Key("explicit").Number(score.explicit_importance).Key("importance").Number(score.importance);
  writer.Key("strength").Number(score.strength).EndObject();
}

bool IsOfNames(evolve::Action action) { return action == evolve::Action::kMerge || action == evolve::Action::kSplit; }

std::string_view CauseName(format::MergeCause cause) {
  switch (cause) {
    case format::MergeCause::kHand: return "hand";
    case format::MergeCause::kNames: return "names";
    case format::MergeCause::kAlias: return "alias";
  }
  return "";
}

void WriteChange(JsonWriter& writer, const evolve::Change& change) {
  writer.BeginObject().Key("action").String(evolve::ActionName(change.action)).Key("entity").String(change.name);
  if (IsOfNames(change.action)) {
    writer.Key("other").String(change.other_name).Key("cause").String(CauseName(change.cause));
    if (change.action == evolve::Action::kMerge) {
      writer.Key("reason").String(change.reason).Key("likeness").Number(change.likeness);
    }
  } else {
    writer.Key("before").String(EntityStateName(change.before)).Key("after").String(EntityStateName(change.after));
    WriteScore(writer, change.score);
  }
  writer.EndObject();
}

Response ShowPlan(const evolve::Plan& plan) {
  JsonWriter writer;
  writer.BeginObject().Key("plan").String(plan.id).Key("made_ms").Integer(plan.made_ms);
  writer.Key("entities").Integer(plan.entities).Key("counts").BeginObject();
  for (const auto action : {evolve::Action::kMerge, evolve::Action::kSplit, evolve::Action::kArchive,
                            evolve::Action::kDelete, evolve::Action::kRestore}) {
    writer.Key(evolve::ActionName(action))
        .Integer(std::count_if(plan.changes.begin(), plan.changes.end(),
                               [&](const evolve::Change& change) { return change.action == action; }));
  }
  writer.Key("forget").Integer(plan.unnamed.size()).EndObject().Key("changes").BeginArray();
  for (size_t i = 0; i < plan.changes.size() && i < kChangesShown; ++i) WriteChange(writer, plan.changes[i]);
  writer.EndArray().Key("truncated").Bool(plan.truncated).EndObject();
  return JsonResponse(writer);
}

Response ShowApplied(const evolve::Applied& applied) {
  JsonWriter writer;
  writer.BeginObject().Key("changed").Integer(applied.changed).Key("skipped").Integer(applied.skipped);
  writer.Key("forgotten").Integer(applied.forgotten).Key("events").BeginArray();
  for (size_t i = 0; i < applied.events.size() && i < kChangesShown; ++i) writer.String(applied.events[i].ToString());
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

Result<Response> Evolve(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument body, JsonDocument::Parse(request.body));
  std::optional<std::string> collection, plan;
  bool dry_run = true;
  evolve::PlanOptions wanted;
  Fields fields(body.root(), {});
  fields.Optional("collection", collection)
      .Optional("plan", plan)
      .Optional("dry_run", dry_run)
      .Optional("merges", wanted.merges)
      .Optional("ageing", wanted.ageing);
  RETURN_IF_ERROR(fields.Finish());
  ASSIGN_OR_RETURN(const auto evolver, EvolverFor(options, backend, collection));
  if (plan) {
    ASSIGN_OR_RETURN(const evolve::Applied applied, evolver->Apply(*plan));
    return ShowApplied(applied);
  }
  if (!dry_run) {
    ASSIGN_OR_RETURN(const evolve::Applied applied, evolver->Pass(wanted));
    return ShowApplied(applied);
  }
  ASSIGN_OR_RETURN(const evolve::Plan made, evolver->MakePlan(wanted));
  return ShowPlan(made);
}

void WriteEvent(JsonWriter& writer, const evolve::Event& event, const std::map<graph::EntityId, std::string>& names) {
  writer.BeginObject().Key("id").String(event.id.ToString()).Key("at_ms").Integer(event.id.at_ms);
  writer.Key("action").String(evolve::ActionName(event.action)).Key("by").String(evolve::ActorName(event.actor));
  writer.Key("entity").String(names.at(event.id.entity));
  if (event.other) {
    writer.Key("other").String(names.at(*event.other)).Key("cause").String(CauseName(event.cause));
  } else {
    writer.Key("before").String(EntityStateName(event.before)).Key("after").String(EntityStateName(event.after));
    if (event.actor == evolve::Actor::kPass) WriteScore(writer, event.score);
  }
  if (!event.plan.empty()) writer.Key("plan").String(event.plan);
  if (event.undoes) writer.Key("undoes").String(event.undoes->ToString());
  writer.EndObject();
}

Status WriteEvents(JsonWriter& writer, const shard::GraphShards& graph, const std::vector<evolve::Event>& events) {
  std::vector<graph::EntityId> ids;
  for (const evolve::Event& event : events) {
    ids.push_back(event.id.entity);
    if (event.other) ids.push_back(*event.other);
  }
  ASSIGN_OR_RETURN(const auto names, NamesOf(graph, ids));
  for (const evolve::Event& event : events) WriteEvent(writer, event, names);
  return Status::Ok();
}

Result<Response> UndoEvent(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument body, JsonDocument::Parse(request.body));
  std::optional<std::string> collection;
  std::string event;
  Fields fields(body.root(), {});
  fields.Optional("collection", collection).Required("event", event);
  RETURN_IF_ERROR(fields.Finish());
  const auto id = evolve::EventId::Parse(event);
  if (!id) return Status::InvalidArgument("event", "is no id of an event");
  ASSIGN_OR_RETURN(const auto evolver, EvolverFor(options, backend, collection));
  ASSIGN_OR_RETURN(const evolve::Event undone, evolver->Undo(*id));
  JsonWriter writer;
  writer.BeginObject().Key("events").BeginArray();
  RETURN_IF_ERROR(WriteEvents(writer, *evolver->graph(), {undone}));
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

Result<Response> Audit(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::Read(request, {"collection", "entity", "after", "limit"}));
  const auto evolver = EvolverFor(options, backend, parameters.Text("collection"));
  if (!evolver.ok()) return NamedAsQuery(evolver.status());
  ASSIGN_OR_RETURN(const auto limit, parameters.Number("limit", 1, kEventsPageMax));
  ASSIGN_OR_RETURN(const std::string after, DecodePlace(parameters.Text("after").value_or("")));
  std::optional<graph::EntityId> entity;
  if (const auto name = parameters.Text("entity")) entity = format::EntityIdOf(format::EntityName(*name));
  const shard::GraphShards& graph = *(*evolver)->graph();
  const auto page = graph.Events(entity, after, static_cast<uint32_t>(limit.value_or(kEventsPageDefault)));
  if (!page.ok()) return NamedAsQuery(page.status());
  std::vector<evolve::Event> events;
  for (const format::PutEvent& put : page->events) {
    ASSIGN_OR_RETURN(events.emplace_back(), evolve::EventOf(put));
  }
  JsonWriter writer;
  writer.BeginObject().Key("events").BeginArray();
  RETURN_IF_ERROR(WriteEvents(writer, graph, events));
  writer.EndArray().Key("next").String(EncodePlace(page->next)).EndObject();
  return JsonResponse(writer);
}

// The names that a question speaks of, and each of its words and pairs of words.
std::vector<std::string> NamesIn(const std::string& query) {
  std::vector<std::string> names;
  extract::Extractor extractor;
  for (const extract::Entity& entity : extractor.ExtractQuery(query)) names.push_back(entity.key);
  std::vector<std::string> words;
  std::string word;
  for (const char c : format::EntityName(query) + " ") {
    if (c != ' ') {
      word.push_back(c);
    } else if (!word.empty()) {
      words.push_back(format::EntityName(std::exchange(word, {})));
    }
  }
  for (size_t i = 0; i < words.size() && names.size() < kNamesMax; ++i) {
    names.push_back(words[i]);
    if (i + 1 < words.size()) names.push_back(words[i] + " " + words[i + 1]);
  }
  return names;
}

Result<Response> Rehydrate(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument body, JsonDocument::Parse(request.body));
  std::optional<std::string> collection, query;
  std::vector<std::string> entities;
  Fields fields(body.root(), {});
  fields.Optional("collection", collection)
      .Optional("query", query, LengthBetween{1, kQueryBytesMax})
      .Optional("entities", entities);
  RETURN_IF_ERROR(fields.Finish());
  if (!query && entities.empty()) return Status::InvalidArgument("query", "give a query or entities");
  if (entities.size() > kNamesMax) {
    return Status::TooLarge("entities", "holds more than " + std::to_string(kNamesMax) + " names");
  }
  ASSIGN_OR_RETURN(const auto evolver, EvolverFor(options, backend, collection));
  std::vector<std::string> names;
  for (const std::string& name : entities) names.push_back(format::EntityName(name));
  if (query) {
    const std::vector<std::string> spoken = NamesIn(*query);
    names.insert(names.end(), spoken.begin(), spoken.end());
  }
  const shard::GraphView view(*evolver->graph());
  std::set<graph::EntityId> ids;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const auto members, view.Named(name));
    ids.insert(members.begin(), members.end());
  }
  const std::vector<graph::EntityId> found(ids.begin(), ids.end());
  ASSIGN_OR_RETURN(const auto events, evolver->Restore(found, query ? evolve::Actor::kQuery : evolve::Actor::kHand));
  evolver->CountReading(found);
  ASSIGN_OR_RETURN(const auto known, NamesOf(*evolver->graph(), found));
  JsonWriter writer;
  writer.BeginObject().Key("entities").BeginArray();
  for (const auto& [id, name] : known) {
    if (!name.empty()) writer.String(name);
  }
  writer.EndArray().Key("events").BeginArray();
  RETURN_IF_ERROR(WriteEvents(writer, *evolver->graph(), events));
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

void WriteEntity(JsonWriter& writer, const graph::Entity& entity, const std::vector<std::string>& merged_with) {
  writer.BeginObject().Key("name").String(entity.statistics.name).Key("type").String(entity.statistics.Type());
  writer.Key("surface").String(entity.surface).Key("aliases").BeginArray();
  for (const std::string& alias : entity.aliases) writer.String(alias);
  writer.EndArray().Key("merged_with").BeginArray();
  for (const std::string& name : merged_with) writer.String(name);
  writer.EndArray().Key("state").String(EntityStateName(entity.state.value));
  if (entity.importance.version != Version{}) writer.Key("importance").Number(entity.importance.value);
  writer.Key("critical").Bool(entity.critical.value);
  if (!entity.description.value.empty()) writer.Key("description").String(entity.description.value);
  uint64_t accesses = 0;
  int64_t last_ms = 0;
  for (const graph::Access& access : entity.accesses) {
    accesses += access.count;
    last_ms = std::max(last_ms, access.last_ms);
  }
  writer.Key("accesses").Integer(accesses);
  if (accesses > 0) writer.Key("read_ms").Integer(last_ms);
  writer.Key("documents").Integer(entity.statistics.documents).Key("mentions").Integer(entity.statistics.mentions);
  writer.Key("relations").Integer(entity.statistics.facts).EndObject();
}

Result<Response> AnswerEntity(const shard::GraphShards& graph, const std::string& name) {
  const shard::GraphView view(graph);
  ASSIGN_OR_RETURN(const auto members, view.Named(name));
  if (members.empty()) return Status::NotFound("nobody speaks of \"" + name + "\"");
  const graph::EntityId own = format::EntityIdOf(name);
  const bool is_member = std::find(members.begin(), members.end(), own) != members.end();
  const graph::EntityId id = is_member ? own : members.front();
  ASSIGN_OR_RETURN(const auto entities, graph.Entities({&id, 1}));
  ASSIGN_OR_RETURN(const auto names, NamesOf(graph, members));
  std::vector<std::string> others;
  for (const auto& [member, called] : names) {
    if (member != id && !called.empty()) others.push_back(called);
  }
  JsonWriter writer;
  WriteEntity(writer, entities[0].value_or(graph::Entity{id}), others);
  return JsonResponse(writer);
}

Result<Response> ShowEntity(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::Read(request, {"collection"}));
  const auto evolver = EvolverFor(options, backend, parameters.Text("collection"));
  if (!evolver.ok()) return NamedAsQuery(evolver.status());
  return AnswerEntity(*(*evolver)->graph(), format::EntityName(request.PathParam("entity")));
}

Result<Response> ChangeEntity(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument body, JsonDocument::Parse(request.body));
  std::optional<std::string> collection, description;
  std::optional<float> importance;
  std::optional<bool> critical;
  Fields fields(body.root(), {});
  fields.Optional("collection", collection)
      .Optional("importance", importance, Between{0, 1})
      .Optional("critical", critical)
      .Optional("description", description, LengthBetween{0, 16'384});
  RETURN_IF_ERROR(fields.Finish());
  ASSIGN_OR_RETURN(const auto evolver, EvolverFor(options, backend, collection));
  const std::string name = format::EntityName(request.PathParam("entity"));
  const graph::EntityId id = format::EntityIdOf(name);
  ASSIGN_OR_RETURN(const auto statistics, evolver->graph()->Statistics({&id, 1}));
  if (statistics[0].origins == 0) return Status::NotFound("nobody speaks of \"" + name + "\"");
  std::vector<format::GraphOperation> operations;
  if (importance) operations.push_back({{}, format::PutProperty{id, *importance}});
  if (critical) operations.push_back({{}, format::PutProperty{id, *critical}});
  if (description) operations.push_back({{}, format::PutProperty{id, *description}});
  if (!operations.empty()) RETURN_IF_ERROR(evolver->graph()->Write(std::move(operations)));
  return AnswerEntity(*evolver->graph(), name);
}

}  // namespace

std::vector<Route> EvolveRoutes(const ApiOptions& options, const BackendSlot& slot) {
  const auto bind = [&](Result<Response> (*call)(const ApiOptions&, const BackendSlot&, const Request&)) {
    return [options, &slot, call](const Request& request) { return call(options, slot, request); };
  };
  return {{"POST", "/evolve", Lane::kAdmin, false, "Plan what a memory's ageing changes, or do it", bind(Evolve)},
          {"POST", "/evolve/undo", Lane::kWrite, false, "Take back what a pass did", bind(UndoEvent)},
          {"GET", "/audit", Lane::kQuery, false, "List what was done to a memory's entities", bind(Audit)},
          {"POST", "/rehydrate", Lane::kWrite, false, "Bring back what a query needs", bind(Rehydrate)},
          {"GET", "/entities/{entity}", Lane::kQuery, false, "Show an entity", bind(ShowEntity)},
          {"PATCH", "/entities/{entity}", Lane::kWrite, false, "Say what an entity is worth", bind(ChangeEntity)}};
}

}  // namespace rhizome::gateway
