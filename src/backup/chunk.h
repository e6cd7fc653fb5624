// Chunk: some registers of one leaf as the bytes of one object (docs/formats/backup.md): an operation batch, compressed
// with zstd where that pays.
//
// Pure functions. DecodeChunk takes untrusted bytes; it expands to no more than the reference says, and that is
// bounded.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backup/manifest.h"
#include "base/status.h"
#include "format/point.h"

namespace rhizome::backup {

struct EncodedChunk {
  ChunkRef ref;
  std::string bytes;
};

// TooLarge when the batch is larger than kChunkRawBytesMax.
Result<EncodedChunk> EncodeChunk(std::span<const format::Operation> operations);

// The registers of the chunk that `ref` names. Corruption says what is wrong: size, checksum, content, count, a
// register without a version.
Result<std::vector<format::Operation>> DecodeChunk(const ChunkRef& ref, std::string_view bytes);

}  // namespace rhizome::backup
