// TopologyWorld: a cluster that consists of its topology only, for tests of planning: members come and go, plans are
// applied as coordination would, moves end when told.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fabric/balance.h"
#include "fabric/placement.h"
#include "fabric/topology.h"

namespace rhizome::fabric {

class TopologyWorld {
 public:
  Topology topology;
  std::map<MemberNumber, int64_t> absent_ms;
  BalanceSettings settings{.replace_after_ms = 1'000, .concurrent_moves = 8, .per_member_moves = 4};
  std::vector<PlacementChange> begun;  // every change applied

  MemberNumber Join(const std::string& zone = "", uint64_t capacity_bytes = 0) {
    const auto number = static_cast<MemberNumber>(topology.members.size() + 1);
    topology.members[number] = {{.number = number,
                                 .name = fmt::format("n{}", number),
                                 .directory = {},
                                 .rpc_address = {},
                                 .http_address = {},
                                 .zone = zone,
                                 .capacity_bytes = capacity_bytes,
                                 .state = MemberState::kActive},
                                1};
    topology.live.insert(number);
    return number;
  }
  void JoinMany(int count) {
    for (int i = 0; i < count; ++i) Join();
  }
  void SetState(MemberNumber member, MemberState state) { topology.members.at(member).value.state = state; }
  void Die(MemberNumber member, int64_t absent = 5'000) {
    topology.live.erase(member);
    absent_ms[member] = absent;
  }
  void Return(MemberNumber member) {
    topology.live.insert(member);
    absent_ms.erase(member);
  }

  static Uuid Id(uint32_t number) {
    Uuid id;
    id.bytes[0] = static_cast<uint8_t>(number >> 8);
    id.bytes[1] = static_cast<uint8_t>(number);
    return id;
  }
  CollectionRecord Record(uint32_t partitions, uint32_t factor) const {
    const auto number = static_cast<uint32_t>(topology.collections.size() + 1);
    return {.id = Id(number),
            .name = fmt::format("c{}", number),
            .first_shard = static_cast<ShardNumber>(topology.placements.size()),
            .partitions = partitions,
            .factor = factor,
            .created_ms = 0,
            .spec = {}};
  }
  // Creates a collection as planned.
  Status Create(uint32_t partitions, uint32_t factor) {
    const CollectionRecord record = Record(partitions, factor);
    ASSIGN_OR_RETURN(const auto placements, PlanCreate(topology, record, settings.placement));
    topology.collections[record.name] = {record, 1};
    for (const Placement& placement : placements) topology.placements[placement.shard] = {placement, 1};
    return Status::Ok();
  }
  // One collection of one shard with these owners.
  void Place(uint32_t factor, std::vector<MemberNumber> owners) {
    const CollectionRecord record = Record(1, factor);
    topology.collections[record.name] = {record, 1};
    topology.placements[record.first_shard] = {
        {.shard = record.first_shard, .collection = record.id, .replicas = std::move(owners)}, 1};
  }
  Placement& At(ShardNumber shard) { return topology.placements.at(shard).value; }

  BalanceReport Plan() const { return PlanChanges(topology, absent_ms, settings).value(); }

  void Apply(const std::vector<PlacementChange>& changes) {
    for (const PlacementChange& change : changes) {
      Kept<Placement>& kept = topology.placements.at(change.shard);
      ASSERT_EQ(kept.mod_revision, change.mod_revision);
      ASSERT_EQ(kept.value.epoch + 1, change.placement.epoch);
      ASSERT_FALSE(change.reason.empty());
      if (change.cause != ChangeCause::kTakeBack) CheckStart(kept.value, change.placement);
      kept = {change.placement, kept.mod_revision + 1};
      begun.push_back(change);
    }
  }
  void Finish(ShardNumber shard) {
    Kept<Placement>& kept = topology.placements.at(shard);
    ASSERT_TRUE(kept.value.moving());
    kept.value.replicas = std::move(kept.value.next);
    kept.value.next.clear();
    ++kept.value.epoch;
    ++kept.mod_revision;
  }
  void FinishAll() {
    for (auto& [shard, kept] : topology.placements) {
      if (kept.value.moving()) Finish(shard);
    }
  }
  // Plans, applies and finishes until a plan holds no change; the rounds it took, at most `rounds_max`.
  int Settle(int rounds_max = 2'000) {
    for (int round = 0; round < rounds_max; ++round) {
      const BalanceReport report = Plan();
      if (report.changes.empty() && report.moving == 0) return round;
      Apply(report.changes);
      FinishAll();
    }
    ADD_FAILURE() << "still changing after " << rounds_max << " rounds";
    return rounds_max;
  }

  uint64_t Replicas() const {
    uint64_t count = 0;
    for (const auto& [shard, kept] : topology.placements) count += kept.value.replicas.size();
    return count;
  }
  std::map<MemberNumber, uint64_t> Held() const {
    std::map<MemberNumber, uint64_t> held;
    for (const auto& [shard, kept] : topology.placements) {
      for (const MemberNumber owner : kept.value.replicas) ++held[owner];
    }
    return held;
  }
  // New owners that a change brought, of those begun.
  uint64_t Moved() const {
    uint64_t moved = 0;
    for (const PlacementChange& change : begun) moved += Added(change.placement).size();
    return moved;
  }
  static std::vector<MemberNumber> Added(const Placement& placement) {
    std::vector<MemberNumber> added;
    for (const MemberNumber member : placement.next) {
      const auto& old = placement.replicas;
      if (std::find(old.begin(), old.end(), member) == old.end()) added.push_back(member);
    }
    return added;
  }

 private:
  void CheckStart(const Placement& from, const Placement& to) const {
    EXPECT_FALSE(from.moving());
    EXPECT_EQ(from.replicas, to.replicas);
    EXPECT_FALSE(to.next.empty());
    EXPECT_EQ(std::set<MemberNumber>(to.next.begin(), to.next.end()).size(), to.next.size());
    const std::vector<MemberNumber> added = Added(to);
    EXPECT_LE(added.size(), 1u);
    for (const MemberNumber member : added) {
      EXPECT_TRUE(topology.live.contains(member));
      EXPECT_EQ(topology.members.at(member).value.state, MemberState::kActive);
    }
    const size_t kept_owners = to.next.size() - added.size();
    EXPECT_LE(from.replicas.size() - kept_owners, 1u);
    EXPECT_GE(kept_owners * 2, from.replicas.size()) << "a majority of the owners would go at once";
    uint64_t live = 0;
    for (const MemberNumber owner : from.replicas) live += topology.live.contains(owner);
    EXPECT_GT(live * 2, from.replicas.size()) << "there is no majority to copy from";
  }
};

}  // namespace rhizome::fabric
