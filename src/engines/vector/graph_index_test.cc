#include "engines/vector/graph_index.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "engines/vector/graph/graph_test_data.h"

namespace rhizome::vector {
namespace {

class EveryMetric : public testing::TestWithParam<Metric> {};
INSTANTIATE_TEST_SUITE_P(
    Metrics, EveryMetric, testing::Values(Metric::kCosine, Metric::kDot, Metric::kL2), [](const auto& param) {
      return std::string(param.param == Metric::kCosine ? "Cosine" : param.param == Metric::kDot ? "Dot" : "L2");
    });

TEST_P(EveryMetric, FindsTheNearest) {
  const Rows data = Clustered(6000, 48, 40, 1), queries = Clustered(100, 48, 40, 1, 2);
  auto index = Filled(GetParam(), data);
  EXPECT_EQ(index->linked(), 6000u);
  EXPECT_GE(Recall(*index, queries, {.k = 10}), 0.97);
}

TEST_P(EveryMetric, PendingSlotsAreFoundBeforeTheyAreLinked) {
  const Rows data = Clustered(3000, 32, 20, 3);
  auto index = NewIndex(GetParam(), 32);
  AppendAll(*index, data, 0, 2000);
  index->Absorb(2000);
  AppendAll(*index, data, 2000, 3000);
  EXPECT_EQ(index->pending(), 1000u);
  EXPECT_GE(Recall(*index, data.Slice(2000, 2100), {.k = 10}), 0.97);
}

TEST_P(EveryMetric, SmallCollectionsAreExact) {
  const Rows data = Clustered(900, 20, 5, 4);
  auto index = Filled(GetParam(), data);
  EXPECT_EQ(Recall(*index, data.Slice(0, 50), {.k = 10}), 1.0);
}

TEST_P(EveryMetric, ScoresAreExact) {
  const Rows data = Clustered(2000, 33, 8, 5);
  auto index = Filled(GetParam(), data);
  const auto hits = *index->Search(data[7], {.k = 5});
  ASSERT_EQ(hits.size(), 5u);
  for (const ScoredSlot& hit : hits) {
    EXPECT_NEAR(hit.score, index->Score(data[7], hit.slot), 1e-4) << hit.slot;
  }
}

// A replica is given what another one has stored.
TEST_P(EveryMetric, AStoredVectorStoredAgainIsTheSameToTheLastBit) {
  std::mt19937 random(7);
  for (const size_t dimension : {1, 2, 3, 17, 384, 4096}) {
    auto first = NewIndex(GetParam(), dimension), second = NewIndex(GetParam(), dimension);
    for (Slot slot = 0; slot < 200; ++slot) {
      std::vector<float> vector(dimension);
      const float size = std::exp2(static_cast<float>(random() % 40) - 20);
      for (float& x : vector) x = std::normal_distribution<float>(0, size)(random);
      ASSERT_TRUE(first->Append(vector).ok());
      const std::span<const float> stored = first->Vector(slot);
      ASSERT_TRUE(second->Append(stored).ok());
      const std::span<const float> again = second->Vector(slot);
      ASSERT_TRUE(std::equal(stored.begin(), stored.end(), again.begin())) << dimension << " " << slot;
    }
  }
}

TEST_P(EveryMetric, ZeroVectorsAreStoredUnlessTheyHaveNoDirection) {
  auto index = NewIndex(GetParam(), 8);
  const std::vector<float> zero(8, 0.0f);
  if (GetParam() == Metric::kCosine) {
    EXPECT_EQ(index->Append(zero).status().field(), "vector");
    return;
  }
  Rows data = Clustered(3000, 8, 5, 6);
  for (size_t i = 0; i < data.size(); i += 10) std::fill(data[i].begin(), data[i].end(), 0.0f);
  index = Filled(GetParam(), data);
  const auto hits = *index->Search(zero, {.k = 10});
  ASSERT_EQ(hits.size(), 10u);
  EXPECT_EQ(hits[9].score, 0.0f);
}

TEST(GraphIndex, EmptyIndexAnswersNothing) {
  auto index = NewIndex(Metric::kCosine, 4);
  EXPECT_TRUE(index->Search(std::vector<float>{1, 0, 0, 0}, {})->empty());
  EXPECT_EQ(index->Absorb(100), 0u);
  EXPECT_EQ(index->Repair(100), 0u);
}

TEST(GraphIndex, MoreAreAskedForThanThereAre) {
  auto index = Filled(Metric::kL2, Clustered(50, 4, 2, 7));
  EXPECT_EQ(index->Search(std::vector<float>{1, 0, 0, 0}, {.k = 1000})->size(), 50u);
  index = Filled(Metric::kL2, Clustered(3000, 4, 2, 7));
  EXPECT_EQ(index->Search(std::vector<float>{1, 0, 0, 0}, {.k = 1000000000})->size(), 3000u);
  EXPECT_TRUE(index->Search(std::vector<float>{1, 0, 0, 0}, {.k = 0})->empty());
}

TEST(GraphIndex, BadVectorsAreRefusedWithTheField) {
  auto index = NewIndex(Metric::kDot, 2);
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (const std::vector<float>& bad : {std::vector<float>{1}, {1, nan}, {inf, 0}, {1e30f, 0}}) {
    EXPECT_EQ(index->Append(bad).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(index->Search(bad, {}).status().field(), "vector");
  }
  EXPECT_EQ(index->size(), 0u);
}

TEST(GraphIndex, OptionsAreChecked) {
  EXPECT_EQ(GraphIndex::Create({.dimension = 0}).status().field(), "dimension");
  EXPECT_EQ(GraphIndex::Create({.dimension = 4097}).status().field(), "dimension");
  EXPECT_EQ(GraphIndex::Create({.dimension = 4, .degree = 3}).status().field(), "degree");
  EXPECT_EQ(GraphIndex::Create({.dimension = 4, .ef_construction = 8}).status().field(), "ef_construction");
  EXPECT_EQ(GraphIndex::Create({.dimension = 4, .capacity = 0}).status().field(), "capacity");
}

TEST(GraphIndex, CapacityIsALimitNotACrash) {
  auto index = *GraphIndex::Create({.dimension = 2, .metric = Metric::kL2, .capacity = 3});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(index->Append(std::vector<float>{1, 2}).ok());
  EXPECT_EQ(index->Append(std::vector<float>{1, 2}).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(index->size(), 3u);
}

TEST(GraphIndex, RemovedSlotsNeverAnswer) {
  const Rows data = Clustered(3000, 16, 10, 8);
  auto index = Filled(Metric::kL2, data);
  for (Slot slot = 0; slot < 3000; slot += 3) ASSERT_TRUE(index->Remove(slot).ok());
  EXPECT_EQ(index->live(), 2000u);
  for (size_t i = 0; i < 60; ++i) {
    const auto hits = *index->Search(data[i], {.k = 20});
    ASSERT_EQ(hits.size(), 20u);
    for (const ScoredSlot& hit : hits) EXPECT_NE(hit.slot % 3, 0u);
  }
  EXPECT_EQ(index->Remove(3000).code(), Code::kInvalidArgument);
}

TEST(GraphIndex, AFewSurvivorsAreAllFound) {
  const Rows data = Clustered(6000, 16, 20, 13);
  auto index = Filled(Metric::kL2, data);
  for (Slot slot = 0; slot < 6000; ++slot) {
    if (slot % 1000 != 7) ASSERT_TRUE(index->Remove(slot).ok());
  }
  EXPECT_EQ(index->Search(data[0], {.k = 10, .ef = 10})->size(), 6u);
  EXPECT_EQ(index->Search(data[0], {.k = 3})->size(), 3u);
}

TEST(GraphIndex, ChurnOfHalfCostsAtMostAHundredthOfRecall) {
  Rows data = Clustered(6000, 32, 30, 9);
  const Rows fresh = Clustered(3000, 32, 30, 9, 5), queries = Clustered(200, 32, 30, 9, 6);
  auto index = Filled(Metric::kCosine, data);
  std::mt19937 random(1);
  for (size_t i = 0; i < fresh.size(); ++i) {
    const auto slot = static_cast<Slot>(2 * i + random() % 2);
    ASSERT_TRUE(index->Remove(slot).ok());
    ASSERT_TRUE(index->Append(fresh[i]).ok());
    std::copy(fresh[i].begin(), fresh[i].end(), data[slot].begin());
  }
  index->Absorb(3000, 2);
  EXPECT_GT(index->unrepaired(), 0u);
  while (index->Repair(1000) > 0) {
  }
  EXPECT_EQ(index->unrepaired(), 0u);
  const auto rebuilt = Filled(Metric::kCosine, data);
  for (const size_t ef : {20, 60}) {
    EXPECT_GE(Recall(*index, queries, {.ef = ef}), Recall(*rebuilt, queries, {.ef = ef}) - 0.01) << ef;
  }
}

TEST(GraphIndex, DuplicatesDoNotDisconnectTheGraph) {
  Rows data = Clustered(13000, 16, 30, 10);
  for (size_t i = 1000; i < 11000; ++i) std::copy(data[0].begin(), data[0].end(), data[i].begin());
  auto index = Filled(Metric::kL2, data);
  EXPECT_GE(Recall(*index, data.Slice(11000, 11100), {.k = 10}), 0.97);
  EXPECT_EQ((*index->Search(data[0], {.k = 10}))[9].score, 0.0f);
}

TEST(GraphIndex, FarOutliersKeepTheirNeighbours) {
  Rows data = Clustered(6000, 32, 30, 11);
  // A later stream far outside what the codec's centre was taken from.
  for (size_t i = 3000; i < 6000; ++i) {
    for (float& x : data[i]) x = 50 + 3 * x;
  }
  auto index = Filled(Metric::kL2, data);
  EXPECT_GE(Recall(*index, data.Slice(0, 50), {.k = 10}), 0.97);
  EXPECT_GE(Recall(*index, data.Slice(5900, 5950), {.k = 10}), 0.97);
}

TEST(GraphIndex, ADominantDimensionDoesNotBlurTheRest) {
  Rows data = Clustered(4000, 64, 30, 12);
  for (size_t i = 0; i < data.size(); ++i) data[i][5] = 100 + data[i][6];
  auto index = Filled(Metric::kCosine, data);
  EXPECT_GE(Recall(*index, data.Slice(0, 50), {.k = 10}), 0.95);
}

}  // namespace
}  // namespace rhizome::vector
