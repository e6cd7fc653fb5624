#include "fabric/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "fabric/message_coding.h"
#include "format/coding.h"
#include "format/identity.h"

namespace rhizome::fabric {

using format::Decoder;
using format::PutBytes;
using format::PutI64;
using format::PutU32;
using format::PutU64;
using format::PutU8;
using format::PutVarint;

namespace {

constexpr size_t kKeyLenMax = 600;
constexpr size_t kRequestLen = 16;
constexpr size_t kBatchLenMax = 64 << 20;
constexpr size_t kQuestionLenMax = 1 << 10;
constexpr uint32_t kTargetsMax = 4'096;
constexpr size_t kPlaceLenMax = 1 << 20;  // in a scan: ends with a label set
constexpr uint32_t kRecordsMax = 65'536;
constexpr std::string_view kStale = "stale epoch; here it is ";

// One byte says which request follows; the order of the variant, which therefore never changes.
enum class Kind : uint8_t {
  kVersions,
  kApply,
  kRead,
  kQuery,
  kDigest,
  kInventory,
  kCollect,
  kHint,
  kProgress,
  kPing,
  kStatus,
  kRepair,
  kRequests,
  kScan,
  kKeep,
  kDesk
};

void Put(std::string& out, Version version) { format::PutVersion(out, version); }
bool Get(Decoder& in, Version& version) { return format::GetVersion(in, version); }

void Put(std::string& out, const std::optional<Version>& version) {
  PutU8(out, version.has_value() ? 1 : 0);
  if (version) Put(out, *version);
}
bool Get(Decoder& in, std::optional<Version>& version) {
  uint8_t there = 0;
  if (!in.U8(there) || there > 1) return false;
  if (there == 0) return true;
  return Get(in, version.emplace());
}

void Put(std::string& out, const Target& target) {
  PutU32(out, target.shard);
  PutU64(out, target.epoch);
}
bool Get(Decoder& in, Target& target) { return in.U32(target.shard) && in.U64(target.epoch); }

void Put(std::string& out, const std::vector<std::string>& keys) {
  PutVarint(out, keys.size());
  for (const std::string& key : keys) PutBytes(out, key);
}
bool Get(Decoder& in, std::vector<std::string>& keys) {
  uint64_t count = 0;
  if (!in.Count(count, 1) || count > kKeysMax) return false;
  keys.resize(count);
  for (std::string& key : keys) {
    if (!in.Bytes(key, kKeyLenMax)) return false;
  }
  return true;
}

void PutFields(std::string& out, const VersionsRequest& request) {
  Put(out, request.target);
  Put(out, request.keys);
  PutBytes(out, request.request);
}
bool GetFields(Decoder& in, VersionsRequest& request) {
  return Get(in, request.target) && Get(in, request.keys) && in.Bytes(request.request, kRequestLen);
}

void PutFields(std::string& out, const ApplyRequest& request) {
  Put(out, request.target);
  PutBytes(out, request.batch);
}
bool GetFields(Decoder& in, ApplyRequest& request) {
  return Get(in, request.target) && in.Bytes(request.batch, kBatchLenMax);
}

void PutFields(std::string& out, const ReadRequest& request) {
  Put(out, request.target);
  Put(out, request.keys);
}
bool GetFields(Decoder& in, ReadRequest& request) { return Get(in, request.target) && Get(in, request.keys); }

void PutFields(std::string& out, const QueryRequest& request) {
  PutVarint(out, request.targets.size());
  for (const Target& target : request.targets) Put(out, target);
  PutBytes(out, request.query);
}
bool GetFields(Decoder& in, QueryRequest& request) {
  uint64_t count = 0;
  if (!in.Count(count, sizeof(ShardNumber)) || count > kTargetsMax) return false;
  request.targets.resize(count);
  for (Target& target : request.targets) {
    if (!Get(in, target)) return false;
  }
  return in.Bytes(request.query, kBatchLenMax);
}

void PutFields(std::string& out, const DigestRequest& request) {
  Put(out, request.target);
  PutU32(out, request.bits);
  Put(out, request.below);
}
bool GetFields(Decoder& in, DigestRequest& request) {
  return Get(in, request.target) && in.U32(request.bits) && request.bits <= format::kDigestBitsMax &&
         Get(in, request.below);
}

void PutLeaves(std::string& out, uint32_t bits, const std::vector<uint32_t>& leaves) {
  PutU32(out, bits);
  PutVarint(out, leaves.size());
  for (const uint32_t leaf : leaves) PutU32(out, leaf);
}
bool GetLeaves(Decoder& in, uint32_t& bits, std::vector<uint32_t>& leaves) {
  uint64_t count = 0;
  if (!in.U32(bits) || bits > format::kDigestBitsMax) return false;
  if (!in.Count(count, sizeof(uint32_t)) || count > (1ULL << bits)) return false;
  leaves.resize(count);
  for (uint32_t& leaf : leaves) {
    if (!in.U32(leaf) || leaf >= (1U << bits)) return false;
  }
  return true;
}

void PutFields(std::string& out, const InventoryRequest& request) {
  Put(out, request.target);
  PutLeaves(out, request.bits, request.leaves);
  PutBytes(out, request.after);
  PutU32(out, request.limit);
}
bool GetFields(Decoder& in, InventoryRequest& request) {
  return Get(in, request.target) && GetLeaves(in, request.bits, request.leaves) &&
         in.Bytes(request.after, kKeyLenMax) && in.U32(request.limit) && request.limit >= 1 &&
         request.limit <= kKeysMax;
}

void PutFields(std::string& out, const ScanRequest& request) {
  Put(out, request.target);
  PutLeaves(out, request.bits, request.leaves);
  Put(out, request.below);
  PutBytes(out, request.after);
}
bool GetFields(Decoder& in, ScanRequest& request) {
  return Get(in, request.target) && GetLeaves(in, request.bits, request.leaves) &&
         std::is_sorted(request.leaves.begin(), request.leaves.end()) && Get(in, request.below) &&
         in.Bytes(request.after, kPlaceLenMax);
}

void PutFields(std::string& out, const KeepRequest& request) {
  Put(out, request.target);
  PutU32(out, request.missed);
  PutBytes(out, request.record);
}
bool GetFields(Decoder& in, KeepRequest& request) {
  return Get(in, request.target) && in.U32(request.missed) && in.Bytes(request.record, kBatchLenMax);
}

void PutFields(std::string& out, const DeskRequest& request) { PutBytes(out, request.question); }
bool GetFields(Decoder& in, DeskRequest& request) { return in.Bytes(request.question, kQuestionLenMax); }

void PutFields(std::string& out, const CollectRequest& request) {
  Put(out, request.target);
  Put(out, request.below);
}
bool GetFields(Decoder& in, CollectRequest& request) { return Get(in, request.target) && Get(in, request.below); }

void PutFields(std::string& out, const HintRequest& request) {
  Put(out, request.target);
  PutU32(out, request.missed);
  Put(out, request.keys);
}
bool GetFields(Decoder& in, HintRequest& request) {
  return Get(in, request.target) && in.U32(request.missed) && Get(in, request.keys);
}

void PutFields(std::string& out, const ProgressRequest& request) { Put(out, request.target); }
bool GetFields(Decoder& in, ProgressRequest& request) { return Get(in, request.target); }

void PutFields(std::string& out, const PingRequest& request) {
  PutU32(out, request.from);
  PutI64(out, request.topology_revision);
  PutU32(out, request.load_permille);
  PutU32(out, request.write_us);
  PutU8(out, request.read_only ? 1 : 0);
}
bool GetFields(Decoder& in, PingRequest& request) {
  return in.U32(request.from) && in.I64(request.topology_revision) && in.U32(request.load_permille) &&
         in.U32(request.write_us) && GetBool(in, request.read_only);
}

void PutFields(std::string&, const StatusRequest&) {}
bool GetFields(Decoder&, StatusRequest&) { return true; }

void PutFields(std::string&, const RepairRequest&) {}
bool GetFields(Decoder&, RepairRequest&) { return true; }

void PutFields(std::string& out, const RequestsRequest& request) {
  Put(out, request.target);
  PutBytes(out, request.after);
  PutU32(out, request.limit);
}
bool GetFields(Decoder& in, RequestsRequest& request) {
  return Get(in, request.target) && in.Bytes(request.after, kRequestLen) &&
         (request.after.empty() || request.after.size() == kRequestLen) && in.U32(request.limit) &&
         request.limit >= 1 && request.limit <= kKeysMax;
}

template <size_t I = 0>
Result<Request> DecodeKind(size_t kind, Decoder& in) {
  if constexpr (I < std::variant_size_v<Request>) {
    if (kind != I) return DecodeKind<I + 1>(kind, in);
    std::variant_alternative_t<I, Request> request;
    if (!GetFields(in, request)) return in.Failure("a peer's request");
    RETURN_IF_ERROR(in.Finish("a peer's request"));
    return Request(std::move(request));
  } else {
    return in.Failure("the kind of a peer's request");
  }
}

std::string Start() {
  std::string out;
  PutU8(out, kMessageFormat);
  return out;
}

}  // namespace

std::string EncodeRequest(const Request& request) {
  std::string out = Start();
  PutU8(out, static_cast<uint8_t>(request.index()));
  std::visit([&out](const auto& fields) { PutFields(out, fields); }, request);
  return out;
}

bool IsPing(std::string_view message) {
  return message.size() >= 2 && message[0] == kMessageFormat && message[1] == static_cast<char>(Kind::kPing);
}

Result<Request> DecodeRequest(std::string_view bytes) {
  static_assert(std::variant_size_v<Request> == static_cast<size_t>(Kind::kDesk) + 1);
  Decoder in(bytes);
  uint8_t kind = 0;
  if (!GetMessageFormat(in) || !in.U8(kind)) return in.Failure("a peer's request");
  return DecodeKind(kind, in);
}

std::string EncodeReply(const VersionsRequest::Reply& reply) {
  CHECK(reply.versions.size() == reply.tombstones.size());
  std::string out = Start();
  PutVarint(out, reply.versions.size());
  for (size_t i = 0; i < reply.versions.size(); ++i) {
    Put(out, reply.versions[i]);
    PutU8(out, reply.tombstones[i] ? 1 : 0);
  }
  Put(out, reply.request);
  PutU64(out, reply.content_hash);
  return out;
}

Status DecodeReply(std::string_view bytes, VersionsRequest::Reply& reply) {
  Decoder in(bytes);
  uint64_t count = 0;
  bool whole = GetMessageFormat(in) && in.Count(count, 13) && count <= kKeysMax;
  reply = {};
  for (uint64_t i = 0; whole && i < count; ++i) {
    Version version;
    bool tombstone = false;
    whole = Get(in, version) && GetBool(in, tombstone);
    reply.versions.push_back(version);
    reply.tombstones.push_back(tombstone);
  }
  return Ended(in, whole && Get(in, reply.request) && in.U64(reply.content_hash));
}

std::string EncodeReply(const ApplyRequest::Reply&) { return Start(); }
Status DecodeReply(std::string_view bytes, ApplyRequest::Reply&) {
  Decoder in(bytes);
  return Ended(in, GetMessageFormat(in));
}

// Registers travel as a batch, beside which of the keys they are.
std::string EncodeReply(const ReadRequest::Reply& reply) {
  std::string out = Start();
  PutVarint(out, reply.registers.size());
  std::vector<format::Operation> there;
  for (const auto& entry : reply.registers) {
    PutU8(out, entry.has_value() ? 1 : 0);
    if (entry) there.push_back(*entry);
  }
  if (!there.empty()) PutBytes(out, format::EncodeBatch(there));
  return out;
}

Status DecodeReply(std::string_view bytes, ReadRequest::Reply& reply) {
  Decoder in(bytes);
  uint64_t count = 0;
  reply = {};
  if (!GetMessageFormat(in) || !in.Count(count, 1) || count > kKeysMax) return in.Failure("a peer's answer");
  std::vector<bool> there(count);
  size_t expected = 0;
  for (uint64_t i = 0; i < count; ++i) {
    bool is_there = false;
    if (!GetBool(in, is_there)) return in.Failure("a peer's answer");
    there[i] = is_there;
    expected += is_there ? 1 : 0;
  }
  std::vector<format::Operation> operations;
  if (expected > 0) {
    std::string_view batch;
    if (!in.Bytes(batch, kBatchLenMax)) return in.Failure("a peer's answer");
    ASSIGN_OR_RETURN(operations, format::DecodeBatch(batch));
  }
  if (operations.size() != expected) return in.Failure("a peer's answer");
  size_t next = 0;
  for (uint64_t i = 0; i < count; ++i) {
    reply.registers.emplace_back();
    if (there[i]) reply.registers.back() = std::move(operations[next++]);
  }
  return in.Finish("a peer's answer");
}

std::string EncodeReply(const QueryRequest::Reply& reply) {
  std::string out = Start();
  PutBytes(out, reply.answer);
  return out;
}
Status DecodeReply(std::string_view bytes, QueryRequest::Reply& reply) {
  Decoder in(bytes);
  return Ended(in, GetMessageFormat(in) && in.Bytes(reply.answer, kBatchLenMax));
}

std::string EncodeReply(const DigestRequest::Reply& reply) {
  std::string out = Start();
  PutBytes(out, format::EncodeRangeDigest(reply.digest));
  return out;
}
Status DecodeReply(std::string_view bytes, DigestRequest::Reply& reply) {
  Decoder in(bytes);
  std::string_view digest;
  RETURN_IF_ERROR(Ended(in, GetMessageFormat(in) && in.Bytes(digest, kBatchLenMax)));
  ASSIGN_OR_RETURN(reply.digest, format::DecodeRangeDigest(digest));
  return Status::Ok();
}

std::string EncodeReply(const InventoryRequest::Reply& reply) {
  std::string out = Start();
  PutBytes(out, format::EncodeInventoryPage(reply.page));
  return out;
}
Status DecodeReply(std::string_view bytes, InventoryRequest::Reply& reply) {
  Decoder in(bytes);
  std::string_view page;
  RETURN_IF_ERROR(Ended(in, GetMessageFormat(in) && in.Bytes(page, kBatchLenMax)));
  ASSIGN_OR_RETURN(reply.page, format::DecodeInventoryPage(page));
  return Status::Ok();
}

std::string EncodeReply(const RequestsRequest::Reply& reply) {
  std::string out = Start();
  PutBytes(out, format::EncodeRequestPage(reply.page));
  return out;
}
Status DecodeReply(std::string_view bytes, RequestsRequest::Reply& reply) {
  Decoder in(bytes);
  std::string_view page;
  RETURN_IF_ERROR(Ended(in, GetMessageFormat(in) && in.Bytes(page, kBatchLenMax)));
  ASSIGN_OR_RETURN(reply.page, format::DecodeRequestPage(page));
  return reply.page.fates.size() <= kKeysMax ? Status::Ok() : in.Failure("a peer's answer");
}

std::string EncodeReply(const ScanRequest::Reply& reply) {
  std::string out = Start();
  PutVarint(out, reply.records.size());
  for (const std::string& record : reply.records) PutBytes(out, record);
  PutU64(out, reply.items);
  PutBytes(out, reply.next);
  return out;
}
Status DecodeReply(std::string_view bytes, ScanRequest::Reply& reply) {
  Decoder in(bytes);
  uint64_t count = 0;
  reply = {};
  bool whole = GetMessageFormat(in) && in.Count(count, 1) && count <= kRecordsMax;
  for (uint64_t i = 0; whole && i < count; ++i) whole = in.Bytes(reply.records.emplace_back(), kBatchLenMax);
  return Ended(in, whole && in.U64(reply.items) && in.Bytes(reply.next, kPlaceLenMax));
}

std::string EncodeReply(const KeepRequest::Reply&) { return Start(); }
Status DecodeReply(std::string_view bytes, KeepRequest::Reply&) {
  Decoder in(bytes);
  return Ended(in, GetMessageFormat(in));
}

std::string EncodeReply(const DeskRequest::Reply& reply) {
  std::string out = Start();
  PutBytes(out, reply.answer);
  return out;
}
Status DecodeReply(std::string_view bytes, DeskRequest::Reply& reply) {
  Decoder in(bytes);
  return Ended(in, GetMessageFormat(in) && in.Bytes(reply.answer, kBatchLenMax));
}

std::string EncodeReply(const CollectRequest::Reply&) { return Start(); }
Status DecodeReply(std::string_view bytes, CollectRequest::Reply&) {
  Decoder in(bytes);
  return Ended(in, GetMessageFormat(in));
}

std::string EncodeReply(const HintRequest::Reply&) { return Start(); }
Status DecodeReply(std::string_view bytes, HintRequest::Reply&) {
  Decoder in(bytes);
  return Ended(in, GetMessageFormat(in));
}

std::string EncodeReply(const ProgressRequest::Reply& reply) {
  std::string out = Start();
  PutU8(out, reply.complete ? 1 : 0);
  PutU64(out, reply.copied);
  PutU64(out, reply.total);
  return out;
}
Status DecodeReply(std::string_view bytes, ProgressRequest::Reply& reply) {
  Decoder in(bytes);
  return Ended(in, GetMessageFormat(in) && GetBool(in, reply.complete) && in.U64(reply.copied) && in.U64(reply.total));
}

std::string EncodeReply(const PingRequest::Reply& reply) {
  std::string out = Start();
  PutI64(out, reply.topology_revision);
  PutU32(out, reply.load_permille);
  PutI64(out, reply.wall_ms);
  PutU32(out, reply.write_us);
  PutU8(out, reply.read_only ? 1 : 0);
  return out;
}
Status DecodeReply(std::string_view bytes, PingRequest::Reply& reply) {
  Decoder in(bytes);
  return Ended(in, GetMessageFormat(in) && in.I64(reply.topology_revision) && in.U32(reply.load_permille) &&
                       in.I64(reply.wall_ms) && in.U32(reply.write_us) && GetBool(in, reply.read_only));
}

// The code alone would do if nothing else answered FailedPrecondition; the text makes it unmistakable.
Status StaleEpoch(uint64_t epoch) { return Status::FailedPrecondition(fmt::format("{}{}", kStale, epoch)); }
bool IsStaleEpoch(const Status& status) {
  return status.code() == Code::kFailedPrecondition && std::string_view(status.message()).starts_with(kStale);
}

}  // namespace rhizome::fabric
