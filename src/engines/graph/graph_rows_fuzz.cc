// Any bytes as a row of a graph shard: no crash, and what decodes encodes back.
#include <cstdlib>

#include "engines/graph/rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::graph;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto read = DecodeState(bytes); read.ok() && EncodeState(*read) != bytes) std::abort();
  if (const auto read = DecodeStored(bytes); read.ok() && EncodeStored(*read) != bytes) std::abort();
  if (const auto read = DecodeStatistics(bytes); read.ok() && EncodeStatistics(*read) != bytes) std::abort();
  if (const auto read = DecodePosting(bytes); read.ok()) {
    std::string again;
    AppendPosting(again, *read);
    if (again != bytes) std::abort();
  }
  (void)ParseNameKey(bytes);
  if (const auto place = FactPlace::Decode(std::string(bytes)); place.ok() && place->Encode() != bytes) std::abort();
  return 0;
}
