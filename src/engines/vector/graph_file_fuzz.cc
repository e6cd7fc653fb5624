// Damaged footers, manifests and neighbour rows are refused or made harmless, never believed.
#include <cstdlib>
#include <cstring>

#include "engines/vector/graph_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::vector;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  uint64_t checksum = 0, again = 0;
  if (const auto footer = DecodeGraphFooter(bytes, checksum); footer.ok()) {
    (void)GraphPayloadSize(*footer);
    EncodeGraphFooter(*footer, again);
  }
  if (const auto saved = DecodeSavedGraph(bytes); saved.ok()) {
    if (EncodeSavedGraph(*saved) != bytes) std::abort();
  }
  std::vector<uint32_t> row(size / sizeof(uint32_t));
  if (!row.empty()) std::memcpy(row.data(), data, row.size() * sizeof(uint32_t));
  CleanRow(row, 1000);
  for (const uint32_t id : row) {
    if (id >= 1000 && id != kNoSlot) std::abort();
  }
  return 0;
}
