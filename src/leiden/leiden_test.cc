#include "leiden/leiden.h"

#include <gtest/gtest.h>

#include "leiden/leiden_testing.h"

namespace rhizome::leiden {
namespace {

WeightedGraph Make(uint32_t nodes, const std::vector<Edge>& edges) {
  return WeightedGraph::FromEdges(nodes, edges).value();
}
WeightedGraph Make(const Planted& planted) { return Make(planted.nodes, planted.edges); }

// Zachary, "An information flow model for conflict and fission in small groups", 1977; members from 1.
WeightedGraph KarateClub() {
  const std::vector<std::pair<uint32_t, uint32_t>> ties = {
      {2, 1},   {3, 1},   {3, 2},   {4, 1},   {4, 2},   {4, 3},   {5, 1},   {6, 1},   {7, 1},   {7, 5},
      {7, 6},   {8, 1},   {8, 2},   {8, 3},   {8, 4},   {9, 1},   {9, 3},   {10, 3},  {11, 1},  {11, 5},
      {11, 6},  {12, 1},  {13, 1},  {13, 4},  {14, 1},  {14, 2},  {14, 3},  {14, 4},  {17, 6},  {17, 7},
      {18, 1},  {18, 2},  {20, 1},  {20, 2},  {22, 1},  {22, 2},  {26, 24}, {26, 25}, {28, 3},  {28, 24},
      {28, 25}, {29, 3},  {30, 24}, {30, 27}, {31, 2},  {31, 9},  {32, 1},  {32, 25}, {32, 26}, {32, 29},
      {33, 3},  {33, 9},  {33, 15}, {33, 16}, {33, 19}, {33, 21}, {33, 23}, {33, 24}, {33, 30}, {33, 31},
      {33, 32}, {34, 9},  {34, 10}, {34, 14}, {34, 15}, {34, 16}, {34, 19}, {34, 20}, {34, 21}, {34, 23},
      {34, 24}, {34, 27}, {34, 28}, {34, 29}, {34, 30}, {34, 31}, {34, 32}, {34, 33}};
  std::vector<Edge> edges;
  for (const auto& [a, b] : ties) edges.push_back({a - 1, b - 1, 1});
  return Make(34, edges);
}

// The optimum, proven by Brandes et al., "On Modularity Clustering", 2008.
TEST(Leiden, KarateClubIsDividedAtTheBestModularity) {
  const WeightedGraph graph = KarateClub();
  ASSERT_EQ(graph.arcs(), 2u * 78);
  double best = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const Partition found = Leiden(graph, {.seed = seed});
    EXPECT_EQ(found.count, 4u) << seed;
    best = std::max(best, Modularity(graph, found.community));
  }
  EXPECT_NEAR(best, 0.4198, 0.0001);
}

TEST(Leiden, PlantedGroupsAreFound) {
  const Planted planted = PlantedPartition(50, 40, 12, 3, 7);
  const Partition found = Leiden(Make(planted), {});
  EXPECT_EQ(found.count, 50u);
  EXPECT_GT(Agreement(found.community, planted.truth), 0.98);
}

TEST(Leiden, WeightsDecideWhereEdgesDoNot) {
  std::vector<Edge> edges;
  for (uint32_t a = 0; a < 20; ++a) {
    for (uint32_t b = a + 1; b < 20; ++b) edges.push_back({a, b, a / 10 == b / 10 ? 5.0F : 1.0F});
  }
  const Partition found = Leiden(Make(20, edges), {});
  ASSERT_EQ(found.count, 2u);
  for (uint32_t node = 0; node < 20; ++node) EXPECT_EQ(found.community[node], node / 10);
}

TEST(Leiden, EveryCommunityIsConnected) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    // Hardly any structure: where Louvain leaves communities in pieces.
    const WeightedGraph graph = Make(PlantedPartition(30, 20, 2, 1.5, seed));
    EXPECT_TRUE(AllConnected(graph, Leiden(graph, {.seed = seed}).community)) << seed;
  }
}

