#include "engines/vector/fusion.h"

#include <algorithm>
#include <unordered_map>

namespace rhizome::vector {
namespace {

// What a list's scores say: 0 at `origin`, 1 at its best.
struct Scale {
  double origin = 0;
  double length = 0;

  double Of(double score) const { return length > 0 ? std::max(0.0, (score - origin) / length) : 1; }
};

Scale ScaleOf(const RankedList& list) {
  const auto [low, high] = std::ranges::minmax(list.slots, {}, &ScoredSlot::score);
  const double spread = double{high.score} - low.score;
  const auto steps = static_cast<double>(list.slots.size()) - 1;
  const double origin = list.absent_score.value_or(steps > 0 ? low.score - spread / steps : low.score);
  return {origin, high.score - origin};
}

}  // namespace

std::vector<ScoredSlot> FuseByScore(std::span<const RankedList> lists, size_t limit) {
  std::unordered_map<Slot, double> sums;
  double weights = 0;
  for (const RankedList& list : lists) {
    if (list.slots.empty()) continue;
    weights += list.weight;
    const Scale scale = ScaleOf(list);
    for (const ScoredSlot& one : list.slots) sums[one.slot] += list.weight * scale.Of(one.score);
  }
  std::vector<ScoredSlot> fused;
  fused.reserve(sums.size());
  for (const auto& [slot, sum] : sums) fused.push_back({slot, static_cast<float>(weights > 0 ? sum / weights : 0)});
  const size_t kept = std::min(limit, fused.size());
  std::partial_sort(fused.begin(), fused.begin() + static_cast<std::ptrdiff_t>(kept), fused.end());
  fused.resize(kept);
  return fused;
}

}  // namespace rhizome::vector
