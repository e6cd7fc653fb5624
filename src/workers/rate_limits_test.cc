#include "workers/rate_limits.h"

#include <gtest/gtest.h>

namespace rhizome::workers {
namespace {

TEST(RateLimits, SoManyASecondAndABurst) {
  SimClock clock;
  RateLimits limits(clock);
  limits.Set("m", {.per_second = 10, .burst = 3});
  for (int n = 0; n < 3; ++n) EXPECT_EQ(limits.TryTake("m", 1), 0);
  EXPECT_EQ(limits.TryTake("m", 1), 100);
  clock.AdvanceMs(99);
  EXPECT_EQ(limits.TryTake("m", 1), 1);
  clock.AdvanceMs(1);
  EXPECT_EQ(limits.TryTake("m", 1), 0);
  clock.AdvanceMs(60'000);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(limits.TryTake("m", 1), 0);
  EXPECT_GT(limits.TryTake("m", 1), 0);
}

TEST(RateLimits, MoreThanABurstIsPaidForAfterwards) {
  SimClock clock;
  RateLimits limits(clock);
  limits.Set("m", {.per_second = 10, .burst = 2});
  EXPECT_EQ(limits.TryTake("m", 12), 0);
  EXPECT_EQ(limits.TryTake("m", 1), 1100);
  clock.AdvanceMs(1100);
  EXPECT_EQ(limits.TryTake("m", 1), 0);
}

TEST(RateLimits, APausedEndpointIsLeftAloneAndOthersAreNot) {
  SimClock clock;
  RateLimits limits(clock);
  limits.Pause("m", 2000);
  EXPECT_EQ(limits.TryTake("m", 1), 2000);
  EXPECT_EQ(limits.TryTake("other", 1), 0);
  clock.AdvanceMs(2000);
  EXPECT_EQ(limits.TryTake("m", 1), 0);
}

}  // namespace
}  // namespace rhizome::workers
