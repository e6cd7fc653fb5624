#include "fabric/resharding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordination/state.h"
#include "fabric/balance.h"
#include "fabric/directory.h"
#include "fabric/topology_testing.h"

namespace rhizome::fabric {
namespace {

using testing::HasSubstr;

// Collections in a coordination of its own, changed by the transactions only.
class ReshardingTest : public testing::Test {
 protected:
  ReshardingTest() {
    coordination::Transaction transaction;
    transaction.changes = {{CounterKey("shards"), "10"}, {CollectionKey("c"), EncodeCollection(Record())}};
    for (ShardNumber shard = 9; shard <= 10; ++shard) {
      transaction.changes.push_back({PlacementKey(shard), EncodePlacement(ParentAt(shard))});
    }
    EXPECT_TRUE(Commit(transaction));
  }
  static CollectionRecord Record() {
    return {.id = Uuid::FromName("c"), .name = "c", .first_shard = 9, .partitions = 2, .factor = 3, .spec = "s"};
  }
  static Placement ParentAt(ShardNumber shard) {
    return {.shard = shard, .collection = Uuid::FromName("c"), .epoch = 5, .replicas = {1, 2, shard}, .next = {}};
  }
  bool Commit(const coordination::Transaction& transaction) { return state_.Commit(transaction)->succeeded; }
  Topology Now() { return ReadTopology(state_.List(std::string(kRoot))).value(); }
  ShardCounter Counter() {
    for (const auto& entry : state_.List(CounterKey("shards")).entries) {
      return {static_cast<ShardNumber>(std::stoul(entry.value)), entry.mod_revision};
    }
    return {};
  }
  Result<coordination::Transaction> Begin(uint32_t partitions) {
    return BeginResharding(Now(), "c", partitions, Counter());
  }
  void BeginSix() { ASSERT_TRUE(Commit(Begin(6).value())); }
  CollectionRecord Collection() { return Now().collections.at("c").value; }

