#include "extract/cooccurrence.h"

namespace rhizome::extract {
namespace {

TEST(PairWeight, IsHighestForThoseThatOnlyComeTogether) {
  EXPECT_NEAR(PairWeight({1, 2, 50, 50, 50}, 10'000), 50.0 / 51 * 50 / 51, 1e-9);
}

TEST(PairWeight, IsNothingByChance) { EXPECT_NEAR(PairWeight({1, 2, 10, 100, 1000}, 10'000), 0, 1e-9); }

TEST(PairWeight, IsBelowNothingForThoseThatAvoidEachOther) { EXPECT_LT(PairWeight({1, 2, 1, 1000, 1000}, 10'000), 0); }

TEST(PairWeight, TrustsManyMoreThanOne) {
  EXPECT_LT(PairWeight({1, 2, 1, 1, 1}, 10'000), PairWeight({1, 2, 20, 20, 20}, 10'000));
}

TEST(PairWeight, IsNothingOfCountsThatMakeNoSense) {
  EXPECT_EQ(PairWeight({1, 2, 0, 5, 5}, 10), 0);
  EXPECT_EQ(PairWeight({1, 2, 6, 5, 9}, 10), 0);
  EXPECT_EQ(PairWeight({1, 2, 5, 5, 20}, 10), 0);
  EXPECT_EQ(PairWeight({1, 2, 10, 10, 10}, 10), 0);
  EXPECT_EQ(PairWeight({}, 0), 0);
}

TEST(PrunePairs, KeepsTheBestOfEither) {
  std::vector<PairCounts> pairs;
  // A hub with 100 neighbours, each known from it alone: all stay, being their best.
  for (uint64_t i = 1; i <= 100; ++i) pairs.push_back({0, i, 3, 300, 3});
  EXPECT_EQ(PrunePairs(pairs, 10'000).size(), 100u);
  // Neighbours that have better ones lose the hub.
  for (uint64_t i = 1; i <= 100; ++i) {
    for (uint64_t j = 0; j < 20; ++j) pairs.push_back({i, 1000 + 20 * i + j, 3, 3, 3});
  }
  const auto kept = PrunePairs(pairs, 10'000);
  size_t of_hub = 0;
  for (const WeightedPair& pair : kept) of_hub += pair.a == 0 ? 1 : 0;
  EXPECT_EQ(of_hub, PruneOptions().per_entity_max);
}

TEST(PrunePairs, DropsWhatIsHardlyMoreThanChance) {
  const PairCounts pairs[] = {{1, 2, 10, 100, 1000}, {1, 3, 50, 100, 50}};
  const auto kept = PrunePairs(pairs, 10'000);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].b, 3u);
}

TEST(PrunePairs, IsDeterministic) {
  const PairCounts pairs[] = {{5, 6, 2, 2, 2}, {1, 2, 2, 2, 2}, {1, 3, 2, 2, 2}};
  const auto kept = PrunePairs(pairs, 100);
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].a, 1u);
  EXPECT_EQ(kept[0].b, 2u);
  EXPECT_EQ(kept[2].a, 5u);
}

}  // namespace
}  // namespace rhizome::extract
