// Custodian: brings the replicas on this member's disk into line with the topology: opens what it is to own, copies
// what it is new to, drops what nobody wants from it any more.
//
// A replica new to its shard starts empty: whatever an earlier ownership left behind is dropped first, or deletes
// collected since would come back. It has everything once it has pulled, at the epoch of the move, from a majority of
// the old owners: a write acknowledged before that epoch is at one of them at least, and later ones need a majority of
// the new owners too. Only then it answers the leader's ProgressRequest with complete.
//
// On the loop.
#pragma once

#include <map>
#include <set>

#include "fabric/directory.h"
#include "fabric/repair.h"

namespace rhizome::fabric {

class Custodian {
 public:
  Custodian(Loop& loop, Directory& directory, Repair& repair, ReplicaStore& store, const Settings& settings,
            MemberNumber self);

  // Until the loop stops: after each change of the topology, and at intervals for what failed.
  Task<void> Run();
  // Opens the replica at once if this member is an owner and has not yet. NotFound: it is none.
  Task<Status> Ensure(ShardNumber shard);
  ProgressRequest::Reply Progress(Target target) const;
  // Shards being copied here, for status pages.
  std::map<ShardNumber, ProgressRequest::Reply> Copying() const;

 private:
  struct Copy {
    uint64_t epoch = 0;
    std::set<MemberNumber> pulled;  // old owners all of whose registers are here
    ProgressRequest::Reply progress;
  };
  Task<void> Round();
  Task<void> OpenOwned(TopologyPointer topology);
  Task<void> CopyOne(Placement placement);
  Task<void> DropUnowned(TopologyPointer topology);
  Task<Status> Open(Placement placement);

  Loop& loop_;
  Directory& directory_;
  Repair& repair_;
  ReplicaStore& store_;
  const Settings& settings_;
  const MemberNumber self_;
  Gate gate_;
  std::map<ShardNumber, Copy> copies_;
  std::set<ShardNumber> copying_;
  std::map<ShardNumber, int64_t> unowned_since_ns_;
  std::map<ShardNumber, OneShot<Status>> opening_;
};

}  // namespace rhizome::fabric
