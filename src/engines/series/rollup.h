// Rollup: windows of samples as a few numbers each, so that old data can be kept at a fraction of its size.
//
// A window keeps count, sum, least and greatest for what is asked of gauges, and its first and last sample and what a
// counter lost in it for what is asked of counters: with these, increase and rate over whole windows are what they are
// over the samples, resets within windows and between them included, and windows of windows are what windows of the
// samples are. Sums are added in another order, which for what is no integer may show in the last bits.
//
// Stale markers are no samples here. As in PromQL, min and max are NaN only when all values are. Windows begin at
// multiples of their length; one without samples is left out. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engines/series/chunk.h"

namespace rhizome::series {

struct Window {
  int64_t start_ms = 0;
  uint64_t count = 0;  // at least one
  double sum = 0;
  double min = 0;
  double max = 0;
  Sample first;
  Sample last;
  double resets = 0;  // the sum of the values from which a counter fell
};

// `samples` ascend.
std::vector<Window> RollUp(const Samples& samples, int64_t window_ms);
// `windows` ascend; their length divides `window_ms`.
std::vector<Window> RollUp(std::span<const Window> windows, int64_t window_ms);

// What a counter grew by from the first sample of the windows to the last one, without extrapolation. 0 without
// windows.
double IncreaseOver(std::span<const Window> windows);

}  // namespace rhizome::series
