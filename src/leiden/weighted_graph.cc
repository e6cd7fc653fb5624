#include "leiden/weighted_graph.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace rhizome::leiden {
namespace {

Status CheckEdges(uint32_t nodes, std::span<const Edge> edges) {
  for (size_t i = 0; i < edges.size(); ++i) {
    const std::string field = "edges[" + std::to_string(i) + "]";
    if (edges[i].a >= nodes || edges[i].b >= nodes) return Status::InvalidArgument(field, "has an end that is no node");
    if (!std::isfinite(edges[i].weight) || edges[i].weight < 0) {
      return Status::InvalidArgument(field, "has a weight that is negative or no number");
    }
  }
  return Status::Ok();
}

}  // namespace

Result<WeightedGraph> WeightedGraph::FromEdges(uint32_t nodes, std::span<const Edge> edges) {
  RETURN_IF_ERROR(CheckEdges(nodes, edges));
  WeightedGraph graph;
  graph.loops_.assign(nodes, 0);
  std::vector<uint64_t> ends(nodes + 1, 0);
  for (const Edge& edge : edges) {
    if (edge.a == edge.b || edge.weight == 0) continue;
    ++ends[edge.a + 1];
    ++ends[edge.b + 1];
  }
  for (uint32_t node = 0; node < nodes; ++node) ends[node + 1] += ends[node];
  std::vector<Arc> arcs(ends[nodes]);
  std::vector<uint64_t> next(ends.begin(), ends.end() - 1);
  for (const Edge& edge : edges) {
    if (edge.weight == 0) continue;
    if (edge.a == edge.b) {
      graph.loops_[edge.a] += edge.weight;
      continue;
    }
    arcs[next[edge.a]++] = {edge.b, edge.weight};
    arcs[next[edge.b]++] = {edge.a, edge.weight};
  }
  // Sorted by weight too, so that both ends of an edge add up in one order and get the same sum.
  graph.begins_.assign(nodes + 1, 0);
  uint64_t kept = 0;
  for (uint32_t node = 0; node < nodes; ++node) {
    std::sort(arcs.begin() + static_cast<int64_t>(ends[node]), arcs.begin() + static_cast<int64_t>(ends[node + 1]),
              [](const Arc& a, const Arc& b) { return a.to != b.to ? a.to < b.to : a.weight < b.weight; });
    for (uint64_t i = ends[node]; i < ends[node + 1];) {
      const uint32_t to = arcs[i].to;
      double weight = 0;
      for (; i < ends[node + 1] && arcs[i].to == to; ++i) weight += arcs[i].weight;
      arcs[kept++] = {to, static_cast<float>(weight)};
    }
    graph.begins_[node + 1] = kept;
  }
  arcs.resize(kept);
  arcs.shrink_to_fit();
  graph.arcs_ = std::move(arcs);
  graph.SumUp();
  return graph;
}

void WeightedGraph::SumUp() {
  const auto nodes = static_cast<uint32_t>(loops_.size());
  strengths_.assign(nodes, 0);
  total_ = 0;
  for (uint32_t node = 0; node < nodes; ++node) {
    double strength = 2 * loops_[node];
    for (uint64_t i = begins_[node]; i < begins_[node + 1]; ++i) strength += arcs_[i].weight;
    strengths_[node] = strength;
    total_ += strength;
  }
}

WeightedGraph WeightedGraph::Grouped(std::span<const uint32_t> group, uint32_t groups) const {
  std::vector<uint32_t> begins(groups + 1, 0), members(nodes());
  for (const uint32_t g : group) ++begins[g + 1];
  for (uint32_t g = 0; g < groups; ++g) begins[g + 1] += begins[g];
  std::vector<uint32_t> next(begins.begin(), begins.end() - 1);
  for (uint32_t node = 0; node < nodes(); ++node) members[next[group[node]]++] = node;

  WeightedGraph grouped;
  grouped.loops_.assign(groups, 0);
  grouped.begins_.assign(groups + 1, 0);
  std::vector<double> weight_to(groups, 0);
  std::vector<uint32_t> touched;
  for (uint32_t g = 0; g < groups; ++g) {
    touched.clear();
    double within = 0;
    for (uint32_t i = begins[g]; i < begins[g + 1]; ++i) {
      grouped.loops_[g] += loops_[members[i]];
      for (const Arc& arc : ArcsOf(members[i])) {
        const uint32_t to = group[arc.to];
        if (to == g) {
          within += arc.weight;
          continue;
        }
        if (weight_to[to] == 0) touched.push_back(to);
        weight_to[to] += arc.weight;
      }
    }
    grouped.loops_[g] += within / 2;
    std::sort(touched.begin(), touched.end());
    for (const uint32_t to : touched) {
      grouped.arcs_.push_back({to, static_cast<float>(weight_to[to])});
      weight_to[to] = 0;
    }
    grouped.begins_[g + 1] = grouped.arcs_.size();
  }
  grouped.SumUp();
  return grouped;
}

WeightedGraph WeightedGraph::Within(std::span<const uint32_t> nodes, std::vector<uint32_t>& scratch) const {
  for (size_t i = 0; i < nodes.size(); ++i) scratch[nodes[i]] = static_cast<uint32_t>(i);
  WeightedGraph within;
  within.begins_.reserve(nodes.size() + 1);
  within.loops_.reserve(nodes.size());
  for (const uint32_t node : nodes) {
    within.loops_.push_back(loops_[node]);
    for (const Arc& arc : ArcsOf(node)) {
      if (scratch[arc.to] != UINT32_MAX) within.arcs_.push_back({scratch[arc.to], arc.weight});
    }
    within.begins_.push_back(within.arcs_.size());
  }
  for (const uint32_t node : nodes) scratch[node] = UINT32_MAX;
  within.SumUp();
  return within;
}

}  // namespace rhizome::leiden
