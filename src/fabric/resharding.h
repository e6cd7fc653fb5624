// Resharding: a collection gets k times as many partitions while it is read and written. Partition c of k·n takes over
// all it holds from partition c mod n (format/routing.h), so each next shard has one parent, and lives with the very
// owners of its parent: nothing travels.
//
//   BEGIN   one transaction: the next shards are placed beside their parents, pending; the parents' epochs go up.
//   FILL    each owner by itself: what is applied to a parent is applied to the child first (splitter.h), and what the
//           parent held before is copied (custodian.h).
//   END     one transaction, when every live owner and a majority of each shard has filled: the collection's shards are
//           the next ones, their epochs go up, the parents' placements are gone.
//
// Why nothing acknowledged is lost and nothing deleted comes back:
// docs/decisions/0015-resharding-beside-the-parents.md. Cancelling takes the next shards away again; it is possible
// until END.
//
// Pure functions of a topology: the transaction of each step, to be committed as it is. Its comparisons fail when
// anything it builds on has changed meanwhile.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "coordination/coordination.h"
#include "fabric/topology.h"

namespace rhizome::fabric {

// Coordination takes 128 changes at once, and the last step changes the next shards, their parents and the collection.
inline constexpr uint32_t kReshardedPartitionsMax = 64;

// The counter that shards are numbered by, as last seen in coordination.
struct ShardCounter {
  ShardNumber last = 0;
  int64_t mod_revision = 0;
};

// NotFound; InvalidArgument names "partitions" when it is no multiple above what there is, or too large;
// FailedPrecondition while another one is under way, and for series; Unavailable while a shard of it is moving.
Result<coordination::Transaction> BeginResharding(const Topology& topology, const std::string& name,
                                                  uint32_t partitions, ShardCounter counter);
// The collection is being resharded.
coordination::Transaction EndResharding(const Topology& topology, const CollectionRecord& collection);
coordination::Transaction CancelResharding(const Topology& topology, const CollectionRecord& collection);

}  // namespace rhizome::fabric
