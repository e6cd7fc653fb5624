#include "recall/recall.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace rhizome::recall {
namespace {

std::vector<Weighted> StartPassages(const RecallOptions& options, const std::vector<ScoredPassage>& base) {
  std::vector<Weighted> starts;
  double sum = 0;
  for (size_t i = 0; i < base.size() && i < options.start_passages_max && base[i].score > 0; ++i) {
    starts.push_back({base[i].passage, std::pow(base[i].score / base[0].score, options.start_sharpness)});
    sum += starts.back().weight;
  }
  for (Weighted& start : starts) start.weight /= sum;
  return starts;
}

std::vector<Weighted> StartEntities(const RecallOptions& options, std::span<const Weighted> entities) {
  std::vector<Weighted> starts;
  double sum = 0;
  for (const Weighted& entity : entities) sum += entity.weight;
  for (const Weighted& entity : entities) {
    if (entity.weight > 0) starts.push_back({entity.id, entity.weight / sum * options.entity_share});
  }
  return starts;
}

}  // namespace

std::vector<ScoredPassage> FuseLegs(std::span<const Leg> legs) {
  std::unordered_map<uint64_t, double> sums;
  double weights = 0;
  for (const Leg& leg : legs) {
    weights += leg.weight;
    if (leg.passages.empty()) continue;
    const double best = leg.passages.front().score, worst = leg.passages.back().score;
    for (const ScoredPassage& passage : leg.passages) {
      const double scaled = best > worst ? (passage.score - worst) / (best - worst) : 1;
      sums[passage.passage] += leg.weight * scaled;
    }
  }
  std::vector<ScoredPassage> fused;
  for (const auto& [passage, sum] : sums) fused.push_back({passage, weights > 0 ? sum / weights : 0});
  std::ranges::sort(fused, [](const ScoredPassage& a, const ScoredPassage& b) {
    return a.score != b.score ? a.score > b.score : a.passage < b.passage;
  });
  return fused;
}

Recall::Recall(const RecallOptions& options, std::span<const Leg> legs, std::span<const Weighted> query_entities,
               uint64_t passages)
    : options_(options),
      base_(FuseLegs(legs)),
      walk_(options.walk, passages, StartPassages(options, base_), StartEntities(options, query_entities)) {}

std::vector<Recalled> Recall::Answer(size_t limit) const {
  const std::vector<Arrival> arrivals = walk_.Arrivals();
  const double most = arrivals.empty() ? 0 : arrivals[0].arrived;
  const double gate = options_.arrived_min > 0 ? std::min(1.0, most / options_.arrived_min) : 1;
  const double best = base_.empty() ? 1 : base_[0].score;
  std::unordered_map<uint64_t, Recalled> found;
  for (const ScoredPassage& passage : base_)
    found[passage.passage] = {passage.passage, passage.score, passage.score, 0};
  for (const Arrival& arrival : arrivals) {
    if (arrival.arrived <= 0) continue;
    Recalled& recalled = found[arrival.passage];
    recalled.passage = arrival.passage;
    recalled.arrived = arrival.arrived;
    recalled.score = recalled.base + options_.lift * gate * std::sqrt(arrival.arrived / most) * (best - recalled.base);
  }
  std::vector<Recalled> answer;
  for (const auto& [passage, recalled] : found) answer.push_back(recalled);
  const auto better = [](const Recalled& a, const Recalled& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.base != b.base ? a.base > b.base : a.passage < b.passage;
  };
  const size_t count = std::min(limit, answer.size());
  std::partial_sort(answer.begin(), answer.begin() + static_cast<std::ptrdiff_t>(count), answer.end(), better);
  answer.resize(count);
  return answer;
}

Status Complete(Walk& walk, const Expander& expander) {
  while (!walk.done()) {
    if (!walk.wanted_passages().empty()) {
      ASSIGN_OR_RETURN(const auto links, expander.passages(walk.wanted_passages()));
      if (links.size() != walk.wanted_passages().size()) return Status::Internal("links of another number of passages");
      walk.SupplyPassages(links);
    } else {
      ASSIGN_OR_RETURN(const auto links, expander.entities(walk.wanted_entities()));
      if (links.size() != walk.wanted_entities().size()) return Status::Internal("links of another number of entities");
      walk.SupplyEntities(links);
    }
  }
  return Status::Ok();
}

}  // namespace rhizome::recall
