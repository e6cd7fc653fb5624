#include "evolve/importance.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rhizome::evolve {
namespace {

using format::EntityState;

constexpr int64_t kNow = 1'700'000'000'000;
int64_t DaysAgo(double days) { return kNow - static_cast<int64_t>(days * kDayMs); }

TEST(ImportanceTest, IsTheWeightedSumOfItsFourParts) {
  const Score score = ScoreOf({DaysAgo(30), 1000, .25, .75F}, kNow);
  EXPECT_NEAR(score.recency, .5, 1e-9);
  EXPECT_NEAR(score.frequency, 1, 1e-9);
  EXPECT_NEAR(score.importance, .3 * .5 + .3 * 1 + .2 * .25 + .2 * .75, 1e-9);
}

TEST(ImportanceTest, StrengthHalvesAfterThirtyDaysTimesImportanceTimesAccess) {
  const Score score = ScoreOf({DaysAgo(10), 7, .5, 1.0F}, kNow);
  EXPECT_NEAR(score.strength, std::exp2(-10 / (30 * score.importance * 4)), 1e-12);
}

TEST(ImportanceTest, WhatIsNewIsAsStrongAsCanBe) {
  EXPECT_EQ(ScoreOf({kNow}, kNow).strength, 1);
  EXPECT_EQ(ScoreOf({kNow + 1000}, kNow).strength, 1);
}

TEST(ImportanceTest, WhatNobodyReadsIsArchivedThenDeleted) {
  EXPECT_EQ(StateOf(ScoreOf({DaysAgo(1)}, kNow), false), EntityState::kActive);
  EXPECT_EQ(StateOf(ScoreOf({DaysAgo(22)}, kNow), false), EntityState::kArchived);
  EXPECT_EQ(StateOf(ScoreOf({DaysAgo(400)}, kNow), false), EntityState::kDeleted);
  EXPECT_EQ(StateOf(ScoreOf({DaysAgo(400), 1'000'000, 1, 1.0F}, kNow), false), EntityState::kActive);
}

TEST(ImportanceTest, TheBoundsThemselvesAreArchivedAndDeleted) {
  Score score;
  score.strength = .2;
  EXPECT_EQ(StateOf(score, false), EntityState::kArchived);
  score.strength = .05;
  EXPECT_EQ(StateOf(score, false), EntityState::kDeleted);
}

TEST(ImportanceTest, WhatIsCriticalStays) {
  EXPECT_EQ(StateOf(ScoreOf({DaysAgo(4000)}, kNow), true), EntityState::kActive);
}

}  // namespace
}  // namespace rhizome::evolve
