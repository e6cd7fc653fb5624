#include "engines/series/stamped.h"

#include <algorithm>
#include <bit>

#include "engines/series/sample_order.h"

namespace rhizome::series {

bool operator==(const StampedSample& a, const StampedSample& b) {
  return a.time_ms == b.time_ms && a.stamp == b.stamp &&
         std::bit_cast<uint64_t>(a.value) == std::bit_cast<uint64_t>(b.value);
}

void KeepUndominated(std::vector<StampedSample>& samples) {
  std::sort(samples.begin(), samples.end(), [](const StampedSample& a, const StampedSample& b) {
    if (a.time_ms != b.time_ms) return a.time_ms < b.time_ms;
    return a.stamp != b.stamp ? a.stamp > b.stamp : RankOf(b.value) < RankOf(a.value);
  });
  size_t kept = 0;
  for (const StampedSample& sample : samples) {
    // Of those kept of this time the last one counts most, and all are as new or newer.
    if (kept > 0 && samples[kept - 1].time_ms == sample.time_ms &&
        RankOf(sample.value) <= RankOf(samples[kept - 1].value)) {
      continue;
    }
    samples[kept++] = sample;
  }
  samples.resize(kept);
}

void MergeStamped(const Samples& prompt, std::span<const StampedSample> stamped, Samples& to) {
  Samples late;
  for (const StampedSample& sample : stamped) {
    if (late.size() > 0 && late.times.back() == sample.time_ms) {
      late.values.back() = Prevailing(late.values.back(), sample.value);
    } else {
      late.times.push_back(sample.time_ms);
      late.values.push_back(sample.value);
    }
  }
  MergeResolved(prompt, late, to);
}

}  // namespace rhizome::series
