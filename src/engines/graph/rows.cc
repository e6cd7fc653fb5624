#include "engines/graph/rows.h"

#include <algorithm>
#include <bit>

#include "format/coding.h"
#include "format/graph_key.h"
#include "format/identity.h"

namespace rhizome::graph {
namespace {

using format::Decoder;
using format::GetVersion;
using format::PutBytes;
using format::PutU64;
using format::PutU8;
using format::PutVarint;
using format::PutVersion;

constexpr uint8_t kStateFormat = 1;  // of all rows of the shard
constexpr uint8_t kTombstone = 1, kErased = 2;
constexpr uint8_t kOut = 1, kIn = 2;

}  // namespace

std::string ShardPrefix(uint32_t shard) {
  std::string prefix;
  for (int shift = 24; shift >= 0; shift -= 8) prefix.push_back(static_cast<char>(shard >> shift));
  return prefix;
}

std::string TablePrefix(const std::string& prefix, Table table) { return prefix + static_cast<char>(table); }

std::string EncodeState(const StateRow& row) {
  std::string out;
  PutU8(out, kStateFormat);
  PutU64(out, row.lsn);
  PutVersion(out, row.max_version);
  PutVersion(out, row.history_horizon);
  PutU64(out, row.counts.documents);
  PutU64(out, row.counts.client_facts);
  PutU64(out, row.counts.facts);
  PutU64(out, row.counts.entities);
  PutU64(out, row.counts.closures);
  return out;
}

Result<StateRow> DecodeState(std::string_view bytes) {
  Decoder in(bytes);
  StateRow row;
  uint8_t format = 0;
  if (!in.U8(format) || format != kStateFormat || !in.U64(row.lsn) || !GetVersion(in, row.max_version) ||
      !GetVersion(in, row.history_horizon) || !in.U64(row.counts.documents) || !in.U64(row.counts.client_facts) ||
      !in.U64(row.counts.facts) || !in.U64(row.counts.entities) || !in.U64(row.counts.closures)) {
    return in.Failure("state of a graph shard");
  }
  RETURN_IF_ERROR(in.Finish("state of a graph shard"));
  return row;
}

std::string EncodeStored(const StoredRegister& stored) {
  const bool erased = !stored.tombstone && stored.erased != Version{};
  std::string out;
  out.reserve(26 + stored.value.size());
  PutU8(out, static_cast<uint8_t>((stored.tombstone ? kTombstone : 0) | (erased ? kErased : 0)));
  PutVersion(out, stored.version);
  if (erased) PutVersion(out, stored.erased);
  if (!stored.tombstone) out += stored.value;
  return out;
}

Result<StoredRegister> DecodeStored(std::string_view bytes) {
  Decoder in(bytes);
  StoredRegister stored;
  uint8_t flags = 0;
  if (!in.U8(flags) || flags > 2 || !GetVersion(in, stored.version)) return in.Failure("register of a graph");
  stored.tombstone = (flags & kTombstone) != 0;
  if (stored.tombstone) {
    stored.erased = stored.version;
    RETURN_IF_ERROR(in.Finish("register of a graph"));
    return stored;
  }
  if ((flags & kErased) != 0 && (!GetVersion(in, stored.erased) || stored.erased == Version{})) {
    return in.Failure("register of a graph");
  }
  stored.value = in.rest();
  return stored;
}

void AppendPosting(std::string& out, const Posting& posting) {
  PutVarint(out, posting.entity);
  PutVarint(out, posting.mentions.size());
  uint64_t next = 0;
  for (const format::ChunkCount& mention : posting.mentions) {
    PutVarint(out, mention.chunk - next);
    PutVarint(out, mention.count);
    next = uint64_t{mention.chunk} + 1;
  }
  PutVarint(out, posting.facts.size());
  next = 0;
  for (const PostedFact& fact : posting.facts) {
    PutVarint(out, (fact.fact - next) << 2 | (fact.out ? kOut : 0) | (fact.in ? kIn : 0));
    next = uint64_t{fact.fact} + 1;
  }
}

Result<Posting> DecodePosting(std::string_view bytes) {
  Decoder in(bytes);
  Posting posting;
  uint64_t value = 0, count = 0, next = 0;
  if (!in.Varint(value, UINT32_MAX) || !in.Count(count, 2)) return in.Failure("posting");
  posting.entity = static_cast<uint32_t>(value);
  posting.mentions.resize(count);
  for (format::ChunkCount& mention : posting.mentions) {
    if (next > UINT32_MAX || !in.Varint(value, UINT32_MAX - next)) return in.Failure("posting");
    mention.chunk = static_cast<uint32_t>(next + value);
    next = uint64_t{mention.chunk} + 1;
    if (!in.Varint(value, UINT32_MAX)) return in.Failure("posting");
    mention.count = static_cast<uint32_t>(value);
  }
  if (!in.Count(count, 1)) return in.Failure("posting");
  posting.facts.resize(count);
  next = 0;
  for (PostedFact& fact : posting.facts) {
    if (next > UINT32_MAX || !in.Varint(value, (UINT32_MAX - next) << 2 | 3) || (value & 3) == 0) {
      return in.Failure("posting");
    }
    fact = {static_cast<uint32_t>(next + (value >> 2)), (value & kOut) != 0, (value & kIn) != 0};
    next = uint64_t{fact.fact} + 1;
  }
  RETURN_IF_ERROR(in.Finish("posting"));
  return posting;
}

// The bits of floats that are not negative sort as they do; one more leaves room for nothing at all.
void AppendRank(std::string& out, std::optional<float> weight_max, uint64_t mentions) {
  const uint32_t inverted = ~(weight_max ? std::bit_cast<uint32_t>(*weight_max + 0.0f) + 1 : 0);  // -0 is 0
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(inverted >> shift));
  out.push_back(static_cast<char>(255 - std::min<uint64_t>(mentions, 255)));
}

