// Where new shards go. Pure functions of a topology: the same answer on every member and at every time.
//
// The ring gives the candidates; among them a shard takes those that spread it over the zones, then those that hold
// least of its collection for their capacity, then least of everything, then the first on the ring. Only members that
// are active and live are given anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "fabric/ring.h"
#include "fabric/topology.h"

namespace rhizome::fabric {

// The same on every member of a cluster; kept in its settings.
struct PlacementSettings {
  uint32_t ring_version = kRingVersion;
  uint64_t seed = 0;
  double epsilon = 0.10;  // how far above its fair share a member may be loaded, and below it be left
};

// `factor` distinct members for one shard of `collection`, ascending. FailedPrecondition, with counts, when fewer than
// that are active and live; InvalidArgument for a factor that is not from 1 to kOwnersMax, an unknown ring version, or
// an epsilon that is not between 0 and 1.
Result<std::vector<MemberNumber>> ChooseReplicas(const Topology& topology, const CollectionRecord& collection,
                                                 ShardNumber shard, uint32_t factor, const PlacementSettings& settings);

// The placements of every shard of a collection that is not there yet, in the order of the shards, at epoch 1. The
// record's name, numbers and factor are taken as they are; its errors are ChooseReplicas'.
Result<std::vector<Placement>> PlanCreate(const Topology& topology, const CollectionRecord& collection,
                                          const PlacementSettings& settings);

}  // namespace rhizome::fabric
