// Carrying out what a plan says, and taking it back. A change and its event are written in one batch of one shard, so
// both are there after a crash or neither; what somebody else changed since the plan was made is left alone. So a pass
// that stops half-way leaves nothing half-done, and the next one does the rest.
//
// Versions and times come from the graph's clock and the caller's. Functions return when all they wrote is durable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evolve/event.h"
#include "evolve/plan.h"
#include "shard/graph_shards.h"

namespace rhizome::evolve {

struct Applied {
  uint64_t changed = 0;
  uint64_t skipped = 0;    // changed since, or gone
  uint64_t forgotten = 0;  // registers of entities that nobody names
  std::vector<EventId> events = {};
};

// `now_ms` is the events' time.
Result<Applied> Apply(shard::GraphShards& graph, const Plan& plan, int64_t now_ms);

// Takes back what an event did; that is an event, too. What was archived or deleted counts as read now, or the next
// pass would do it again; two names that are parted stay so. NotFound: there is no such event (any more).
// FailedPrecondition: something has changed it since.
Result<Event> Undo(shard::GraphShards& graph, const EventId& id, int64_t now_ms);

// Makes archived and deleted entities active again. Returns the events, one for each that was not active.
Result<std::vector<Event>> Restore(shard::GraphShards& graph, std::span<const EntityId> ids, int64_t now_ms,
                                   Actor actor);

// Counts `count` readings of each entity, by node `node`.
Status CountReadings(shard::GraphShards& graph, std::span<const std::pair<EntityId, uint64_t>> readings, uint32_t node,
                     int64_t now_ms);

}  // namespace rhizome::evolve
