// Which of two samples of one series at one time counts: a fixed total order, so that the same set of samples gives the
// same state in whatever order, and however often, its members arrive.
//
// A number beats any NaN, so a stale marker never hides a value; of two numbers the greater counts (0 beats -0); of two
// NaN their signs and payloads decide. Pure functions; thread-safe.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "engines/series/chunk.h"

namespace rhizome::series {

// Greater counts. Distinct bits have distinct ranks.
inline std::pair<bool, uint64_t> RankOf(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  const bool negative = bits >> 63 != 0;
  return {!std::isnan(value), negative ? ~bits : bits | uint64_t{1} << 63};
}

inline double Prevailing(double a, double b) { return RankOf(a) < RankOf(b) ? b : a; }

// Sorts `samples` by time and keeps of each time the one that counts.
void SortAndResolve(std::vector<Sample>& samples);

// Both ascending; the result is as if all had been sorted and resolved. Appends to `to`.
void MergeResolved(const Samples& a, const Samples& b, Samples& to);

}  // namespace rhizome::series
