#include "base/retry_budget.h"

#include <gtest/gtest.h>

namespace rhizome {
namespace {

TEST(RetryBudgetTest, WhenEverythingFailsATenthIsRepeated) {
  RetryBudget budget(10);
  int repeated = 0;
  for (int i = 0; i < 10'000; ++i) {
    budget.FirstAttempt();
    while (budget.TakeRepeat()) ++repeated;
  }
  EXPECT_GE(repeated, 1'000);
  EXPECT_LE(repeated, 1'010);
}

TEST(RetryBudgetTest, AQuietTimeSavesUpOnlyAFew) {
  RetryBudget budget(3);
  for (int i = 0; i < 1'000; ++i) budget.FirstAttempt();
  int repeated = 0;
  while (budget.TakeRepeat()) ++repeated;
  EXPECT_EQ(repeated, 3);
}

TEST(FullJitterTest, SpreadsOverTheWholeWaitWhichDoublesUpToItsBound) {
  EXPECT_EQ(FullJitter(0, 1, 100, 1'000), 0);
  EXPECT_EQ(FullJitter(100, 1, 100, 1'000), 100);
  EXPECT_EQ(FullJitter(101, 1, 100, 1'000), 0);
  EXPECT_EQ(FullJitter(200, 2, 100, 1'000), 200);
  EXPECT_EQ(FullJitter(1'000, 60, 100, 1'000), 1'000);
  EXPECT_EQ(FullJitter(5, 1, 0, 1'000), 0);
}

}  // namespace
}  // namespace rhizome
