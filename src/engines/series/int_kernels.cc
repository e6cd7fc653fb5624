// Plain loops: the compiler makes them fit each instruction set.
#include "engines/series/int_kernels.h"

#include <bit>
#include <cstring>

#include "engines/series/decimal.h"

// Three sets are enough: what every machine has, AVX2, AVX-512.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engines/series/int_kernels.cc"
#include <hwy/foreach_target.h>  // compiles this file again for every target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rhizome::series::HWY_NAMESPACE {

uint64_t SubtractFirst(uint64_t* __restrict integers, size_t count, uint64_t first) {
  uint64_t any = 0;
  for (size_t i = 0; i < count; ++i) any |= integers[i] -= first;
  return any;
}

Spread SpreadOf(const uint64_t* __restrict integers, size_t count) {
  auto low = static_cast<int64_t>(integers[0]);
  int64_t high = low;
  for (size_t i = 1; i < count; ++i) {
    const auto integer = static_cast<int64_t>(integers[i]);
    low = integer < low ? integer : low;
    high = integer > high ? integer : high;
  }
  return {static_cast<uint64_t>(low), static_cast<uint64_t>(high) - static_cast<uint64_t>(low)};
}

void Differences(const uint64_t* in, size_t count, uint64_t* __restrict to) {
  for (size_t i = 0; i < count; ++i) to[i] = in[i] - in[static_cast<ptrdiff_t>(i) - 1];
}

void SecondDifferences(const uint64_t* in, size_t count, uint64_t* __restrict to) {
  for (size_t i = 0; i < count; ++i) {
    const auto at = static_cast<ptrdiff_t>(i);
    to[i] = in[at] - 2 * in[at - 1] + in[at - 2];
  }
}

void LineDifferences(const uint64_t* in, size_t count, uint64_t index, uint64_t step, uint64_t* __restrict to) {
  uint64_t line = index * step;
  for (size_t i = 0; i < count; ++i, line += step) to[i] = in[i] - line;
}

void ZigZagOffsets(const uint64_t* in, size_t count, uint64_t base, uint64_t* __restrict to,
                   uint8_t* __restrict widths) {
  for (size_t i = 0; i < count; ++i) {
    const uint64_t offset = in[i] - base;
    to[i] = offset << 1 ^ static_cast<uint64_t>(static_cast<int64_t>(offset) >> 63);
  }
  for (size_t i = 0; i < count; ++i) widths[i] = static_cast<uint8_t>(64 - std::countl_zero(to[i]));
}

void AddZigZag(uint64_t* __restrict to, size_t count, uint64_t base) {
  for (size_t i = 0; i < count; ++i) to[i] = base + (to[i] >> 1 ^ (0 - (to[i] & 1)));
}

void UnpackFields(const char* __restrict packed, unsigned width, size_t count, uint64_t base, uint64_t* __restrict to) {
  const uint64_t mask = (uint64_t{1} << width) - 1;
  for (size_t i = 0; i < count; ++i) {
    const size_t bit = i * width;
    uint64_t word;
    std::memcpy(&word, packed + (bit >> 3), sizeof(word));
    to[i] = base + (word >> (bit & 7) & mask);
  }
}

void ShiftAndAdd(uint64_t* __restrict integers, size_t count, unsigned shift, uint64_t first) {
  for (size_t i = 0; i < count; ++i) integers[i] = first + (integers[i] << shift);
}

// Adding it to a number of a magnitude below 2^51 rounds that to an integer and leaves it in the low bits.
constexpr double kRounder = 6755399441055744.0;  // 1.5 * 2^52

inline bool IsDecimal(double value, double power, uint64_t integer) {
  // Outside the range the integer is not the nearest, but then it is refused as well.
  const double back = static_cast<double>(static_cast<int64_t>(integer)) / power;
  const bool in_range = integer + (kDecimalMagnitudeEnd - 1) < 2 * static_cast<uint64_t>(kDecimalMagnitudeEnd) - 1;
  return (std::bit_cast<uint64_t>(back) == std::bit_cast<uint64_t>(value)) & in_range;
}

