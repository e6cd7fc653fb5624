#include "fabric/ring.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace rhizome::fabric {
namespace {

std::vector<RingMember> Members(uint32_t count, uint32_t zones = 1) {
  std::vector<RingMember> members;
  for (uint32_t i = 1; i <= count; ++i) members.push_back({.number = i, .zone = fmt::format("z{}", i % zones)});
  return members;
}

Ring Built(const std::vector<RingMember>& members, uint64_t seed = 7) { return Ring::Build(members, seed).value(); }

std::string Key(uint32_t i) { return fmt::format("key:{}", i); }

// One owner per key, in the order of the keys, nobody above its bound.
struct Assignment {
  std::vector<MemberNumber> owner;
  std::map<MemberNumber, uint64_t> held;
};

Assignment Assign(const Ring& ring, uint32_t keys, double epsilon) {
  const uint64_t most = LoadMax(static_cast<double>(keys) / static_cast<double>(ring.size()), epsilon);
  Assignment assignment;
  for (uint32_t i = 0; i < keys; ++i) {
    const auto owner = ring.Walk(Key(i), 1, [&](MemberNumber member) { return assignment.held[member] >= most; }).at(0);
    assignment.owner.push_back(owner);
    ++assignment.held[owner];
  }
  return assignment;
}

TEST(Ring, WalkMeetsEveryMemberOnce) {
  const Ring ring = Built(Members(20));
  for (uint32_t i = 0; i < 200; ++i) {
    const std::vector<MemberNumber> met = ring.Walk(Key(i), 100);
    EXPECT_EQ(met.size(), 20u);
    EXPECT_EQ(std::set<MemberNumber>(met.begin(), met.end()).size(), 20u);
  }
}

TEST(Ring, OrderOfInsertionDoesNotMatter) {
  std::vector<RingMember> members = Members(30, 4);
  const Ring ring = Built(members);
  std::mt19937_64 random(11);
  for (int round = 0; round < 5; ++round) {
    std::shuffle(members.begin(), members.end(), random);
    const Ring other = Built(members);
    for (uint32_t i = 0; i < 100; ++i) {
      EXPECT_EQ(ring.Spread(Key(i), 5), other.Spread(Key(i), 5));
      EXPECT_EQ(ring.Walk(Key(i), 5), other.Walk(Key(i), 5));
    }
  }
}

TEST(Ring, SeedDecidesTheOrder) {
  const Ring ring = Built(Members(30), 1);
  const Ring other = Built(Members(30), 2);
  int differing = 0;
  for (uint32_t i = 0; i < 100; ++i) differing += ring.Walk(Key(i), 1) != other.Walk(Key(i), 1);
  EXPECT_GT(differing, 80);
}

TEST(Ring, VersionOneIsPinned) {
  // What members of one cluster agree on: another answer is another version.
  const Ring ring = Built(Members(10, 3), 42);
  EXPECT_EQ(ring.Walk("s:books:0", 4), (std::vector<MemberNumber>{9, 8, 5, 4}));
  EXPECT_EQ(ring.Spread("s:books:0", 4), (std::vector<MemberNumber>{9, 8, 4, 5}));
}

TEST(Ring, UnknownVersionIsRefused) {
  const Status status = Ring::Build(Members(3), 7, kRingVersion + 1).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.field(), "ring_version");
}

TEST(Ring, SeparatorKeepsNumbersApart) {
  // Without one, virtual node 1i of member 1 were the point of virtual node i of member 11: a third of its points lost.
  const Ring ring = Built({{.number = 1}, {.number = 11}});
  int first = 0;
  for (uint32_t i = 0; i < 10'000; ++i) first += ring.Walk(Key(i), 1).at(0) == 1;
  EXPECT_NEAR(first, 5'000, 500);
  EXPECT_EQ(RingKey(Uuid{}, 11), "s:00000000-0000-0000-0000-000000000000:11");
}

TEST(Ring, SpreadTakesEveryZoneBeforeAnyTwice) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    const uint32_t zones = 1 + random() % 5;
    const uint32_t count = zones + random() % 20;
    const size_t wanted = 1 + random() % 6;
    const Ring ring = Built(Members(count, zones), random());
    const std::vector<MemberNumber> found = ring.Spread(Key(round), wanted);
    ASSERT_EQ(found.size(), std::min<size_t>(wanted, count));
    EXPECT_EQ(std::set<MemberNumber>(found.begin(), found.end()).size(), found.size());
    std::map<uint32_t, size_t> by_zone;
    for (const MemberNumber member : found) ++by_zone[member % zones];
    EXPECT_EQ(by_zone.size(), std::min<size_t>(zones, found.size()));
  }
}

