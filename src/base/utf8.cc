#include "base/utf8.h"

#include <cstring>

namespace rhizome {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Decoded {
  char32_t code_point;
  size_t length;  // 0: not valid
};

Decoded Decode(std::string_view text, size_t offset) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[offset + i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - offset < length) return {0, 0};
  char32_t code_point = lead & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0, 0};
    code_point = code_point << 6 | (byte(i) & 0x3F);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < kSmallest[length] || surrogate || code_point > 0x10FFFF) return {0, 0};
  return {code_point, length};
}

}  // namespace

size_t Utf8ValidPrefix(std::string_view text) {
  size_t offset = 0;
  while (offset < text.size()) {
    if (const size_t eight = offset + sizeof(uint64_t); eight <= text.size()) {  // mostly it is ASCII
      uint64_t word = 0;
      std::memcpy(&word, text.data() + offset, sizeof(word));
      if ((word & 0x8080808080808080) == 0) {
        offset = eight;
        continue;
      }
    }
    const Decoded decoded = Decode(text, offset);
    if (decoded.length == 0) return offset;
    offset += decoded.length;
  }
  return offset;
}

char32_t NextCodePoint(std::string_view text, size_t& offset) {
  const Decoded decoded = Decode(text, offset);
  if (decoded.length == 0) {
    ++offset;
    return kReplacement;
  }
  offset += decoded.length;
  return decoded.code_point;
}

}  // namespace rhizome
