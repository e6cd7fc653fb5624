// Numbers as texts write them, to the nearest double.
#pragma once

#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rhizome::ingest {

// The NaN that a text means by NaN, as other stores of metrics have it.
inline constexpr double kTextNaN = std::bit_cast<double>(uint64_t{0x7ff8000000000001});

// A decimal number, whole and without spaces; a sign may stand before it. Nothing for one beyond a double's range, and
// for NaN and infinities.
inline std::optional<double> FiniteNumber(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || !((digits[0] >= '0' && digits[0] <= '9') || digits[0] == '.')) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A whole number, without spaces.
template <typename T>
std::optional<T> WholeNumber(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace rhizome::ingest
