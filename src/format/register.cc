#include "format/register.h"

#include "base/check.h"
#include "base/hash.h"
#include "format/coding.h"

namespace rhizome::format {
namespace {

constexpr uint8_t kFormat = 1;
// Fixed for ever: digests of replicas of different builds are compared.
constexpr uint64_t kLeafSeed = 0x4C454146;      // "LEAF"
constexpr uint64_t kRegisterSeed = 0x52454749;  // "REGI"
constexpr char kPointKind = 'p', kDocumentKind = 'd';
constexpr size_t kKeyLenMax = PointId::kStringLenMax + 32;
constexpr size_t kEntryLenMin = 14;  // an empty key, version, tombstone

void PutEntry(std::string& out, const RegisterVersion& entry) {
  PutBytes(out, entry.key);
  PutU64(out, entry.version.time);
  PutU32(out, entry.version.node);
  PutU8(out, entry.tombstone ? 1 : 0);
}

void PutEntries(std::string& out, const std::vector<RegisterVersion>& entries) {
  PutVarint(out, entries.size());
  for (const RegisterVersion& entry : entries) PutEntry(out, entry);
}

bool GetEntries(Decoder& in, std::vector<RegisterVersion>& entries) {
  uint64_t count = 0;
  if (!in.Count(count, kEntryLenMin)) return false;
  entries.resize(count);
  for (RegisterVersion& entry : entries) {
    uint8_t tombstone = 0;
    if (!in.Bytes(entry.key, kKeyLenMax) || !in.U64(entry.version.time) || !in.U32(entry.version.node) ||
        !in.U8(tombstone) || tombstone > 1) {
      return false;
    }
    entry.tombstone = tombstone == 1;
  }
  return true;
}

bool GetFormat(Decoder& in) {
  uint8_t format = 0;
  return in.U8(format) && format == kFormat;
}

}  // namespace

Result<RegisterKey> ParseRegisterKey(std::string_view key) {
  const bool document = key.starts_with(kDocumentKind);
  if (!document && !key.starts_with(kPointKind)) return Status::InvalidArgument("key", "names no kind of register");
  Result<PointId> id = PointId::Decode(key.substr(1));
  if (!id.ok()) return Status::InvalidArgument("key", std::string(id.status().message()));
  if (id->ToString().find('#') != std::string::npos) {
    return Status::InvalidArgument("key", "names a chunk: its document is the register");
  }
  return RegisterKey{document, std::move(id).value()};
}

std::string RegisterOf(const PointId& id) {
  const std::string text = id.ToString();
  const size_t mark = text.find('#');
  if (mark == std::string::npos) return kPointKind + id.Encode();
  const Result<PointId> document = PointId::FromString(text.substr(0, mark));
  return document.ok() ? kDocumentKind + document->Encode() : kPointKind + id.Encode();
}

uint32_t LeafOf(std::string_view key, uint32_t bits) {
  CHECK(bits <= kDigestBitsMax);
  return bits == 0 ? 0 : static_cast<uint32_t>(RouteHash(key, kLeafSeed) >> (64 - bits));
}

RangeDigest::RangeDigest(uint32_t bits_in) : bits(bits_in) {
  CHECK(bits <= kDigestBitsMax);
  leaves.resize(size_t{1} << bits);
}

void AddToDigest(RangeDigest& digest, const RegisterVersion& entry) {
  std::string bytes;
  bytes.reserve(entry.key.size() + 16);
  PutEntry(bytes, entry);
  Leaf& leaf = digest.leaves[LeafOf(entry.key, digest.bits)];
  leaf.hash += Checksum(bytes, kRegisterSeed);
  leaf.count += 1;
}

std::vector<uint32_t> DifferentLeaves(const RangeDigest& a, const RangeDigest& b) {
  CHECK(a.bits == b.bits);
  std::vector<uint32_t> different;
  for (uint32_t leaf = 0; leaf < a.leaves.size(); ++leaf) {
    if (a.leaves[leaf] != b.leaves[leaf]) different.push_back(leaf);
  }
  return different;
}

std::string EncodeRegisterVersions(const std::vector<RegisterVersion>& entries) {
  std::string out;
  PutU8(out, kFormat);
  PutEntries(out, entries);
  return out;
}

Result<std::vector<RegisterVersion>> DecodeRegisterVersions(std::string_view bytes) {
  Decoder in(bytes);
  std::vector<RegisterVersion> entries;
  if (!GetFormat(in) || !GetEntries(in, entries)) return in.Failure("register versions");
  RETURN_IF_ERROR(in.Finish("register versions"));
  return entries;
}

std::string EncodeInventoryPage(const InventoryPage& page) {
  std::string out;
  PutU8(out, kFormat);
  PutEntries(out, page.entries);
  PutBytes(out, page.next);
  return out;
}

Result<InventoryPage> DecodeInventoryPage(std::string_view bytes) {
  Decoder in(bytes);
  InventoryPage page;
  if (!GetFormat(in) || !GetEntries(in, page.entries) || !in.Bytes(page.next, kKeyLenMax)) {
    return in.Failure("inventory page");
  }
  RETURN_IF_ERROR(in.Finish("inventory page"));
  return page;
}

std::string EncodeRangeDigest(const RangeDigest& digest) {
  CHECK(digest.leaves.size() == size_t{1} << digest.bits);
  std::string out;
  PutU8(out, kFormat);
  PutU8(out, static_cast<uint8_t>(digest.bits));
  for (const Leaf& leaf : digest.leaves) {
    PutU64(out, leaf.hash);
    PutU64(out, leaf.count);
  }
  return out;
}

Result<RangeDigest> DecodeRangeDigest(std::string_view bytes) {
  Decoder in(bytes);
  uint8_t bits = 0;
  if (!GetFormat(in) || !in.U8(bits) || bits > kDigestBitsMax) return in.Failure("range digest");
  RangeDigest digest(bits);
  for (Leaf& leaf : digest.leaves) {
    if (!in.U64(leaf.hash) || !in.U64(leaf.count)) return in.Failure("range digest");
  }
  RETURN_IF_ERROR(in.Finish("range digest"));
  return digest;
}

}  // namespace rhizome::format
