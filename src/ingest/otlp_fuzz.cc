// Any bytes as OTLP metrics in both encodings: no crash, and what is taken makes a batch that decodes.
#include <cstdlib>

#include "ingest/otlp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const auto encoding : {ingest::OtlpEncoding::kProtobuf, ingest::OtlpEncoding::kJson}) {
    format::SeriesBatchBuilder builder;
    const auto taken = ingest::DecodeOtlp(body, {encoding, {"host.name"}}, {}, builder);
    const std::string batch = builder.Encode();
    const auto decoded = format::SeriesBatch::Decode(batch);
    if (!decoded.ok() || decoded->sample_count() != (taken.ok() ? taken->samples : 0)) std::abort();
  }
  return 0;
}
