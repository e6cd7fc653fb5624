// Comparing and copying strings of a few dozen bytes without a call each: what reading labels consists of.
#pragma once

#include <cstring>

#include "format/coding.h"

namespace rhizome::ingest {

// Whether two eights of bytes differ, as a number: 0 when they do not.
inline uint64_t Differ8(const char* a, const char* b) {
  return format::LoadFixed<uint64_t>(a) ^ format::LoadFixed<uint64_t>(b);
}

inline bool SameBytes(const char* a, const char* b, size_t size) {
  if (size > 64) return std::memcmp(a, b, size) == 0;
  for (; size > 32; a += 16, b += 16, size -= 16) {
    if ((Differ8(a, b) | Differ8(a + 8, b + 8)) != 0) return false;
  }
  if (size >= 16) {  // the last sixteen may overlap the first
    const char* x = a + size - 16;
    const char* y = b + size - 16;
    return (Differ8(a, b) | Differ8(a + 8, b + 8) | Differ8(x, y) | Differ8(x + 8, y + 8)) == 0;
  }
  if (size >= 8) return (Differ8(a, b) | Differ8(a + size - 8, b + size - 8)) == 0;
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

inline constexpr size_t kShortSlack = 32;  // bytes behind `to` that CopyShort may write over

// Copies `size` bytes, of which `readable` could be read from there, and gives the end of the copy.
inline char* CopyShort(char* to, const char* from, size_t size, size_t readable) {
  if (size <= kShortSlack && readable >= kShortSlack) {
    std::memcpy(to, from, kShortSlack);
  } else {
    std::memcpy(to, from, size);
  }
  return to + size;
}

// Whether all bytes are ASCII.
inline bool IsAscii(const char* from, size_t size) {
  constexpr uint64_t kHigh = 0x8080808080808080;
  uint64_t high = 0;
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= size; i += sizeof(uint64_t)) high |= format::LoadFixed<uint64_t>(from + i);
  if (size >= sizeof(uint64_t))
    return ((high | format::LoadFixed<uint64_t>(from + size - sizeof(uint64_t))) & kHigh) == 0;
  for (; i < size; ++i) high |= static_cast<uint8_t>(from[i]);
  return (high & kHigh) == 0;
}

}  // namespace rhizome::ingest
