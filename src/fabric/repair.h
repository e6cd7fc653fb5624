// Repair: replicas compared and made equal: range digests from live state, then the versions of the registers in the
// ranges that differ, then the registers that are newer elsewhere (Demers et al., "Epidemic Algorithms for Replicated
// Database Maintenance", PODC 1987; digests after Merkle trees, one level deep).
//
// Replicas of series have digests of the same form and no keys: whole leaves that differ come over as records. Samples
// of now are always under way somewhere, so those that are compared at every interval are of windows long past, at
// every fifth also those of a minute ago; after an event (a member's return, an operator's wish) all but those of the
// last seconds are. Who copies a replica leaves out none.
//
// A member only ever pulls, with each co-owner in turn: two members that pull from each other are equal when writes
// rest. Merging is by version, so a pull never undoes anything, may stop anywhere and is simply begun again.
//
// Tombstones go once every owner has confirmed all that is older than a grace period: the shard's first owner
// compares everyone's digest below that moment, and when all are equal and no move is under way, tells all to collect.
//
// On the loop.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fabric/caller.h"
#include "fabric/directory.h"
#include "fabric/splitter.h"

namespace rhizome::fabric {

struct PullReport {
  uint64_t compared = 0;  // registers whose versions were looked at
  uint64_t copied = 0;    // registers that were newer there
};

struct RepairStats {
  uint64_t rounds = 0;    // comparisons finished
  uint64_t failures = 0;  // and given up, to be tried again
  uint64_t copied = 0;
  uint64_t collections = 0;  // times tombstones were collected
};

class Repair {
 public:
  // Of what replicas compare: an engine remembers the last digest it was asked for, so everybody asks for the same.
  static constexpr uint32_t kDigestBits = 10;

  struct Stores {
    ReplicaStore& store;
    Splitter& splitter;  // what is applied goes through it
  };
  Repair(Caller& caller, Directory& directory, Stores stores, const Settings& settings, MemberNumber self);

  // How much of a replica of series is compared; of registers always everything.
  enum class Extent : uint8_t { kEverything, kRecent, kRested, kPast };
  // Makes this member's replica hold at least everything `from` held when it was asked. Both must be at `target`'s
  // epoch.
  Task<Result<PullReport>> Pull(Target target, MemberNumber from, Extent extent = Extent::kEverything);
  // Makes it remember every request that `from` remembers. Who copies a replica needs that beside its registers: what
  // a request wrote may have been overwritten since, and the request come again.
  Task<Status> PullRequests(Target target, MemberNumber from);

  // Compares a shard with a co-owner soon. Repetitions while it waits count once, with the greater extent.
  void Schedule(ShardNumber shard, MemberNumber from, Extent extent = Extent::kRecent);
  // Everything shared with a member: it was away, or this member was.
  void ScheduleAll(MemberNumber from);
  // Every shard with every co-owner.
  void ScheduleEverything(Extent extent = Extent::kRecent);
  // Works through what is scheduled and, at intervals, through every shard with every co-owner, until the loop stops.
  Task<void> Run();
  // Collects tombstones of the shards this member is the first owner of, at intervals, until the loop stops.
  Task<void> RunCollection();

  const RepairStats& stats() const { return stats_; }
  size_t waiting() const { return queue_.size(); }

 private:
  using Due = std::pair<ShardNumber, MemberNumber>;
  struct Session;
  CallContext Step(int64_t ms) const;
  Task<Result<std::vector<uint32_t>>> DifferingLeaves(Session& session);
  Extent ExtentOfInterval();
  std::optional<Version> Below(ShardNumber shard, Extent extent) const;
  Task<Status> PullRecords(Session& session, std::vector<uint32_t> leaves);
  Task<Status> PullLeaves(Session& session, std::vector<uint32_t> leaves);
  Task<Status> PullPage(Session& session, std::vector<format::RegisterVersion> theirs);
  Task<bool> Confirmed(Placement placement, Version below);
  Task<void> Collect(Placement placement);

  Caller& caller_;
  Directory& directory_;
  ReplicaStore& store_;
  Splitter& splitter_;
  const Settings& settings_;
  const MemberNumber self_;
  std::deque<Due> queue_;
  std::map<Due, Extent> queued_;
  int64_t everything_due_ns_ = 0;
  uint64_t intervals_ = 0;
  RepairStats stats_;
};

}  // namespace rhizome::fabric
