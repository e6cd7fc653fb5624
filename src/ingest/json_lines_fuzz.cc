// Any bytes as JSON lines: no crash, and what is taken makes a batch that decodes.
#include <cstdlib>

#include "ingest/json_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  format::SeriesBatchBuilder builder;
  const auto taken = ingest::DecodeJsonLines(std::string_view(reinterpret_cast<const char*>(data), size), {}, builder);
  const std::string batch = builder.Encode();
  const auto decoded = format::SeriesBatch::Decode(batch);
  if (!decoded.ok() || decoded->sample_count() != (taken.ok() ? taken->samples : 0)) std::abort();
  return 0;
}
