#include "engines/vector/engine_keys.h"

#include "format/coding.h"

namespace rhizome::vector {
namespace {

template <typename T>
void AppendBigEndian(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

}  // namespace

std::string ShardPrefix(uint32_t shard) {
  std::string key;
  AppendBigEndian(key, shard);
  return key;
}

std::string AppliedKey(uint32_t shard) { return "applied/" + ShardPrefix(shard); }

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
