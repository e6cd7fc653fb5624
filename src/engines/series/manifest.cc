#include "engines/series/manifest.h"

#include "base/hash.h"
#include "format/coding.h"

namespace rhizome::series {
namespace {

constexpr uint32_t kMagic = 0x4D535352;  // "RSSM"
constexpr uint8_t kFormat = 1;
constexpr size_t kChecksumLength = 8;
constexpr size_t kNameLengthMax = 100;

bool IsPlainName(std::string_view name) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name[0] != '.' && name != kManifestName &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool GetBlocks(format::Decoder& in, std::vector<std::string>& blocks) {
  uint64_t count = 0;
  if (!in.Count(count, 2)) return false;
  blocks.resize(count);
  for (std::string& name : blocks) {
    if (!in.Bytes(name, kNameLengthMax) || !IsPlainName(name)) return false;
  }
  return true;
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  std::string out;
  format::PutU32(out, kMagic);
  format::PutU8(out, kFormat);
  format::PutU64(out, manifest.sequence);
  format::PutU64(out, manifest.lsn);
  format::PutU64(out, manifest.max_version.time);
  format::PutU32(out, manifest.max_version.node);
  format::PutI64(out, manifest.horizon_ms);
  format::PutU64(out, manifest.settled.stamp);
  format::PutU64(out, manifest.settled.lsn);
  manifest.deletions.EncodeTo(out);
  format::PutVarint(out, manifest.blocks.size());
  for (const std::string& name : manifest.blocks) format::PutBytes(out, name);
  format::PutU64(out, Checksum(out));
  return out;
}

Result<Manifest> DecodeManifest(std::string_view bytes) {
  if (bytes.size() < kChecksumLength) return Status::Corruption("series manifest: too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumLength);
  if (Checksum(body) != format::LoadFixed<uint64_t>(bytes.data() + body.size())) {
    return Status::Corruption("series manifest: bad checksum");
  }
  format::Decoder in(body);
  Manifest manifest;
  uint32_t magic = 0;
  uint8_t format = 0;
  if (!in.U32(magic) || magic != kMagic || !in.U8(format) || format != kFormat || !in.U64(manifest.sequence) ||
      !in.U64(manifest.lsn) || !in.U64(manifest.max_version.time) || !in.U32(manifest.max_version.node) ||
      !in.I64(manifest.horizon_ms) || !in.U64(manifest.settled.stamp) || !in.U64(manifest.settled.lsn)) {
    return in.Failure("series manifest");
  }
  ASSIGN_OR_RETURN(manifest.deletions, DeletionSet::Decode(in));
  if (!GetBlocks(in, manifest.blocks)) return in.Failure("series manifest");
  RETURN_IF_ERROR(in.Finish("series manifest"));
  return manifest;
}

}  // namespace rhizome::series
