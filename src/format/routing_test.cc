#include "format/routing.h"

#include <gtest/gtest.h>

namespace rhizome::format {
namespace {

// Where existing data is: these may never change.
TEST(Routing, KeysStayWhereTheyAre) {
  EXPECT_EQ(PartitionOf(PointId(1), 64), 21u);
  EXPECT_EQ(PartitionOf(PointId(1'000'000), 64), 25u);
  EXPECT_EQ(PartitionOf(PointId::FromString("manual").value(), 64), 17u);
}

TEST(Routing, AMultipleOfThePartitionsSplitsEachOne) {
  for (uint64_t id = 0; id < 1'000; ++id) {
    for (const uint32_t times : {2u, 3u, 8u}) {
      EXPECT_EQ(PartitionOf(PointId(id), 8 * times) % 8, PartitionOf(PointId(id), 8));
    }
  }
}

TEST(Routing, AChunkGoesWithItsDocument) {
  const PointId document = PointId::FromString("manual").value();
  EXPECT_EQ(PartitionOf(PointId::OfChunk(document, 7), 64), PartitionOf(document, 64));
}

TEST(Routing, AKeyGoesWhereItsRegisterDoes) {
  const Operation point{{}, DeletePoint{PointId(5)}};
  const Operation document{{}, DeleteDocument{PointId(5)}};
  EXPECT_EQ(PartitionOfKey(point.Key(), 16).value(), PartitionOf(PointId(5), 16));
  EXPECT_EQ(PartitionOfKey(document.Key(), 16).value(), PartitionOf(PointId(5), 16));
  EXPECT_EQ(PartitionOfKey("nonsense", 16).status().field(), "key");
}

}  // namespace
}  // namespace rhizome::format
