// Any bytes as a snapshot manifest, a slot table and an applied LSN: no crash, and a manifest that decodes encodes
// back.
#include <cstdlib>

#include "base/hash.h"
#include "engines/vector/slot_table.h"
#include "engines/vector/snapshot.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  // Random bytes never carry the right checksum, so it is put behind them.
  std::string bytes(reinterpret_cast<const char*>(data), size);
  const uint64_t checksum = Checksum(bytes);
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  if (const auto manifest = vector::DecodeManifest(bytes); manifest.ok()) {
    if (vector::EncodeManifest(*manifest) != bytes) std::abort();
  }
  (void)vector::SlotTable().Load(bytes);
  (void)vector::DecodeApplied({reinterpret_cast<const char*>(data), size});
  return 0;
}
