// ValueKey: the one order and identity of JSON scalars, shared by filters, their reference evaluation and the
// payload index.
//
// Two scalars are the same value exactly when their keys are equal, and within one kind keys sort as the values
// do. Numbers compare as mathematics has it: 1 equals 1.0, and 2^63 differs from 2^63 + 1 although both round to
// the same double. Strings are known by their 128-bit content hash. Instants are RFC 3339 strings read as points
// in time, to the nanosecond; finer digits are ignored. Keys are persisted: a change here is a new segment version.
// Thread-safety: plain values.
#pragma once

#include <boost/json/value.hpp>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rhizome::vector {

enum class ValueKind : uint8_t { kNull = 0, kBool = 1, kNumber = 2, kString = 3, kInstant = 4 };

struct ValueKey {
  ValueKind kind = ValueKind::kNull;
  uint64_t a = 0;
  uint64_t b = 0;

  auto operator<=>(const ValueKey&) const = default;
};

ValueKey NumberKey(double number);
ValueKey NumberKey(int64_t number);
ValueKey NumberKey(uint64_t number);
ValueKey StringKey(std::string_view text);

// The key of a null, bool, number or string; nothing for arrays and objects.
std::optional<ValueKey> ScalarKey(const boost::json::value& value);

// Reads "2024-05-31", "2024-05-31T12:00:00Z" or "2024-05-31T12:00:00.25+02:00" (RFC 3339, section 5.6; a date alone
// is midnight UTC); nothing when `text` is none of these.
std::optional<ValueKey> InstantKey(std::string_view text);

// The key of the same kind directly below or above; used to turn open bounds into closed ones. Only for numbers
// and instants.
ValueKey KeyBelow(ValueKey key);
ValueKey KeyAbove(ValueKey key);

}  // namespace rhizome::vector
