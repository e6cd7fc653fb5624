#include "extract/cooccurrence.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace rhizome::extract {

double PairWeight(const PairCounts& counts, uint64_t sentences) {
  const uint64_t fewer = std::min(counts.a_sentences, counts.b_sentences);
  if (counts.together == 0 || counts.together > fewer || std::max(counts.a_sentences, counts.b_sentences) > sentences)
    return 0;
  const auto n = static_cast<double>(sentences);
  const double both = static_cast<double>(counts.together) / n;
  const double information =
      std::log(both / (static_cast<double>(counts.a_sentences) / n * (static_cast<double>(counts.b_sentences) / n)));
  // Two that share every sentence of the corpus tell nothing apart.
  if (both >= 1) return 0;
  const auto together = static_cast<double>(counts.together);
  const auto rarer = static_cast<double>(fewer);
  return information / -std::log(both) * (together / (together + 1)) * (rarer / (rarer + 1));
}

std::vector<WeightedPair> PrunePairs(std::span<const PairCounts> pairs, uint64_t sentences,
                                     const PruneOptions& options) {
  std::vector<WeightedPair> weighted;
  for (const PairCounts& pair : pairs) {
    const double weight = PairWeight(pair, sentences);
    if (weight > 0 && weight >= options.weight_min) weighted.push_back({pair.a, pair.b, weight});
  }
  std::ranges::sort(weighted, [](const WeightedPair& x, const WeightedPair& y) {
    if (x.weight != y.weight) return x.weight > y.weight;
    return x.a != y.a ? x.a < y.a : x.b < y.b;
  });
  std::unordered_map<uint64_t, uint32_t> had;
  std::erase_if(weighted, [&](const WeightedPair& pair) {
    const bool a = ++had[pair.a] <= options.per_entity_max;
    const bool b = ++had[pair.b] <= options.per_entity_max;
    return !a && !b;
  });
  return weighted;
}

}  // namespace rhizome::extract
