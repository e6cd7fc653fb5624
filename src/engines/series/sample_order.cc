#include "engines/series/sample_order.h"

#include <algorithm>

namespace rhizome::series {

void SortAndResolve(std::vector<Sample>& samples) {
  std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
    return a.time_ms != b.time_ms ? a.time_ms < b.time_ms : RankOf(b.value) < RankOf(a.value);
  });
  const auto same_time = [](const Sample& a, const Sample& b) { return a.time_ms == b.time_ms; };
  samples.erase(std::unique(samples.begin(), samples.end(), same_time), samples.end());
}

void MergeResolved(const Samples& a, const Samples& b, Samples& to) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (j == b.size() || (i < a.size() && a.times[i] < b.times[j])) {
      to.times.push_back(a.times[i]);
      to.values.push_back(a.values[i++]);
    } else if (i == a.size() || b.times[j] < a.times[i]) {
      to.times.push_back(b.times[j]);
      to.values.push_back(b.values[j++]);
    } else {
      to.times.push_back(a.times[i]);
      to.values.push_back(Prevailing(a.values[i++], b.values[j++]));
    }
  }
}

}  // namespace rhizome::series
