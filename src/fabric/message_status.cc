// The bytes of what members say to operators' pages.
#include "fabric/message.h"
#include "fabric/message_coding.h"
#include "format/coding.h"

namespace rhizome::fabric {

using format::Decoder;
using format::PutBytes;
using format::PutI64;
using format::PutU32;
using format::PutU64;
using format::PutU8;
using format::PutVarint;

namespace {

constexpr size_t kItemsMax = 65'536;
constexpr size_t kTextLenMax = 2'048;
constexpr size_t kShardLenMin = 39;
constexpr size_t kBlockedLenMin = 5;

// Texts are for people: their end may go.
void PutText(std::string& out, std::string_view text) { PutBytes(out, text.substr(0, kTextLenMax)); }

void PutShard(std::string& out, const StatusRequest::Shard& shard) {
  PutU32(out, shard.shard);
  PutU64(out, shard.points);
  PutU64(out, shard.documents);
  PutU8(out, shard.complete ? 1 : 0);
  PutU64(out, shard.copied);
  PutU64(out, shard.total);
  PutText(out, shard.damage);
  PutText(out, shard.refusal);
}

bool GetShard(Decoder& in, StatusRequest::Shard& shard) {
  return in.U32(shard.shard) && in.U64(shard.points) && in.U64(shard.documents) && GetBool(in, shard.complete) &&
         in.U64(shard.copied) && in.U64(shard.total) && in.Bytes(shard.damage, kTextLenMax) &&
         in.Bytes(shard.refusal, kTextLenMax);
}

}  // namespace

std::string_view RequestName(std::string_view message) {
  static constexpr std::array<std::string_view, std::variant_size_v<Request>> kNames = {
      "versions", "apply", "read",   "query",  "digest",   "inventory", "collect", "hint",
      "progress", "ping",  "status", "repair", "requests", "scan",      "keep",    "desk"};
  if (message.size() < 2 || message[0] != kMessageFormat) return "unknown";
  const auto kind = static_cast<uint8_t>(message[1]);
  return kind < kNames.size() ? kNames[kind] : "unknown";
}

std::string EncodeReply(const StatusRequest::Reply& reply) {
  std::string out;
  PutU8(out, kMessageFormat);
  PutU32(out, reply.load_permille);
  PutI64(out, reply.frozen_ms);
  PutU64(out, reply.hints);
  PutU64(out, reply.comparisons_waiting);
  PutU64(out, reply.comparisons);
  PutU64(out, reply.repaired);
  PutU8(out, reply.leading ? 1 : 0);
  PutU64(out, reply.changes_waiting);
  const size_t blocked = std::min(reply.blocked.size(), kItemsMax);
  PutVarint(out, blocked);
  for (size_t i = 0; i < blocked; ++i) {
    PutU32(out, reply.blocked[i].shard);
    PutText(out, reply.blocked[i].reason);
  }
  const size_t shards = std::min(reply.shards.size(), kItemsMax);
  PutVarint(out, shards);
  for (size_t i = 0; i < shards; ++i) PutShard(out, reply.shards[i]);
  PutU32(out, reply.write_us);
  const size_t suspects = std::min(reply.suspects.size(), kItemsMax);
  PutVarint(out, suspects);
  for (size_t i = 0; i < suspects; ++i) PutU32(out, reply.suspects[i]);
  return out;
}

Status DecodeReply(std::string_view bytes, StatusRequest::Reply& reply) {
  Decoder in(bytes);
  uint64_t count = 0;
  reply = {};
  bool whole = GetMessageFormat(in) && in.U32(reply.load_permille) && in.I64(reply.frozen_ms) && in.U64(reply.hints) &&
               in.U64(reply.comparisons_waiting) && in.U64(reply.comparisons) && in.U64(reply.repaired) &&
               GetBool(in, reply.leading) && in.U64(reply.changes_waiting);
  whole = whole && in.Count(count, kBlockedLenMin) && count <= kItemsMax;
  for (uint64_t i = 0; whole && i < count; ++i) {
    StatusRequest::Blocked& blocked = reply.blocked.emplace_back();
    whole = in.U32(blocked.shard) && in.Bytes(blocked.reason, kTextLenMax);
  }
  whole = whole && in.Count(count, kShardLenMin) && count <= kItemsMax;
  for (uint64_t i = 0; whole && i < count; ++i) whole = GetShard(in, reply.shards.emplace_back());
  whole = whole && in.U32(reply.write_us) && in.Count(count, sizeof(MemberNumber)) && count <= kItemsMax;
  for (uint64_t i = 0; whole && i < count; ++i) whole = in.U32(reply.suspects.emplace_back());
  return Ended(in, whole);
}

std::string EncodeReply(const RepairRequest::Reply& reply) {
  std::string out;
  PutU8(out, kMessageFormat);
  PutU64(out, reply.scheduled);
  return out;
}

Status DecodeReply(std::string_view bytes, RepairRequest::Reply& reply) {
  Decoder in(bytes);
  return Ended(in, GetMessageFormat(in) && in.U64(reply.scheduled));
}

}  // namespace rhizome::fabric
