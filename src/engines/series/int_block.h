// Blocks: up to 128 integers as a base and bit-packed offsets from it (docs/formats/series_chunk.md, "Block").
//
// Three kinds, whichever is shortest: plain, offsets from the least; patched, zigzag offsets from a typical one, where
// the few that need more bits have their high bits beside the block; masked, a bit for each says whether it is the
// typical one, and only the others have an offset. Arithmetic is modulo 2^64.
// Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "format/coding.h"

namespace rhizome::series {

// Small magnitudes become small numbers: 0, -1, 1, -2, … → 0, 1, 2, 3, …
inline uint64_t ZigZag(uint64_t value) { return value << 1 ^ static_cast<uint64_t>(static_cast<int64_t>(value) >> 63); }
inline uint64_t UnZigZag(uint64_t value) { return value >> 1 ^ (0 - (value & 1)); }

// `integers`: 1 to 128. They are overwritten.
void PutBlock(std::span<uint64_t> integers, std::string& out);
// Reads as many as `integers` holds, 1 to 128. False: the bytes are no such block.
[[nodiscard]] bool GetBlock(format::Decoder& in, std::span<uint64_t> integers);

}  // namespace rhizome::series
