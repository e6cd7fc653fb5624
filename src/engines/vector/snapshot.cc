#include "engines/vector/snapshot.h"

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "engines/vector/graph_file.h"
#include "format/coding.h"

namespace rhizome::vector {
namespace {

constexpr uint32_t kMagic = 0x4D534852;  // "RHSM"
constexpr uint8_t kFormat = 1;
constexpr size_t kChecksumLength = 8;

void PutNames(std::string& out, const std::vector<std::string>& names) {
  format::PutVarint(out, names.size());
  for (const std::string& name : names) format::PutBytes(out, name);
}

bool IsPlainName(std::string_view name) {
  if (name.empty() || name.size() > 200 || name[0] == '.') return false;
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return name.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool GetName(format::Decoder& in, std::string& name) { return in.Bytes(name) && IsPlainName(name); }

bool GetNames(format::Decoder& in, std::vector<std::string>& names) {
  uint64_t count = 0;
  if (!in.Count(count, 2)) return false;
  names.resize(count);
  for (std::string& name : names) {
    if (!GetName(in, name)) return false;
  }
  return true;
}

bool GetGraph(format::Decoder& in, SavedGraph& graph) {
  std::string_view bytes;
  if (!in.Bytes(bytes)) return false;
  Result<SavedGraph> decoded = DecodeSavedGraph(bytes);
  if (!decoded.ok()) return false;
  graph = std::move(decoded).value();
  return std::all_of(graph.files.begin(), graph.files.end(),
                     [](const SavedFile& file) { return IsPlainName(file.name); });
}

template <typename T>
void AppendBigEndian(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  std::string out;
  format::PutU32(out, kMagic);
  format::PutU8(out, kFormat);
  format::PutU64(out, manifest.sequence);
  format::PutU64(out, manifest.lsn);
  format::PutU32(out, manifest.slots);
  format::PutBytes(out, manifest.slot_table);
  format::PutBytes(out, EncodeSavedGraph(manifest.graph));
  PutNames(out, manifest.text);
  PutNames(out, manifest.payload);
  format::PutU64(out, Checksum(out));
  return out;
}

Result<Manifest> DecodeManifest(std::string_view bytes) {
  if (bytes.size() < kChecksumLength) return Status::Corruption("snapshot manifest: too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumLength);
  if (Checksum(body) != format::LoadFixed<uint64_t>(bytes.data() + body.size())) {
    return Status::Corruption("snapshot manifest: bad checksum");
  }
  format::Decoder in(body);
  Manifest manifest;
  uint32_t magic = 0;
  uint8_t format = 0;
  if (!in.U32(magic) || magic != kMagic || !in.U8(format) || format != kFormat || !in.U64(manifest.sequence) ||
      !in.U64(manifest.lsn) || !in.U32(manifest.slots) || !GetName(in, manifest.slot_table) ||
      !GetGraph(in, manifest.graph) || !GetNames(in, manifest.text) || !GetNames(in, manifest.payload)) {
    return in.Failure("snapshot manifest");
  }
  RETURN_IF_ERROR(in.Finish("snapshot manifest"));
  return manifest;
}

Status RemoveUnnamedFiles(io::Disk& disk, const std::string& directory, const Manifest& manifest) {
  std::set<std::string> named = {std::string(kManifestName), manifest.slot_table};
  for (const SavedFile& file : manifest.graph.files) named.insert(file.name);
  named.insert(manifest.text.begin(), manifest.text.end());
  named.insert(manifest.payload.begin(), manifest.payload.end());
  ASSIGN_OR_RETURN(const std::vector<std::string> present, disk.List(directory));
  for (const std::string& name : present) {
    if (named.contains(name)) continue;
    RETURN_IF_ERROR(disk.Remove(directory + "/" + name));
  }
  return Status::Ok();
}

std::string ShardPrefix(uint32_t shard) {
  std::string key;
  AppendBigEndian(key, shard);
  return key;
}

Result<uint32_t> ShardOf(std::string_view key) {
  if (key.size() < sizeof(uint32_t)) return Status::Corruption("a key of the database has no shard");
  uint32_t shard = 0;
  for (const char byte : key.substr(0, sizeof(uint32_t))) shard = shard << 8 | static_cast<uint8_t>(byte);
  return shard;
}

std::string AppliedKey(uint32_t shard) { return std::string(kAppliedBase) + ShardPrefix(shard); }

std::string RequestPrefix(uint32_t shard) { return std::string(kRequestBase) + ShardPrefix(shard); }

std::string RequestKey(uint32_t shard, const format::IdempotencyKey& key) {
  return RequestPrefix(shard).append(reinterpret_cast<const char*>(key.data()), key.size());
}

std::string ContentPrefix(uint32_t shard, std::pair<uint64_t, uint64_t> hash) {
  std::string key = ShardPrefix(shard);
  AppendBigEndian(key, hash.first);
  AppendBigEndian(key, hash.second);
  return key;
}

std::string ContentKey(uint32_t shard, std::pair<uint64_t, uint64_t> hash, const format::PointId& document) {
  return ContentPrefix(shard, hash) + document.Encode();
}

std::string EncodeApplied(const Applied& applied) {
  std::string out;
  format::PutU64(out, applied.lsn);
  format::PutU64(out, applied.max_version.time);
  format::PutU32(out, applied.max_version.node);
  format::PutU64(out, applied.documents);
  return out;
}

Result<Applied> DecodeApplied(std::string_view bytes) {
  format::Decoder in(bytes);
  Applied applied;
  if (!in.U64(applied.lsn) || !in.U64(applied.max_version.time) || !in.U32(applied.max_version.node) ||
      !in.U64(applied.documents)) {
    return in.Failure("applied LSN");
  }
  RETURN_IF_ERROR(in.Finish("applied LSN"));
  return applied;
}

}  // namespace rhizome::vector
