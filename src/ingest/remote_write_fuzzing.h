// What the fuzz targets of both versions of remote write do: any bytes, as a snappy block and as the message within. No
// memory beyond the limits, and what is taken makes a batch that decodes.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "format/series_batch.h"
#include "ingest/taken.h"

namespace rhizome::ingest {

template <typename Decoder>
void FuzzRemoteWrite(Decoder& decoder, const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Limits limits;
  limits.decoded_bytes_max = 1 << 20;
  for (const bool compressed : {true, false}) {
    format::SeriesBatchBuilder builder;
    const auto taken =
        compressed ? decoder.Decode(bytes, limits, builder) : decoder.DecodeMessage(bytes, limits, builder);
    if (!taken.ok()) {
      if (builder.series_count() != 0) std::abort();
      continue;
    }
    const std::string batch = builder.Encode();
    const auto decoded = format::SeriesBatch::Decode(batch);
    if (!decoded.ok() || decoded->sample_count() != taken->samples) std::abort();
  }
}

}  // namespace rhizome::ingest
