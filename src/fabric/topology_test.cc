#include "fabric/topology.h"

#include <gtest/gtest.h>

namespace rhizome::fabric {
namespace {

MemberRecord AMember() {
  return {.number = 7,
          .name = "north-1",
          .directory = Uuid::Random(),
          .rpc_address = "127.0.0.1:7000",
          .http_address = "127.0.0.1:8000",
          .zone = "a",
          .capacity_bytes = 1 << 20,
          .state = MemberState::kLeaving};
}

TEST(Topology, RecordsReadBackAsTheyWereWritten) {
  const MemberRecord member = AMember();
  EXPECT_EQ(DecodeMember(EncodeMember(member)).value(), member);
  const CollectionRecord collection{.id = Uuid::Random(),
                                    .name = "books",
                                    .first_shard = 9,
                                    .partitions = 8,
                                    .factor = 3,
                                    .created_ms = 5,
                                    .spec = "opaque"};
  EXPECT_EQ(DecodeCollection(EncodeCollection(collection)).value(), collection);
  const Placement placement{
      .shard = 9, .collection = collection.id, .epoch = 4, .replicas = {1, 2, 3}, .next = {1, 2, 4}};
  EXPECT_EQ(DecodePlacement(EncodePlacement(placement)).value(), placement);
}

TEST(Topology, EveryTruncationIsRefused) {
  const std::string member = EncodeMember(AMember());
  for (size_t n = 0; n < member.size(); ++n) {
    EXPECT_EQ(DecodeMember(member.substr(0, n)).status().code(), Code::kCorruption) << n;
  }
}

TEST(Topology, AMemberTwiceInASetIsRefused) {
  const Placement placement{.shard = 9, .epoch = 4, .replicas = {1, 2, 2}, .next = {}};
  EXPECT_EQ(DecodePlacement(EncodePlacement(placement)).status().code(), Code::kCorruption);
}

TEST(Topology, AShardWithoutReplicasIsRefused) {
  EXPECT_EQ(DecodePlacement(EncodePlacement({.shard = 9})).status().code(), Code::kCorruption);
}

TEST(Topology, OwnersAreThoseOfBothSetsOnce) {
  const Placement placement{.shard = 9, .replicas = {1, 2, 3}, .next = {2, 3, 4}};
  EXPECT_EQ(placement.Owners(), (std::vector<MemberNumber>{1, 2, 3, 4}));
  EXPECT_TRUE(placement.Owns(4));
  EXPECT_FALSE(placement.Owns(5));
}

TEST(Topology, KeysSortAsTheirNumbers) {
  EXPECT_LT(MemberKey(9), MemberKey(10));
  EXPECT_LT(PlacementKey(99), PlacementKey(100));
}

}  // namespace
}  // namespace rhizome::fabric
