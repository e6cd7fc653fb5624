// Any bytes, a right checksum put behind them, as a manifest: no crash, and what decodes encodes to the same bytes.
#include <cstdint>
#include <cstdlib>

#include "base/hash.h"
#include "engines/series/manifest.h"
#include "format/coding.h"

using namespace rhizome;
using namespace rhizome::series;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)DecodeManifest(bytes);
  format::PutU64(bytes, Checksum(bytes));
  const auto manifest = DecodeManifest(bytes);
  if (manifest.ok() && EncodeManifest(*manifest) != bytes) std::abort();
  return 0;
}
