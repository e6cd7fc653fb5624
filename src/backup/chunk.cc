#include "backup/chunk.h"

#include <zstd.h>

#include "base/hash.h"
#include "blob/blob.h"
#include "format/coding.h"

namespace rhizome::backup {
namespace {

constexpr uint32_t kMagic = 0x43425A52;  // "RZBC"
constexpr uint8_t kFormat = 1;
constexpr uint8_t kPlain = 0, kZstd = 1;
constexpr int kZstdLevel = 1;
constexpr size_t kHeadBytes = 18;

Result<std::string> Expand(std::string_view body, uint32_t raw_bytes) {
  std::string raw(raw_bytes, '\0');
  const size_t expanded = ZSTD_decompress(raw.data(), raw.size(), body.data(), body.size());
  if (ZSTD_isError(expanded) != 0 || expanded != raw_bytes) return Status::Corruption("does not expand to its size");
  return raw;
}

}  // namespace

Result<EncodedChunk> EncodeChunk(std::span<const format::Operation> operations) {
  const std::string raw = format::EncodeBatch(operations);
  if (raw.size() > kChunkRawBytesMax) return Status::TooLarge("register", "a register is too large for a backup");
  std::string packed(ZSTD_compressBound(raw.size()), '\0');
  const size_t size = ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), kZstdLevel);
  const bool pays = ZSTD_isError(size) == 0 && size < raw.size();
  packed.resize(pays ? size : 0);

  EncodedChunk chunk;
  format::PutU32(chunk.bytes, kMagic);
  format::PutU8(chunk.bytes, kFormat);
  format::PutU8(chunk.bytes, pays ? kZstd : kPlain);
  format::PutU32(chunk.bytes, static_cast<uint32_t>(raw.size()));
  format::PutU64(chunk.bytes, Checksum(raw));
  chunk.bytes += pays ? packed : raw;
  chunk.ref = {blob::ContentName(chunk.bytes), static_cast<uint32_t>(chunk.bytes.size()),
               static_cast<uint32_t>(raw.size()), static_cast<uint32_t>(operations.size())};
  return chunk;
}

Result<std::vector<format::Operation>> DecodeChunk(const ChunkRef& ref, std::string_view bytes) {
  if (bytes.size() != ref.bytes) {
    return Status::Corruption("has " + std::to_string(bytes.size()) + " bytes instead of " + std::to_string(ref.bytes));
  }
  if (blob::ContentName(bytes) != ref.content) return Status::Corruption("is damaged: its SHA-256 is not its name");
  format::Decoder in(bytes);
  uint32_t magic = 0, raw_bytes = 0;
  uint8_t version = 0, packing = 0;
  uint64_t checksum = 0;
  if (!in.U32(magic) || magic != kMagic || !in.U8(version) || version != kFormat || !in.U8(packing) ||
      packing > kZstd || !in.U32(raw_bytes) || !in.U64(checksum)) {
    return Status::Corruption("is no chunk of a backup");
  }
  static_assert(kHeadBytes == 4 + 1 + 1 + 4 + 8);
  if (raw_bytes != ref.raw_bytes || raw_bytes > kChunkRawBytesMax) {
    return Status::Corruption("says that it expands to " + std::to_string(raw_bytes) + " bytes, its manifest " +
                              std::to_string(ref.raw_bytes));
  }
  std::string expanded;
  std::string_view raw = in.rest();
  if (packing == kZstd) {
    ASSIGN_OR_RETURN(expanded, Expand(in.rest(), raw_bytes));
    raw = expanded;
  }
  if (raw.size() != raw_bytes || Checksum(raw) != checksum) return Status::Corruption("does not hold what was put in");
  ASSIGN_OR_RETURN(std::vector<format::Operation> operations, format::DecodeBatch(raw));
  if (operations.size() != ref.registers) {
    return Status::Corruption("has " + std::to_string(operations.size()) + " registers instead of " +
                              std::to_string(ref.registers));
  }
  for (const format::Operation& operation : operations) {
    if (operation.version == Version{}) return Status::Corruption("has a register without a version");
  }
  return operations;
}

}  // namespace rhizome::backup
