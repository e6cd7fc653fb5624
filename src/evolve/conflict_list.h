// ConflictList: every fact of a graph that another ended, as the graph is now: the audit of what no pass did and no
// register says, since conflicts are resolved when they are read (engines/graph/conflicts.h).
//
// Reads all derivations once and then the groups in which something contradicts something. Memory: 60 bytes for each
// entity and functional relation. What it does not change it cannot break: pure reading.
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "engines/graph/conflicts.h"
#include "shard/graph_shards.h"

namespace rhizome::evolve {

struct ConflictList {
  std::vector<graph::FoundFact> ended;  // by_conflict; by the entity that has one other end, then by beginning
  bool truncated = false;               // there are more
};

Result<ConflictList> FindConflicts(const shard::GraphShards& graph, const graph::FunctionalRelations& functional,
                                   size_t limit);

}  // namespace rhizome::evolve