TEST(Ring, SpreadGoesOnWhenAZoneIsExhausted) {
  const Ring ring = Built(
      {{.number = 1, .zone = "a"}, {.number = 2, .zone = "b"}, {.number = 3, .zone = "b"}, {.number = 4, .zone = "b"}});
  const std::vector<MemberNumber> found = ring.Spread("k", 4);
  EXPECT_EQ(std::set<MemberNumber>(found.begin(), found.end()), (std::set<MemberNumber>{1, 2, 3, 4}));
  EXPECT_TRUE(found[0] == 1 || found[1] == 1);
}

TEST(Ring, PassedOverMembersAreNotChosen) {
  const Ring ring = Built(Members(10, 2));
  const auto odd = [](MemberNumber member) { return member % 2 == 1; };
  for (uint32_t i = 0; i < 50; ++i) {
    for (const MemberNumber member : ring.Walk(Key(i), 10, odd)) EXPECT_EQ(member % 2, 0u);
    EXPECT_EQ(ring.Spread(Key(i), 10, odd).size(), 5u);
  }
  EXPECT_TRUE(ring.Walk("k", 3, [](MemberNumber) { return true; }).empty());
}

TEST(Ring, EmptyRingAnswersNobody) {
  const Ring ring = Built({});
  EXPECT_TRUE(ring.Walk("k", 3).empty());
  EXPECT_TRUE(ring.Spread("k", 3).empty());
}

TEST(Ring, WeightDrawsKeysInProportion) {
  std::vector<RingMember> members = Members(20);
  members[0].weight = 3;
  const Ring ring = Built(members);
  std::map<MemberNumber, int> held;
  for (uint32_t i = 0; i < 22'000; ++i) ++held[ring.Walk(Key(i), 1).at(0)];
  EXPECT_NEAR(held[1], 3'000, 700);
}

TEST(Ring, ThousandMembersStayWithinTheBoundAndAJoinMovesLittle) {
  constexpr uint32_t kMembers = 1'000;
  constexpr uint32_t kKeys = 200'000;
  const Assignment before = Assign(Built(Members(kMembers)), kKeys, 0.10);
  const Assignment after = Assign(Built(Members(kMembers + 1)), kKeys, 0.10);
  uint64_t most = 0;
  for (const auto& [member, held] : before.held) most = std::max(most, held);
  EXPECT_LE(static_cast<double>(most) * kMembers / kKeys, 1.15);
  uint32_t moved = 0;
  for (uint32_t i = 0; i < kKeys; ++i) moved += before.owner[i] != after.owner[i];
  EXPECT_LE(moved, 2.0 / (kMembers + 1) * kKeys);
  EXPECT_GT(after.held.at(kMembers + 1), 0u);
}

TEST(CapacityWeights, FollowTheMedianWithinBounds) {
  EXPECT_EQ(CapacityWeights({100, 100, 200, 0, 100'000, 1}), (std::vector<double>{1, 1, 2, 1, 4, 0.25}));
  EXPECT_EQ(CapacityWeights({0, 0}), (std::vector<double>{1, 1}));
  EXPECT_TRUE(CapacityWeights({}).empty());
}

TEST(CapacityWeights, SmallDifferencesDoNotCount) {
  EXPECT_EQ(CapacityWeights({1'000, 1'050, 960}), (std::vector<double>{1, 1, 1}));
}

TEST(LoadBounds, RoundToWholeShards) {
  EXPECT_EQ(LoadMax(30, 0.10), 33u);  // (1 + .1)·30 is a little above 33 in doubles
  EXPECT_EQ(LoadMax(6, 0.10), 7u);
  EXPECT_EQ(LoadMax(0, 0.10), 0u);
  EXPECT_EQ(LoadMax(0.02, 0.10), 1u);
  EXPECT_EQ(LoadMin(6, 0.10), 6u);
  EXPECT_EQ(LoadMin(1.33, 0.10), 1u);
  EXPECT_EQ(LoadMin(100, 0.10), 90u);
  EXPECT_EQ(LoadMin(0.02, 0.10), 0u);
}

}  // namespace
}  // namespace rhizome::fabric
