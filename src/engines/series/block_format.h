// What the writer and the reader of a block's file share (docs/formats/series_block.md).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace rhizome::series {

inline constexpr uint32_t kBlockMagic = 0x4B425352;  // "RSBK"
inline constexpr uint32_t kBlockFormat = 1;
inline constexpr size_t kBlockFooterBytes = 128;

inline uint32_t StampsChecksum(std::string_view bytes) { return static_cast<uint32_t>(Checksum(bytes)); }

}  // namespace rhizome::series