std::string EncodeStatistics(const StatisticsRow& row) {
  const EntityStatistics& statistics = row.statistics;
  std::string out;
  PutBytes(out, statistics.name);
  PutVarint(out, statistics.documents);
  PutVarint(out, statistics.origins);
  PutVarint(out, statistics.mentions);
  PutVarint(out, statistics.facts);
  PutVarint(out, statistics.types.size() + (statistics.titles > 0 ? 1 : 0));
  if (statistics.titles > 0) {
    PutBytes(out, {});  // no type is called so
    PutVarint(out, statistics.titles);
  }
  for (const auto& [type, votes] : statistics.types) {
    PutBytes(out, type);
    PutVarint(out, votes);
  }
  if (statistics.origins == 1) {
    PutBytes(out, row.only_place);
    out += row.only_posting;
  }
  return out;
}

Result<StatisticsRow> DecodeStatistics(std::string_view bytes) {
  Decoder in(bytes);
  StatisticsRow row;
  EntityStatistics& statistics = row.statistics;
  uint64_t count = 0;
  if (!in.Bytes(statistics.name) || !in.Varint(statistics.documents) || !in.Varint(statistics.origins) ||
      !in.Varint(statistics.mentions) || !in.Varint(statistics.facts) || !in.Count(count, 2)) {
    return in.Failure("statistics of an entity");
  }
  for (uint64_t i = 0; i < count; ++i) {
    std::string type;
    uint64_t votes = 0;
    if (!in.Bytes(type) || !in.Varint(votes)) return in.Failure("statistics of an entity");
    if (!type.empty()) {
      statistics.types.emplace_back(std::move(type), votes);
    } else if (i == 0 && votes > 0) {
      statistics.titles = votes;
    } else {
      return in.Failure("statistics of an entity");
    }
  }
  if (statistics.origins == 1) {
    if (!in.Bytes(row.only_place) || row.only_place.size() <= kRankBytes) return in.Failure("statistics of an entity");
    row.only_posting = in.rest();
    return row;
  }
  RETURN_IF_ERROR(in.Finish("statistics of an entity"));
  return row;
}

std::string EntityStatistics::Type() const {
  const std::pair<std::string, uint64_t>* best = nullptr;
  for (const auto& entry : types) {
    if (best == nullptr || entry.second > best->second) best = &entry;
  }
  return best == nullptr ? std::string() : best->first;
}

void MentionedEntity::Take(const EntityStatistics& statistics) {
  documents = statistics.documents;
  titles = statistics.titles;
  one_type = statistics.types.size() <= 1;
}

std::string NameKeyOf(std::string_view name, const EntityId& entity, std::string_view owner) {
  std::string key(name);
  key.push_back('\0');
  key += entity.Encode();
  return key.append(owner);
}

Result<NameEntry> ParseNameKey(std::string_view key) {
  const size_t end = key.find('\0');
  if (end == std::string_view::npos || key.size() < end + 1 + format::kEntityIdBytes + 1) {
    return Status::Corruption("a name's row without its entity");
  }
  const EntityId entity = EntityId::Decode(key.substr(end + 1, format::kEntityIdBytes));
  return NameEntry{std::string(key.substr(0, end)), entity, key.substr(end + 1 + format::kEntityIdBytes) != kNameOwner};
}

std::string FactPlace::Encode() const {
  std::string out = origin;
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
  return out;
}

Result<FactPlace> FactPlace::Decode(const std::string& text) {
  if (text.size() <= kRankBytes + 4 ||
      !format::ParseGraphKey(std::string_view(text).substr(kRankBytes, text.size() - kRankBytes - 4)).ok()) {
    return Status::InvalidArgument("after", "is not where a page of facts ended");
  }
  FactPlace place{text.substr(0, text.size() - 4), 0};
  for (const char byte : text.substr(text.size() - 4)) {
    place.number = place.number << 8 | static_cast<unsigned char>(byte);
  }
  return place;
}

std::string EventPlaceOf(const EntityId& entity, int64_t at_ms, uint64_t number) {
  const std::string key = format::EventKeyOf(entity, INT64_MAX - at_ms, UINT64_MAX - number);
  return key.substr(1 + format::kEntityIdBytes) + entity.Encode();
}

Result<format::PutEvent> ParseEventPlace(std::string_view place) {
  constexpr size_t kTimeBytes = 2 * sizeof(uint64_t);
  if (place.size() != kTimeBytes + format::kEntityIdBytes) return Status::Corruption("an event's row of no event");
  const EntityId entity = EntityId::Decode(place.substr(kTimeBytes));
  std::string key(1, static_cast<char>(format::GraphKind::kEvent));
  key.append(place.substr(kTimeBytes)).append(place.substr(0, kTimeBytes));
  const auto parsed = format::ParseGraphKey(key);
  if (!parsed.ok()) return Status::Corruption("an event's row of no event");
  return format::PutEvent{entity, INT64_MAX - parsed->at_ms, UINT64_MAX - parsed->number, {}};
}

}  // namespace rhizome::graph