bool ToDecimals(const double* __restrict values, size_t count, double power, uint64_t* __restrict integers) {
  uint64_t inexact = 0;
  for (size_t i = 0; i < count; ++i) {
    const double rounded = values[i] * power + kRounder;
    integers[i] = std::bit_cast<uint64_t>(rounded) - std::bit_cast<uint64_t>(kRounder);
    const double back = (rounded - kRounder) / power;  // in range this is the integer's own quotient
    inexact |= std::bit_cast<uint64_t>(back) ^ std::bit_cast<uint64_t>(values[i]);
    inexact |= integers[i] + (kDecimalMagnitudeEnd - 1) >= 2 * static_cast<uint64_t>(kDecimalMagnitudeEnd) - 1;
  }
  return inexact == 0;
}

void FromDecimals(const uint64_t* __restrict integers, size_t count, double power, double* __restrict to) {
  for (size_t i = 0; i < count; ++i) to[i] = static_cast<double>(static_cast<int64_t>(integers[i])) / power;
}

}  // namespace rhizome::series::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rhizome::series {
namespace {
HWY_EXPORT(SubtractFirst);
HWY_EXPORT(SpreadOf);
HWY_EXPORT(Differences);
HWY_EXPORT(SecondDifferences);
HWY_EXPORT(LineDifferences);
HWY_EXPORT(ZigZagOffsets);
HWY_EXPORT(AddZigZag);
HWY_EXPORT(UnpackFields);
HWY_EXPORT(ShiftAndAdd);
HWY_EXPORT(ToDecimals);
HWY_EXPORT(FromDecimals);
}  // namespace

uint64_t SubtractFirst(uint64_t* integers, size_t count, uint64_t first) {
  return HWY_DYNAMIC_DISPATCH(SubtractFirst)(integers, count, first);
}
Spread SpreadOf(const uint64_t* integers, size_t count) { return HWY_DYNAMIC_DISPATCH(SpreadOf)(integers, count); }
void Differences(const uint64_t* in, size_t count, uint64_t* to) { HWY_DYNAMIC_DISPATCH(Differences)(in, count, to); }
void SecondDifferences(const uint64_t* in, size_t count, uint64_t* to) {
  HWY_DYNAMIC_DISPATCH(SecondDifferences)(in, count, to);
}
void LineDifferences(const uint64_t* in, size_t count, uint64_t index, uint64_t step, uint64_t* to) {
  HWY_DYNAMIC_DISPATCH(LineDifferences)(in, count, index, step, to);
}
void ZigZagOffsets(const uint64_t* in, size_t count, uint64_t base, uint64_t* to, uint8_t* widths) {
  HWY_DYNAMIC_DISPATCH(ZigZagOffsets)(in, count, base, to, widths);
}
void AddZigZag(uint64_t* to, size_t count, uint64_t base) { HWY_DYNAMIC_DISPATCH(AddZigZag)(to, count, base); }
void UnpackFields(const char* packed, unsigned width, size_t count, uint64_t base, uint64_t* to) {
  HWY_DYNAMIC_DISPATCH(UnpackFields)(packed, width, count, base, to);
}
void ShiftAndAdd(uint64_t* integers, size_t count, unsigned shift, uint64_t first) {
  HWY_DYNAMIC_DISPATCH(ShiftAndAdd)(integers, count, shift, first);
}
bool ToDecimals(const double* values, size_t count, double power, uint64_t* integers) {
  return HWY_DYNAMIC_DISPATCH(ToDecimals)(values, count, power, integers);
}
bool IsDecimal(double value, double power, uint64_t integer) {
  return HWY_STATIC_DISPATCH(IsDecimal)(value, power, integer);
}
void FromDecimals(const uint64_t* integers, size_t count, double power, double* to) {
  HWY_DYNAMIC_DISPATCH(FromDecimals)(integers, count, power, to);
}

}  // namespace rhizome::series
#endif  // HWY_ONCE
