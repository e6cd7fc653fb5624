// Whatever happens to a cluster, planning and applying ends, and ends well. Seeded; a failure names its seed.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "fabric/topology_testing.h"

namespace rhizome::fabric {
namespace {

constexpr uint32_t kFactorMax = 4;

class Fate {
 public:
  explicit Fate(uint64_t seed) : random_(seed) {
    zones_ = 1 + Pick(4);
    const uint32_t members = 1 + Pick(8);
    for (uint32_t i = 0; i < members; ++i) Join();
    world.settings.concurrent_moves = 1 + Pick(8);
    world.settings.per_member_moves = 1 + Pick(3);
  }

  void Happen() {
    switch (Pick(10)) {
      case 0:
      case 1: return Join();
      case 2: return Leave();
      case 3:
      case 4: return Die(Pick(2) == 0 ? 10 : 5'000);
      case 5: return Return();
      case 6: return DeclareGone();
      case 7: return ChangeFactor();
      default:
        // Refused while there are too few members; then nothing has happened.
        if (!world.Create(1 + Pick(10), 1 + Pick(3)).ok()) return;
    }
  }
  // Some rounds of the leader; of the moves under way some end.
  void Lead() {
    for (uint32_t round = Pick(4); round > 0; --round) {
      world.Apply(world.Plan().changes);
      for (auto& [shard, kept] : world.topology.placements) {
        if (kept.value.moving() && Pick(2) == 0 && Reachable(kept.value)) world.Finish(shard);
      }
    }
  }
  // Nobody is away any more, and there are members enough for every factor.
  void Heal() {
    for (auto& [number, kept] : world.topology.members) {
      if (kept.value.state != MemberState::kGone) world.Return(number);
    }
    while (Active() < kFactorMax + 1) Join();
  }

  TopologyWorld world;

 private:
  uint32_t Pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  MemberNumber Any() { return 1 + Pick(static_cast<uint32_t>(world.topology.members.size())); }

  void Join() {
    constexpr uint64_t kCapacities[] = {0, 100, 100, 100, 200, 400};
    world.Join(fmt::format("z{}", Pick(zones_)), kCapacities[Pick(6)]);
  }
  void Leave() {
    MemberRecord& member = world.topology.members.at(Any()).value;
    if (member.state == MemberState::kActive) member.state = MemberState::kLeaving;
  }
  void Die(int64_t absent) {
    const MemberNumber member = Any();
    world.Die(member, absent);
    if (!EveryShardHasAMajority()) world.Return(member);
  }
  void Return() {
    const MemberNumber member = Any();
    if (world.topology.Member(member)->state != MemberState::kGone) world.Return(member);
  }
  void DeclareGone() {
    const MemberNumber member = Any();
    if (!world.topology.live.contains(member)) world.SetState(member, MemberState::kGone);
  }
  void ChangeFactor() {
    for (auto& [name, kept] : world.topology.collections) {
      if (Pick(2) == 0) kept.value.factor = 1 + Pick(kFactorMax);
    }
  }

  bool Majority(const std::vector<MemberNumber>& owners) const {
    size_t live = 0;
    for (const MemberNumber owner : owners) live += world.topology.live.contains(owner);
    return live * 2 > owners.size();
  }
  bool EveryShardHasAMajority() const {
    return std::all_of(world.topology.placements.begin(), world.topology.placements.end(), [this](const auto& entry) {
      const Placement& placement = entry.second.value;
      return Majority(placement.replicas) && (!placement.moving() || Majority(placement.next));
    });
  }
  // A new owner copies only while it is live itself.
  bool Reachable(const Placement& placement) const {
    for (const MemberNumber member : TopologyWorld::Added(placement)) {
      if (!world.topology.live.contains(member)) return false;
    }
    return true;
  }
  size_t Active() const {
    return static_cast<size_t>(
        std::count_if(world.topology.members.begin(), world.topology.members.end(),
                      [](const auto& entry) { return entry.second.value.state == MemberState::kActive; }));
  }

  std::mt19937_64 random_;
  uint32_t zones_ = 1;
};

void ExpectWhole(const TopologyWorld& world) {
  for (const auto& [shard, kept] : world.topology.placements) {
    const Placement& placement = kept.value;
    EXPECT_EQ(placement.replicas.size(), world.topology.Collection(placement.collection)->factor) << shard;
    for (const MemberNumber owner : placement.replicas) {
      EXPECT_EQ(world.topology.Member(owner)->state, MemberState::kActive) << shard;
      EXPECT_TRUE(world.topology.live.contains(owner)) << shard;
    }
  }
}

TEST(BalanceProperty, AnyHistoryEndsBalancedWithEveryShardWhole) {
  int uneven = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Fate fate(seed);
    for (int event = 0; event < 40; ++event) {
      fate.Happen();
      fate.Lead();
    }
    fate.Heal();
    fate.world.Settle();
    ExpectWhole(fate.world);
    const BalanceReport report = fate.world.Plan();
    EXPECT_TRUE(report.blocked.empty());
    EXPECT_EQ(report.waiting, 0u);
    uneven += !report.uneven.empty();
    if (testing::Test::HasFailure()) break;
  }
  EXPECT_EQ(uneven, 0);
}

// Clusters without zones and of equal members, balanced, with up to six collections.
TopologyWorld AnyBalanced(std::mt19937_64& random) {
  TopologyWorld world;
  world.JoinMany(3 + static_cast<int>(random() % 20));
  for (uint64_t collections = 1 + random() % 6; collections > 0; --collections) {
    EXPECT_TRUE(world.Create(1 + random() % 24, 1 + random() % 3).ok());
  }
  world.Settle();
  world.begun.clear();
  return world;
}

TEST(BalanceProperty, JoinMovesAShareAndNearlyOnlyToTheNewMember) {
  std::mt19937_64 random(1);
  uint64_t sideways = 0;
  uint64_t moved = 0;
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    TopologyWorld world = AnyBalanced(random);
    const MemberNumber joined = world.Join();
    world.Settle();
    for (const PlacementChange& change : world.begun) {
      const auto added = TopologyWorld::Added(change.placement);
      sideways += !added.empty() && added[0] != joined;
    }
    moved += world.Moved();
    const double share = 1.0 / static_cast<double>(world.topology.members.size());
    EXPECT_LE(static_cast<double>(world.Moved()), std::ceil((share + 0.05) * static_cast<double>(world.Replicas())));
  }
  // A collection that lay unevenly and that single moves could not mend before may be mended by the way.
  EXPECT_LE(static_cast<double>(sideways), 0.03 * static_cast<double>(moved));
}

TEST(BalanceProperty, LeavingMovesWhatTheMemberHeldAndLittleElse) {
  std::mt19937_64 random(2);
  uint64_t held = 0;
  uint64_t moved = 0;
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    TopologyWorld world = AnyBalanced(random);
    if (world.topology.members.size() < 4) continue;  // nobody could take its shards
    held += world.Held()[1];
    world.SetState(1, MemberState::kLeaving);
    world.Settle();
    EXPECT_FALSE(world.Held().contains(1));
    EXPECT_TRUE(world.Plan().balanced);
    moved += world.Moved();
  }
  EXPECT_LE(static_cast<double>(moved), 1.05 * static_cast<double>(held));
}

}  // namespace
}  // namespace rhizome::fabric
