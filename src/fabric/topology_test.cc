#include "fabric/topology.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

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

// One of each kind, every field different from every other.
Uuid Pattern(uint8_t first) {
  Uuid uuid;
  for (uint8_t i = 0; i < uuid.bytes.size(); ++i) uuid.bytes[i] = static_cast<uint8_t>(first + i);
  return uuid;
}

MemberRecord GoldenMember() {
  MemberRecord member = AMember();
  member.directory = Pattern(0x10);
  return member;
}

CollectionRecord GoldenCollection() {
  return {.id = Pattern(0x20),
          .name = "books",
          .first_shard = 9,
          .partitions = 8,
          .factor = 3,
          .created_ms = 1'700'000'000'000,
          .spec = "opaque"};
}

Placement GoldenPlacement() {
  return {.shard = 10, .collection = Pattern(0x20), .epoch = 4, .replicas = {1, 2, 3}, .next = {1, 2, 4}};
}

GatewayRecord GoldenGateway() { return {.name = "g1", .http_address = "10.0.0.7:8000", .since_ms = 1'700'000'000'123}; }

CollectionRecord GoldenResharded() {
  CollectionRecord collection = GoldenCollection();
  collection.next_first_shard = 30;
  collection.next_partitions = 16;
  return collection;
}

CollectionRecord GoldenSeries() {
  CollectionRecord collection = GoldenCollection();
  collection.kind = ShardKind::kSeries;
  return collection;
}

Placement GoldenSplit() {
  Placement placement = GoldenPlacement();
  placement.parent = 9;
  return placement;
}

std::string Golden(const std::string& name) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/fabric/testdata/" + name, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << name;
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

// The golden files are what coordination holds after this version; they may never change meaning.
TEST(Topology, GoldenFilesStillDecode) {
  EXPECT_EQ(DecodeMember(Golden("member_v1.bin")).value(), GoldenMember());
  EXPECT_EQ(EncodeMember(GoldenMember()), Golden("member_v1.bin"));
  EXPECT_EQ(DecodeCollection(Golden("collection_v1.bin")).value(), GoldenCollection());
  EXPECT_EQ(EncodeCollection(GoldenCollection()), Golden("collection_v1.bin"));
  EXPECT_EQ(DecodePlacement(Golden("placement_v1.bin")).value(), GoldenPlacement());
  EXPECT_EQ(EncodePlacement(GoldenPlacement()), Golden("placement_v1.bin"));
  EXPECT_EQ(DecodeCollection(Golden("collection_resharding.bin")).value(), GoldenResharded());
  EXPECT_EQ(EncodeCollection(GoldenResharded()), Golden("collection_resharding.bin"));
  EXPECT_EQ(DecodeCollection(Golden("collection_series.bin")).value(), GoldenSeries());
  EXPECT_EQ(EncodeCollection(GoldenSeries()), Golden("collection_series.bin"));
  EXPECT_EQ(DecodePlacement(Golden("placement_split.bin")).value(), GoldenSplit());
  EXPECT_EQ(EncodePlacement(GoldenSplit()), Golden("placement_split.bin"));
  EXPECT_EQ(DecodeGateway(Golden("gateway_v1.bin")).value(), GoldenGateway());
  EXPECT_EQ(EncodeGateway(GoldenGateway()), Golden("gateway_v1.bin"));
}

TEST(Topology, NextPartitionsThatAreNoMultipleAreRefused) {
  for (const uint32_t partitions : {4u, 8u, 12u}) {
    CollectionRecord collection = GoldenResharded();
    collection.next_partitions = partitions;
    EXPECT_EQ(DecodeCollection(EncodeCollection(collection)).status().code(), Code::kCorruption) << partitions;
  }
}

TEST(Topology, APlacementThatSaysItWasSplitOffNothingIsRefused) {
  std::string bytes = EncodePlacement(GoldenSplit());
  bytes.replace(bytes.size() - 4, 4, 4, '\0');
  EXPECT_EQ(DecodePlacement(bytes).status().code(), Code::kCorruption);
}

