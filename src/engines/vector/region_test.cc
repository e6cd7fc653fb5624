#include "engines/vector/region.h"

#include <gtest/gtest.h>

namespace rhizome::vector {
namespace {

TEST(Region, GrowsWithoutMoving) {
  auto region = *Region::Reserve(size_t{64} << 20);
  ASSERT_TRUE(region.Commit(100).ok());
  char* start = region.as<char>();
  start[99] = 7;
  for (size_t bytes = 1000; bytes <= size_t{64} << 20; bytes *= 3) {
    ASSERT_TRUE(region.Commit(bytes).ok());
    EXPECT_EQ(region.as<char>(), start);
    start[bytes - 1] = 1;
  }
  EXPECT_EQ(start[99], 7);
  EXPECT_EQ(start[500], 0);
}

TEST(Region, RefusesMoreThanReserved) {
  auto region = *Region::Reserve(size_t{4} << 20);
  EXPECT_TRUE(region.Commit(size_t{4} << 20).ok());
  EXPECT_EQ(region.Commit((size_t{4} << 20) + 1).code(), Code::kResourceExhausted);
}

TEST(Region, RefusesMoreThanTheAddressSpace) {
  EXPECT_EQ(Region::Reserve(size_t{1} << 62).status().code(), Code::kResourceExhausted);
}

TEST(Region, SmallCommitsTakeLittle) {
  auto region = *Region::Reserve(size_t{1} << 30);
  ASSERT_TRUE(region.Commit(1).ok());
  EXPECT_LE(region.committed(), size_t{64} << 10);
}

}  // namespace
}  // namespace rhizome::vector
