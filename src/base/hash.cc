#include "base/hash.h"

#include <xxhash.h>

namespace rhizome {

uint64_t Checksum(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

uint64_t RouteHash(std::string_view key, uint64_t seed) { return XXH64(key.data(), key.size(), seed); }

std::pair<uint64_t, uint64_t> ContentHash(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

}  // namespace rhizome
