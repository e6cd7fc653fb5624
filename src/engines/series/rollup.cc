#include "engines/series/rollup.h"

#include <bit>
#include <cmath>

#include "engines/series/compaction.h"

namespace rhizome::series {
namespace {

// What a counter lost when `after` follows `before`.
double LossBetween(double before, double after) { return after < before ? before : 0; }

// `next` follows all of `window`.
void Join(Window& window, const Window& next) {
  window.count += next.count;
  window.sum += next.sum;
  if (next.min < window.min || std::isnan(window.min)) window.min = next.min;
  if (next.max > window.max || std::isnan(window.max)) window.max = next.max;
  window.resets += LossBetween(window.last.value, next.first.value) + next.resets;
  window.last = next.last;
}

// Joins `next` to the last window, or begins one at `start_ms`.
void Add(std::vector<Window>& windows, int64_t start_ms, const Window& next) {
  if (!windows.empty() && windows.back().start_ms == start_ms) return Join(windows.back(), next);
  windows.push_back(next);
  windows.back().start_ms = start_ms;
}

}  // namespace

std::vector<Window> RollUp(const Samples& samples, int64_t window_ms) {
  std::vector<Window> windows;
  Partition window{1, 0};  // the one of the sample before
  for (size_t i = 0; i < samples.size(); ++i) {
    const Sample sample{samples.times[i], samples.values[i]};
    if (std::bit_cast<uint64_t>(sample.value) == kStaleMarkerBits) continue;
    if (sample.time_ms < window.first_ms || sample.time_ms > window.last_ms) {
      window = PartitionOf(sample.time_ms, window_ms);
    }
    Add(windows, window.first_ms, {0, 1, sample.value, sample.value, sample.value, sample, sample, 0});
  }
  return windows;
}

std::vector<Window> RollUp(std::span<const Window> windows, int64_t window_ms) {
  std::vector<Window> wider;
  for (const Window& window : windows) Add(wider, PartitionOf(window.first.time_ms, window_ms).first_ms, window);
  return wider;
}

double IncreaseOver(std::span<const Window> windows) {
  if (windows.empty()) return 0;
  double increase = windows.back().last.value - windows.front().first.value;
  for (size_t i = 0; i < windows.size(); ++i) {
    if (i > 0) increase += LossBetween(windows[i - 1].last.value, windows[i].first.value);
    increase += windows[i].resets;
  }
  return increase;
}

}  // namespace rhizome::series
