#include "engines/vector/filter_value.h"

#include <bit>
#include <chrono>
#include <cmath>

#include "base/hash.h"

namespace rhizome::vector {
namespace {

// Residuals and nanoseconds are stored with this added, so that one more and one less always exist.
constexpr uint64_t kBias = uint64_t{1} << 32;

// Maps doubles to integers of the same order (the usual sign flip of IEEE 754).
uint64_t OrderedBits(double number) {
  const uint64_t bits = std::bit_cast<uint64_t>(number == 0 ? 0.0 : number);
  return bits >> 63 != 0 ? ~bits : bits | uint64_t{1} << 63;
}

// An integer is its nearest double and the small rest, which orders integers that share a nearest double.
template <typename Int>
ValueKey IntegerKey(Int number) {
  const double nearest = static_cast<double>(number);
  const __int128 rest = static_cast<__int128>(number) - static_cast<__int128>(nearest);
  return {ValueKind::kNumber, OrderedBits(nearest), kBias + static_cast<uint64_t>(static_cast<int64_t>(rest))};
}

// Reads fixed-width digits and separators from the front of a string.
struct Reader {
  std::string_view rest;

  bool Take(char wanted) {
    if (rest.empty() || rest.front() != wanted) return false;
    rest.remove_prefix(1);
    return true;
  }
  std::optional<int> Digits(size_t count) {
    if (rest.size() < count) return std::nullopt;
    int number = 0;
    for (size_t i = 0; i < count; ++i) {
      if (rest[i] < '0' || rest[i] > '9') return std::nullopt;
      number = number * 10 + (rest[i] - '0');
    }
    rest.remove_prefix(count);
    return number;
  }
};

ValueKey Instant(int64_t seconds, int64_t nanoseconds) {
  return {ValueKind::kInstant, static_cast<uint64_t>(seconds) ^ uint64_t{1} << 63,
          kBias + static_cast<uint64_t>(nanoseconds)};
}

std::optional<int64_t> ReadFraction(Reader& reader) {
  if (!reader.Take('.')) return 0;
  int64_t nanoseconds = 0;
  int64_t scale = 100'000'000;
  size_t digits = 0;
  while (const auto digit = reader.Digits(1)) {
    nanoseconds += *digit * scale;
    scale /= 10;
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  return nanoseconds;
}

std::optional<int64_t> ReadOffsetSeconds(Reader& reader) {
  if (reader.Take('Z') || reader.Take('z')) return 0;
  const bool east = reader.Take('+');
  if (!east && !reader.Take('-')) return std::nullopt;
  const auto hours = reader.Digits(2);
  if (!hours || *hours > 23 || !reader.Take(':')) return std::nullopt;
  const auto minutes = reader.Digits(2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const int64_t seconds = *hours * 3600 + *minutes * 60;
  return east ? seconds : -seconds;
}

std::optional<int64_t> ReadDateSeconds(Reader& reader) {
  const auto year = reader.Digits(4);
  if (!year || !reader.Take('-')) return std::nullopt;
  const auto month = reader.Digits(2);
  if (!month || !reader.Take('-')) return std::nullopt;
  const auto day = reader.Digits(2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * int64_t{86'400};
}

}  // namespace

ValueKey NumberKey(double number) { return {ValueKind::kNumber, OrderedBits(number), kBias}; }
ValueKey NumberKey(int64_t number) { return IntegerKey(number); }
ValueKey NumberKey(uint64_t number) { return IntegerKey(number); }

ValueKey StringKey(std::string_view text) {
  const auto [high, low] = ContentHash(text);
  return {ValueKind::kString, high, low};
}

std::optional<ValueKey> ScalarKey(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return ValueKey{};
    case boost::json::kind::bool_: return ValueKey{ValueKind::kBool, value.get_bool() ? 1u : 0u, 0};
    case boost::json::kind::int64: return NumberKey(value.get_int64());
    case boost::json::kind::uint64: return NumberKey(value.get_uint64());
    case boost::json::kind::double_: return NumberKey(value.get_double());
    case boost::json::kind::string: return StringKey(value.get_string());
    case boost::json::kind::array:
    case boost::json::kind::object: return std::nullopt;
  }
  return std::nullopt;
}

std::optional<ValueKey> InstantKey(std::string_view text) {
  Reader reader{text};
  const auto day = ReadDateSeconds(reader);
  if (!day) return std::nullopt;
  if (reader.rest.empty()) return Instant(*day, 0);
  if (!reader.Take('T') && !reader.Take('t') && !reader.Take(' ')) return std::nullopt;
  const auto hour = reader.Digits(2);
  if (!hour || *hour > 23 || !reader.Take(':')) return std::nullopt;
  const auto minute = reader.Digits(2);
  if (!minute || *minute > 59 || !reader.Take(':')) return std::nullopt;
  const auto second = reader.Digits(2);
  if (!second || *second > 60) return std::nullopt;
  const auto nanoseconds = ReadFraction(reader);
  if (!nanoseconds) return std::nullopt;
  const auto offset = ReadOffsetSeconds(reader);
  if (!offset || !reader.rest.empty()) return std::nullopt;
  return Instant(*day + *hour * 3600 + *minute * 60 + *second - *offset, *nanoseconds);
}

ValueKey KeyBelow(ValueKey key) {
  --key.b;
  return key;
}

ValueKey KeyAbove(ValueKey key) {
  ++key.b;
  return key;
}

}  // namespace rhizome::vector
