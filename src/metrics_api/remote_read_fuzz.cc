// Any bytes as a remote read, compressed and plain: no crash, and what is accepted keeps the bounds.
#include <snappy.h>

#include "base/check.h"
#include "metrics_api/parameters.h"
#include "metrics_api/remote_read.h"

namespace {

void Decode(std::string_view body) {
  const auto request = rhizome::metrics_api::DecodeReadRequest(body);
  if (!request.ok()) return;
  CHECK(request->queries.size() <= rhizome::metrics_api::kReadQueriesMax);
  for (const auto& query : request->queries) {
    CHECK(query.matchers.size() <= rhizome::metrics_api::kReadMatchersMax);
    CHECK(query.min_ms <= query.max_ms);
    CHECK(query.min_ms >= -rhizome::metrics_api::kTimeMsMax && query.max_ms <= rhizome::metrics_api::kTimeMsMax);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Decode(bytes);
  std::string compressed;
  snappy::Compress(bytes.data(), bytes.size(), &compressed);
  Decode(compressed);
  return 0;
}
