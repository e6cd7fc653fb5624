// Co-occurrence: how much it says that two entities share sentences. Pure functions over counts of a corpus, for
// reading or in batches; thread-safe.
//
// The weight is normalised pointwise mutual information (Bouma, "Normalized (Pointwise) Mutual Information in
// Collocation Extraction", GSCL 2009): 1 when two only ever come together, 0 when as often as by chance, -1 when never.
// Counts of one are no evidence, so each is discounted by count / (count + 1) * min(a, b) / (min(a, b) + 1) (Pantel and
// Lin, "Discovering word senses from text", KDD 2002).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rhizome::extract {

struct PairCounts {
  uint64_t a = 0;  // entities by any numbers of the caller's
  uint64_t b = 0;
  uint64_t together = 0;     // sentences with both, at least 1
  uint64_t a_sentences = 0;  // with a, at least `together`
  uint64_t b_sentences = 0;
};

// Between -1 and 1; 0 when counts make no sense (zero, or more together than apart).
double PairWeight(const PairCounts& counts, uint64_t sentences);

struct WeightedPair {
  uint64_t a = 0;
  uint64_t b = 0;
  double weight = 0;  // above 0
};

struct PruneOptions {
  double weight_min = 0.1;
  uint32_t per_entity_max = 16;  // a pair stays when it is among the best of either
};

// Best first, equal weights by a, then b.
std::vector<WeightedPair> PrunePairs(std::span<const PairCounts> pairs, uint64_t sentences,
                                     const PruneOptions& options = {});

}  // namespace rhizome::extract
