// Decimal: doubles that people wrote as decimals, as integers and one power of ten.
//
// A value v has the form m / 10^e when that quotient, rounded to nearest as IEEE 754 division is, has v's bits. The
// division is correctly rounded and both operands are exact, so the round trip is the same on every machine. Values
// without such a form at the chosen exponent (NaN of any payload, infinities, -0, full precision) are exceptions that
// the caller keeps by their bits.
//
// Pure functions; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rhizome::series {

inline constexpr unsigned kDecimalExponentMax = 15;
// |m| is below this: then v * 10^e misses m by less than one half, and m and 10^e are exact as doubles.
inline constexpr int64_t kDecimalMagnitudeEnd = int64_t{1} << 51;

struct DecimalForm {
  unsigned exponent = 0;
  std::vector<uint32_t> exceptions;  // indices, ascending; their integer is that of the value before
};

// Writes the integers to `integers`, as long as `values`. False when more than one value in 16 (and more than one at
// all) would be an exception: then decimals are the wrong form, and `integers` holds nothing of use.
bool FindDecimalForm(std::span<const double> values, std::span<uint64_t> integers, DecimalForm& form);

// m / 10^exponent for m = integers[i] as a signed number.
void DecimalsToDoubles(std::span<const uint64_t> integers, unsigned exponent, double* to);

}  // namespace rhizome::series
