#include "cluster/query_codec.h"

#include <cmath>

#include "cluster/filter_codec.h"
#include "format/coding.h"
#include "format/identity.h"

namespace rhizome::cluster {

using format::Decoder;
using format::PointId;
using format::PutBytes;
using format::PutFloat;
using format::PutU32;
using format::PutU64;
using format::PutU8;
using format::PutVarint;

namespace {

constexpr uint8_t kFormat = 1;
constexpr uint32_t kDimensionMax = 4'096;
constexpr size_t kQueryTextBytesMax = 1 << 20;
constexpr size_t kIdBytesMax = 600;
constexpr size_t kCandidateBytesMin = 1 + 4 + 12;
constexpr size_t kPointBytesMin = 1 + 12 + 4;
constexpr uint32_t kShardsMax = 4'096;

// One byte says which question it is; the order of the variant, which therefore never changes.
enum class Kind : uint8_t { kSearch, kFetch, kScroll, kCount, kContent };
static_assert(std::variant_size_v<VectorQuery> == static_cast<size_t>(Kind::kContent) + 1);

void Put(std::string& out, bool value) { PutU8(out, value ? 1 : 0); }
bool Get(Decoder& in, bool& value) {
  uint8_t byte = 0;
  if (!in.U8(byte) || byte > 1) return false;
  value = byte == 1;
  return true;
}

void Put(std::string& out, float value) { PutFloat(out, value); }
bool Get(Decoder& in, float& value) { return in.Float(value) && !std::isnan(value); }

void Put(std::string& out, const PointId& id) { PutBytes(out, id.Encode()); }
bool Get(Decoder& in, PointId& id) {
  std::string_view bytes;
  if (!in.Bytes(bytes, kIdBytesMax)) return false;
  auto decoded = PointId::Decode(bytes);
  if (!decoded.ok()) return false;
  id = std::move(decoded).value();
  return true;
}

void Put(std::string& out, Version version) { format::PutVersion(out, version); }
bool Get(Decoder& in, Version& version) { return format::GetVersion(in, version); }

void Put(std::string& out, const std::vector<float>& vector) {
  PutVarint(out, vector.size());
  for (const float value : vector) PutFloat(out, value);
}
bool Get(Decoder& in, std::vector<float>& vector) {
  uint64_t count = 0;
  if (!in.Count(count, sizeof(float)) || count > kDimensionMax) return false;
  vector.resize(count);
  for (float& value : vector) {
    if (!in.Float(value) || !std::isfinite(value)) return false;
  }
  return true;
}

void Put(std::string& out, const std::shared_ptr<const vector::Filter>& filter) {
  Put(out, filter != nullptr);
  if (filter != nullptr) PutFilter(out, *filter);
}
bool Get(Decoder& in, std::shared_ptr<const vector::Filter>& filter) {
  bool there = false;
  if (!Get(in, there)) return false;
  if (!there) return true;
  auto read = std::make_shared<vector::Filter>();
  if (!GetFilter(in, *read)) return false;
  filter = std::move(read);
  return true;
}

template <typename T>
void Put(std::string& out, const std::optional<T>& value) {
  Put(out, value.has_value());
  if (value) Put(out, *value);
}
template <typename T>
bool Get(Decoder& in, std::optional<T>& value) {
  bool there = false;
  if (!Get(in, there)) return false;
  return !there || Get(in, value.emplace());
}

bool GetUpTo(Decoder& in, uint32_t& value, uint32_t max) { return in.U32(value) && value <= max; }

void Put(std::string& out, const SearchQuery::Candidate& candidate) {
  Put(out, candidate.id);
  Put(out, candidate.score);
  Put(out, candidate.version);
}
bool Get(Decoder& in, SearchQuery::Candidate& candidate) {
  return Get(in, candidate.id) && Get(in, candidate.score) && Get(in, candidate.version);
}

void Put(std::string& out, const StoredPointView& stored) {
  Put(out, stored.point.id);
  Put(out, stored.version);
  Put(out, stored.point.vector);
  PutBytes(out, stored.point.title);
  PutBytes(out, stored.point.text);
  PutBytes(out, stored.point.payload);
}
bool Get(Decoder& in, StoredPointView& stored) {
  return Get(in, stored.point.id) && Get(in, stored.version) && Get(in, stored.point.vector) &&
         in.Bytes(stored.point.title) && in.Bytes(stored.point.text) && in.Bytes(stored.point.payload);
}

void Put(std::string& out, const CountQuery::Reply::OfShard& count) {
  PutU32(out, count.shard);
  PutU64(out, count.points);
  PutU64(out, count.documents);
}
bool Get(Decoder& in, CountQuery::Reply::OfShard& count) {
  return in.U32(count.shard) && in.U64(count.points) && in.U64(count.documents);
}

template <typename T>
void PutAll(std::string& out, const std::vector<T>& items) {
  PutVarint(out, items.size());
  for (const T& item : items) Put(out, item);
}
template <typename T>
bool GetAll(Decoder& in, std::vector<T>& items, size_t item_bytes_min, uint64_t count_max) {
  uint64_t count = 0;
  if (!in.Count(count, item_bytes_min) || count > count_max) return false;
  items.resize(count);
  for (T& item : items) {
    if (!Get(in, item)) return false;
  }
  return true;
}

// --- questions ---

void PutFields(std::string& out, const SearchQuery& query) {
  const SearchRequest& request = query.request;
  Put(out, request.vector);
  PutBytes(out, request.text);
  PutU8(out, static_cast<uint8_t>(request.mode));
  PutU32(out, request.top_k);
  Put(out, request.filter);
  Put(out, request.min_score);
  Put(out, request.with_payload);
  Put(out, request.with_vector);
  Put(out, request.one_per_document);
  Put(out, request.exact);
  PutU32(out, request.ef);
  PutU32(out, query.depth);
  Put(out, query.with_versions);
}
bool GetFields(Decoder& in, SearchQuery& query) {
  SearchRequest& request = query.request;
  uint8_t mode = 0;
  if (!Get(in, request.vector) || !in.Bytes(request.text, kQueryTextBytesMax) || !in.U8(mode) ||
      mode > static_cast<uint8_t>(SearchMode::kHybrid) || !GetUpTo(in, request.top_k, kPageMax) ||
      !Get(in, request.filter) || !Get(in, request.min_score) || !Get(in, request.with_payload) ||
      !Get(in, request.with_vector) || !Get(in, request.one_per_document) || !Get(in, request.exact) ||
      !GetUpTo(in, request.ef, 100'000) || !GetUpTo(in, query.depth, kDepthMax) || !Get(in, query.with_versions)) {
    return false;
  }
  request.mode = static_cast<SearchMode>(mode);
  return request.top_k > 0 && query.depth > 0;
}

void PutFields(std::string& out, const FetchQuery& query) {
  PutAll(out, query.ids);
  Put(out, query.with_payload);
  Put(out, query.with_vector);
}
bool GetFields(Decoder& in, FetchQuery& query) {
  return GetAll(in, query.ids, 1, kPageMax) && Get(in, query.with_payload) && Get(in, query.with_vector);
}

void PutFields(std::string& out, const ScrollQuery& query) {
  Put(out, query.request.after);
  PutU32(out, query.request.limit);
  Put(out, query.request.filter);
  Put(out, query.request.with_vector);
  Put(out, query.ids_only);
}
bool GetFields(Decoder& in, ScrollQuery& query) {
  return Get(in, query.request.after) && GetUpTo(in, query.request.limit, kPageMax) && query.request.limit > 0 &&
         Get(in, query.request.filter) && Get(in, query.request.with_vector) && Get(in, query.ids_only);
}

void PutFields(std::string& out, const CountQuery& query) { Put(out, query.filter); }
bool GetFields(Decoder& in, CountQuery& query) { return Get(in, query.filter); }

void PutFields(std::string& out, const ContentQuery& query) {
  PutU64(out, query.content_hash.first);
  PutU64(out, query.content_hash.second);
}
bool GetFields(Decoder& in, ContentQuery& query) {
  return in.U64(query.content_hash.first) && in.U64(query.content_hash.second);
}

template <size_t I = 0>
Result<VectorQuery> DecodeKind(size_t kind, Decoder& in) {
  if constexpr (I < std::variant_size_v<VectorQuery>) {
    if (kind != I) return DecodeKind<I + 1>(kind, in);
    std::variant_alternative_t<I, VectorQuery> query;
    if (!GetFields(in, query)) return in.Failure("vector query");
    RETURN_IF_ERROR(in.Finish("vector query"));
    return VectorQuery(std::move(query));
  } else {
    return in.Failure("vector query");
  }
}

// --- answers ---

bool GetFields(Decoder& in, SearchQuery::Reply& reply) {
  return GetAll(in, reply.dense, kCandidateBytesMin, kDepthMax) &&
         GetAll(in, reply.text, kCandidateBytesMin, kDepthMax) && GetAll(in, reply.points, kPointBytesMin, kPageMax);
}
bool GetFields(Decoder& in, FetchQuery::Reply& reply) { return GetAll(in, reply.points, kPointBytesMin, kPageMax); }
bool GetFields(Decoder& in, ScrollQuery::Reply& reply) {
  return GetAll(in, reply.points, kPointBytesMin, kPageMax) && Get(in, reply.more);
}
bool GetFields(Decoder& in, CountQuery::Reply& reply) { return GetAll(in, reply.shards, 20, kShardsMax); }
bool GetFields(Decoder& in, ContentQuery::Reply& reply) { return GetAll(in, reply.holders, 1, kShardsMax); }

template <typename Reply>
Status DecodeFields(std::string_view bytes, Reply& reply) {
  Decoder in(bytes);
  uint8_t format = 0;
  if (!in.U8(format) || format != kFormat || !GetFields(in, reply)) return in.Failure("answer to a vector query");
  return in.Finish("answer to a vector query");
}

std::string Begin() { return std::string(1, static_cast<char>(kFormat)); }

}  // namespace

std::string EncodeQuery(const VectorQuery& query) {
  std::string out = Begin();
  PutU8(out, static_cast<uint8_t>(query.index()));
  std::visit([&out](const auto& fields) { PutFields(out, fields); }, query);
  return out;
}

Result<VectorQuery> DecodeQuery(std::string_view bytes) {
  Decoder in(bytes);
  uint8_t format = 0, kind = 0;
  if (!in.U8(format) || format != kFormat || !in.U8(kind)) return in.Failure("vector query");
  return DecodeKind(kind, in);
}

std::string EncodeReply(const SearchQuery::Reply& reply) {
  std::string out = Begin();
  PutAll(out, reply.dense);
  PutAll(out, reply.text);
  PutAll(out, reply.points);
  return out;
}

std::string EncodeReply(const FetchQuery::Reply& reply) {
  std::string out = Begin();
  PutAll(out, reply.points);
  return out;
}

std::string EncodeReply(const ScrollQuery::Reply& reply) {
  std::string out = Begin();
  PutAll(out, reply.points);
  Put(out, reply.more);
  return out;
}

std::string EncodeReply(const CountQuery::Reply& reply) {
  std::string out = Begin();
  PutAll(out, reply.shards);
  return out;
}

std::string EncodeReply(const ContentQuery::Reply& reply) {
  std::string out = Begin();
  PutAll(out, reply.holders);
  return out;
}

Status DecodeReply(std::string_view bytes, SearchQuery::Reply& reply) { return DecodeFields(bytes, reply); }
Status DecodeReply(std::string_view bytes, FetchQuery::Reply& reply) { return DecodeFields(bytes, reply); }
Status DecodeReply(std::string_view bytes, ScrollQuery::Reply& reply) { return DecodeFields(bytes, reply); }
Status DecodeReply(std::string_view bytes, CountQuery::Reply& reply) { return DecodeFields(bytes, reply); }
Status DecodeReply(std::string_view bytes, ContentQuery::Reply& reply) { return DecodeFields(bytes, reply); }

std::string EncodeSpec(const CollectionSpec& spec) {
  std::string out = Begin();
  PutU32(out, spec.dimension);
  PutU8(out, static_cast<uint8_t>(spec.metric));
  PutBytes(out, spec.embedder);
  PutBytes(out, spec.language);
  return out;
}

Status DecodeSpec(std::string_view bytes, CollectionSpec& spec) {
  Decoder in(bytes);
  uint8_t format = 0, metric = 0;
  if (!in.U8(format) || format != kFormat || !GetUpTo(in, spec.dimension, kDimensionMax) || !in.U8(metric) ||
      metric > static_cast<uint8_t>(vector::Metric::kL2) || !in.Bytes(spec.embedder) || !in.Bytes(spec.language)) {
    return in.Failure("settings of a collection");
  }
  spec.metric = static_cast<vector::Metric>(metric);
  return in.Finish("settings of a collection");
}

}  // namespace rhizome::cluster
