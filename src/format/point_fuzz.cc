// Any bytes as an operation batch, a stored point and a stored document: no crash, and what decodes encodes back.
#include <cstdlib>

#include "format/point.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::format;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto batch = DecodeOperationBatch(bytes); batch.ok()) {
    const std::string again = EncodeBatch(batch->operations, batch->fates);
    if (bytes[0] == 2) {  // no longer written: its stamp is every operation's now
      const auto read = DecodeOperationBatch(again).value();
      if (EncodeBatch(read.operations, read.fates) != again) std::abort();
    } else if (again != bytes) {
      std::abort();
    }
  }
  (void)DecodeStoredVersion(bytes);
  (void)DecodeStoredPoint(bytes);
  (void)DecodeStoredDocument(bytes);
  (void)PointId::Decode(bytes);
  return 0;
}
