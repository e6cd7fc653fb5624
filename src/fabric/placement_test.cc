#include "fabric/placement.h"

#include <gtest/gtest.h>

#include <random>

#include "fabric/topology_testing.h"

namespace rhizome::fabric {
namespace {

uint64_t Most(const std::map<MemberNumber, uint64_t>& held) {
  uint64_t most = 0;
  for (const auto& [member, count] : held) most = std::max(most, count);
  return most;
}

TEST(Placement, EveryShardGetsItsFactorOfDistinctMembers) {
  TopologyWorld world;
  world.JoinMany(5);
  ASSERT_TRUE(world.Create(8, 3).ok());
  ASSERT_EQ(world.topology.placements.size(), 8u);
  for (const auto& [shard, kept] : world.topology.placements) {
    const auto& owners = kept.value.replicas;
    EXPECT_EQ(std::set<MemberNumber>(owners.begin(), owners.end()).size(), 3u);
    EXPECT_EQ(kept.value.epoch, 1u);
    EXPECT_FALSE(kept.value.moving());
  }
}

TEST(Placement, PartitionsOfOneCollectionAreEven) {
  TopologyWorld world;
  world.JoinMany(6);
  for (int i = 0; i < 5; ++i) {
    const TopologyWorld before = world;
    ASSERT_TRUE(world.Create(8, 3).ok());
    std::map<MemberNumber, uint64_t> held = world.Held();
    for (const auto& [member, count] : before.Held()) held[member] -= count;
    EXPECT_EQ(held.size(), 6u);
    EXPECT_EQ(Most(held), 4u) << "24 replicas on 6 members";
  }
}

TEST(Placement, ManySmallCollectionsAreEvenTogether) {
  TopologyWorld world;
  world.JoinMany(5);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(world.Create(1, 2).ok());
  for (const auto& [member, count] : world.Held()) EXPECT_EQ(count, 20u) << member;
}

TEST(Placement, CapacityAttractsShards) {
  TopologyWorld world;
  for (const uint64_t capacity : {100u, 100u, 100u, 200u}) world.Join("", capacity);
  ASSERT_TRUE(world.Create(50, 1).ok());
  EXPECT_NEAR(static_cast<double>(world.Held()[4]), 20, 1);
}

TEST(Placement, ZonesEachGetAReplica) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 30; ++round) {
    TopologyWorld world;
    std::map<MemberNumber, std::string> zone_of;
    for (int i = 0; i < 12; ++i) {
      const std::string zone = fmt::format("z{}", i < 3 ? i : random() % 3);
      zone_of[world.Join(zone)] = zone;
    }
    ASSERT_TRUE(world.Create(16, 3).ok());
    for (const auto& [shard, kept] : world.topology.placements) {
      std::set<std::string> zones;
      for (const MemberNumber owner : kept.value.replicas) zones.insert(zone_of[owner]);
      EXPECT_EQ(zones.size(), 3u);
    }
  }
}

TEST(Placement, AnswerDependsOnTheTopologyOnly) {
  TopologyWorld world;
  world.JoinMany(9);
  ASSERT_TRUE(world.Create(8, 3).ok());
  const CollectionRecord record = world.Record(8, 3);
  const auto once = PlanCreate(world.topology, record, world.settings.placement).value();
  EXPECT_EQ(PlanCreate(Topology(world.topology), record, world.settings.placement).value(), once);
}

TEST(Placement, OneShardIsChosenAsTheFirstOfAPlan) {
  TopologyWorld world;
  world.JoinMany(9);
  const CollectionRecord record = world.Record(8, 3);
  const auto plan = PlanCreate(world.topology, record, world.settings.placement).value();
  EXPECT_EQ(ChooseReplicas(world.topology, record, record.first_shard, record.factor, world.settings.placement).value(),
            plan[0].replicas);
}

TEST(Placement, MembersThatAreNotActiveAndLiveGetNothing) {
  TopologyWorld world;
  world.JoinMany(6);
  world.SetState(1, MemberState::kLeaving);
  world.SetState(2, MemberState::kGone);
  world.Die(3);
  ASSERT_TRUE(world.Create(8, 3).ok());
  const auto held = world.Held();
  for (const MemberNumber member : {1u, 2u, 3u}) EXPECT_FALSE(held.contains(member)) << member;
}

TEST(Placement, MembersThatWaitGetNothingUntilTheyAreAdmitted) {
  TopologyWorld world;
  world.JoinMany(4);
  world.SetState(4, MemberState::kWaiting);
  ASSERT_TRUE(world.Create(8, 3).ok());
  EXPECT_FALSE(world.Held().contains(4));
  EXPECT_TRUE(world.Plan().balanced);
  EXPECT_EQ(world.Create(8, 4).code(), Code::kFailedPrecondition);
  world.SetState(4, MemberState::kActive);
  EXPECT_FALSE(world.Plan().changes.empty());
}

TEST(Placement, AnOwnerThatHasToWaitAgainIsGivenNothingMore) {
  TopologyWorld world;
  world.JoinMany(4);
  world.Place(3, {1, 2, 4});
  world.SetState(4, MemberState::kWaiting);
  EXPECT_FALSE(PlanCreate(world.topology, world.Record(8, 4), world.settings.placement).ok());
  world.Settle();
  EXPECT_EQ(world.At(0).replicas, (std::vector<MemberNumber>{1, 2, 3}));
}

TEST(Placement, TooFewMembersAreRefusedWithCounts) {
  TopologyWorld world;
  world.JoinMany(5);
  world.SetState(1, MemberState::kLeaving);
  world.SetState(2, MemberState::kGone);
  world.Die(3);
  const Status status = world.Create(8, 3);
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("2 of 5 members can take one (1 not live, 1 leaving, 1 gone, 0 waiting"),
            std::string::npos)
      << status.message();
}

TEST(Placement, FactorOutOfItsRangeIsRefused) {
  TopologyWorld world;
  world.JoinMany(kOwnersMax + 1);
  EXPECT_EQ(world.Create(8, 0).field(), "factor");
  EXPECT_EQ(world.Create(8, kOwnersMax + 1).field(), "factor");
  EXPECT_TRUE(world.Create(2, kOwnersMax).ok());
}

TEST(Placement, SettingsThatCannotBeUsedAreRefused) {
  TopologyWorld world;
  world.JoinMany(3);
  world.settings.placement.ring_version = 2;
  EXPECT_EQ(world.Create(8, 3).field(), "ring_version");
  world.settings.placement = {.epsilon = 0};
  EXPECT_EQ(world.Create(8, 3).field(), "epsilon");
}

TEST(Placement, ThousandMembersStayWithinTheBound) {
  TopologyWorld world;
  world.JoinMany(1'000);
  ASSERT_TRUE(world.Create(10'000, 3).ok());
  const auto held = world.Held();
  EXPECT_EQ(held.size(), 1'000u);
  EXPECT_LE(static_cast<double>(Most(held)) / 30.0, 1.15);
}

}  // namespace
}  // namespace rhizome::fabric
