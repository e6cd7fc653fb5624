// Drawing: a part of a knowledge graph that is small enough to look at: what is around an entity, or the most central
// entities of the largest communities, with what connects them.
//
// Reads are bounded by the nodes: of each kFactsRead facts and, where time does not matter, kTogetherRead passages,
// the strongest. Edges beyond that are not drawn.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "communities/book.h"
#include "engines/graph/types.h"
#include "shard/graph_shards.h"

namespace rhizome::communities {

inline constexpr uint32_t kFactsRead = 64;
inline constexpr uint32_t kTogetherRead = 12;

struct DrawQuery {
  std::optional<std::string> entity = std::nullopt;  // normalised; none: the top of the graph
  uint32_t depth = 1;                                // steps from it
  uint32_t nodes_max = 60;
  uint32_t level = 0;  // of communities
  // With a valid time only facts connect: what is in one chunk has no time.
  graph::Times times = {};
};

struct DrawnNode {
  graph::EntityId id;
  std::string name;
  std::string surface;
  std::string type;
  uint64_t documents = 0;
  uint64_t relations = 0;
  uint32_t distance = 0;                   // from the entity asked for
  std::optional<uint32_t> community = {};  // number on the level, 0 is the largest; none: no book has it
};

struct DrawnEdge {
  uint32_t source = 0;  // of the nodes
  uint32_t target = 0;
  std::string type;  // "": they are in `weight` chunks together, and no direction is meant
  double weight = 0;
  float confidence = 0;  // the highest of the facts that say so; 0 of what is together
  int64_t valid_from = format::kAlways;
  int64_t valid_until = format::kForever;
};

struct Drawing {
  std::vector<DrawnNode> nodes;  // the entity asked for first, or the most central ones
  std::vector<DrawnEdge> edges;  // facts by source and target, then what is together
  bool more = false;             // there is more around than was drawn
};

// `book` may be null: then there are no communities, and the top is what most documents speak of of the first names.
// NotFound: nothing says anything of the entity (at that time).
Result<Drawing> Draw(const shard::GraphShards& graph, const Book* book, const DrawQuery& query);

}  // namespace rhizome::communities
