#include "evolve/apply.h"

#include <algorithm>

#include "format/graph_key.h"

namespace rhizome::evolve {
namespace {

constexpr size_t kChangesPerBatch = 256;

bool IsOfState(Action action) { return action != Action::kMerge && action != Action::kSplit; }

// The register that says what there is, as it is now.
Result<format::RegisterVersion> Now(const shard::GraphShards& graph, const std::string& key) {
  ASSIGN_OR_RETURN(const format::GraphKey parsed, format::ParseGraphKey(key));
  const graph::GraphEngine& engine = graph.at(format::GraphPartitionOf(parsed, graph.size())).engine();
  ASSIGN_OR_RETURN(const auto versions, engine.Versions({&key, 1}));
  return versions[0];
}

Result<std::optional<format::PutMerge>> MergeNow(const shard::GraphShards& graph, const EntityId& a,
                                                 const EntityId& b) {
  const std::string key = format::MergeKeyOf(a, b);
  ASSIGN_OR_RETURN(const format::GraphKey parsed, format::ParseGraphKey(key));
  const graph::GraphEngine& engine = graph.at(format::GraphPartitionOf(parsed, graph.size())).engine();
  ASSIGN_OR_RETURN(const auto operations, engine.ReadRegisters({&key, 1}));
  if (!operations[0] || !std::holds_alternative<format::PutMerge>(operations[0]->body)) {
    return std::optional<format::PutMerge>();
  }
  return std::optional<format::PutMerge>(std::get<format::PutMerge>(operations[0]->body));
}

std::string KeyOf(const Change& change) {
  return IsOfState(change.action) ? format::PropertyKeyOf(change.entity, format::PropertyField::kState)
                                  : format::MergeKeyOf(change.entity, change.other);
}

// What the change writes. A split by a pass removes the register: its cause is gone, and may come again.
format::GraphOperation OperationOf(const Change& change) {
  if (IsOfState(change.action)) return {{}, format::PutProperty{change.entity, change.after}};
  if (change.action == Action::kSplit) return {{}, format::DeleteRegister{KeyOf(change)}};
  return {{}, format::PutMerge{change.entity, change.other, true, change.cause}};
}

Event EventFor(const Change& change, const EventId& id, const std::string& plan) {
  Event event;
  event.id = id;
  event.action = change.action;
  if (!IsOfState(change.action)) event.other = change.other;
  event.cause = change.cause;
  event.before = change.before;
  event.after = change.after;
  event.score = change.score;
  event.plan = plan;
  return event;
}

// Whether the plan's change still is one: nothing wrote its register since, and both names are still there.
Result<bool> Holds(const shard::GraphShards& graph, const Change& change) {
  ASSIGN_OR_RETURN(const format::RegisterVersion now, Now(graph, KeyOf(change)));
  if ((now.tombstone ? Version{} : now.version) != change.seen) return false;
  std::vector<EntityId> ends = {change.entity};
  if (!IsOfState(change.action)) ends.push_back(change.other);
  ASSIGN_OR_RETURN(const auto statistics, graph.Statistics(ends));
  return std::all_of(statistics.begin(), statistics.end(), [](const auto& one) { return one.origins > 0; });
}

// Apart from all events that this entity has at this time.
Result<EventId> NewId(const shard::GraphShards& graph, const EntityId& entity, int64_t now_ms) {
  EventId id{entity, now_ms, 0};
  for (;; ++id.number) {
    ASSIGN_OR_RETURN(const auto now, Now(graph, format::EventKeyOf(entity, now_ms, id.number)));
    if (now.version == Version{}) return id;
  }
}

Result<std::optional<Event>> FindEvent(const shard::GraphShards& graph, const EventId& id) {
  const std::string key = format::EventKeyOf(id.entity, id.at_ms, id.number);
  ASSIGN_OR_RETURN(const format::GraphKey parsed, format::ParseGraphKey(key));
  const graph::GraphEngine& engine = graph.at(format::GraphPartitionOf(parsed, graph.size())).engine();
  ASSIGN_OR_RETURN(const auto operations, engine.ReadRegisters({&key, 1}));
  if (!operations[0]) return std::optional<Event>();
  const auto* put = std::get_if<format::PutEvent>(&operations[0]->body);
  if (put == nullptr) return std::optional<Event>();
  ASSIGN_OR_RETURN(Event event, EventOf(*put));
  return std::optional<Event>(std::move(event));
}

Result<Event> UndoMerge(shard::GraphShards& graph, const Event& done, Event undo) {
  const EntityId &a = done.id.entity, &b = *done.other;
  const bool merged = done.action == Action::kMerge;
  ASSIGN_OR_RETURN(const auto now, MergeNow(graph, a, b));
  if ((now && now->active) != merged) {
    return Status::FailedPrecondition("the two names have been merged or parted since");
  }
  undo.action = merged ? Action::kSplit : Action::kMerge;
  undo.other = b;
  // A hand's word needs no other cause, and no pass goes against it.
  undo.cause = format::MergeCause::kHand;
  RETURN_IF_ERROR(
      graph.Write({{{}, format::PutMerge{a, b, !merged, format::MergeCause::kHand}}, {{}, PutEventOf(undo)}}));
  return undo;
}

Result<Event> UndoState(shard::GraphShards& graph, const Event& done, Event undo) {
  const EntityId& id = done.id.entity;
  ASSIGN_OR_RETURN(const auto entities, graph.Entities({&id, 1}));
  const auto state = entities[0] ? entities[0]->state.value : format::EntityState::kActive;
  if (state != done.after) return Status::FailedPrecondition("the entity's state has changed since");
  undo.before = done.after;
  undo.after = done.before;
  undo.action = undo.after == format::EntityState::kActive     ? Action::kRestore
                : undo.after == format::EntityState::kArchived ? Action::kArchive
                                                               : Action::kDelete;
  RETURN_IF_ERROR(graph.Write({{{}, format::PutProperty{id, undo.after}}, {{}, PutEventOf(undo)}}));
  return undo;
}

}  // namespace

Result<Applied> Apply(shard::GraphShards& graph, const Plan& plan, int64_t now_ms) {
  Applied applied;
  std::vector<format::GraphOperation> batch;
  const auto write = [&]() -> Status {
    if (batch.empty()) return Status::Ok();
    return graph.Write(std::exchange(batch, {}));
  };
  for (const Change& change : plan.changes) {
    ASSIGN_OR_RETURN(const bool holds, Holds(graph, change));
    if (!holds) {
      ++applied.skipped;
      continue;
    }
    ASSIGN_OR_RETURN(EventId id, NewId(graph, change.entity, now_ms));
    // Others of this batch are not there yet.
    id.number += static_cast<uint64_t>(std::count_if(batch.begin(), batch.end(), [&](const auto& operation) {
      const auto* event = std::get_if<format::PutEvent>(&operation.body);
      return event != nullptr && event->entity == change.entity;
    }));
    batch.push_back(OperationOf(change));
    batch.push_back({{}, PutEventOf(EventFor(change, id, plan.id))});
    applied.events.push_back(id);
    ++applied.changed;
    if (batch.size() >= 2 * kChangesPerBatch) RETURN_IF_ERROR(write());
  }
  RETURN_IF_ERROR(write());
  ASSIGN_OR_RETURN(applied.forgotten, graph.ForgetUnnamed(plan.unnamed));
  return applied;
}

Result<Event> Undo(shard::GraphShards& graph, const EventId& id, int64_t now_ms) {
  ASSIGN_OR_RETURN(const std::optional<Event> done, FindEvent(graph, id));
  if (!done) return Status::NotFound("there is no event " + id.ToString());
  Event undo;
  ASSIGN_OR_RETURN(undo.id, NewId(graph, id.entity, now_ms));
  undo.actor = Actor::kHand;
  undo.undoes = id;
  if (!IsOfState(done->action)) return UndoMerge(graph, *done, std::move(undo));
  ASSIGN_OR_RETURN(const Event written, UndoState(graph, *done, std::move(undo)));
  const std::pair<EntityId, uint64_t> reading(id.entity, 1);
  RETURN_IF_ERROR(CountReadings(graph, {&reading, 1}, 0, now_ms));
  return written;
}

Result<std::vector<Event>> Restore(shard::GraphShards& graph, std::span<const EntityId> ids, int64_t now_ms,
                                   Actor actor) {
  std::vector<Event> events;
  ASSIGN_OR_RETURN(const auto entities, graph.Entities(ids));
  std::vector<format::GraphOperation> batch;
  std::vector<std::pair<EntityId, uint64_t>> readings;
  for (const auto& entity : entities) {
    if (!entity || entity->statistics.origins == 0 || entity->state.value == format::EntityState::kActive) continue;
    Event event;
    ASSIGN_OR_RETURN(event.id, NewId(graph, entity->id, now_ms));
    event.action = Action::kRestore;
    event.actor = actor;
    event.before = entity->state.value;
    batch.push_back({{}, format::PutProperty{entity->id, format::EntityState::kActive}});
    batch.push_back({{}, PutEventOf(event)});
    readings.emplace_back(entity->id, 1);
    events.push_back(std::move(event));
  }
  if (batch.empty()) return events;
  RETURN_IF_ERROR(graph.Write(std::move(batch)));
  RETURN_IF_ERROR(CountReadings(graph, readings, 0, now_ms));
  return events;
}

Status CountReadings(shard::GraphShards& graph, std::span<const std::pair<EntityId, uint64_t>> readings, uint32_t node,
                     int64_t now_ms) {
  std::vector<EntityId> ids;
  for (const auto& [id, count] : readings) ids.push_back(id);
  ASSIGN_OR_RETURN(const auto entities, graph.Entities(ids));
  std::vector<format::GraphOperation> counts;
  for (size_t i = 0; i < ids.size(); ++i) {
    // Of one that nobody names nothing is kept.
    if (!entities[i] || entities[i]->statistics.origins == 0) continue;
    uint64_t before = 0;
    for (const graph::Access& access : entities[i]->accesses) before = access.node == node ? access.count : before;
    counts.push_back({{}, format::CountAccess{ids[i], node, before + readings[i].second, now_ms}});
  }
  return counts.empty() ? Status::Ok() : graph.Write(std::move(counts));
}

}  // namespace rhizome::evolve