TEST(Leiden, IsNotWorseThanLouvain) {
  double ours = 0, theirs = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    for (const double outside : {1.0, 4.0, 8.0}) {
      const WeightedGraph graph = Make(PlantedPartition(40, 25, 6, outside, seed));
      const double leiden = Modularity(graph, Leiden(graph, {.seed = seed}).community);
      const double louvain = Modularity(graph, Louvain(graph, seed));
      EXPECT_GT(leiden, louvain - 0.005) << seed << " " << outside;
      ours += leiden;
      theirs += louvain;
    }
  }
  EXPECT_GE(ours, theirs);
}

TEST(Leiden, SameSeedSameAnswer) {
  const WeightedGraph graph = Make(PlantedPartition(30, 20, 3, 3, 5));
  EXPECT_EQ(Leiden(graph, {.seed = 9}).community, Leiden(graph, {.seed = 9}).community);
  EXPECT_NE(Leiden(graph, {.seed = 9}).community, Leiden(graph, {.seed = 10}).community);
}

TEST(Leiden, ScaleOfWeightsDoesNotMatter) {
  Planted planted = PlantedPartition(30, 20, 3, 3, 5);
  const Partition small = Leiden(Make(planted), {});
  for (Edge& edge : planted.edges) edge.weight *= 1024;
  EXPECT_EQ(Leiden(Make(planted), {}).community, small.community);
}

TEST(Leiden, HigherResolutionMakesSmallerCommunities) {
  const WeightedGraph graph = Make(PlantedPartition(30, 20, 6, 2, 3));
  const uint32_t coarse = Leiden(graph, {.resolution = 0.2}).count;
  const uint32_t fine = Leiden(graph, {.resolution = 4}).count;
  EXPECT_LT(coarse, Leiden(graph, {}).count);
  EXPECT_GT(fine, Leiden(graph, {}).count);
}

TEST(Leiden, NothingAndOneNodeAreDefined) {
  EXPECT_EQ(Leiden(Make(0, {}), {}).count, 0u);
  const Partition one = Leiden(Make(1, {}), {});
  EXPECT_EQ(one.community, std::vector<uint32_t>{0});
  EXPECT_EQ(one.count, 1u);
  EXPECT_EQ(Modularity(Make(1, {}), one.community), 0);
}

TEST(Leiden, WithoutEdgesEachNodeIsAlone) {
  const Partition found = Leiden(Make(1000, {}), {});
  EXPECT_EQ(found.count, 1000u);
  for (uint32_t node = 0; node < 1000; ++node) EXPECT_EQ(found.community[node], node);
}

TEST(Leiden, SelfLoopsHoldNodesApart) {
  // Each would join its neighbour, were its own loop not so heavy.
  EXPECT_EQ(Leiden(Make(2, {{0, 1, 1}}), {}).count, 1u);
  EXPECT_EQ(Leiden(Make(2, {{0, 1, 1}, {0, 0, 10}, {1, 1, 10}}), {}).count, 2u);
  EXPECT_EQ(Leiden(Make(1, {{0, 0, 3}}), {}).count, 1u);
}

TEST(Leiden, AHubOfAHundredThousandIsOneCommunity) {
  constexpr uint32_t kSpokes = 100'000;
  std::vector<Edge> edges;
  for (uint32_t i = 1; i <= kSpokes; ++i) edges.push_back({0, i, 1});
  const Partition found = Leiden(Make(kSpokes + 1, edges), {});
  EXPECT_EQ(found.count, 1u);
}

TEST(Leiden, AHubBetweenCliquesDoesNotUniteThem) {
  constexpr uint32_t kCliques = 10'000, kEach = 10;
  std::vector<Edge> edges;
  for (uint32_t c = 0; c < kCliques; ++c) {
    for (uint32_t a = 0; a < kEach; ++a) {
      edges.push_back({kCliques * kEach, c * kEach + a, 1});
      for (uint32_t b = a + 1; b < kEach; ++b) edges.push_back({c * kEach + a, c * kEach + b, 1});
    }
  }
  const WeightedGraph graph = Make(kCliques * kEach + 1, edges);
  const Partition found = Leiden(graph, {});
  EXPECT_GT(found.count, 50u);
  EXPECT_TRUE(AllConnected(graph, found.community));
  uint32_t torn = 0;
  for (uint32_t c = 0; c < kCliques; ++c) {
    for (uint32_t a = 1; a < kEach; ++a) torn += found.community[c * kEach + a] != found.community[c * kEach];
  }
  EXPECT_EQ(torn, 0u);
}

