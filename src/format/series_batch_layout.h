// Where the fields of a series batch's header lie (docs/formats/series_batch.md). For what writes or reads one only.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace rhizome::format::series_batch_layout {

inline constexpr size_t kSeriesFormAt = 1, kTimeFormAt = 2, kZeroAt = 3, kSeriesAt = 4, kSamplesAt = 8,
                        kLabelBytesAt = 12, kBaseTimeAt = 16, kDictionaryIdAt = 24, kRowsHashAt = 40, kVersionAt = 48,
                        kHeaderHashAt = 60;

inline uint32_t HeaderHash(std::string_view header) {
  return static_cast<uint32_t>(Checksum(header.substr(0, kHeaderHashAt)));
}

}  // namespace rhizome::format::series_batch_layout
