// Faults: what goes wrong in a run, and when, as a list drawn from the seed before anything runs. Explicit, so that a
// failing run can be tried again with fewer.
//
// Pure values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "history/random.h"

namespace rhizome::sim {

using history::Random;

enum class FaultKind : uint8_t {
  kCrash,         // the process or the machine dies and comes back
  kLoseDisk,      // its disk is gone; it comes back as a new member, and an operator declares the old one gone
  kPause,         // the process stands still
  kPartition,     // the hosts fall into two groups
  kOneWay,        // messages from one host to another get lost
  kCutPair,       // two hosts do not hear each other
  kSlowLink,      // all messages from and to a host take longer
  kBlackHole,     // requests of some size to some hosts get lost, small ones do not
  kBadWeather,    // messages get lost, repeated, late
  kSlowDisk,      // of one host or several
  kPowerLoss,     // all machines at once, often while their disks are slow
  kSyncFailure,   // a disk operation fails; a failed sync lies afterwards
  kDiskFull,      //
  kBitRot,        // a durable bit of a log flips, and the machine restarts
  kTruthOutage,   // coordination cannot be reached, by one host or by anyone
  kTruthFaults,   // its answers get lost, watches misbehave
  kLeaseEnds,     // a member's lease ends early
  kJoin,          // a new machine
  kLeave,         // an operator empties a member
  kFactor,        // an operator asks for another number of replicas
  kReshard,       // an operator asks for more partitions, or takes that back
  kClockJump,     // a wall clock jumps, within the bound on skew
  kKillLeader,    // as soon as a move is under way
  kKillSource,    //
  kKillTarget,    //
  kMuffleTarget,  // as soon as a move is under way, requests of some size to its newcomer get lost
  kDeafenSplit,   // a host does not hear of the end of a resharding for a while
};
inline constexpr int kFaultKinds = 27;
std::string_view FaultName(FaultKind kind);

// From here on `host` means an owner of a shard, as they are when it happens: kOwner + 16 * shard + owner.
inline constexpr uint32_t kOwner = 1 << 20;

struct Fault {
  int64_t at_ms = 0;
  FaultKind kind = FaultKind::kCrash;
  uint32_t host = 0;   // which one, modulo those there are
  uint32_t other = 0;  // a second host, a bit mask of hosts, or a choice
  int64_t for_ms = 0;  // how long, or until it comes back

  // "3.250 s crash of host 2 for 900 ms".
  std::string ToString() const;
};

// What goes wrong together: some mistakes show only where several faults of a kind meet, and nothing else disturbs.
enum class Theme : uint8_t {
  kMixed,
  kElastic,  // members and placements keep changing, while some replicas lag behind
  kDisks,
  kNetwork,
};

// What is given; the rest comes from the seed.
struct Profile {
  int64_t load_ms = 0;  // 0: as the theme wants
  uint32_t data_hosts = 5;
  bool faults = true;
  uint32_t sample_clients = 0;  // above 0: a collection of series beside that of registers, and who writes to it
};

// What the seed says about a run's dangers.
struct Plan {
  Theme theme = Theme::kMixed;
  int64_t load_ms = 0;
  int64_t latency_us_max = 1'000;  // of an ordinary message
  std::vector<Fault> faults;       // sorted by time; all begin within the load and are ended after it
};
Plan DrawPlan(uint64_t seed, const Profile& profile);

}  // namespace rhizome::sim
