// Keys of a graph's registers (docs/formats/graph_batch.md): what replicas name registers by, and what decides the
// partition. Also the database key, behind the shard's prefix.
//
//   'd' origin hash, id            what a document says
//   'f' origin hash, id            a client's fact
//   'c' origin hash, kind, id, fact   the closure of one of their facts
//   'p' entity, field    'a' entity, alias    'm' smaller entity, larger entity    'n' entity, node
//   'e' entity, time, number
//   'z' one of these (not 'n'), version       a value that a newer one has replaced, kept as history
//
// All that an origin's facts need is in the origin's partition; entities' registers route by the entity, merges by the
// smaller one. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/version.h"
#include "format/graph.h"

namespace rhizome::format {

enum class GraphKind : uint8_t {
  kDocument = 'd',
  kFact = 'f',
  kClosure = 'c',
  kProperty = 'p',
  kAlias = 'a',
  kMerge = 'm',
  kEvent = 'e',
  kAccess = 'n',
};

inline constexpr size_t kGraphVersionBytes = 12;
inline constexpr char kGraphHistoryKind = 'z';
inline constexpr size_t kGraphKeyBytesMax = PointId::kStringLenMax + 32;

std::string GraphKeyOf(const GraphOrigin& origin);
std::string ClosureKeyOf(const GraphOrigin& origin, uint64_t fact);
std::string PropertyKeyOf(const EntityId& entity, PropertyField field);
std::string AliasKeyOf(const EntityId& entity, std::string_view alias);
std::string MergeKeyOf(const EntityId& a, const EntityId& b);
std::string EventKeyOf(const EntityId& entity, int64_t at_ms, uint64_t number);
std::string AccessKeyOf(const EntityId& entity, uint32_t node);
// The key of a replaced value.
std::string HistoryKeyOf(std::string_view register_key, Version version);

// A key taken apart; only the fields of its kind say something.
struct GraphKey {
  GraphKind kind = GraphKind::kDocument;
  GraphOrigin origin;
  uint64_t fact = 0;
  EntityId entity;
  EntityId other;  // of a merge, the larger one
  PropertyField field = PropertyField::kDescription;
  std::string alias;
  uint32_t node = 0;
  int64_t at_ms = 0;  // of an event, as is number
  uint64_t number = 0;
  Version replaced;  // Version{}: the register itself
  bool operator==(const GraphKey&) const = default;
};
// InvalidArgument (field "key") for what no operation writes.
Result<GraphKey> ParseGraphKey(std::string_view key);

// Of the register that an operation writes. `partitions` is at least 1.
uint32_t GraphPartitionOf(const GraphKey& key, uint32_t partitions);
uint32_t GraphPartitionOf(const PointId& document, uint32_t partitions);

// Big-endian, so that they sort.
void AppendVersionKey(std::string& out, Version version);
Version VersionFromKey(std::string_view bytes);

}  // namespace rhizome::format
