// What several shards answer, made into one answer; for gateways. Pure functions: the order of the parts never matters.
// Documents are in one shard each, so numbers add up; a property or a count is in one shard, and the newer counts.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engines/graph/types.h"

namespace rhizome::graph {

EntityStatistics Unite(const EntityStatistics& a, const EntityStatistics& b);
// Of the same ids in the same order.
std::vector<EntityStatistics> UniteStatistics(std::span<const std::vector<EntityStatistics>> parts);
std::vector<std::optional<Entity>> UniteEntities(std::span<const std::vector<std::optional<Entity>>> parts);
// Of the same query; `limit` is its limit.
FactPage UniteFacts(std::vector<FactPage> parts, uint32_t limit);
NamePage UniteNames(std::span<const NamePage> parts, uint32_t limit);
EventPage UniteEvents(std::span<const EventPage> parts, uint32_t limit);
// Of the same query. Each chunk's entities are in one part; how many documents name each is only what that part knows,
// until UniteFrequencies puts in the sums.
Neighbours UniteNeighbours(std::vector<Neighbours> parts, const NeighbourQuery& query);
// The entities that chunks of the answer mention, ascending, once each: what to ask statistics of.
std::vector<EntityId> MentionedBy(const Neighbours& neighbours);
// `statistics` are those of `ids`, united.
void UniteFrequencies(std::span<const EntityId> ids, std::span<const EntityStatistics> statistics,
                      Neighbours& neighbours);

}  // namespace rhizome::graph
