// Any bytes as an operation batch, a stored point and a stored document: no crash, and what decodes encodes back.
#include <cstdlib>

#include "format/point.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::format;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto batch = DecodeOperationBatch(bytes); batch.ok()) {
    if (EncodeBatch(batch->operations, batch->request) != bytes) std::abort();
  }
  (void)DecodeStoredVersion(bytes);
  (void)DecodeStoredPoint(bytes);
  (void)DecodeStoredDocument(bytes);
  (void)PointId::Decode(bytes);
  return 0;
}
