// Any bytes as a deletion from the log: no crash, and what decodes encodes to the same bytes.
#include <cstdint>
#include <cstdlib>

#include "engines/series/deletion.h"

using namespace rhizome::series;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto deletion = DecodeDeletion(bytes);
  if (deletion.ok() && EncodeDeletion(*deletion) != bytes) std::abort();
  return 0;
}
