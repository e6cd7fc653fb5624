#include "format/graph_key.h"

#include <algorithm>

#include "base/hash.h"
#include "base/utf8.h"
#include "format/routing.h"

namespace rhizome::format {
namespace {

// Fixed for ever: ids of facts and routes are made with them.
constexpr uint64_t kOriginSeed = 0x4F524947;  // "ORIG"
constexpr uint64_t kEntityRouteSeed = 0x454E5449;
constexpr size_t kHashBytes = 8;

void AppendBigEndian(std::string& out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

uint64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

char KindOf(const GraphOrigin& origin) {
  return static_cast<char>(origin.kind == GraphOrigin::Kind::kDocument ? GraphKind::kDocument : GraphKind::kFact);
}

Status Bad(const char* why) { return Status::InvalidArgument("key", why); }

// Hash and encoded id of an origin.
Status TakeOrigin(std::string_view bytes, GraphOrigin& origin) {
  if (bytes.size() <= kHashBytes) return Bad("is too short");
  Result<PointId> id = PointId::Decode(bytes.substr(kHashBytes));
  if (!id.ok()) return Bad("holds no id");
  if (PointId::IsChunk(bytes.substr(kHashBytes))) return Bad("names a chunk: its document is the register");
  origin.id = std::move(id).value();
  return origin.Hash() == BigEndian(bytes.substr(0, kHashBytes)) ? Status::Ok() : Bad("is not of its id's hash");
}

Status TakeClosure(std::string_view bytes, GraphKey& key) {
  if (bytes.size() <= 2 * kHashBytes + 1) return Bad("is too short");
  const char kind = bytes[kHashBytes];
  if (kind != 'd' && kind != 'f') return Bad("names no kind of origin");
  key.origin.kind = kind == 'd' ? GraphOrigin::Kind::kDocument : GraphOrigin::Kind::kFact;
  key.fact = BigEndian(bytes.substr(bytes.size() - kHashBytes));
  std::string origin(bytes.substr(0, kHashBytes));
  origin += bytes.substr(kHashBytes + 1, bytes.size() - 2 * kHashBytes - 1);
  return TakeOrigin(origin, key.origin);
}

Status TakeEntityKey(std::string_view bytes, GraphKey& key) {
  if (bytes.size() <= kEntityIdBytes) return Bad("is too short");
  key.entity = EntityId::Decode(bytes.substr(0, kEntityIdBytes));
  const std::string_view rest = bytes.substr(kEntityIdBytes);
  switch (key.kind) {
    case GraphKind::kProperty:
      key.field = static_cast<PropertyField>(rest[0]);
      return rest.size() == 1 && rest[0] >= 1 && rest[0] <= 4 ? Status::Ok() : Bad("names no property");
    case GraphKind::kAlias: key.alias = rest; return Status::Ok();
    case GraphKind::kMerge:
      if (rest.size() != kEntityIdBytes) return Bad("holds no two entities");
      key.other = EntityId::Decode(rest);
      return key.entity < key.other ? Status::Ok() : Bad("holds its entities in the wrong order");
    case GraphKind::kEvent:
      if (rest.size() != 2 * sizeof(uint64_t)) return Bad("names no event");
      key.at_ms = static_cast<int64_t>(BigEndian(rest.substr(0, sizeof(uint64_t))));
      key.number = BigEndian(rest.substr(sizeof(uint64_t)));
      return key.at_ms >= 0 ? Status::Ok() : Bad("is of a time before all");
    default:
      if (rest.size() != sizeof(key.node)) return Bad("names no node");
      key.node = static_cast<uint32_t>(BigEndian(rest));
      return Status::Ok();
  }
}

Status TakeRegister(std::string_view bytes, GraphKey& key) {
  if (bytes.empty()) return Bad("is empty");
  key.kind = static_cast<GraphKind>(bytes[0]);
  const std::string_view rest = bytes.substr(1);
  switch (key.kind) {
    case GraphKind::kDocument: key.origin.kind = GraphOrigin::Kind::kDocument; return TakeOrigin(rest, key.origin);
    case GraphKind::kFact: key.origin.kind = GraphOrigin::Kind::kFact; return TakeOrigin(rest, key.origin);
    case GraphKind::kClosure: return TakeClosure(rest, key);
    case GraphKind::kProperty:
    case GraphKind::kAlias:
    case GraphKind::kMerge:
    case GraphKind::kEvent:
    case GraphKind::kAccess: return TakeEntityKey(rest, key);
  }
  return Bad("names no kind of register");
}

std::string WithEntity(GraphKind kind, const EntityId& entity) { return static_cast<char>(kind) + entity.Encode(); }

}  // namespace

uint64_t GraphOrigin::Hash() const { return Checksum(KindOf(*this) + id.Encode(), kOriginSeed); }

std::string GraphKeyOf(const GraphOrigin& origin) {
  std::string key(1, KindOf(origin));
  AppendBigEndian(key, origin.Hash(), 8);
  return key + origin.id.Encode();
}

std::string ClosureKeyOf(const GraphOrigin& origin, uint64_t fact) {
  std::string key(1, static_cast<char>(GraphKind::kClosure));
  AppendBigEndian(key, origin.Hash(), 8);
  key.push_back(KindOf(origin));
  key += origin.id.Encode();
  AppendBigEndian(key, fact, 8);
  return key;
}

std::string PropertyKeyOf(const EntityId& entity, PropertyField field) {
  return WithEntity(GraphKind::kProperty, entity) + static_cast<char>(field);
}

std::string AliasKeyOf(const EntityId& entity, std::string_view alias) {
  return WithEntity(GraphKind::kAlias, entity).append(alias);
}

std::string MergeKeyOf(const EntityId& a, const EntityId& b) {
  return WithEntity(GraphKind::kMerge, std::min(a, b)) + std::max(a, b).Encode();
}

std::string EventKeyOf(const EntityId& entity, int64_t at_ms, uint64_t number) {
  std::string key = WithEntity(GraphKind::kEvent, entity);
  AppendBigEndian(key, static_cast<uint64_t>(at_ms), 8);
  AppendBigEndian(key, number, 8);
  return key;
}

std::string AccessKeyOf(const EntityId& entity, uint32_t node) {
  std::string key = WithEntity(GraphKind::kAccess, entity);
  AppendBigEndian(key, node, 4);
  return key;
}

std::string HistoryKeyOf(std::string_view register_key, Version version) {
  std::string key(1, kGraphHistoryKind);
  key += register_key;
  AppendVersionKey(key, version);
  return key;
}

void AppendVersionKey(std::string& out, Version version) {
  AppendBigEndian(out, version.time, 8);
  AppendBigEndian(out, version.node, 4);
}

Version VersionFromKey(std::string_view bytes) {
  CHECK(bytes.size() == kGraphVersionBytes);
  return {BigEndian(bytes.substr(0, 8)), static_cast<uint32_t>(BigEndian(bytes.substr(8)))};
}

Result<GraphKey> ParseGraphKey(std::string_view key) {
  GraphKey parsed;
  if (key.size() > kGraphKeyBytesMax) return Bad("is too long");
  if (!key.starts_with(kGraphHistoryKind)) {
    RETURN_IF_ERROR(TakeRegister(key, parsed));
    return parsed;
  }
  if (key.size() <= 1 + kGraphVersionBytes) return Bad("is too short");
  RETURN_IF_ERROR(TakeRegister(key.substr(1, key.size() - 1 - kGraphVersionBytes), parsed));
  parsed.replaced = VersionFromKey(key.substr(key.size() - kGraphVersionBytes));
  if (parsed.kind == GraphKind::kAccess) return Bad("names a count, which has no history");
  if (parsed.replaced == Version{}) return Bad("names no version");
  return parsed;
}

uint32_t GraphPartitionOf(const GraphKey& key, uint32_t partitions) {
  switch (key.kind) {
    case GraphKind::kDocument:
    case GraphKind::kFact:
    case GraphKind::kClosure: return PartitionOf(key.origin.id, partitions);
    default: return static_cast<uint32_t>(RouteHash(key.entity.Encode(), kEntityRouteSeed) % partitions);
  }
}

uint32_t GraphPartitionOf(const PointId& document, uint32_t partitions) { return PartitionOf(document, partitions); }

}  // namespace rhizome::format
