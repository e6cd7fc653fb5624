// Routing: which partition of a collection a key belongs to: RouteHash(routing key, seed) mod partitions. Fixed for
// ever: it decides where everything is. So a collection whose partitions are multiplied keeps together what was apart:
// partition c of k·n gets all it has from partition c mod n.
//
// Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "format/point.h"

namespace rhizome::format {

// `partitions` is at least 1.
uint32_t PartitionOf(const PointId& id, uint32_t partitions);
// Of a register's key; InvalidArgument (field "key") for what no operation writes.
Result<uint32_t> PartitionOfKey(std::string_view key, uint32_t partitions);

}  // namespace rhizome::format
