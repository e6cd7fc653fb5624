#include "engines/vector/fusion.h"

#include <gtest/gtest.h>

namespace rhizome::vector {
namespace {

std::vector<Slot> Slots(const std::vector<ScoredSlot>& scored) {
  std::vector<Slot> slots;
  for (const ScoredSlot& one : scored) slots.push_back(one.slot);
  return slots;
}

TEST(FuseByRank, AddsReciprocalRanksFromOne) {
  const std::vector<RankedList> lists{{{{7, 9}, {3, 8}}}, {{{3, 0.5}, {9, 0.4}}}};
  const auto fused = FuseByRank(lists, 10);
  EXPECT_EQ(Slots(fused), (std::vector<Slot>{3, 7, 9}));
  EXPECT_FLOAT_EQ(fused[0].score, static_cast<float>(1 / 62.0 + 1 / 61.0));
  EXPECT_FLOAT_EQ(fused[1].score, static_cast<float>(1 / 61.0));
  EXPECT_FLOAT_EQ(fused[2].score, static_cast<float>(1 / 62.0));
}

TEST(FuseByRank, WeightsAndConstantCount) {
  const std::vector<RankedList> lists{{{{1, 9}}, 1}, {{{2, 9}}, 3}};
  const auto fused = FuseByRank(lists, 10, 0);
  EXPECT_EQ(Slots(fused), (std::vector<Slot>{2, 1}));
  EXPECT_FLOAT_EQ(fused[0].score, 3);
}

TEST(FuseByRank, TiesGoToTheSmallerSlotAndTheLimitCuts) {
  const std::vector<RankedList> lists{{{{5, 1}}}, {{{4, 1}}}, {{{6, 1}}}};
  EXPECT_EQ(Slots(FuseByRank(lists, 2)), (std::vector<Slot>{4, 5}));
  EXPECT_TRUE(FuseByRank(lists, 0).empty());
  EXPECT_TRUE(FuseByRank({}, 5).empty());
}

TEST(FuseByScore, MinMaxKeepsDistances) {
  const std::vector<RankedList> lists{{{{1, 10}, {2, 9}, {3, 0}}}, {{{2, 4}, {1, 2}, {4, 0}}, 2}};
  const auto fused = FuseByScore(lists, 10, ScoreNormalisation::kMinMax);
  EXPECT_EQ(Slots(fused), (std::vector<Slot>{2, 1, 3, 4}));
  EXPECT_FLOAT_EQ(fused[0].score, 2.9F);
  EXPECT_FLOAT_EQ(fused[1].score, 2.0F);
  EXPECT_FLOAT_EQ(fused[2].score, 0);
}

TEST(FuseByScore, ZScoreGivesAbsentSlotsTheListsLowest) {
  const std::vector<RankedList> lists{{{{1, 3}, {2, 1}}}, {{{3, 8}, {1, 4}}}};
  const auto fused = FuseByScore(lists, 10, ScoreNormalisation::kZScore);
  EXPECT_EQ(Slots(fused), (std::vector<Slot>{1, 3, 2}));
  EXPECT_FLOAT_EQ(fused[0].score, 0);
  EXPECT_FLOAT_EQ(fused[1].score, 0);
  EXPECT_FLOAT_EQ(fused[2].score, -2);
}

TEST(FuseByScore, EqualScoresAndEmptyListsStayFinite) {
  const std::vector<RankedList> lists{{{{1, 5}, {2, 5}}}, {}};
  EXPECT_FLOAT_EQ(FuseByScore(lists, 10, ScoreNormalisation::kMinMax)[0].score, 1);
  EXPECT_FLOAT_EQ(FuseByScore(lists, 10, ScoreNormalisation::kZScore)[0].score, 0);
}

}  // namespace
}  // namespace rhizome::vector
