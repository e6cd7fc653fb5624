#include "base/trace.h"

#include <algorithm>
#include <span>

#include "base/uuid.h"

namespace rhizome {
namespace {

constexpr size_t kLength = 55;
constexpr uint8_t kSampled = 1;

bool IsZero(std::span<const uint8_t> id) {
  return std::all_of(id.begin(), id.end(), [](uint8_t byte) { return byte == 0; });
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool ReadHex(std::string_view text, std::span<uint8_t> bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int high = HexValue(text[2 * i]);
    const int low = HexValue(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

void WriteHex(std::span<const uint8_t> bytes, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  for (const uint8_t byte : bytes) out += {kHex[byte >> 4], kHex[byte & 15]};
}

// Eight random bytes, not all zero. A version 4 UUID is random but for six bits, all in its middle bytes.
std::array<uint8_t, 8> RandomSpan() {
  const Uuid random = Uuid::Random();
  std::array<uint8_t, 8> span;
  std::copy_n(random.bytes.begin(), 4, span.begin());
  std::copy_n(random.bytes.begin() + 12, 4, span.begin() + 4);
  return IsZero(span) ? RandomSpan() : span;
}

}  // namespace

std::optional<Traceparent> Traceparent::Parse(std::string_view text) {
  if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  uint8_t version = 0;
  uint8_t flags = 0;
  Traceparent parsed;
  if (!ReadHex(text, {&version, 1}) || !ReadHex(text.substr(3), parsed.trace_id) ||
      !ReadHex(text.substr(36), parsed.span_id) || !ReadHex(text.substr(53), {&flags, 1})) {
    return std::nullopt;
  }
  if (version == 0xff || IsZero(parsed.trace_id) || IsZero(parsed.span_id)) return std::nullopt;
  if (text.size() > kLength && (version == 0 || text[kLength] != '-')) return std::nullopt;
  parsed.sampled = (flags & kSampled) != 0;
  return parsed;
}

Traceparent Traceparent::Random(bool sampled) {
  // Never all zero: a version 4 UUID has its version in it.
  return Traceparent{.trace_id = Uuid::Random().bytes, .span_id = RandomSpan(), .sampled = sampled};
}

Traceparent Traceparent::Child() const {
  return Traceparent{.trace_id = trace_id, .span_id = RandomSpan(), .sampled = sampled};
}

std::string Traceparent::ToString() const {
  std::string text = "00-";
  text.reserve(kLength);
  WriteHex(trace_id, text);
  text += '-';
  WriteHex(span_id, text);
  text += sampled ? "-01" : "-00";
  return text;
}

std::string_view Traceparent::TraceIdIn(std::string_view traceparent) {
  return Parse(traceparent) ? traceparent.substr(3, 32) : std::string_view();
}

}  // namespace rhizome