TEST(Leiden, NothingChangedNothingMoves) {
  const WeightedGraph graph = Make(PlantedPartition(30, 20, 3, 3, 5));
  const Partition before = Leiden(graph, {});
  const Start start{before.community, {}};
  EXPECT_EQ(Leiden(graph, {.seed = 99}, &start).community, before.community);
}

TEST(Leiden, AChangeMovesWhatIsNearIt) {
  Planted planted = PlantedPartition(50, 40, 12, 3, 7);
  const Partition before = Leiden(Make(planted), {});
  // Node 0 now belongs with group 20.
  std::erase_if(planted.edges, [](const Edge& edge) { return edge.a == 0 || edge.b == 0; });
  for (uint32_t i = 0; i < 12; ++i) planted.edges.push_back({0, 800 + i, 1});
  const WeightedGraph graph = Make(planted);
  std::vector<uint32_t> changed = {0};
  for (uint32_t i = 0; i < 12; ++i) changed.push_back(800 + i);
  const Start start{before.community, changed};
  const Partition after = Leiden(graph, {}, &start);
  EXPECT_EQ(after.community[0], after.community[820]);
  EXPECT_GT(Agreement(after.community, before.community), 0.99);
  EXPECT_TRUE(AllConnected(graph, after.community));
  const double anew = Modularity(graph, Leiden(graph, {}).community);
  EXPECT_GT(Modularity(graph, after.community), anew - 0.002);
}

TEST(Leiden, ManySmallChangesStayNearAFreshAnswer) {
  Planted planted = PlantedPartition(40, 25, 8, 2, 11);
  Random random(3);
  Partition now = Leiden(Make(planted), {});
  for (int round = 0; round < 20; ++round) {
    std::vector<uint32_t> changed;
    for (int i = 0; i < 50; ++i) {
      const size_t gone = random.Below(static_cast<uint32_t>(planted.edges.size()));
      changed.insert(changed.end(), {planted.edges[gone].a, planted.edges[gone].b});
      planted.edges[gone] = {random.Below(1000), random.Below(1000), 1};
      changed.insert(changed.end(), {planted.edges[gone].a, planted.edges[gone].b});
    }
    std::sort(changed.begin(), changed.end());
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
    const std::vector<uint32_t> before = now.community;
    const Start start{before, changed};
    now = Leiden(Make(planted), {.seed = static_cast<uint64_t>(round)}, &start);
  }
  const WeightedGraph graph = Make(planted);
  EXPECT_GT(Modularity(graph, now.community), Modularity(graph, Leiden(graph, {}).community) - 0.01);
  EXPECT_TRUE(AllConnected(graph, now.community));
}

TEST(Leiden, PiecesOfAStartAreTakenApart) {
  const WeightedGraph graph = Make(4, {{0, 1, 1}, {2, 3, 1}});
  const std::vector<uint32_t> all_one(4, 0);
  const Start start{all_one, {}};
  EXPECT_EQ(Leiden(graph, {}, &start).community, (std::vector<uint32_t>{0, 0, 1, 1}));
}

TEST(Leiden, EndsEarlyWhenToldTo) {
  const WeightedGraph graph = Make(PlantedPartition(500, 20, 6, 2, 5));
  LeidenOptions options;
  options.cancelled = [] { return true; };
  const Partition found = Leiden(graph, options);
  EXPECT_EQ(found.community.size(), graph.nodes());
  EXPECT_GT(found.count, Leiden(graph, {}).count);
  EXPECT_TRUE(AllConnected(graph, found.community));
}

}  // namespace
}  // namespace rhizome::leiden
