// Custodian: brings the replicas on this member's disk into line with the topology: opens what it is to own, copies
// what it is new to, drops what nobody wants from it any more.
//
// A replica new to its shard starts empty: whatever an earlier ownership left behind is dropped first, or deletes
// collected since would come back. It has everything once it has pulled, at the epoch of the move, from a majority of
// the old owners: a write acknowledged before that epoch is at one of them at least, and later ones need a majority of
// the new owners too. Only then it answers the leader's ProgressRequest with complete.
//
// An owner that stays while another is only dropped catches up first: what a majority of three has acknowledged, one of
// the two that stay may lack, and a second drop would leave it alone.
//
// A replica that was lost or damaged while its member kept its number is opened anew and has no vote until it has
// pulled from so many of the other owners that none of its own acknowledgements can be missing. It pulls at a higher
// epoch than it was opened at, which it asks for itself if nobody else has: else a write that its former self has
// acknowledged, and that the others had not applied when it pulled, would still count it.
//
// A replica of a shard that is or was split off from another (resharding.h) is filled from the parent's replica here,
// while it is pending in every life of the process anew. Once it is asked, too, when it was not filled before: this
// member was away. That needs the parent's replica as it was. So as long as the parent's replica is here, no replica of
// a child has been lost, damaged or given up since its children are asked: before one is opened anew, the parent's
// goes, and the child is copied from its other owners like any that was lost.
//
// On the loop.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "fabric/directory.h"
#include "fabric/repair.h"
#include "fabric/splitter.h"

namespace rhizome::fabric {

class Custodian {
 public:
  struct Parts {
    Directory& directory;
    Repair& repair;
    Splitter& splitter;
    ReplicaStore& store;
    Truth& truth;
  };
  Custodian(Loop& loop, Parts parts, const Settings& settings, MemberNumber self);

  // Until the loop stops: after each change of the topology, and at intervals for what failed.
  Task<void> Run();
  // Opens the replica at once if this member is an owner and has not yet. NotFound: it is none.
  Task<Status> Ensure(ShardNumber shard);
  // Whether the replica may speak for its shard: everything it was ever to have is here. One new to its shard may,
  // too, while a move is under way: the old owners decide beside it.
  bool MayVote(ShardNumber shard) const;
  ProgressRequest::Reply Progress(Target target) const;
  Task<void> Drained() { return gate_.Drained(); }
  // Shards being copied here, for status pages.
  std::map<ShardNumber, ProgressRequest::Reply> Copying() const;

 private:
  struct Copy {
    uint64_t epoch = 0;
    ProgressRequest::Reply progress;
  };
  using Held = ReplicaStore::Held;
  Task<void> Round();
  Task<void> OpenOwned(Placement placement);
  Task<void> CopyOne(Placement placement);
  Task<void> FillOne(Placement placement);
  Task<Status> DropParent(Placement placement);
  bool Fillable(const Placement& placement) const;
  bool AwaitedByChild(ShardNumber shard) const;
  void Forget(ShardNumber shard);
  Task<void> RaiseEpoch(ShardNumber shard, uint64_t above);
  Task<bool> PullFrom(Placement placement, MemberNumber from);
  Task<void> DropUnowned();
  Task<Status> Open(Placement placement);
  Task<Status> OpenFresh(Placement placement, bool complete);
  bool NewTo(const Placement& placement) const;
  bool StaysWhileOneGoes(const Placement& placement) const;
  bool HasEnough(const Placement& placement, const std::set<MemberNumber>& pulled) const;
  const Held* Find(ShardNumber shard) const;
  void LookAtDisk();

  Loop& loop_;
  Directory& directory_;
  Repair& repair_;
  Splitter& splitter_;
  ReplicaStore& store_;
  Truth& truth_;
  const Settings& settings_;
  const MemberNumber self_;
  Gate gate_;
  std::map<ShardNumber, Held> held_;
  std::map<ShardNumber, Copy> copies_;
  std::set<ShardNumber> copying_;
  uint32_t filling_ = 0;                     // of those, from a parent
  std::map<ShardNumber, uint64_t> dropped_;  // how often each replica was, in this life
  std::map<ShardNumber, int64_t> unowned_since_ns_;
  std::map<ShardNumber, std::vector<OneShot<Status>>> opening_;
  std::optional<OneShot<bool>> news_;  // while Run waits
};

}  // namespace rhizome::fabric
