// What the leader should change next, so that every shard has as many replicas as it should, on members that stay,
// spread over the zones, everyone loaded by capacity. Pure and deterministic; times are inputs.
//
// In this order: moves whose target is lost are taken back; lost members are replaced; missing replicas are added and
// superfluous ones dropped; members that leave are emptied; load is balanced; zones are spread better. The leader asks
// periodically, applies each change by compare-and-swap, and asks again: applying everything it answers ends, and no
// shard goes back and forth.
//
// Every change adds at most one owner and drops at most one, and never drops a majority of the owners there were: a
// shard with a single owner gets its new one first and loses the old one by a second change. A shard whose owners'
// majority is not live is not changed at all, because a new owner copies from a majority.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "fabric/placement.h"
#include "fabric/topology.h"

namespace rhizome::fabric {

struct BalanceSettings {
  PlacementSettings placement;
  // An active member that has not been live for longer than this is lost: its shards are given to others. 0: never.
  int64_t replace_after_ms = 0;
  // A move to a member that has not been live for longer than this is taken back; so it is at once if the member is
  // lost.
  int64_t take_back_after_ms = 30'000;
  uint32_t concurrent_moves = 4;  // changes under way at a time, those already begun included
  uint32_t per_member_moves = 2;  // of those, how many may add or drop the same member
};

enum class ChangeCause : uint8_t {
  kTakeBack = 1,         // its target is lost; `next` is empty again
  kReplaceLost = 2,      // a member is gone, or was absent for too long
  kUnderReplicated = 3,  // fewer replicas than the collection's factor
  kOverReplicated = 4,   // more than that
  kLeaving = 5,          // a member wants to go
  kBalance = 6,          // load
  kZones = 7,            // spread
};
// "take_back", "replace_lost", …
std::string_view ChangeCauseName(ChangeCause cause);

// One compare-and-swap on a placement's key.
struct PlacementChange {
  ShardNumber shard = 0;
  int64_t mod_revision = 0;  // of the placement that this replaces
  Placement placement;       // epoch one above; `next` set, except for kTakeBack
  ChangeCause cause = ChangeCause::kBalance;
  std::string reason;  // for people
};

struct BlockedShard {
  ShardNumber shard = 0;
  std::string reason;  // for people: what cannot be done, and what it waits for
};

// How much one member holds and should.
struct MemberLoad {
  uint64_t shards = 0;    // once the changes under way have ended
  double fair_share = 0;  // by capacity and zone; 0 for one that is leaving or lost
  uint64_t shards_moving_in = 0;
  uint64_t shards_moving_out = 0;
};

struct BalanceReport {
  std::vector<PlacementChange> changes;
  std::vector<BlockedShard> blocked;  // ascending by shard
  uint64_t moving = 0;                // changes begun before this call
  uint64_t waiting = 0;               // shards that need a change and wait for others to end; of load, about how many
  std::map<MemberNumber, MemberLoad> loads;
  // Why load stays outside its bounds although nothing is under way that would mend it; "" when it does not.
  std::string uneven;
  // Nothing is under way, to be done, blocked, or uneven.
  bool balanced = false;
};

// `absent_ms`: how long ago each member that is not live was; one that is not named is absent since now. Errors: as
// ChooseReplicas for settings that cannot be used.
Result<BalanceReport> PlanChanges(const Topology& topology, const std::map<MemberNumber, int64_t>& absent_ms,
                                  const BalanceSettings& settings);

}  // namespace rhizome::fabric
