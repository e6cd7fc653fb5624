#include "promql/text.h"

#include <unicode/uchar.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <limits>

#include "base/utf8.h"

namespace rhizome::promql {
namespace {

constexpr int64_t kSecondMs = 1000, kMinuteMs = 60 * kSecondMs, kHourMs = 60 * kMinuteMs, kDayMs = 24 * kHourMs;
// What an int64 of nanoseconds holds.
constexpr int64_t kDurationMsMax = std::numeric_limits<int64_t>::max() / 1'000'000;

struct Unit {
  std::string_view name;
  int64_t ms;
  bool exact;  // printed only when nothing is left over
};
constexpr std::array<Unit, 7> kUnits = {{{"y", 365 * kDayMs, true},
                                         {"w", 7 * kDayMs, true},
                                         {"d", kDayMs, false},
                                         {"h", kHourMs, false},
                                         {"m", kMinuteMs, false},
                                         {"s", kSecondMs, false},
                                         {"ms", 1, false}}};

Status Wrong(std::string message) { return Status::InvalidArgument("query", std::move(message)); }

bool EqualsFolded(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

// A whole number in the bases that Go's literals have; nothing when it is none or passes 63 bits.
std::optional<double> ParseWhole(std::string_view text) {
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char kind = static_cast<char>(text[1] | 0x20);
    base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
    text.remove_prefix(kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.starts_with('-')) return std::nullopt;
  return static_cast<double>(value);
}

// The shortest digits of a finite value and where its point is: 0.d1d2… × 10^point.
struct Digits {
  std::string text;
  int point = 0;
};
Digits DigitsOf(double magnitude) {
  std::array<char, 40> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, std::chars_format::scientific).ptr;
  const std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  const size_t e = text.find('e');
  Digits digits;
  for (const char c : text.substr(0, e)) {
    if (c != '.') digits.text += c;
  }
  digits.point = std::atoi(std::string(text.substr(e + 1)).c_str()) + 1;
  if (magnitude == 0) digits = {"0", 1};
  return digits;
}

std::optional<std::string> FormatSpecial(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return std::nullopt;
}

void AppendUtf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

// One escape sequence, whose backslash is behind `offset`.
Status AppendEscape(std::string_view text, size_t& offset, char quote, std::string& out) {
  static constexpr std::string_view kLetters = "abfnrtv", kMeanings = "\a\b\f\n\r\t\v";
  if (offset >= text.size()) return Wrong("escape sequence not terminated");
  const char c = text[offset++];
  if (const size_t at = kLetters.find(c); at != std::string_view::npos) {
    out += kMeanings[at];
    return Status::Ok();
  }
  if (c == '\\' || c == quote) {
    out += c;
    return Status::Ok();
  }
  size_t digits = 0;
  int base = 16;
  if (c >= '0' && c <= '7') {
    digits = 3;
    base = 8;
    --offset;
  } else if (c == 'x' || c == 'u' || c == 'U') {
    digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
  } else {
    return Wrong("unknown escape sequence");
  }
  uint32_t value = 0;
  const std::string_view number = text.substr(offset, digits);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value, base);
  if (number.size() < digits) return Wrong("escape sequence not terminated");
  if (error != std::errc() || end != number.data() + digits) return Wrong("illegal character in escape sequence");
  offset += digits;
  const bool byte = c != 'u' && c != 'U';
  if (value > (byte ? 0xffu : 0x10ffffu) || (!byte && value >= 0xd800 && value < 0xe000)) {
    return Wrong("escape sequence is an invalid Unicode code point");
  }
  if (byte) {
    out += static_cast<char>(value);
  } else {
    AppendUtf8(out, value);
  }
  return Status::Ok();
}

void AppendHex(std::string& out, std::string_view prefix, uint32_t value, int digits) {
  out += prefix;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[(value >> shift) & 15];
}

bool IsPrintable(char32_t c) { return c == ' ' || (u_isgraph(static_cast<UChar32>(c)) != 0); }

}  // namespace

std::optional<double> ParseFloat(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (EqualsFolded(text, "inf") || EqualsFolded(text, "infinity")) return negative ? -kInfinity : kInfinity;
  if (EqualsFolded(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  if (text.empty() || text[0] == '+' || text[0] == '-' || (text[0] | 0x20) == 'i' || (text[0] | 0x20) == 'n') {
    return std::nullopt;
  }
  const bool hexadecimal = text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
  // Hexadecimal floats have an exponent, always.
  if (hexadecimal && text.find_first_of("pP") == std::string_view::npos) return std::nullopt;
  double value = 0;
  const char* const first = text.data() + (hexadecimal ? 2 : 0);
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), value,
                                            hexadecimal ? std::chars_format::hex : std::chars_format::general);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) {  // too small is no error, too large is
    value = std::strtod(std::string(text).c_str(), nullptr);
    if (std::isinf(value)) return std::nullopt;
  }
  return negative ? -value : value;
}

