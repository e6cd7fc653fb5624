#include "leiden/weighted_graph.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rhizome::leiden {
namespace {

WeightedGraph Make(uint32_t nodes, const std::vector<Edge>& edges) {
  return WeightedGraph::FromEdges(nodes, edges).value();
}

float WeightOf(const WeightedGraph& graph, uint32_t a, uint32_t b) {
  for (const auto& arc : graph.ArcsOf(a)) {
    if (arc.to == b) return arc.weight;
  }
  return 0;
}

TEST(WeightedGraph, AnEdgeIsInTheRowsOfBothEnds) {
  const WeightedGraph graph = Make(3, {{0, 1, 2}, {2, 1, 3}});
  EXPECT_EQ(WeightOf(graph, 0, 1), 2);
  EXPECT_EQ(WeightOf(graph, 1, 0), 2);
  EXPECT_EQ(WeightOf(graph, 1, 2), 3);
  EXPECT_EQ(graph.arcs(), 4u);
  EXPECT_EQ(graph.StrengthOf(1), 5);
  EXPECT_EQ(graph.TotalStrength(), 10);
}

TEST(WeightedGraph, RepeatedEdgesAddUpInAnyDirectionAndOrder) {
  const WeightedGraph one = Make(2, {{0, 1, 0.1F}, {1, 0, 0.7F}, {0, 1, 0.3F}});
  const WeightedGraph other = Make(2, {{1, 0, 0.3F}, {0, 1, 0.7F}, {1, 0, 0.1F}});
  EXPECT_EQ(one.arcs(), 2u);
  EXPECT_EQ(WeightOf(one, 0, 1), WeightOf(one, 1, 0));
  EXPECT_EQ(WeightOf(one, 0, 1), WeightOf(other, 0, 1));
  EXPECT_NEAR(WeightOf(one, 0, 1), 1.1, 1e-6);
}

TEST(WeightedGraph, ASelfLoopCountsTwiceInItsNodesStrength) {
  const WeightedGraph graph = Make(2, {{0, 0, 2}, {0, 0, 1}, {0, 1, 1}});
  EXPECT_EQ(graph.LoopOf(0), 3);
  EXPECT_EQ(graph.StrengthOf(0), 7);
  EXPECT_EQ(graph.ArcsOf(0).size(), 1u);
}

TEST(WeightedGraph, EdgesOfNoWeightAreLeftOut) { EXPECT_EQ(Make(2, {{0, 1, 0}}).arcs(), 0u); }

TEST(WeightedGraph, EmptyGraphsAreGraphs) {
  EXPECT_EQ(Make(0, {}).nodes(), 0u);
  EXPECT_EQ(Make(3, {}).nodes(), 3u);
  EXPECT_TRUE(Make(3, {}).ArcsOf(2).empty());
}

TEST(WeightedGraph, WhatIsNoEdgeIsNamed) {
  const auto refusal = [](Edge edge) {
    const std::vector<Edge> edges = {{0, 1, 1}, edge};
    return std::string(WeightedGraph::FromEdges(2, edges).status().field());
  };
  EXPECT_EQ(refusal({0, 2, 1}), "edges[1]");
  EXPECT_EQ(refusal({2, 0, 1}), "edges[1]");
  EXPECT_EQ(refusal({0, 1, -1}), "edges[1]");
  EXPECT_EQ(refusal({0, 1, NAN}), "edges[1]");
  EXPECT_EQ(refusal({0, 1, INFINITY}), "edges[1]");
}

TEST(WeightedGraph, GroupingKeepsAllWeight) {
  const WeightedGraph graph = Make(4, {{0, 1, 1}, {1, 2, 2}, {2, 3, 4}, {0, 2, 8}, {3, 3, 16}});
  const std::vector<uint32_t> group = {0, 0, 1, 1};
  const WeightedGraph grouped = graph.Grouped(group, 2);
  EXPECT_EQ(grouped.LoopOf(0), 1);
  EXPECT_EQ(grouped.LoopOf(1), 20);
  EXPECT_EQ(WeightOf(grouped, 0, 1), 10);
  EXPECT_EQ(WeightOf(grouped, 1, 0), 10);
  EXPECT_EQ(grouped.TotalStrength(), graph.TotalStrength());
}

TEST(WeightedGraph, WithinHasTheEdgesBetweenSomeNodes) {
  const WeightedGraph graph = Make(4, {{0, 1, 1}, {1, 3, 2}, {2, 3, 4}, {3, 3, 8}});
  std::vector<uint32_t> scratch(4, UINT32_MAX);
  const std::vector<uint32_t> nodes = {1, 3};
  const WeightedGraph within = graph.Within(nodes, scratch);
  EXPECT_EQ(within.nodes(), 2u);
  EXPECT_EQ(WeightOf(within, 0, 1), 2);
  EXPECT_EQ(within.LoopOf(1), 8);
  EXPECT_EQ(within.TotalStrength(), 20);
  EXPECT_EQ(scratch, std::vector<uint32_t>(4, UINT32_MAX));
}

}  // namespace
}  // namespace rhizome::leiden
