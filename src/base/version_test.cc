#include "base/version.h"

#include <gtest/gtest.h>

namespace rhizome {
namespace {

TEST(HybridClock, VersionsRiseWhileTheWallClockStandsStill) {
  SimClock wall;
  HybridClock clock(wall, 1);
  EXPECT_LT(clock.Next(), clock.Next());
}

TEST(HybridClock, VersionsRiseWhenTheWallClockGoesBack) {
  SimClock wall(10'000);
  HybridClock clock(wall, 1);
  const Version before = clock.Next();
  wall.SetWallMs(5'000);
  EXPECT_LT(before, clock.Next());
}

TEST(HybridClock, ANewLifeStartsAboveWhatItObserved) {
  SimClock wall(10'000);
  HybridClock old_life(wall, 1);
  const Version seen = old_life.Next();
  wall.SetWallMs(1'000);
  HybridClock new_life(wall, 1);
  new_life.Observe(seen);
  EXPECT_LT(seen, new_life.Next());
}

TEST(HybridClock, WallTimeIsReadBackFromAVersion) {
  SimClock wall(123'456);
  HybridClock clock(wall, 1);
  EXPECT_EQ(clock.Next().WallMs(), 123'456);
}

TEST(Version, TheNodeBreaksTies) {
  EXPECT_LT((Version{5, 1}), (Version{5, 2}));
  EXPECT_LT((Version{5, 9}), (Version{6, 1}));
}

}  // namespace
}  // namespace rhizome
