// Fusion: one ranking from several, as hybrid search needs. Pure functions.
//
// A list is best first and names each slot once; slots of different lists meet by number. The answer is best first,
// equal scores by the smaller slot, at most `limit` long.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engines/vector/slot.h"

namespace rhizome::vector {

struct RankedList {
  std::vector<ScoredSlot> slots;
  double weight = 1;
  // The score of whatever is not in the list, where that is known. Else the list goes on beyond its end, and its slots'
  // mean distance below its worst is taken for it.
  std::optional<double> absent_score = std::nullopt;
};

// The weighted mean of what the lists say, from 0 to 1: of a list its best says 1, what is not in it 0, and all
// others lie between as their scores do (Lee, "Analyses of multiple evidence combination", SIGIR 1997, CombSUM over
// scores scaled by minimum and maximum). Keeps how far apart neighbours are, which ranks forget; wants lists of similar
// depth (100 is good). A list whose scores are all equal says 1 of each of them, an empty one has no say.
std::vector<ScoredSlot> FuseByScore(std::span<const RankedList> lists, size_t limit);

}  // namespace rhizome::vector
