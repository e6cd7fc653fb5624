// Any bytes as a graph's batch, derivation, register key and ids of entities: no crash, and what decodes encodes back.
#include <cstdlib>

#include "format/graph.h"
#include "format/graph_key.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::format;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto batch = DecodeGraphBatch(bytes); batch.ok() && EncodeGraphBatch(*batch) != bytes) std::abort();
  if (const auto read = DecodeDerivation(bytes); read.ok()) {
    if (EncodeDerivation(*read) != bytes) std::abort();
    for (size_t i = 0; i < read->facts.size(); ++i) (void)read->IdOf({}, i);
  }
  (void)ParseGraphKey(bytes);
  (void)EntityId::Parse(bytes);
  return 0;
}
