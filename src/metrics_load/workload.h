// Workload: what a fleet of machines would send: series of eight labels and their samples, one after another.
//
// Of ten series five are integer counters (two of these the buckets of histograms), two gauges of two decimals, one a
// gauge of bytes, one nearly constant and one a walk at full precision; or all are such walks. Each has a sample every
// interval, at a phase of its own; one sample in twenty is off its time by up to 5 % of the interval.
//
// Deterministic: a series' samples depend on its number, the options and nothing else, so several servers can be given
// the same. A Workload holds a stretch of the series, about 40 bytes each. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rhizome::metrics_load {

struct WorkloadOptions {
  int64_t start_ms = 0;  // the first interval's begin
  int64_t interval_ms = 15'000;
  bool full_precision = false;  // all series are walks at full precision
  uint64_t seed = 1;
};

struct Sample {
  int64_t time_ms = 0;
  double value = 0;
};

using LabelList = std::vector<std::pair<std::string, std::string>>;

// The labels of a series, sorted by name, "__name__" among them. Different for every number.
LabelList LabelsOf(uint64_t series);

class Workload {
 public:
  Workload(const WorkloadOptions& options, uint64_t first_series, uint64_t count);

  // The next sample of the series first_series + i.
  Sample Next(uint64_t i);
  uint64_t count() const { return states_.size(); }

 private:
  struct State {
    uint64_t random = 0;
    double value = 0;
    double pace = 0;  // of a counter, per interval
    uint32_t index = 0;
    uint32_t phase_ms = 0;
  };

  void Begin(State& state, uint64_t series) const;
  double NextValue(State& state, uint64_t kind) const;

  const WorkloadOptions options_;
  const uint64_t first_series_;
  std::vector<State> states_;
};

}  // namespace rhizome::metrics_load
