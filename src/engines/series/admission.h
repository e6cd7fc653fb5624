// Admission: what is refused before the log, so that whatever is in the log applies everywhere alike. Pure functions
// over what the caller knows; thread-safe.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "format/series_batch.h"

namespace rhizome::series {

// How far a sample's time may be from now.
struct TimeWindow {
  int64_t past_ms = 3'600'000;
  int64_t future_ms = 600'000;
};

enum class Lateness : uint8_t { kInside, kTooOld, kTooNew };
// `time_ms` any value; `now_ms` a time of a clock.
Lateness CheckTime(int64_t time_ms, int64_t now_ms, const TimeWindow& window);

// The refusal of one sample, in words for its tenant.
Status OutsideWindow(format::LabelsView labels, int64_t time_ms, Lateness lateness);
Status TooManySeries(format::LabelsView labels);

// The least and the greatest time of a batch's rows; without rows the least is the greater.
struct TimeExtent {
  int64_t min_ms = INT64_MAX;
  int64_t max_ms = INT64_MIN;
  bool empty() const { return min_ms > max_ms; }
};
TimeExtent ExtentOf(const format::SeriesBatch& batch);

// InvalidArgument names the first row outside of the window ("samples[7]"), its series and why.
Status CheckWindow(const format::SeriesBatch& batch, int64_t now_ms, const TimeWindow& window);

// ResourceExhausted (field "series") when `known` and `fresh` series are more than `limit`; without fresh ones never.
Status CheckSeriesLimit(uint64_t known, uint64_t fresh, uint64_t limit);

}  // namespace rhizome::series
