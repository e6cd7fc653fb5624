#include "format/routing.h"

#include "base/hash.h"
#include "format/register.h"

namespace rhizome::format {

constexpr uint64_t kRouteSeed = 0x52484953;

uint32_t PartitionOf(const PointId& id, uint32_t partitions) {
  return static_cast<uint32_t>(RouteHash(id.RoutingKey(), kRouteSeed) % partitions);
}

Result<uint32_t> PartitionOfKey(std::string_view key, uint32_t partitions) {
  ASSIGN_OR_RETURN(const RegisterKey parsed, ParseRegisterKey(key));
  return PartitionOf(parsed.id, partitions);
}

}  // namespace rhizome::format
