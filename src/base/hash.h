// The hashes Rhizome persists or routes by. Fixed for ever: a change of any of them is a new format version.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

namespace rhizome {

// Checksum of bytes on disk and wire: XXH3-64 (xxHash 0.8 specification).
uint64_t Checksum(std::string_view bytes, uint64_t seed = 0);

// Routing hash: XXH64 with the cluster's seed. Pieces that belong apart are joined by a separator first.
uint64_t RouteHash(std::string_view key, uint64_t seed);

// Content address: XXH3-128 as (high, low).
std::pair<uint64_t, uint64_t> ContentHash(std::string_view bytes);

}  // namespace rhizome