TEST(Topology, AShardIsPendingUntilItsEpochGoesUp) {
  Placement placement = GoldenSplit();
  EXPECT_FALSE(placement.pending());
  placement.epoch = 1;
  EXPECT_TRUE(placement.pending());
  placement.parent = 0;
  EXPECT_FALSE(placement.pending());
}

TEST(Topology, ACollectionIsNumberedForTheShardThatIsAsked) {
  Topology topology;
  topology.collections["books"] = {GoldenResharded(), 1};
  Placement child{.shard = 31, .collection = Pattern(0x20), .epoch = 1, .replicas = {1}, .next = {}, .parent = 10};
  topology.placements[31] = {child, 1};
  EXPECT_EQ(topology.CollectionOf(child)->first_shard, 30u);
  EXPECT_EQ(topology.CollectionOf(child)->partitions, 16u);
  EXPECT_FALSE(topology.CollectionOf(child)->resharding());
  EXPECT_EQ(topology.CollectionOf(GoldenPlacement())->first_shard, 9u);
  EXPECT_EQ(topology.ChildrenOf(10), (std::vector<ShardNumber>{31}));
  EXPECT_TRUE(topology.ChildrenOf(9).empty());
  topology.collections.clear();
  EXPECT_EQ(topology.CollectionOf(child), std::nullopt);
}

TEST(Topology, TruncationsTrailsAndOtherFormatsAreRefused) {
  for (const char* name : {"member_v1.bin", "collection_v1.bin", "placement_v1.bin", "collection_resharding.bin",
                           "placement_split.bin", "gateway_v1.bin"}) {
    const std::string whole = Golden(name);
    const auto refused = [](const std::string& bytes) {
      return DecodeMember(bytes).status().code() == Code::kCorruption &&
             DecodeCollection(bytes).status().code() == Code::kCorruption &&
             DecodePlacement(bytes).status().code() == Code::kCorruption &&
             DecodeGateway(bytes).status().code() == Code::kCorruption;
    };
    EXPECT_TRUE(refused(whole + "x")) << name;
    EXPECT_TRUE(refused("\x04" + whole.substr(1))) << name;
    EXPECT_TRUE(refused(whole.substr(0, whole.size() - 1))) << name;
  }
}

TEST(Topology, ACollectionOfSeriesSaysSoAndTheVersionBeforeDoesNotReadIt) {
  CollectionRecord collection = GoldenCollection();
  collection.kind = ShardKind::kSeries;
  const std::string bytes = EncodeCollection(collection);
  EXPECT_EQ(bytes[0], 3);
  EXPECT_EQ(DecodeCollection(bytes).value(), collection);
  EXPECT_FALSE(DecodeCollection(bytes + "x").ok());
  EXPECT_FALSE(DecodeCollection(bytes.substr(0, bytes.size() - 1)).ok());
}

TEST(Topology, ForeignMemberStateAndNoPartitionsAreRefused) {
  std::string member = EncodeMember(GoldenMember());
  member.back() = 5;
  EXPECT_EQ(DecodeMember(member).status().code(), Code::kCorruption);
  CollectionRecord collection = GoldenCollection();
  collection.partitions = 0;
  EXPECT_EQ(DecodeCollection(EncodeCollection(collection)).status().code(), Code::kCorruption);
}

TEST(Topology, KeysAreThoseOfTheirPage) {
  EXPECT_EQ(MemberKey(7), "rhizome/members/0000000007");
  EXPECT_EQ(LiveKey(7), "rhizome/live/0000000007");
  EXPECT_EQ(CollectionKey("books"), "rhizome/collections/books");
  EXPECT_EQ(PlacementKey(10), "rhizome/placements/0000000010");
  EXPECT_EQ(LeaderKey(), "rhizome/leader");
  EXPECT_EQ(CounterKey("shards"), "rhizome/counters/shards");
}

}  // namespace
}  // namespace rhizome::fabric
