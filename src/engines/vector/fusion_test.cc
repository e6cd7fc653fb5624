#include "engines/vector/fusion.h"

#include <gtest/gtest.h>

namespace rhizome::vector {
namespace {

std::vector<Slot> Slots(const std::vector<ScoredSlot>& scored) {
  std::vector<Slot> slots;
  for (const ScoredSlot& one : scored) slots.push_back(one.slot);
  return slots;
}

TEST(FuseByScore, KeepsDistancesAndCountsAbsentSlotsAStepBelowTheWorst) {
  const std::vector<RankedList> lists{{{{1, 10}, {2, 9}, {3, 0}}}, {{{2, 4}, {1, 2}, {4, 0}}}};
  const auto fused = FuseByScore(lists, 10);  // they begin at -5 and at -2
  EXPECT_EQ(Slots(fused), (std::vector<Slot>{2, 1, 3, 4}));
  EXPECT_FLOAT_EQ(fused[0].score, (14.0F / 15 + 1) / 2);
  EXPECT_FLOAT_EQ(fused[1].score, (1 + 4.0F / 6) / 2);
  EXPECT_FLOAT_EQ(fused[2].score, (5.0F / 15) / 2);
  EXPECT_FLOAT_EQ(fused[3].score, (2.0F / 6) / 2);
}

TEST(FuseByScore, AKnownAbsentScoreIsTheOrigin) {
  const std::vector<RankedList> lists{{{{1, 12}, {2, 9}}, 1, 0}};
  EXPECT_FLOAT_EQ(FuseByScore(lists, 10)[1].score, 0.75F);
}

TEST(FuseByScore, ScoresBelowTheAbsentOneSayNothing) {
  const std::vector<RankedList> lists{{{{1, 4}, {2, -1}}, 1, 0}};
  EXPECT_FLOAT_EQ(FuseByScore(lists, 10)[1].score, 0);
}

TEST(FuseByScore, WeightsCount) {
  const std::vector<RankedList> lists{{{{1, 9}}, 1}, {{{2, 9}}, 3}};
  const auto fused = FuseByScore(lists, 10);
  EXPECT_EQ(Slots(fused), (std::vector<Slot>{2, 1}));
  EXPECT_FLOAT_EQ(fused[0].score, 0.75F);
}

TEST(FuseByScore, WhatTwoListsFoundIsBeforeWhatOneFound) {
  const std::vector<RankedList> lists{{{{1, .9F}, {2, .8F}}}, {{{3, 12}, {2, 11}}, 1, 0}};
  EXPECT_EQ(FuseByScore(lists, 10)[0].slot, 2u);
}

TEST(FuseByScore, TiesGoToTheSmallerSlotAndTheLimitCuts) {
  const std::vector<RankedList> lists{{{{5, 1}}}, {{{4, 1}}}, {{{6, 1}}}};
  EXPECT_EQ(Slots(FuseByScore(lists, 2)), (std::vector<Slot>{4, 5}));
  EXPECT_TRUE(FuseByScore(lists, 0).empty());
  EXPECT_TRUE(FuseByScore({}, 5).empty());
}

TEST(FuseByScore, EqualScoresAreAllBest) {
  const std::vector<RankedList> lists{{{{1, 5}, {2, 5}}}};
  for (const ScoredSlot& one : FuseByScore(lists, 10)) EXPECT_FLOAT_EQ(one.score, 1);
}

TEST(FuseByScore, AnEmptyListHasNoSay) {
  const std::vector<RankedList> lists{{{{1, 5}, {2, 3}}, 1, 0}, {}};
  EXPECT_FLOAT_EQ(FuseByScore(lists, 10)[0].score, 1);
}

}  // namespace
}  // namespace rhizome::vector
