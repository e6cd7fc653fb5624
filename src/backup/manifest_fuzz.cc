// Any bytes as a manifest, its beginning, and a chunk: no crash, no allocation beyond the bounds, and a manifest that
// decodes encodes back.
#include <cstdint>
#include <cstdlib>

#include "backup/chunk.h"
#include "backup/manifest.h"
#include "base/hash.h"
#include "blob/blob.h"
#include "format/coding.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)backup::DecodeSummary(bytes).ok();
  if (const auto read = backup::DecodeManifest(bytes); read.ok() && backup::EncodeManifest(*read) != bytes)
    std::abort();
  // As if the last checksum were right, so that what lies behind it is reached.
  std::string sealed(bytes);
  format::PutU64(sealed, Checksum(bytes));
  if (const auto read = backup::DecodeManifest(sealed); read.ok() && backup::EncodeManifest(*read) != sealed) {
    std::abort();
  }
  if (size < 18 || size > backup::kChunkRawBytesMax) return 0;
  const auto raw_bytes = std::min(format::LoadFixed<uint32_t>(bytes.data() + 6), uint32_t{1} << 20);
  for (const uint32_t registers : {1, 2}) {
    const backup::ChunkRef ref{blob::ContentName(bytes), static_cast<uint32_t>(size), raw_bytes, registers};
    (void)backup::DecodeChunk(ref, bytes).ok();
  }
  return 0;
}
