// EntityGraph: a memory's knowledge graph as communities see it: one node for each entity, weights between them.
//
// Two entities are as near as what says so weighs together:
//   a fact                weight (at most kFactWeightMax) times confidence, of whatever time: what was, relates too
//   a chunk with both     1 / (n - 1) where n of its entities count, the kTogetherMax most mentioned; entities of the
//                         document's title are in each of its chunks. So each chunk gives each of its entities 1
// Entities that merges made one are one node; those whose state is deleted are none; archived ones are.
//
// It is read page by page: of what documents say no more than a page is decoded at a time, and memory is linear in
// entities and in pairs of entities. Deterministic for what the graph says.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/status.h"
#include "format/entity_id.h"
#include "leiden/weighted_graph.h"
#include "shard/graph_shards.h"

namespace rhizome::communities {

inline constexpr float kFactWeightMax = 100;
inline constexpr size_t kTogetherMax = 24;

struct EntityGraph {
  std::vector<format::EntityId> ids;                          // of nodes, ascending; the smallest of those that are one
  std::vector<std::pair<format::EntityId, uint32_t>> merged;  // the others and their nodes, ascending
  leiden::WeightedGraph graph;
  std::vector<uint64_t> edge_marks;    // of nodes: other edges, another mark
  std::vector<uint64_t> source_marks;  // of nodes: said by other origins or in other versions, another mark
  uint64_t origins = 0;                // read

  // By any of the ids; nullopt: it is no node.
  std::optional<uint32_t> NodeOf(const format::EntityId& id) const;
};

struct ReadOptions {
  uint32_t page = 256;                               // registers decoded at once
  std::function<void(uint64_t)> progress = nullptr;  // told how many origins have been read
  std::function<bool()> cancelled = nullptr;         // true ends it with Cancelled
};

Result<EntityGraph> ReadEntityGraph(const shard::GraphShards& graph, const ReadOptions& options = {});

// Of ids in ascending order.
std::optional<uint32_t> FindNode(const std::vector<format::EntityId>& ids,
                                 const std::vector<std::pair<format::EntityId, uint32_t>>& merged,
                                 const format::EntityId& id);

}  // namespace rhizome::communities
