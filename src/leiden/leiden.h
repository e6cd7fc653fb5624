// Leiden: which nodes of a graph belong together (Traag, Waltman and van Eck, "From Louvain to Leiden: guaranteeing
// well-connected communities", Scientific Reports 9, 2019, algorithm A.2), by modularity with a resolution (Reichardt
// and Bornholdt, "Statistical mechanics of community detection", Physical Review E 74, 2006).
//
//   move       nodes go, one after the other, to the community next to them that gains most, while any gains; whose
//              neighbours changed is looked at again
//   refine     each community is taken apart and its nodes joined again, only along edges and only where well connected
//   aggregate  what was joined becomes one node, and it begins again, until nothing joins
//
// Promised of the answer: each node is in one community, and each community is connected. A node without edges is a
// community of its own.
//
// From a partition that was (Partition of before, and the nodes whose edges changed since) only those nodes and whoever
// they move are looked at first, and communities that nobody touched stay whole (Sahu, "DF Leiden: A Parallel Dynamic
// Frontier Leiden algorithm", 2024, section 4); nothing changed, nothing moves.
//
// Time is about linear in edges, memory in nodes and edges. Deterministic: the same graph, options and start give the
// same answer. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "leiden/weighted_graph.h"

namespace rhizome::leiden {

struct LeidenOptions {
  double resolution = 1;     // higher: more and smaller communities; above 0
  double randomness = 0.01;  // of refinement, in average weights of an edge; above 0
  uint64_t seed = 1;         // of the order in which nodes are looked at
  uint32_t repetitions = 3;  // of the whole, each from what the last one found, while they gain
  // Asked now and then; true ends it early with what there is, whose communities are connected all the same.
  std::function<bool()> cancelled = nullptr;
};

struct Partition {
  std::vector<uint32_t> community;  // of each node; numbered 0, 1, 2 … in the order of their first nodes
  uint32_t count = 0;
};

// Where to begin: `community` of each node by any numbers below nodes(), `changed`: nodes whose edges are others than
// then, new ones included.
struct Start {
  std::span<const uint32_t> community;
  std::span<const uint32_t> changed;
};

Partition Leiden(const WeightedGraph& graph, const LeidenOptions& options, const Start* start = nullptr);

// Between -1/2 and 1 at resolution 1; 0 for a graph without edges. `community` by any numbers below nodes().
double Modularity(const WeightedGraph& graph, std::span<const uint32_t> community, double resolution = 1);

// Communities numbered in the order of their first nodes, those in several pieces divided into them. Linear.
Partition ConnectedParts(const WeightedGraph& graph, std::span<const uint32_t> community);

}  // namespace rhizome::leiden
