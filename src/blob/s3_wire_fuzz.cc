// Any bytes as a listing, an error and an escaped name: no crash; what decodes is found again when it is encoded.
#include <cstdint>
#include <cstdlib>

#include "blob/s3_wire.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::blob;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)ParseS3Listing(bytes).ok();
  for (const char c : ParseS3ErrorCode(bytes)) {
    if (c == '<' || c == '\n') std::abort();
  }
  if (const auto decoded = PercentDecode(bytes); decoded && PercentDecode(PercentEncode(*decoded)) != decoded) {
    std::abort();
  }
  if (PercentDecode(PercentEncode(bytes)) != bytes) std::abort();
  return 0;
}
