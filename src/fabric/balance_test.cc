#include "fabric/balance.h"

#include <gtest/gtest.h>

#include <random>

#include "fabric/topology_testing.h"

namespace rhizome::fabric {
namespace {

using Members = std::vector<MemberNumber>;

TopologyWorld Made(int members, uint32_t partitions, uint32_t factor) {
  TopologyWorld world;
  world.JoinMany(members);
  EXPECT_TRUE(world.Create(partitions, factor).ok());
  return world;
}

void ExpectFactors(const TopologyWorld& world) {
  for (const auto& [shard, kept] : world.topology.placements) {
    EXPECT_EQ(kept.value.replicas.size(), world.topology.Collection(kept.value.collection)->factor) << shard;
  }
}

TEST(Balance, NewCollectionsNeedNoChange) {
  for (const int members : {3, 4, 5, 7, 10, 25}) {
    TopologyWorld world = Made(members, 8, 3);
    ASSERT_TRUE(world.Create(16, 2).ok());
    ASSERT_TRUE(world.Create(1, 1).ok());
    const BalanceReport report = world.Plan();
    EXPECT_TRUE(report.changes.empty()) << members;
    EXPECT_TRUE(report.balanced) << members << " " << report.uneven;
  }
}

TEST(Balance, ChangeNamesWhatItReplaces) {
  TopologyWorld world = Made(4, 1, 3);
  world.topology.placements.at(0).mod_revision = 77;
  world.At(0).epoch = 9;
  const Members old = world.At(0).replicas;
  world.SetState(old[0], MemberState::kLeaving);
  const BalanceReport report = world.Plan();
  ASSERT_EQ(report.changes.size(), 1u);
  const PlacementChange& change = report.changes[0];
  EXPECT_EQ(change.mod_revision, 77);
  EXPECT_EQ(change.placement.epoch, 10u);
  EXPECT_EQ(change.placement.replicas, old);
  EXPECT_EQ(change.placement.next.size(), 3u);
  EXPECT_EQ(change.cause, ChangeCause::kLeaving);
  EXPECT_NE(change.reason.find(fmt::format("member {} (n{}) is leaving", old[0], old[0])), std::string::npos);
  EXPECT_FALSE(report.balanced);
}

TEST(Balance, GoneMemberIsReplaced) {
  TopologyWorld world = Made(4, 8, 3);
  world.Die(1, 0);
  world.SetState(1, MemberState::kGone);
  world.Settle();
  EXPECT_FALSE(world.Held().contains(1));
  ExpectFactors(world);
  for (const PlacementChange& change : world.begun) EXPECT_EQ(change.cause, ChangeCause::kReplaceLost);
  EXPECT_TRUE(world.Plan().balanced);
}

TEST(Balance, AbsentMemberIsReplacedOnlyAfterTheTime) {
  TopologyWorld world = Made(4, 8, 3);
  world.Die(1, 1'000);
  EXPECT_TRUE(world.Plan().changes.empty());
  world.absent_ms[1] = 1'001;
  EXPECT_FALSE(world.Plan().changes.empty());
  world.settings.replace_after_ms = 0;
  EXPECT_TRUE(world.Plan().changes.empty()) << "0: only when an operator says so";
  world.settings.replace_after_ms = 1;
  world.absent_ms.erase(1);
  EXPECT_TRUE(world.Plan().changes.empty()) << "absent since now";
}

TEST(Balance, ShardWithoutALiveMajorityIsLeftAlone) {
  TopologyWorld world = Made(6, 1, 3);
  const Members owners = world.At(0).replicas;
  world.Die(owners[0]);
  world.Die(owners[1]);
  const BalanceReport report = world.Plan();
  EXPECT_TRUE(report.changes.empty());
  ASSERT_EQ(report.blocked.size(), 1u);
  EXPECT_NE(report.blocked[0].reason.find("1 of its 3 owners are live"), std::string::npos);
  EXPECT_FALSE(report.balanced);
}

TEST(Balance, LostMemberStaysUntilSomebodyCanTakeItsPlace) {
  TopologyWorld world = Made(3, 2, 3);
  world.Die(3);
  const BalanceReport report = world.Plan();
  EXPECT_TRUE(report.changes.empty());
  ASSERT_EQ(report.blocked.size(), 2u);
  EXPECT_NE(report.blocked[0].reason.find("no live member is there to take its place"), std::string::npos);
  world.Join();
  world.Settle();
  EXPECT_FALSE(world.Held().contains(3));
  ExpectFactors(world);
}

TEST(Balance, GoneMemberIsDroppedWhenNobodyCanTakeItsPlace) {
  TopologyWorld world = Made(3, 2, 3);
  world.Die(3);
  world.SetState(3, MemberState::kGone);
  world.Settle();
  EXPECT_EQ(world.At(0).replicas, (Members{1, 2}));
  const BalanceReport report = world.Plan();
  ASSERT_EQ(report.blocked.size(), 2u);
  EXPECT_NE(report.blocked[0].reason.find("it has 2 of 3 replicas, and every member that stays has one"),
            std::string::npos);
}

TEST(Balance, GoneMemberWaitsForAnAbsentOneToTakeItsPlace) {
  TopologyWorld world = Made(4, 1, 3);
  const Members owners = world.At(0).replicas;
  world.Die(owners[0]);
  world.SetState(owners[0], MemberState::kGone);
  for (MemberNumber m = 1; m <= 4; ++m) {
    if (!world.At(0).Owns(m)) world.Die(m, 10);
  }
  const BalanceReport report = world.Plan();
  EXPECT_TRUE(report.changes.empty());
  EXPECT_EQ(report.blocked.size(), 1u);
}

TEST(Balance, RaisedFactorAddsReplicas) {
  TopologyWorld world = Made(5, 8, 2);
  world.topology.collections.at("c1").value.factor = 4;
  world.Settle();
  ExpectFactors(world);
  for (const PlacementChange& change : world.begun) EXPECT_EQ(change.cause, ChangeCause::kUnderReplicated);
  EXPECT_EQ(world.Moved(), 16u);
  EXPECT_TRUE(world.Plan().balanced);
}

TEST(Balance, LoweredFactorDropsReplicasAndCopiesLittle) {
  TopologyWorld world = Made(5, 10, 3);
  world.topology.collections.at("c1").value.factor = 1;
  world.Settle();
  ExpectFactors(world);
  EXPECT_LE(world.Moved(), 1u) << "what is kept was chosen for an even load";
  EXPECT_TRUE(world.Plan().balanced);
}

TEST(Balance, LastReplicaIsNeverDropped) {
  TopologyWorld world = Made(3, 2, 3);
  world.topology.collections.at("c1").value.factor = 0;
  world.Settle();
  for (const auto& [shard, kept] : world.topology.placements) EXPECT_EQ(kept.value.replicas.size(), 1u);
}

TEST(Balance, SetsStayWithinTheirBytes) {
  TopologyWorld world = Made(kOwnersMax + 3, 1, 1);
  world.topology.collections.at("c1").value.factor = kOwnersMax + 2;
  world.Settle();
  EXPECT_EQ(world.At(0).replicas.size(), kOwnersMax);
  EXPECT_TRUE(DecodePlacement(EncodePlacement(world.At(0))).ok());
}

TEST(Balance, SuperfluousReplicaIsTheAbsentOne) {
  TopologyWorld world;
  world.JoinMany(4);
  world.Place(3, {1, 2, 3, 4});
  world.Die(2, 10);
  const BalanceReport report = world.Plan();
  ASSERT_EQ(report.changes.size(), 1u);
  EXPECT_EQ(report.changes[0].placement.next, (Members{1, 3, 4}));
}

TEST(Balance, FactorAboveTheMembersIsSaid) {
  TopologyWorld world = Made(3, 1, 3);
  world.topology.collections.at("c1").value.factor = 5;
  const BalanceReport report = world.Plan();
  EXPECT_TRUE(report.changes.empty());
  ASSERT_EQ(report.blocked.size(), 1u);
  EXPECT_NE(report.blocked[0].reason.find("it has 3 of 5 replicas"), std::string::npos);
}

TEST(Balance, LeavingMemberIsEmptiedAndNothingElseMoves) {
  TopologyWorld world = Made(5, 16, 3);
  const uint64_t held = world.Held()[2];
  world.SetState(2, MemberState::kLeaving);
  world.Settle();
  EXPECT_FALSE(world.Held().contains(2));
  ExpectFactors(world);
  EXPECT_EQ(world.Moved(), held);
  EXPECT_TRUE(world.Plan().balanced);
}

TEST(Balance, LeavingMemberStaysWhileItIsNeeded) {
  TopologyWorld world = Made(3, 2, 3);
  world.SetState(3, MemberState::kLeaving);
  const BalanceReport report = world.Plan();
  EXPECT_TRUE(report.changes.empty());
  ASSERT_EQ(report.blocked.size(), 2u);
  EXPECT_NE(report.blocked[0].reason.find("member 3 (n3) is leaving, and no other live member"), std::string::npos);
}

TEST(Balance, SingleOwnerGetsItsSuccessorFirst) {
  TopologyWorld world;
  world.JoinMany(2);
  world.Place(1, {1});
  world.SetState(1, MemberState::kLeaving);
  world.Apply(world.Plan().changes);
  EXPECT_EQ(world.At(0).next, (Members{1, 2}));
  world.FinishAll();
  world.Apply(world.Plan().changes);
  EXPECT_EQ(world.At(0).next, (Members{2}));
}

TEST(Balance, FourthMemberGetsItsShareAndNothingElseMoves) {
  for (const int collections : {1, 2, 10}) {
    TopologyWorld world;
    world.JoinMany(3);
    for (int i = 0; i < collections; ++i) ASSERT_TRUE(world.Create(8, 3).ok());
    const MemberNumber fourth = world.Join();
    world.Settle();
    for (const PlacementChange& change : world.begun) {
      EXPECT_EQ(TopologyWorld::Added(change.placement), Members{fourth});
    }
    EXPECT_LE(static_cast<double>(world.Moved()), 0.30 * static_cast<double>(world.Replicas()));
    EXPECT_GE(static_cast<double>(world.Held()[fourth]), 0.22 * static_cast<double>(world.Replicas()));
    EXPECT_TRUE(world.Plan().balanced);
  }
}

TEST(Balance, SingleOwnersAreBalancedToo) {
  TopologyWorld world = Made(3, 30, 1);
  const MemberNumber fourth = world.Join();
  world.Settle();
  ExpectFactors(world);
  EXPECT_EQ(world.Held()[fourth], 7u);
  EXPECT_LE(world.Moved(), 9u);
  EXPECT_TRUE(world.Plan().balanced);
}

TEST(Balance, JoinToAThousandMovesAtMostTwoShares) {
  TopologyWorld world = Made(1'000, 10'000, 3);
  EXPECT_TRUE(world.Plan().balanced);
  const MemberNumber joined = world.Join();
  world.settings.concurrent_moves = 1'000;
  world.settings.per_member_moves = 100;
  world.Settle(20);
  EXPECT_LE(static_cast<double>(world.Moved()), 2.0 / 1'001 * static_cast<double>(world.Replicas()));
  EXPECT_GE(world.Held()[joined], 26u);
  EXPECT_TRUE(world.Plan().balanced);
}

TEST(Balance, LimitsHoldOverallAndForEachMember) {
  TopologyWorld world = Made(8, 64, 3);
  world.settings.concurrent_moves = 5;
  world.settings.per_member_moves = 2;
  world.SetState(1, MemberState::kLeaving);
  world.SetState(2, MemberState::kLeaving);
  world.SetState(3, MemberState::kLeaving);
  const BalanceReport first = world.Plan();
  EXPECT_EQ(first.changes.size(), 5u);
  EXPECT_GT(first.waiting, 0u);
  world.Apply(first.changes);
  const BalanceReport second = world.Plan();
  EXPECT_EQ(second.moving, 5u);
  EXPECT_TRUE(second.changes.empty());
  for (const auto& [member, load] : second.loads) EXPECT_LE(load.shards_moving_in + load.shards_moving_out, 2u);
}

TEST(Balance, DropThatLeavesTooFewIsTakenBack) {
  TopologyWorld world;
  world.JoinMany(5);
  world.Place(2, {1, 2, 3});
  world.At(0).next = {2, 3};
  world.Die(1, 0);
  EXPECT_TRUE(world.Plan().changes.empty());  // who stays is there
  world.SetState(3, MemberState::kGone);
  const BalanceReport report = world.Plan();
  ASSERT_EQ(report.changes.size(), 1u);
  EXPECT_EQ(report.changes[0].cause, ChangeCause::kTakeBack);
  EXPECT_TRUE(report.changes[0].placement.next.empty());
}

TEST(Balance, MoveToAMemberThatIsGoneIsTakenBack) {
  TopologyWorld world;
  world.JoinMany(5);
  world.Place(3, {1, 2, 3});
  world.At(0).next = {1, 2, 4};
  world.Die(4, 30'000);
  world.settings.replace_after_ms = 0;
  EXPECT_TRUE(world.Plan().changes.empty());
  world.absent_ms[4] = 30'001;
  const BalanceReport report = world.Plan();
  ASSERT_EQ(report.changes.size(), 1u);
  EXPECT_EQ(report.changes[0].cause, ChangeCause::kTakeBack);
  EXPECT_EQ(report.changes[0].placement.replicas, (Members{1, 2, 3}));
  EXPECT_TRUE(report.changes[0].placement.next.empty());
  EXPECT_EQ(report.changes[0].placement.epoch, 2u);
  EXPECT_EQ(report.loads.at(3).shards, 1u);
  EXPECT_EQ(report.loads.at(4).shards, 0u);
}

TEST(Balance, MoveWhoseOldOwnersAreAwayIsSaidToWait) {
  TopologyWorld world;
  world.JoinMany(5);
  world.Place(3, {1, 2, 3});
  world.At(0).next = {1, 2, 4};
  world.Die(1, 10);
  world.Die(2, 10);
  const BalanceReport report = world.Plan();
  ASSERT_EQ(report.blocked.size(), 1u);
  EXPECT_NE(report.blocked[0].reason.find("its move waits: 1 of its 3 owners"), std::string::npos);
}

TEST(Balance, NewZoneGetsAReplicaOfEveryShard) {
  TopologyWorld world;
  for (const char* zone : {"a", "a", "b", "b"}) world.Join(zone);
  ASSERT_TRUE(world.Create(8, 3).ok());
  world.Join("c");
  world.Join("c");
  world.Settle();
  for (const auto& [shard, kept] : world.topology.placements) {
    std::set<std::string> zones;
    for (const MemberNumber owner : kept.value.replicas) zones.insert(world.topology.Member(owner)->zone);
    EXPECT_EQ(zones.size(), 3u) << shard;
  }
  EXPECT_EQ(world.Moved(), 8u);
  EXPECT_TRUE(world.Plan().balanced);
}

TEST(Balance, CrowdedZoneIsMended) {
  TopologyWorld world;
  for (const char* zone : {"a", "a", "b"}) world.Join(zone);
  world.Place(2, {1, 2});
  world.Place(2, {1, 3});
  world.Place(2, {2, 3});
  world.Settle();
  ASSERT_EQ(world.begun.size(), 1u);
  EXPECT_EQ(world.begun[0].shard, 0u);
  EXPECT_EQ(TopologyWorld::Added(world.begun[0].placement), Members{3});
}

TEST(Balance, ShardOfAnUnknownCollectionIsSaid) {
  TopologyWorld world = Made(3, 1, 3);
  world.topology.placements[9] = {{.shard = 9, .collection = TopologyWorld::Id(99), .replicas = {1, 2, 3}}, 1};
  const BalanceReport report = world.Plan();
  ASSERT_EQ(report.blocked.size(), 1u);
  EXPECT_EQ(report.blocked[0].shard, 9u);
  EXPECT_FALSE(report.balanced);
}

TEST(Balance, OwnerWithoutARecordIsReplaced) {
  TopologyWorld world;
  world.JoinMany(3);
  world.Place(3, {1, 2, 77});
  world.Settle();
  EXPECT_EQ(world.At(0).replicas, (Members{1, 2, 3}));
}

TEST(Balance, SettingsThatCannotBeUsedAreRefused) {
  TopologyWorld world = Made(3, 1, 3);
  world.settings.placement.ring_version = 9;
  EXPECT_EQ(PlanChanges(world.topology, {}, world.settings).status().field(), "ring_version");
}

TEST(Balance, CausesHaveDistinctNames) {
  std::set<std::string_view> names;
  for (int cause = 1; cause <= 7; ++cause) names.insert(ChangeCauseName(static_cast<ChangeCause>(cause)));
  EXPECT_EQ(names.size(), 7u);
}

}  // namespace
}  // namespace rhizome::fabric
