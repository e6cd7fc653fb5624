// WeightedGraph: an undirected graph with weights, in compressed rows: what communities are sought in.
//
// Nodes are 0, 1, 2 …; every edge is in the rows of both its ends, a self-loop once. Memory is linear: 8 bytes for each
// end of an edge and 24 for each node, while it is made twice that. Constant after construction, so reading is
// thread-safe. Whatever order edges come in, the same edges make the same graph.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"

namespace rhizome::leiden {

struct Edge {
  uint32_t a = 0;
  uint32_t b = 0;
  float weight = 1;
};

class WeightedGraph {
 public:
  struct Arc {
    uint32_t to = 0;
    float weight = 0;
  };

  WeightedGraph() = default;
  // Edges that are there twice, in either direction, add up; those of weight 0 are left out. InvalidArgument (field
  // "edges[i]") for an end that is no node and for a weight that is negative or no number.
  static Result<WeightedGraph> FromEdges(uint32_t nodes, std::span<const Edge> edges);

  uint32_t nodes() const { return static_cast<uint32_t>(strengths_.size()); }
  uint64_t arcs() const { return arcs_.size(); }
  // Without self-loops; ascending.
  std::span<const Arc> ArcsOf(uint32_t node) const {
    return std::span(arcs_).subspan(begins_[node], begins_[node + 1] - begins_[node]);
  }
  double LoopOf(uint32_t node) const { return loops_[node]; }
  // The weights at a node, its self-loop twice.
  double StrengthOf(uint32_t node) const { return strengths_[node]; }
  // Of all nodes' strengths: twice the weight of all edges.
  double TotalStrength() const { return total_; }

  // The graph of groups: one node for each, edges between groups added up, those within one its self-loop. `group`
  // says of each node which of `groups` it is in.
  WeightedGraph Grouped(std::span<const uint32_t> group, uint32_t groups) const;
  // The graph of some nodes, ascending, and the edges between them; nodes are renumbered in that order. `scratch` is
  // as long as nodes() and all UINT32_MAX, and is that again on return.
  WeightedGraph Within(std::span<const uint32_t> nodes, std::vector<uint32_t>& scratch) const;

 private:
  void SumUp();

  std::vector<uint64_t> begins_ = {0};  // of rows; one more than nodes
  std::vector<Arc> arcs_;
  std::vector<double> loops_;
  std::vector<double> strengths_;
  double total_ = 0;
};

}  // namespace rhizome::leiden
