#include "promql/windows.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "promql/arithmetic.h"
#include "promql/text.h"

namespace rhizome::promql {
namespace {

// The samples in sight at one step; never empty.
struct Window {
  std::span<const int64_t> times_ms;
  std::span<const double> values;
  size_t first;     // where they begin in the series
  int64_t end_ms;   // of the window; its range further back it begins
  int64_t step_ms;  // the time of the step
  size_t step;      // its number
};

constexpr uint64_t kWorkBetweenTelling = 1 << 14;

template <typename F>
Status Slide(const Samples& samples, const Windows& windows, std::span<double> out, Budget* budget, F&& value_of) {
  const size_t n = samples.times_ms.size();
  size_t first = 0, end = 0;
  uint64_t work = 0;
  for (size_t step = 0; step < windows.grid.count; ++step) {
    const int64_t t = windows.grid.at(step);
    const int64_t max_ms = t - windows.offset_ms;
    const int64_t min_ms = max_ms - windows.range_ms;
    while (end < n && samples.times_ms[end] <= max_ms) ++end;
    while (first < end && samples.times_ms[first] < min_ms) ++first;
    out[step] = first == end ? kAbsent
                             : value_of(Window{samples.times_ms.subspan(first, end - first),
                                               samples.values.subspan(first, end - first), first, max_ms, t, step});
    work += end - first + 1;
    if (work < kWorkBetweenTelling || budget == nullptr) continue;
    RETURN_IF_ERROR(budget->Work(work));
    work = 0;
  }
  return Status::Ok();
}

// Where a counter starts again: the indices of samples below the one before them.
std::vector<size_t> ResetsOf(std::span<const double> values) {
  std::vector<size_t> resets;
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i] < values[i - 1]) resets.push_back(i);
  }
  return resets;
}

// rate, increase, delta: the difference of the ends, extrapolated to the window's ends where these are near enough.
class Extrapolation {
 public:
  Extrapolation(const Samples& samples, int64_t range_ms, bool counter, bool per_second)
      : samples_(samples), range_ms_(range_ms), counter_(counter), per_second_(per_second) {
    if (counter) resets_ = ResetsOf(samples.values);
  }

  double operator()(const Window& window) {
    const size_t n = window.values.size();
    if (n < 2) return kAbsent;
    double change = window.values[n - 1] - window.values[0];
    if (!resets_.empty()) AddResets(window, change);

    double to_start = static_cast<double>(window.times_ms[0] - (window.end_ms - range_ms_)) / 1000;
    const double to_end = static_cast<double>(window.end_ms - window.times_ms[n - 1]) / 1000;
    const double sampled = static_cast<double>(window.times_ms[n - 1] - window.times_ms[0]) / 1000;
    const double between = sampled / static_cast<double>(n - 1);
    if (counter_ && change > 0 && window.values[0] >= 0) {
      // A counter began at zero, and not before.
      const double to_zero = sampled * (window.values[0] / change);
      if (to_zero < to_start) to_start = to_zero;
    }
    const double threshold = between * 1.1;
    double extrapolated = sampled;
    extrapolated += to_start < threshold ? to_start : between / 2;
    extrapolated += to_end < threshold ? to_end : between / 2;
    double factor = extrapolated / sampled;
    if (per_second_) factor /= Seconds(range_ms_);
    return change * factor;
  }

 private:
  static double Seconds(int64_t ms) {
    return static_cast<double>(ms / 1000) + static_cast<double>(ms % 1000 * 1'000'000) / 1e9;
  }

  void AddResets(const Window& window, double& change) const {
    const auto end = window.first + window.values.size();
    for (auto at = std::upper_bound(resets_.begin(), resets_.end(), window.first); at != resets_.end() && *at < end;
         ++at) {
      change += samples_.values[*at - 1];
    }
  }

  const Samples& samples_;
  const int64_t range_ms_;
  const bool counter_;
  const bool per_second_;
  std::vector<size_t> resets_;
};

// irate, idelta.
double LastChange(const Window& window, bool rate) {
  const size_t n = window.values.size();
  if (n < 2) return kAbsent;
  const double last = window.values[n - 1], before = window.values[n - 2];
  double change = rate && last < before ? last : last - before;
  const int64_t between_ms = window.times_ms[n - 1] - window.times_ms[n - 2];
  if (rate) change /= static_cast<double>(between_ms) / 1000;
  return change;
}

double Mean(std::span<const double> values) {
  CompensatedSum mean;
  double count = 0;
  for (const double value : values) {
    ++count;
    if (!KeepsInfiniteMean(mean.sum, value)) mean.Add(value / count - mean.sum / count);
  }
  return mean.TotalOrInfinity();
}

double Variance(std::span<const double> values) {
  CompensatedSum mean, squares;
  double count = 0;
  for (const double value : values) {
    ++count;
    const double delta = value - mean.Total();
    mean.Add(delta / count);
    squares.Add(delta * (value - mean.Total()));
  }
  return squares.Total() / count;
}

double Sum(std::span<const double> values) {
  CompensatedSum sum;
  for (const double value : values) sum.Add(value);
  return sum.TotalOrInfinity();
}

double Least(std::span<const double> values) {
  double least = values[0];
  for (const double value : values) {
    if (value < least || std::isnan(least)) least = value;
  }
  return least;
}

double Greatest(std::span<const double> values) {
  double greatest = values[0];
  for (const double value : values) {
    if (value > greatest || std::isnan(greatest)) greatest = value;
  }
  return greatest;
}

double CountChanges(std::span<const double> values) {
  size_t changes = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    changes += values[i] != values[i - 1] && !(std::isnan(values[i]) && std::isnan(values[i - 1]));
  }
  return static_cast<double>(changes);
}

