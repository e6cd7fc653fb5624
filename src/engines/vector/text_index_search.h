// Top-k retrieval over one part of a text index.
//
// MaxScore (Turtle and Flood, "Query evaluation: strategies and optimizations", 1995) inside windows of slots whose
// score bounds come from the blocks they touch: in each window the terms that alone cannot reach the current k-th
// score are looked up only for candidates the others found, and a window where all together cannot is skipped.
#pragma once

#include <string>
#include <vector>

#include "engines/vector/text_index_part.h"

namespace rhizome::vector {

struct WeightedTerm {
  std::string term;
  TermScorer scorer;
};

// The best k slots seen so far, carried from part to part so that each starts with what the others reached.
class TopSlots {
 public:
  explicit TopSlots(size_t k) : k_(k) {}

  // Scores below this cannot enter.
  double Threshold() const { return heap_.empty() || heap_.size() < k_ ? 0 : heap_.front().score; }
  void Offer(Slot slot, double score);
  // Best first.
  std::vector<ScoredSlot> Take();

 private:
  struct Entry {
    double score;
    Slot slot;
    bool operator<(const Entry& other) const { return score != other.score ? score > other.score : slot < other.slot; }
  };
  const size_t k_;
  std::vector<Entry> heap_;  // worst on top
};

// Offers every slot of the part that is in `live` and, when given, in `filter`, and that can be among the best.
void SearchPart(const TextPart& part, const std::vector<WeightedTerm>& terms, const SlotSet* filter,
                const SlotSet& live, TopSlots& top);

}  // namespace rhizome::vector
