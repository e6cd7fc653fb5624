// What expressions evaluate to: columns, one per series, with a value for each step of a grid.
//
// A column says that a series has no sample at a step by the bits of the stale marker, which is a signalling NaN: no
// arithmetic yields it and no selector lets one through, so it stands for nothing else. Every other NaN is a value.
// A scalar is one column without labels and without gaps. Columns belong to one thread.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/status.h"
#include "format/labels.h"

namespace rhizome::promql {

inline constexpr uint64_t kStaleBits = 0x7ff0000000000002;
inline constexpr double kAbsent = std::bit_cast<double>(kStaleBits);
// Whether these are the bits of a stale marker, which ends a series in samples and says "none" in columns.
inline bool IsAbsent(double value) { return std::bit_cast<uint64_t>(value) == kStaleBits; }

// The times at which an expression is evaluated: start, start + step, …
struct Grid {
  int64_t start_ms = 0;
  int64_t step_ms = 1;
  size_t count = 1;

  int64_t at(size_t step) const { return start_ms + static_cast<int64_t>(step) * step_ms; }
  int64_t last_ms() const { return at(count - 1); }
};

struct Column {
  format::Labels labels;
  std::vector<double> values;
};
using Columns = std::vector<Column>;

inline bool HasAny(std::span<const double> values) {
  for (const double value : values) {
    if (!IsAbsent(value)) return true;
  }
  return false;
}

// Makes one column of those that have the same labels, and drops empty ones. FailedPrecondition when two of them have a
// value at one step.
Status MergeSameLabels(Columns& columns);

}  // namespace rhizome::promql
