#include "cluster/routing.h"

#include "base/hash.h"

namespace rhizome::cluster {

constexpr uint64_t kRouteSeed = 0x52484953;

uint32_t PartitionOf(const format::PointId& id, uint32_t partitions) {
  return static_cast<uint32_t>(RouteHash(id.RoutingKey(), kRouteSeed) % partitions);
}

}  // namespace rhizome::cluster