Result<double> ParseNumber(std::string_view text) {
  if (const auto whole = ParseWhole(text)) return *whole;
  if (const auto value = ParseFloat(text)) return *value;
  return Wrong("error parsing number: " + Quote(text));
}

std::string FormatNumber(double value) {
  if (const auto special = FormatSpecial(value)) return *special;
  const Digits digits = DigitsOf(std::fabs(value));
  const int exponent = digits.point - 1;
  if (exponent >= -4 && exponent < 6) return FormatPlain(value);
  std::string out = std::signbit(value) ? "-" : "";
  out += digits.text[0];
  if (digits.text.size() > 1) out += "." + digits.text.substr(1);
  const int magnitude = std::abs(exponent);
  out += exponent < 0 ? "e-" : "e+";
  if (magnitude < 10) out += '0';
  return out + std::to_string(magnitude);
}

std::string FormatPlain(double value) {
  if (const auto special = FormatSpecial(value)) return *special;
  const Digits digits = DigitsOf(std::fabs(value));
  const int length = static_cast<int>(digits.text.size());
  std::string out = std::signbit(value) ? "-" : "";
  if (digits.point <= 0) return out + "0." + std::string(static_cast<size_t>(-digits.point), '0') + digits.text;
  if (digits.point >= length) return out + digits.text + std::string(static_cast<size_t>(digits.point - length), '0');
  const auto point = static_cast<size_t>(digits.point);
  return out + digits.text.substr(0, point) + "." + digits.text.substr(point);
}

Result<int64_t> ParseDuration(std::string_view text) {
  int64_t total = 0;
  size_t unit = 0, offset = 0;
  while (offset < text.size()) {
    int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data() + offset, text.data() + text.size(), count);
    const size_t letters = static_cast<size_t>(end - text.data());
    if (letters == offset || text[offset] == '-') return Wrong("not a valid duration string: " + Quote(text));
    offset = letters;
    while (offset < text.size() && (text[offset] < '0' || text[offset] > '9')) ++offset;
    const std::string_view name = text.substr(letters, offset - letters);
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (unit == kUnits.size()) return Wrong("not a valid duration string: " + Quote(text));
    if (error != std::errc() || count > (kDurationMsMax - total) / kUnits[unit].ms) {
      return Wrong("duration out of range: " + Quote(text));
    }
    total += count * kUnits[unit++].ms;
  }
  if (total == 0) return Wrong("duration must be greater than 0");
  return total;
}

std::string FormatDuration(int64_t ms) {
  if (ms == 0) return "0s";
  std::string out;
  for (const Unit& unit : kUnits) {
    if (ms < unit.ms || (unit.exact && ms % unit.ms != 0)) continue;
    out += std::to_string(ms / unit.ms);
    out += unit.name;
    ms %= unit.ms;
  }
  return out;
}

std::string FormatInstant(int64_t time_ms) {
  const int64_t rest_ms = (time_ms % kSecondMs + kSecondMs) % kSecondMs;
  const std::time_t seconds = (time_ms - rest_ms) / kSecondMs;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 80> text;
  std::string out(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts));
  if (rest_ms > 0) {
    std::string fraction = std::to_string(kSecondMs + rest_ms);
    fraction[0] = '.';
    while (fraction.ends_with('0')) fraction.pop_back();
    out += fraction;
  }
  return out + "Z";
}

Result<std::string> Unquote(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != literal.back()) return Wrong("not a quoted string");
  const char quote = literal.front();
  const std::string_view text = literal.substr(1, literal.size() - 2);
  if (quote == '`') return std::string(text);
  std::string out;
  size_t offset = 0;
  while (offset < text.size()) {
    const char c = text[offset++];
    if (c == '\\') {
      RETURN_IF_ERROR(AppendEscape(text, offset, quote, out));
    } else {
      out += c;
    }
  }
  return out;
}

std::string Quote(std::string_view bytes) {
  static constexpr std::string_view kLetters = "abfnrtv", kMeanings = "\a\b\f\n\r\t\v";
  std::string out = "\"";
  for (size_t offset = 0; offset < bytes.size();) {
    const size_t before = offset;
    const char first = bytes[offset];
    const char32_t c = NextCodePoint(bytes, offset);
    if (first == '"' || first == '\\') {
      out += '\\';
      out += first;
    } else if (const size_t at = kMeanings.find(first); at != std::string_view::npos) {
      out += '\\';
      out += kLetters[at];
    } else if (c == 0xfffd && offset == before + 1) {
      AppendHex(out, "\\x", static_cast<uint8_t>(first), 2);
    } else if (IsPrintable(c)) {
      out += bytes.substr(before, offset - before);
    } else if (c < 0x20 || c == 0x7f) {
      AppendHex(out, "\\x", c, 2);
    } else if (c < 0x10000) {
      AppendHex(out, "\\u", c, 4);
    } else {
      AppendHex(out, "\\U", c, 8);
    }
  }
  return out + "\"";
}

}  // namespace rhizome::promql
