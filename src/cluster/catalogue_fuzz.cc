// Any bytes as a catalogue entry and a replica entry: no crash, and what decodes encodes back.
#include <cstdlib>

#include "cluster/catalogue.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::cluster;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto entry = DecodeEntry(bytes); entry.ok() && EncodeEntry(*entry) != bytes) std::abort();
  if (const auto entry = DecodeReplica(bytes); entry.ok() && EncodeReplica(*entry) != bytes) std::abort();
  return 0;
}
