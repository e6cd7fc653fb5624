#include "format/entity_id.h"

#include <array>

#include "base/check.h"
#include "base/hash.h"

namespace rhizome::format {

EntityId EntityIdOf(std::string_view name) {
  const auto [high, low] = ContentHash(name);
  return {high, low};
}

std::string EntityId::Encode() const {
  std::string out(kEntityIdBytes, '\0');
  for (size_t i = 0; i < 8; ++i) {
    out[i] = static_cast<char>(high >> (56 - 8 * i));
    out[8 + i] = static_cast<char>(low >> (56 - 8 * i));
  }
  return out;
}

EntityId EntityId::Decode(std::string_view bytes) {
  CHECK(bytes.size() == kEntityIdBytes);
  EntityId id;
  for (size_t i = 0; i < 8; ++i) {
    id.high = id.high << 8 | static_cast<unsigned char>(bytes[i]);
    id.low = id.low << 8 | static_cast<unsigned char>(bytes[8 + i]);
  }
  return id;
}

std::string EntityId::ToString() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : Encode()) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

std::optional<EntityId> EntityId::Parse(std::string_view text) {
  if (text.size() != 2 * kEntityIdBytes) return std::nullopt;
  std::array<uint64_t, 2> halves{};
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return std::nullopt;
    halves[i / 16] = halves[i / 16] << 4 | static_cast<uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return EntityId{halves[0], halves[1]};
}

void PutEntityId(std::string& out, const EntityId& id) { out += id.Encode(); }

bool GetEntityId(Decoder& in, EntityId& id) {
  std::string_view raw;
  if (!in.Raw(raw, kEntityIdBytes)) return false;
  id = EntityId::Decode(raw);
  return true;
}

}  // namespace rhizome::format
