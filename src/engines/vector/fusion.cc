#include "engines/vector/fusion.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace rhizome::vector {
namespace {

std::vector<ScoredSlot> Best(const std::unordered_map<Slot, double>& scores, size_t limit) {
  std::vector<ScoredSlot> fused;
  fused.reserve(scores.size());
  for (const auto& [slot, score] : scores) fused.push_back({slot, static_cast<float>(score)});
  const size_t kept = std::min(limit, fused.size());
  std::partial_sort(fused.begin(), fused.begin() + static_cast<std::ptrdiff_t>(kept), fused.end());
  fused.resize(kept);
  return fused;
}

// A list's normalised score is (score - origin) / scale, or `flat` when all scores are equal.
struct Scale {
  double origin = 0;
  double scale = 0;
  double flat = 0;
  double absent = 0;

  double Of(double score) const { return scale > 0 ? (score - origin) / scale : flat; }
};

Scale MinMax(const std::vector<ScoredSlot>& slots) {
  const auto [low, high] = std::ranges::minmax(slots, {}, &ScoredSlot::score);
  return {low.score, double{high.score} - low.score, 1, 0};
}

Scale ZScore(const std::vector<ScoredSlot>& slots) {
  double sum = 0;
  for (const ScoredSlot& one : slots) sum += one.score;
  const double mean = sum / static_cast<double>(slots.size());
  double squares = 0;
  for (const ScoredSlot& one : slots) squares += (one.score - mean) * (one.score - mean);
  Scale scale{mean, std::sqrt(squares / static_cast<double>(slots.size())), 0, 0};
  scale.absent = scale.Of(std::ranges::min(slots, {}, &ScoredSlot::score).score);
  return scale;
}

}  // namespace

std::vector<ScoredSlot> FuseByRank(std::span<const RankedList> lists, size_t limit, double k) {
  std::unordered_map<Slot, double> scores;
  for (const RankedList& list : lists) {
    double rank = 0;
    for (const ScoredSlot& one : list.slots) scores[one.slot] += list.weight / (k + ++rank);
  }
  return Best(scores, limit);
}

std::vector<ScoredSlot> FuseByScore(std::span<const RankedList> lists, size_t limit, ScoreNormalisation normalisation) {
  std::unordered_map<Slot, double> scores;
  double absent_everywhere = 0;
  for (const RankedList& list : lists) {
    if (list.slots.empty()) continue;
    const Scale scale = normalisation == ScoreNormalisation::kMinMax ? MinMax(list.slots) : ZScore(list.slots);
    absent_everywhere += list.weight * scale.absent;
    for (const ScoredSlot& one : list.slots) {
      scores[one.slot] += list.weight * (scale.Of(one.score) - scale.absent);
    }
  }
  for (auto& [slot, score] : scores) score += absent_everywhere;
  return Best(scores, limit);
}

}  // namespace rhizome::vector
