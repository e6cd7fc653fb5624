// Any bytes as register versions, an inventory page, a digest, a request record, a page of requests and a register key:
// no crash, and what decodes encodes back.
#include <cstdlib>

#include "format/register.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::format;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto read = DecodeRegisterVersions(bytes); read.ok() && EncodeRegisterVersions(*read) != bytes)
    std::abort();
  if (const auto read = DecodeInventoryPage(bytes); read.ok() && EncodeInventoryPage(*read) != bytes) std::abort();
  if (const auto read = DecodeRangeDigest(bytes); read.ok() && EncodeRangeDigest(*read) != bytes) std::abort();
  if (const auto read = DecodeRequestRecord(bytes); read.ok() && EncodeRequestRecord(*read) != bytes) std::abort();
  if (const auto read = DecodeRequestPage(bytes); read.ok() && EncodeRequestPage(*read) != bytes) std::abort();
  if (const auto key = ParseRegisterKey(bytes); key.ok() && (key->document ? "d" : "p") + key->id.Encode() != bytes) {
    std::abort();
  }
  return 0;
}