double CountResets(std::span<const double> values) {
  size_t resets = 0;
  for (size_t i = 1; i < values.size(); ++i) resets += values[i] < values[i - 1];
  return static_cast<double>(resets);
}

// Double exponential smoothing.
double HoltWinters(std::span<const double> values, double smoothing, double trend) {
  if (values.size() < 2) return kAbsent;
  double before = 0, smoothed = values[0], slope = values[1] - values[0];
  for (size_t i = 1; i < values.size(); ++i) {
    const double x = smoothing * values[i];
    if (i > 1) slope = trend * (smoothed - before) + (1 - trend) * slope;
    const double y = (1 - smoothing) * (smoothed + slope);
    before = smoothed;
    smoothed = x + y;
  }
  return smoothed;
}

Status CheckFactor(double factor, const char* name, const char* sign) {
  if (!(factor <= 0 || factor >= 1)) return Status::Ok();
  return Status::FailedPrecondition("invalid " + std::string(name) + " factor. Expected: 0 < " + sign +
                                    " < 1, got: " + FormatNumber(factor));
}

Status SlideHoltWinters(const Samples& samples, const Windows& windows, std::span<const std::vector<double>> parameters,
                        std::span<double> out, Budget* budget) {
  Status wrong;
  const Status ended = Slide(samples, windows, out, budget, [&](const Window& w) {
    const double smoothing = parameters[0][w.step], trend = parameters[1][w.step];
    if (wrong.ok()) wrong = CheckFactor(smoothing, "smoothing", "sf");
    if (wrong.ok()) wrong = CheckFactor(trend, "trend", "tf");
    return wrong.ok() ? HoltWinters(w.values, smoothing, trend) : kAbsent;
  });
  return wrong.ok() ? ended : wrong;
}

double QuantileOver(const Window& window, double phi, std::vector<double>& buffer) {
  buffer.assign(window.values.begin(), window.values.end());
  return Quantile(phi, buffer);
}

double Slope(const Window& window) {
  return window.values.size() < 2 ? kAbsent : FitLine(window.times_ms, window.values, window.times_ms[0]).slope;
}

double Predict(const Window& window, double ahead) {
  if (window.values.size() < 2) return kAbsent;
  const Line line = FitLine(window.times_ms, window.values, window.step_ms);
  return line.slope * ahead + line.intercept;
}

}  // namespace

Status EvaluateWindows(FunctionId function, const Samples& samples, const Windows& windows,
                       std::span<const std::vector<double>> parameters, std::span<double> out, Budget* budget) {
  using W = const Window&;
  Status status;
  const auto slide = [&](auto&& value_of) { status = Slide(samples, windows, out, budget, value_of); };
  std::vector<double> buffer;
  switch (function) {
    case FunctionId::kRate: slide(Extrapolation(samples, windows.range_ms, true, true)); break;
    case FunctionId::kIncrease: slide(Extrapolation(samples, windows.range_ms, true, false)); break;
    case FunctionId::kDelta: slide(Extrapolation(samples, windows.range_ms, false, false)); break;
    case FunctionId::kIrate: slide([](W w) { return LastChange(w, true); }); break;
    case FunctionId::kIdelta: slide([](W w) { return LastChange(w, false); }); break;
    case FunctionId::kDeriv: slide(Slope); break;
    case FunctionId::kPredictLinear: slide([&](W w) { return Predict(w, parameters[0][w.step]); }); break;
    case FunctionId::kResets: slide([](W w) { return CountResets(w.values); }); break;
    case FunctionId::kChanges: slide([](W w) { return CountChanges(w.values); }); break;
    case FunctionId::kHoltWinters: return SlideHoltWinters(samples, windows, parameters, out, budget);
    case FunctionId::kAvgOverTime: slide([](W w) { return Mean(w.values); }); break;
    case FunctionId::kSumOverTime: slide([](W w) { return Sum(w.values); }); break;
    case FunctionId::kMinOverTime: slide([](W w) { return Least(w.values); }); break;
    case FunctionId::kMaxOverTime: slide([](W w) { return Greatest(w.values); }); break;
    case FunctionId::kCountOverTime: slide([](W w) { return static_cast<double>(w.values.size()); }); break;
    case FunctionId::kLastOverTime: slide([](W w) { return w.values.back(); }); break;
    case FunctionId::kStdvarOverTime: slide([](W w) { return Variance(w.values); }); break;
    case FunctionId::kStddevOverTime: slide([](W w) { return std::sqrt(Variance(w.values)); }); break;
    case FunctionId::kQuantileOverTime:
      slide([&](W w) { return QuantileOver(w, parameters[0][w.step], buffer); });
      break;
    case FunctionId::kPresentOverTime:
    case FunctionId::kAbsentOverTime: slide([](W) { return 1.0; }); break;
    default: return Status::Internal("not a function over ranges");
  }
  return status;
}

void EvaluateInstants(const Samples& samples, const Windows& windows, std::span<double> out, int64_t* sample_times_ms) {
  const size_t n = samples.times_ms.size();
  size_t end = 0;
  for (size_t step = 0; step < windows.grid.count; ++step) {
    const int64_t max_ms = windows.grid.at(step) - windows.offset_ms;
    while (end < n && samples.times_ms[end] <= max_ms) ++end;
    const bool seen = end > 0 && samples.times_ms[end - 1] >= max_ms - windows.range_ms;
    // A stale marker is absence already.
    out[step] = seen ? samples.values[end - 1] : kAbsent;
    if (sample_times_ms != nullptr) sample_times_ms[step] = seen ? samples.times_ms[end - 1] : 0;
  }
}

}  // namespace rhizome::promql
