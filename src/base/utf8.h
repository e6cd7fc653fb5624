// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rhizome {

// Offset of the first byte that is not valid UTF-8; text.size() when all of it is.
size_t Utf8ValidPrefix(std::string_view text);

inline bool IsUtf8(std::string_view text) { return Utf8ValidPrefix(text) == text.size(); }

// Decodes one code point of valid UTF-8 at `offset` and moves `offset` past it. Invalid input yields U+FFFD
// and moves one byte, so that a loop always ends.
char32_t NextCodePoint(std::string_view text, size_t& offset);

}  // namespace rhizome
