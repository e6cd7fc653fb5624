// Uuid: 128 bits, printed in the RFC 4122 form. Everything on disk is named by one, so user names never
// reach a path.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rhizome {

struct Uuid {
  std::array<uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const { return *this == Uuid{}; }

  // "6ba7b810-9dad-11d1-80b4-00c04fd430c8", lower case.
  std::string ToString() const;
  // Accepts the 36-character form in either case, nothing else.
  static std::optional<Uuid> Parse(std::string_view text);
  // Version 4, from the kernel's generator.
  static Uuid Random();
  // Version 8, derived from a name: the same name gives the same id on every machine.
  static Uuid FromName(std::string_view name);
};

}  // namespace rhizome
