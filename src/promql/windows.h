// The functions over ranges ("rate(a[5m])"): one value per step from the samples of a window that slides over one
// series. Counter extrapolation, resets and the order of every sum are those of Prometheus 2.42. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "promql/budget.h"
#include "promql/functions.h"
#include "promql/value.h"

namespace rhizome::promql {

// At each step the window is [t - offset_ms - range_ms, t - offset_ms], both ends in.
struct Windows {
  Grid grid;
  int64_t offset_ms = 0;
  int64_t range_ms = 0;
};

// Samples of one series, ascending in time, without stale markers.
struct Samples {
  std::span<const int64_t> times_ms;
  std::span<const double> values;
};

// `out` has a place for each step. `parameters` are the scalar arguments in order, one value for each step.
// FailedPrecondition for parameters that the function does not take. `budget`, when not null, is told of the work as it
// goes: many long windows over one series take longer than a query may.
Status EvaluateWindows(FunctionId function, const Samples& samples, const Windows& windows,
                       std::span<const std::vector<double>> parameters, std::span<double> out,
                       Budget* budget = nullptr);

// What an instant selector sees: the last sample at or before t - offset_ms, not older than range_ms and no stale
// marker. With `at_ms`, not null, the samples' times too.
void EvaluateInstants(const Samples& samples_with_markers, const Windows& windows, std::span<double> out,
                      int64_t* sample_times_ms);

}  // namespace rhizome::promql
