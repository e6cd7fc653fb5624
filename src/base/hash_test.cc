#include "base/hash.h"

#include <gtest/gtest.h>

namespace rhizome {
namespace {

// These values are on disks and decide placement; they may never change.
TEST(Hash, ChecksumIsXxh3Of64Bits) { EXPECT_EQ(Checksum(""), 0x2d06800538d394c2ULL); }
TEST(Hash, RouteHashIsXxh64) { EXPECT_EQ(RouteHash("", 0), 0xef46db3751d8e999ULL); }
TEST(Hash, RouteHashDependsOnTheSeed) { EXPECT_NE(RouteHash("a", 0), RouteHash("a", 1)); }
TEST(Hash, ContentHashIsXxh3Of128Bits) {
  const auto [high, low] = ContentHash("");
  EXPECT_EQ(high, 0x99aa06d3014798d8ULL);
  EXPECT_EQ(low, 0x6001c324468d497fULL);
}

}  // namespace
}  // namespace rhizome
