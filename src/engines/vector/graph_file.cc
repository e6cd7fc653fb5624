#include "engines/vector/graph_file.h"

#include <algorithm>
#include <cstdio>

#include "base/hash.h"
#include "engines/vector/graph_store.h"
#include "format/coding.h"

namespace rhizome::vector {
namespace {

constexpr uint64_t kMagic = 0x31485052475A5221u;  // "!RZGRPH1"
constexpr uint32_t kVersion = 1;
constexpr size_t kChecksumAt = GraphFooter::kSize - 8;
constexpr uint64_t kFilesMax = 1 << 20;
constexpr uint64_t kNameMax = 64;

bool IsName(std::string_view name) {
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

}  // namespace

std::string EncodeGraphFooter(const GraphFooter& footer, uint64_t& checksum) {
  std::string out;
  format::PutU64(out, kMagic);
  format::PutU32(out, kVersion);
  format::PutU8(out, static_cast<uint8_t>(footer.kind));
  format::PutU8(out, footer.level);
  format::PutU8(out, static_cast<uint8_t>(footer.metric));
  format::PutU8(out, 0);
  format::PutU32(out, footer.dimension);
  format::PutU32(out, footer.degree);
  format::PutU32(out, footer.chunk);
  format::PutU32(out, footer.count);
  format::PutU64(out, footer.payload_checksum);
  out.resize(kChecksumAt, '\0');
  checksum = Checksum(out);
  format::PutU64(out, checksum);
  return out;
}

Result<GraphFooter> DecodeGraphFooter(std::string_view bytes, uint64_t& checksum) {
  if (bytes.size() != GraphFooter::kSize) return Status::Corruption("graph file footer is cut short");
  GraphFooter footer;
  format::Decoder in(bytes);
  uint64_t magic = 0;
  uint32_t version = 0;
  uint8_t kind = 0, metric = 0, reserved = 0;
  const bool read = in.U64(magic) && in.U32(version) && in.U8(kind) && in.U8(footer.level) && in.U8(metric) &&
                    in.U8(reserved) && in.U32(footer.dimension) && in.U32(footer.degree) && in.U32(footer.chunk) &&
                    in.U32(footer.count) && in.U64(footer.payload_checksum);
  if (!read || magic != kMagic) return Status::Corruption("not a graph file");
  checksum = format::LoadFixed<uint64_t>(bytes.data() + kChecksumAt);
  if (checksum != Checksum(bytes.substr(0, kChecksumAt))) return Status::Corruption("graph file footer is damaged");
  if (version != kVersion) return Status::Corruption("graph file of unknown version " + std::to_string(version));
  const bool known = kind >= 1 && kind <= 4 && metric <= 2 && footer.level < kLevels && footer.dimension >= 1 &&
                     footer.dimension <= 4096 && footer.degree <= 64 && footer.count <= kChunkSlots;
  if (!known) return Status::Corruption("graph file footer has a value out of range");
  footer.kind = static_cast<GraphFileKind>(kind);
  footer.metric = static_cast<Metric>(metric);
  return footer;
}

uint64_t GraphPayloadSize(const GraphFooter& footer) {
  switch (footer.kind) {
    case GraphFileKind::kCentre: return uint64_t{footer.dimension} * sizeof(float);
    case GraphFileKind::kVectors: return uint64_t{footer.count} * footer.dimension * sizeof(float);
    case GraphFileKind::kCodes: return uint64_t{footer.count} * (CodeStride(footer.dimension) + sizeof(CodeFacts));
    case GraphFileKind::kRows: return uint64_t{footer.count} * footer.degree * sizeof(uint32_t);
  }
  return 0;
}

std::string GraphFilePrefix(GraphFileKind kind, unsigned level, Slot chunk) {
  static constexpr const char* kNames[] = {"", "centre", "vectors", "codes", "rows"};
  char name[48];
  std::snprintf(name, sizeof(name), "%s%u-%08x.", kNames[static_cast<size_t>(kind)], level, chunk);
  return name;
}

std::string GraphFileName(GraphFileKind kind, unsigned level, Slot chunk, uint64_t sequence) {
  char suffix[24];
  std::snprintf(suffix, sizeof(suffix), "%012llx", static_cast<unsigned long long>(sequence));
  return GraphFilePrefix(kind, level, chunk) + suffix;
}

std::string EncodeSavedGraph(const SavedGraph& saved) {
  std::string out;
  format::PutU32(out, kVersion);
  format::PutU32(out, saved.slots);
  format::PutU32(out, saved.linked);
  format::PutU64(out, saved.sequence);
  format::PutVarint(out, saved.files.size());
  for (const SavedFile& file : saved.files) {
    format::PutBytes(out, file.name);
    format::PutU64(out, file.size);
    format::PutU64(out, file.checksum);
  }
  return out;
}

Result<SavedGraph> DecodeSavedGraph(std::string_view bytes) {
  format::Decoder in(bytes);
  SavedGraph saved;
  uint32_t version = 0;
  uint64_t files = 0;
  if (!in.U32(version) || version != kVersion) return in.Failure("saved graph version");
  if (!in.U32(saved.slots) || !in.U32(saved.linked) || !in.U64(saved.sequence) || !in.Count(files, 18)) {
    return in.Failure("saved graph");
  }
  if (saved.linked > saved.slots || files > kFilesMax) return in.Failure("saved graph counts");
  saved.files.resize(files);
  for (SavedFile& file : saved.files) {
    if (!in.Bytes(file.name, kNameMax) || !in.U64(file.size) || !in.U64(file.checksum)) {
      return in.Failure("saved graph file");
    }
    if (!IsName(file.name)) return in.Failure("saved graph file name");
  }
  RETURN_IF_ERROR(in.Finish("saved graph"));
  return saved;
}

void CleanRow(std::span<uint32_t> row, Slot bound) {
  size_t kept = 0;
  for (const uint32_t id : row) {
    if (id < bound) row[kept++] = id;
  }
  std::fill(row.begin() + static_cast<std::ptrdiff_t>(kept), row.end(), kNoSlot);
}

}  // namespace rhizome::vector
