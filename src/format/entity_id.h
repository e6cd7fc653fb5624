// EntityId: what an entity of a knowledge graph is known by everywhere: a hash of its name (format/entity_name.h), so
// whoever extracts it, on whatever node, writes the same id. Fixed for ever. Pure functions.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "format/coding.h"

namespace rhizome::format {

struct EntityId {
  uint64_t high = 0;
  uint64_t low = 0;

  auto operator<=>(const EntityId&) const = default;
  // 16 bytes that sort as the ids do: part of database keys.
  std::string Encode() const;
  // `bytes` are 16.
  static EntityId Decode(std::string_view bytes);
  // 32 hexadecimal digits, lower case; Parse takes nothing else.
  std::string ToString() const;
  static std::optional<EntityId> Parse(std::string_view text);
};
inline constexpr size_t kEntityIdBytes = 16;

// Ids are hashes already; for tables in memory.
struct EntityIdHash {
  size_t operator()(const EntityId& id) const { return id.low; }
};

// Of a name in its normal form.
EntityId EntityIdOf(std::string_view name);

void PutEntityId(std::string& out, const EntityId& id);
[[nodiscard]] bool GetEntityId(Decoder& in, EntityId& id);

}  // namespace rhizome::format
