// Any bytes as an operation batch, a stored point and a stored document: no crash, and what decodes encodes back.
#include <cstdlib>

#include "format/point.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::format;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto batch = DecodeBatch(bytes); batch.ok() && EncodeBatch(*batch) != bytes) std::abort();
  (void)DecodeStoredPoint(bytes);
  (void)DecodeStoredDocument(bytes);
  (void)PointId::Decode(bytes);
  return 0;
}
