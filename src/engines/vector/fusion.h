// Fusion: one ranking from several, as hybrid search needs. Pure functions.
//
// A list is best first and names each slot once; slots of different lists meet by number. The answer is best first,
// equal scores by the smaller slot, at most `limit` long.
#pragma once

#include <span>
#include <vector>

#include "engines/vector/slot.h"

namespace rhizome::vector {

struct RankedList {
  std::vector<ScoredSlot> slots;
  double weight = 1;
};

inline constexpr double kReciprocalRankConstant = 60;

// Reciprocal rank fusion: a slot's score is the sum of weight / (k + rank) over the lists that have it, ranks from 1
// (Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
// Methods", SIGIR 2009). Needs no comparable scores.
std::vector<ScoredSlot> FuseByRank(std::span<const RankedList> lists, size_t limit, double k = kReciprocalRankConstant);

enum class ScoreNormalisation {
  kMinMax,  // the list's worst score becomes 0, its best 1; a slot that is not in the list gets 0
  kZScore,  // distance from the list's mean in standard deviations; a slot that is not in it gets the list's lowest
};

// Weighted sum of normalised scores (Lee, "Analyses of multiple evidence combination", SIGIR 1997, CombSUM). Keeps how
// far apart neighbours are, which ranks forget; wants lists of similar depth (100 is good). A list whose scores are
// all equal says nothing between its slots: each of them gets 1 under kMinMax and 0 under kZScore.
std::vector<ScoredSlot> FuseByScore(std::span<const RankedList> lists, size_t limit, ScoreNormalisation normalisation);

}  // namespace rhizome::vector
