// Any bytes as line protocol: no crash, and what is taken makes a batch that decodes.
#include <cstdlib>

#include "ingest/line_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  if (size == 0) return 0;
  const ingest::LineProtocolOptions options{static_cast<ingest::TimePrecision>(data[0] % 6), 1};
  format::SeriesBatchBuilder builder;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto taken = ingest::DecodeLineProtocol(body, options, {}, builder);
  const std::string batch = builder.Encode();
  const auto decoded = format::SeriesBatch::Decode(batch);
  if (!taken.ok() || !decoded.ok() || decoded->sample_count() != taken->samples) std::abort();
  return 0;
}
