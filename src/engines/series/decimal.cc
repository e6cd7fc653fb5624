#include "engines/series/decimal.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/check.h"
#include "engines/series/int_kernels.h"

namespace rhizome::series {
namespace {

constexpr std::array<double, kDecimalExponentMax + 1> kPowers = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                                 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr int kGuesses = 8;

// The smallest exponent of at least `from` at which `value` is exact.
std::optional<unsigned> ExponentOf(double value, unsigned from) {
  for (unsigned exponent = from; exponent <= kDecimalExponentMax; ++exponent) {
    uint64_t integer = 0;
    if (ToDecimals(&value, 1, kPowers[exponent], &integer)) return exponent;
  }
  return std::nullopt;
}

size_t ExceptionsMax(size_t count) { return std::max<size_t>(1, count / 16); }

// From a few values spread over all; nullopt when most of them are no decimals.
std::optional<unsigned> GuessExponent(std::span<const double> values) {
  unsigned exponent = 0;
  int refused = 0;
  const int guesses = static_cast<int>(std::min<size_t>(kGuesses, values.size()));
  for (int i = 0; i < guesses; ++i) {
    const double value = values[values.size() * i / guesses];
    const auto found = ExponentOf(value, exponent);
    if (found) {
      exponent = *found;
    } else if (++refused > guesses / 2) {
      return std::nullopt;
    }
  }
  return exponent;
}

// Converts at one exponent; how many were exact is known by `form.exceptions`. Stops when there are too many.
bool Convert(std::span<const double> values, std::span<uint64_t> integers, DecimalForm& form) {
  constexpr size_t kStep = 128;
  const double power = kPowers[form.exponent];
  const size_t exceptions_max = ExceptionsMax(values.size());
  form.exceptions.clear();
  for (size_t start = 0; start < values.size(); start += kStep) {
    const size_t end = std::min(values.size(), start + kStep);
    if (ToDecimals(&values[start], end - start, power, &integers[start])) continue;
    for (size_t i = start; i < end; ++i) {
      if (IsDecimal(values[i], power, integers[i])) continue;
      integers[i] = i == 0 ? 0 : integers[i - 1];
      form.exceptions.push_back(static_cast<uint32_t>(i));
    }
    if (form.exceptions.size() > exceptions_max) return false;
  }
  return true;
}

}  // namespace

bool FindDecimalForm(std::span<const double> values, std::span<uint64_t> integers, DecimalForm& form) {
  CHECK(values.size() == integers.size());
  const auto guess = GuessExponent(values);
  if (!guess) return false;
  form.exponent = *guess;
  while (!Convert(values, integers, form)) {
    // The guess met only coarse values. The finest of those that failed decides, as long as each round gets further.
    unsigned finest = form.exponent;
    for (const uint32_t i : form.exceptions) finest = std::max(finest, ExponentOf(values[i], finest).value_or(0));
    if (finest == form.exponent) return false;
    form.exponent = finest;
  }
  return true;
}

void DecimalsToDoubles(std::span<const uint64_t> integers, unsigned exponent, double* to) {
  CHECK(exponent <= kDecimalExponentMax);
  FromDecimals(integers.data(), integers.size(), kPowers[exponent], to);
}

}  // namespace rhizome::series
