// Any bytes as a remote write 2.0 body, as a snappy block and as the message within: no crash, no memory beyond the
// limits, and what is taken makes a batch that decodes.
#include <cstdlib>

#include "ingest/remote_write_2.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ingest::Limits limits;
  limits.decoded_bytes_max = 1 << 20;
  static ingest::RemoteWrite2Decoder decoder;
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
  return 0;
}
