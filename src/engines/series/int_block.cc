#include "engines/series/int_block.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "engines/series/int_kernels.h"

namespace rhizome::series {
namespace {

constexpr size_t kIntegersMax = 128;
enum Kind : uint8_t { kPlain = 0, kPatched = 1, kMasked = 2 };
// One unaligned load of 8 bytes holds any field of up to so many bits; wider ones take all 64.
constexpr unsigned kOddWidthMax = 57;
constexpr unsigned kWholeWidthCode = kOddWidthMax + 1;

unsigned StoredWidth(unsigned bits) { return bits <= kOddWidthMax ? bits : 64; }
bool IsStoredWidth(unsigned width) { return width <= kOddWidthMax || width == 64; }
// A width in 6 bits.
unsigned WidthCode(unsigned width) { return width == 64 ? kWholeWidthCode : width; }
[[nodiscard]] bool WidthOf(unsigned code, unsigned& width) {
  width = code == kWholeWidthCode ? 64 : code;
  return code <= kWholeWidthCode;
}
size_t PackedBytes(size_t count, unsigned width) { return (count * width + 7) / 8; }
uint64_t LowMask(unsigned width) { return width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1; }

// The low `width` bits of each, one after another, lowest bit first.
void PutPacked(std::span<const uint64_t> integers, unsigned width, std::string& out) {
  if (width == 0) return;
  const uint64_t mask = LowMask(width);
  std::array<char, kIntegersMax * 8 + 8> packed;
  char* to = packed.data();
  uint64_t word = 0;
  unsigned filled = 0;
  for (const uint64_t integer : integers) {
    const uint64_t field = integer & mask;
    word |= field << filled;
    filled += width;
    if (filled < 64) continue;
    format::StoreFixed(to, word);
    to += 8;
    filled -= 64;
    word = filled == 0 ? 0 : field >> (width - filled);
  }
  format::StoreFixed(to, word);
  out.append(packed.data(), PackedBytes(integers.size(), width));
}

// 8 bytes behind the packed ones must be readable.
void Unpack(const char* packed, unsigned width, uint64_t base, std::span<uint64_t> integers) {
  if (width < 64) return UnpackFields(packed, width, integers.size(), base, integers.data());
  std::memcpy(integers.data(), packed, integers.size_bytes());
  for (uint64_t& integer : integers) integer += base;
}

[[nodiscard]] bool GetPacked(format::Decoder& in, unsigned width, std::span<uint64_t> integers, uint64_t base = 0) {
  if (width == 0) {
    std::fill(integers.begin(), integers.end(), base);
    return true;
  }
  std::string_view packed;
  if (!in.Raw(packed, PackedBytes(integers.size(), width))) return false;
  if (in.remaining() >= 8) {
    Unpack(packed.data(), width, base, integers);
    return true;
  }
  std::array<char, kIntegersMax * 8 + 8> padded{};
  std::memcpy(padded.data(), packed.data(), packed.size());
  Unpack(padded.data(), width, base, integers);
  return true;
}

void PutHead(Kind kind, unsigned width, uint64_t base, std::string& out) {
  format::PutU8(out, static_cast<uint8_t>(WidthCode(width) | kind << 6));
  format::PutVarint(out, ZigZag(base));
}

// Of seven spread over the block the one that is there most often; the median when none is there twice.
uint64_t TypicalOf(std::span<const uint64_t> integers) {
  std::array<int64_t, 7> some{};
  for (size_t i = 0; i < some.size(); ++i) {
    some[i] = static_cast<int64_t>(integers[(2 * i + 1) * integers.size() / (2 * some.size())]);
  }
  std::sort(some.begin(), some.end());
  int64_t typical = some[some.size() / 2];
  size_t most = 1;
  for (size_t i = 1, run = 1; i < some.size(); ++i) {
    run = some[i] == some[i - 1] ? run + 1 : 1;
    if (run > most) {
      most = run;
      typical = some[i];
    }
  }
  return static_cast<uint64_t>(typical);
}

struct Shape {
  Kind kind = kPatched;
  unsigned width = 0;
  unsigned patches = 0;
  unsigned patch_width = 0;
  size_t bits = 0;  // of all but head and base
};

// The cheapest shape for zigzag offsets of these widths.
Shape ChooseShape(std::span<const uint8_t> widths) {
  std::array<std::array<uint8_t, 65>, 4> counts{};  // four, so that equal lengths do not wait for one another
  for (size_t i = 0; i < widths.size(); ++i) ++counts[i & 3][widths[i]];
  const auto with = [&](unsigned length) -> unsigned {
    return counts[0][length] + counts[1][length] + counts[2][length] + counts[3][length];
  };
  unsigned longest = 64;
  while (longest > 0 && with(longest) == 0) --longest;
  const size_t nonzero = widths.size() - with(0);
  Shape best{kMasked, StoredWidth(longest), 0, 0, widths.size() + nonzero * StoredWidth(longest)};
  unsigned patches = 0;
  for (unsigned width = longest; width > 0;) {
    patches += with(width--);
    if (patches > widths.size() / 4) break;  // each costs more than a byte
    if (!IsStoredWidth(width)) continue;
    const unsigned patch_width = StoredWidth(longest - width);
    const size_t bits = widths.size() * width + patches * (8 + patch_width) + 16;
    if (bits < best.bits) best = {kPatched, width, patches, patch_width, bits};
  }
  return best;
}

void PutPatched(std::span<const uint64_t> offsets, const Shape& shape, std::string& out) {
  format::PutU8(out, static_cast<uint8_t>(shape.patches));
  format::PutU8(out, static_cast<uint8_t>(shape.patch_width));
  PutPacked(offsets, shape.width, out);
  std::array<uint64_t, kIntegersMax> high;
  size_t found = 0;
  for (size_t i = 0; i < offsets.size(); ++i) {
    const uint64_t rest = offsets[i] >> shape.width;  // the width of a patched block is below 64
    if (rest == 0) continue;
    format::PutU8(out, static_cast<uint8_t>(i));
    high[found++] = rest;
  }
  CHECK(found == shape.patches);
  PutPacked({high.data(), found}, shape.patch_width, out);
}

// A bit for each offset, then those that are not 0.
void PutMasked(std::span<uint64_t> offsets, unsigned width, std::string& out) {
  std::array<uint64_t, 2> mask{};
  size_t kept = 0;
  for (size_t i = 0; i < offsets.size(); ++i) {
    const uint64_t offset = offsets[i];
    mask[i >> 6] |= uint64_t{offset != 0} << (i & 63);
    offsets[kept] = offset;
    kept += offset != 0;
  }
  out.append(reinterpret_cast<const char*>(mask.data()), PackedBytes(offsets.size(), 1));
  PutPacked(offsets.first(kept), width, out);
}

[[nodiscard]] bool GetPatched(format::Decoder& in, unsigned width, std::span<uint64_t> offsets) {
  uint8_t patches = 0;
  uint8_t patch_width = 0;
  if (width == 64 || !in.U8(patches) || patches > offsets.size() || !in.U8(patch_width) ||
      !IsStoredWidth(patch_width) || !GetPacked(in, width, offsets)) {
    return false;
  }
  std::string_view positions;
  if (!in.Raw(positions, patches)) return false;
  std::array<uint64_t, kIntegersMax> high;
  if (!GetPacked(in, patch_width, {high.data(), patches})) return false;
  int last = -1;
  for (unsigned k = 0; k < patches; ++k) {
    const auto position = static_cast<uint8_t>(positions[k]);
    if (position <= last || position >= offsets.size()) return false;
    last = position;
    offsets[position] |= high[k] << width;
  }
  return true;
}

[[nodiscard]] bool GetMasked(format::Decoder& in, unsigned width, std::span<uint64_t> offsets) {
  std::string_view bytes;
  if (!in.Raw(bytes, PackedBytes(offsets.size(), 1))) return false;
  std::array<uint64_t, 2> mask{};
  std::memcpy(mask.data(), bytes.data(), bytes.size());
  const size_t kept = static_cast<size_t>(std::popcount(mask[0]) + std::popcount(mask[1]));
  if (kept > offsets.size()) return false;  // a bit behind the last offset may be set as well: it changes nothing
  std::array<uint64_t, kIntegersMax> packed;
  if (!GetPacked(in, width, {packed.data(), kept})) return false;
  size_t next = 0;
  for (size_t i = 0; i < offsets.size(); ++i) {
    const uint64_t bit = mask[i >> 6] >> (i & 63) & 1;
    offsets[i] = packed[next & (kIntegersMax - 1)] & (0 - bit);
    next += bit;
  }
  return true;
}

}  // namespace

void PutBlock(std::span<uint64_t> integers, std::string& out) {
  CHECK(!integers.empty() && integers.size() <= kIntegersMax);
  const auto [least, range] = SpreadOf(integers.data(), integers.size());
  const unsigned plain = StoredWidth(static_cast<unsigned>(std::bit_width(range)));
  if (plain > 0) {
    const uint64_t base = TypicalOf(integers);
    std::array<uint64_t, kIntegersMax> buffer;
    std::array<uint8_t, kIntegersMax> widths;
    const std::span<uint64_t> offsets(buffer.data(), integers.size());
    ZigZagOffsets(integers.data(), integers.size(), base, buffer.data(), widths.data());
    const Shape shape = ChooseShape({widths.data(), integers.size()});
    if (shape.bits < integers.size() * plain) {
      PutHead(shape.kind, shape.width, base, out);
      return shape.kind == kPatched ? PutPatched(offsets, shape, out) : PutMasked(offsets, shape.width, out);
    }
    for (uint64_t& integer : integers) integer -= least;
  }
  PutHead(kPlain, plain, least, out);
  PutPacked(integers, plain, out);
}

bool GetBlock(format::Decoder& in, std::span<uint64_t> integers) {
  CHECK(!integers.empty() && integers.size() <= kIntegersMax);
  uint8_t head = 0;
  uint64_t base = 0;
  unsigned width = 0;
  if (!in.U8(head) || !WidthOf(head & 0x3f, width) || !in.Varint(base)) return false;
  base = UnZigZag(base);
  switch (head >> 6) {
    case kPlain: return GetPacked(in, width, integers, base);
    case kPatched:
      if (!GetPatched(in, width, integers)) return false;
      break;
    case kMasked:
      if (!GetMasked(in, width, integers)) return false;
      break;
    default: return false;
  }
  AddZigZag(integers.data(), integers.size(), base);
  return true;
}

}  // namespace rhizome::series
