#include "leiden/hierarchy.h"

#include <gtest/gtest.h>

#include <map>

#include "leiden/leiden_testing.h"

namespace rhizome::leiden {
namespace {

// Groups of groups: 10 of 10 of 12 nodes.
Planted TwoScales(uint64_t seed) {
  Planted planted = PlantedPartition(100, 12, 8, 0, seed);
  const Planted wide = PlantedPartition(10, 120, 3, 0.3, seed + 1);
  planted.edges.insert(planted.edges.end(), wide.edges.begin(), wide.edges.end());
  return planted;
}

void ExpectNested(const WeightedGraph& graph, const Hierarchy& hierarchy) {
  for (size_t level = 0; level < hierarchy.levels.size(); ++level) {
    const Partition& partition = hierarchy.levels[level];
    ASSERT_EQ(partition.community.size(), graph.nodes());
    EXPECT_TRUE(AllConnected(graph, partition.community)) << level;
    if (level == 0) continue;
    std::map<uint32_t, uint32_t> above;
    for (uint32_t node = 0; node < graph.nodes(); ++node) {
      const uint32_t parent = hierarchy.levels[level - 1].community[node];
      EXPECT_EQ(above.emplace(partition.community[node], parent).first->second, parent) << level;
    }
  }
}

TEST(Hierarchy, LevelsAreNestedAndConnected) {
  const Planted planted = TwoScales(4);
  const WeightedGraph graph = WeightedGraph::FromEdges(planted.nodes, planted.edges).value();
  const Hierarchy hierarchy = BuildHierarchy(graph, {});
  EXPECT_GE(hierarchy.levels.size(), 2u);
  ExpectNested(graph, hierarchy);
}

TEST(Hierarchy, LargeCommunitiesAreDividedIntoWhatTheyAreMadeOf) {
  const Planted planted = TwoScales(4);
  const WeightedGraph graph = WeightedGraph::FromEdges(planted.nodes, planted.edges).value();
  HierarchyOptions options;
  options.leiden.resolution = 0.3;
  const Hierarchy hierarchy = BuildHierarchy(graph, options);
  EXPECT_LE(hierarchy.levels.front().count, 15u);
  EXPECT_GT(Agreement(hierarchy.levels.back().community, planted.truth), 0.9);
}

TEST(Hierarchy, SmallCommunitiesStayWhole) {
  const Planted planted = PlantedPartition(20, 12, 8, 0.5, 4);
  const WeightedGraph graph = WeightedGraph::FromEdges(planted.nodes, planted.edges).value();
  EXPECT_EQ(BuildHierarchy(graph, {}).levels.size(), 1u);
}

TEST(Hierarchy, LevelsAreBounded) {
  const Planted planted = TwoScales(4);
  const WeightedGraph graph = WeightedGraph::FromEdges(planted.nodes, planted.edges).value();
  EXPECT_EQ(BuildHierarchy(graph, {.divide_above = 2, .levels_max = 1}).levels.size(), 1u);
  EXPECT_LE(BuildHierarchy(graph, {.divide_above = 2, .levels_max = 3}).levels.size(), 3u);
}

TEST(Hierarchy, NothingAndOneNodeHaveOneLevel) {
  const auto of = [](uint32_t nodes) { return BuildHierarchy(WeightedGraph::FromEdges(nodes, {}).value(), {}); };
  ASSERT_EQ(of(0).levels.size(), 1u);
  EXPECT_EQ(of(0).levels[0].count, 0u);
  ASSERT_EQ(of(1).levels.size(), 1u);
  EXPECT_EQ(of(1).levels[0].count, 1u);
  EXPECT_EQ(of(500).levels[0].count, 500u);
}

TEST(Hierarchy, NothingChangedNothingMovesOnAnyLevel) {
  const Planted planted = TwoScales(4);
  const WeightedGraph graph = WeightedGraph::FromEdges(planted.nodes, planted.edges).value();
  const Hierarchy before = BuildHierarchy(graph, {});
  HierarchyStart start;
  for (const Partition& level : before.levels) start.levels.push_back(level.community);
  HierarchyOptions options;
  options.leiden.seed = 77;
  const Hierarchy after = BuildHierarchy(graph, options, &start);
  ASSERT_EQ(after.levels.size(), before.levels.size());
  for (size_t level = 0; level < before.levels.size(); ++level) {
    EXPECT_EQ(after.levels[level].community, before.levels[level].community);
  }
}

TEST(Hierarchy, AChangeLeavesOtherCommunitiesAsTheyWere) {
  Planted planted = TwoScales(4);
  const WeightedGraph first = WeightedGraph::FromEdges(planted.nodes, planted.edges).value();
  const Hierarchy before = BuildHierarchy(first, {});
  planted.edges.push_back({0, 1, 1});
  const WeightedGraph graph = WeightedGraph::FromEdges(planted.nodes, planted.edges).value();
  HierarchyStart start;
  for (const Partition& level : before.levels) start.levels.push_back(level.community);
  start.changed = {0, 1};
  const Hierarchy after = BuildHierarchy(graph, {}, &start);
  ExpectNested(graph, after);
  ASSERT_EQ(after.levels.size(), before.levels.size());
  for (size_t level = 0; level < before.levels.size(); ++level) {
    EXPECT_GT(Agreement(after.levels[level].community, before.levels[level].community), 0.99) << level;
  }
}

}  // namespace
}  // namespace rhizome::leiden
