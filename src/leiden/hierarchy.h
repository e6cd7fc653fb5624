// Hierarchy: communities within communities. Level 0 is Leiden's answer for the whole graph; on each next level those
// of more than `divide_above` nodes are divided by Leiden on the graph of their own edges, where that finds more than
// one, and all others stay as they are. So every node is in exactly one community of each level, each community is
// connected, and lies within one of the level above. It ends at the level that divides nothing, or after `levels_max`.
//
// Time and memory as leiden.h, for each level. Deterministic, pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "leiden/leiden.h"

namespace rhizome::leiden {

struct HierarchyOptions {
  LeidenOptions leiden;
  uint32_t divide_above = 20;
  uint32_t levels_max = 4;  // at least 1
};

struct Hierarchy {
  std::vector<Partition> levels;  // coarsest first; at least one
};

// What was before, of the same nodes by the same numbers: for each level any labels below the number of nodes (nodes
// that are new: labels of their own); and which nodes' edges changed, new ones included.
struct HierarchyStart {
  std::vector<std::vector<uint32_t>> levels;
  std::vector<uint32_t> changed;
};

// With a start only communities that have lost, won or changed nodes are divided anew; the others as they were.
Hierarchy BuildHierarchy(const WeightedGraph& graph, const HierarchyOptions& options,
                         const HierarchyStart* start = nullptr);

}  // namespace rhizome::leiden
