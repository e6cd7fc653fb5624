// Inner loops over 64-bit integers and doubles, compiled once per instruction set and picked at run time.
//
// Every instruction set gives the same results. Pure functions on arrays the caller owns; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rhizome::series {

// in[i] -= first, for all; the OR of the results.
uint64_t SubtractFirst(uint64_t* integers, size_t count, uint64_t first);
// The least as a signed number, and how far above it the greatest is. count >= 1.
struct Spread {
  uint64_t least = 0;
  uint64_t range = 0;
};
Spread SpreadOf(const uint64_t* integers, size_t count);
// to[i] = in[i] - in[i - 1], also for i = 0, and so on; `line`: in[i] - (index + i) * step.
void Differences(const uint64_t* in, size_t count, uint64_t* to);
void SecondDifferences(const uint64_t* in, size_t count, uint64_t* to);
void LineDifferences(const uint64_t* in, size_t count, uint64_t index, uint64_t step, uint64_t* to);
// to[i] = ZigZag(in[i] - base); widths[i] = bit width of to[i].
void ZigZagOffsets(const uint64_t* in, size_t count, uint64_t base, uint64_t* to, uint8_t* widths);
// to[i] = base + UnZigZag(to[i]).
void AddZigZag(uint64_t* to, size_t count, uint64_t base);
// to[i] = field i of `width` bits, plus base. 8 bytes behind the packed ones must be readable; width <= 57.
void UnpackFields(const char* packed, unsigned width, size_t count, uint64_t base, uint64_t* to);
// to[i] = first + (in[i] << shift).
void ShiftAndAdd(uint64_t* integers, size_t count, unsigned shift, uint64_t first);

// integers[i]: values[i] * power to the nearest integer. Whether every one is exact (decimal.h).
bool ToDecimals(const double* values, size_t count, double power, uint64_t* integers);
bool IsDecimal(double value, double power, uint64_t integer);
// The signed integers[i] / power.
void FromDecimals(const uint64_t* integers, size_t count, double power, double* to);

}  // namespace rhizome::series