  coordination::State state_;
};

TEST_F(ReshardingTest, BeginPlacesEachChildBesideItsParent) {
  BeginSix();
  const Topology topology = Now();
  EXPECT_EQ(Collection().next_first_shard, 11u);
  EXPECT_EQ(Collection().next_partitions, 6u);
  EXPECT_EQ(Collection().partitions, 2u);
  EXPECT_EQ(Counter().last, 16u);
  for (uint32_t p = 0; p < 6; ++p) {
    const Placement* child = topology.Find(11 + p);
    ASSERT_NE(child, nullptr);
    EXPECT_EQ(child->parent, 9 + p % 2);
    EXPECT_EQ(child->replicas, topology.Find(9 + p % 2)->replicas);
    EXPECT_TRUE(child->pending());
  }
  EXPECT_EQ(topology.Find(9)->epoch, 6u);  // whoever answers at this one knows of it
}

TEST_F(ReshardingTest, EndPutsTheChildrenInTheParentsPlace) {
  BeginSix();
  ASSERT_TRUE(Commit(EndResharding(Now(), Collection())));
  const Topology topology = Now();
  EXPECT_FALSE(Collection().resharding());
  EXPECT_EQ(Collection().first_shard, 11u);
  EXPECT_EQ(Collection().partitions, 6u);
  EXPECT_EQ(Collection().spec, "s");
  EXPECT_EQ(topology.placements.size(), 6u);
  EXPECT_FALSE(topology.Find(11)->pending());
  EXPECT_EQ(topology.Find(11)->epoch, 2u);
  EXPECT_EQ(topology.ChildrenOf(9), (std::vector<ShardNumber>{11, 13, 15}));
}

TEST_F(ReshardingTest, CancelTakesTheChildrenAway) {
  BeginSix();
  ASSERT_TRUE(Commit(CancelResharding(Now(), Collection())));
  EXPECT_EQ(Collection(), Record());
  EXPECT_EQ(Now().placements.size(), 2u);
  EXPECT_EQ(Now().Find(9)->epoch, 6u);
  EXPECT_EQ(Begin(4)->changes.size(), 8u);  // and it can begin anew
}

TEST_F(ReshardingTest, AStepBuiltOnWhatHasChangedFails) {
  const auto begin = Begin(4);
  Placement raised = ParentAt(10);
  ++raised.epoch;
  coordination::Transaction change;
  change.changes = {{PlacementKey(10), EncodePlacement(raised)}};
  ASSERT_TRUE(Commit(change));
  EXPECT_FALSE(Commit(*begin));
  BeginSix();
  const auto end = EndResharding(Now(), Collection());
  const auto cancel = CancelResharding(Now(), Collection());
  ASSERT_TRUE(Commit(cancel));
  EXPECT_FALSE(Commit(end));
  BeginSix();
  const auto late = CancelResharding(Now(), Collection());
  ASSERT_TRUE(Commit(EndResharding(Now(), Collection())));
  EXPECT_FALSE(Commit(late));
}

TEST_F(ReshardingTest, OnlyMultiplesUpToABoundAreTaken) {
  for (const uint32_t partitions : {0u, 1u, 2u, 3u, 5u}) {
    EXPECT_EQ(Begin(partitions).status().field(), "partitions") << partitions;
  }
  EXPECT_THAT(std::string(Begin(3).status().message()), HasSubstr("multiple of the 2"));
  EXPECT_THAT(std::string(Begin(66).status().message()), HasSubstr("at most 64"));
  EXPECT_LE(Begin(64)->changes.size(), 128u);
}

TEST_F(ReshardingTest, ACollectionOfSeriesKeepsItsPartitions) {
  CollectionRecord series = Record();
  series.kind = ShardKind::kSeries;
  coordination::Transaction change;
  change.changes = {{CollectionKey("c"), EncodeCollection(series)}};
  ASSERT_TRUE(Commit(change));
  EXPECT_EQ(Begin(4).status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(std::string(Begin(4).status().message()), HasSubstr("series"));
}

TEST_F(ReshardingTest, OneAtATimeAndNotWhileAShardMoves) {
  EXPECT_EQ(BeginResharding(Now(), "d", 4, Counter()).status().code(), Code::kNotFound);
  BeginSix();
  EXPECT_EQ(Begin(4).status().code(), Code::kFailedPrecondition);
  ASSERT_TRUE(Commit(CancelResharding(Now(), Collection())));
  Placement moving = *Now().Find(10);
  moving.next = {1, 2, 4};
  coordination::Transaction change;
  change.changes = {{PlacementKey(10), EncodePlacement(moving)}};
  ASSERT_TRUE(Commit(change));
  EXPECT_EQ(Begin(4).status().code(), Code::kUnavailable);
}

TEST(ReshardingPlans, ShardsThatAreBeingSplitStayWhereTheyAre) {
  TopologyWorld world;
  world.JoinMany(4);
  ASSERT_TRUE(world.Create(4, 3).ok());
  ASSERT_TRUE(world.Create(4, 3).ok());
  for (auto& [shard, kept] : world.topology.placements) kept.value.shard = shard;
  auto& collection = world.topology.collections.at("c1").value;
  collection.next_first_shard = 100;
  collection.next_partitions = 8;
  for (uint32_t p = 0; p < 8; ++p) {
    Placement child = world.At(collection.first_shard + p % 4);
    child.parent = std::exchange(child.shard, 100 + p);
    child.epoch = 1;
    world.topology.placements[child.shard] = {child, 1};
  }
  world.SetState(4, MemberState::kLeaving);
  const BalanceReport report = world.Plan();
  EXPECT_FALSE(report.changes.empty());
  EXPECT_GT(report.waiting, 0u);
  EXPECT_FALSE(report.balanced);
  for (const PlacementChange& change : report.changes) {
    EXPECT_EQ(world.At(change.shard).collection, world.topology.collections.at("c2").value.id);
  }
}

}  // namespace
}  // namespace rhizome::fabric
