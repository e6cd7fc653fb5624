#include "engines/vector/text_index_search.h"

#include <algorithm>
#include <array>
#include <bit>

namespace rhizome::vector {
namespace {

constexpr uint32_t kWindow = 2048;  // slots; a multiple of 64
// Bounds and scores add the same numbers in different orders.
constexpr double kRoundingSlack = 1 + 1e-9;

// Where one term stands in its list. `slot()` is the current posting's, kNoSlot at the end.
class Cursor {
 public:
  Cursor(std::unique_ptr<PostingList> list, const TermScorer& scorer) : list_(std::move(list)), scorer_(scorer) {
    Load(0);
  }

  Slot slot() const { return slot_; }
  uint32_t occurrences() const { return occurrences_[at_]; }
  const TermScorer& scorer() const { return scorer_; }

  void Next() {
    if (++at_ < count_) {
      slot_ = slots_[at_];
    } else {
      Load(block_ + 1);
    }
  }

  // Moves to the first posting at or after `target`; never back.
  void Seek(Slot target) {
    if (slot_ >= target) return;
    if (list_->BlockLast(block_) < target) Load(FirstBlockReaching(target));
    if (slot_ == kNoSlot) return;
    while (at_ < count_ && slots_[at_] < target) ++at_;
    if (at_ == count_) return Load(block_ + 1);
    slot_ = slots_[at_];
  }

  // A bound on the scores of postings in [from, end).
  double BoundIn(Slot from, Slot end) {
    if (slot_ >= end) return 0;
    double bound = 0;
    uint32_t block = slot_ >= from ? block_ : FirstBlockReaching(from);
    for (; block < list_->block_count(); ++block) {
      bound = std::max(bound, list_->BlockBound(block, scorer_));
      if (list_->BlockLast(block) >= end - 1) break;
    }
    return bound;
  }

 private:
  // Gallops from the current block.
  uint32_t FirstBlockReaching(Slot target) const {
    const uint32_t blocks = list_->block_count();
    uint32_t low = block_;
    uint32_t step = 1;
    while (low + step < blocks && list_->BlockLast(low + step) < target) {
      low += step;
      step *= 2;
    }
    uint32_t high = std::min(blocks, low + step);
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      if (list_->BlockLast(middle) < target) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  void Load(uint32_t block) {
    block_ = block;
    at_ = 0;
    count_ = block < list_->block_count() ? list_->Decode(block, slots_.data(), occurrences_.data()) : 0;
    slot_ = count_ == 0 ? kNoSlot : slots_[0];
  }

  std::unique_ptr<PostingList> list_;
  TermScorer scorer_;
  uint32_t block_ = 0;
  uint32_t at_ = 0;
  uint32_t count_ = 0;
  Slot slot_ = kNoSlot;
  std::array<Slot, kPostingsPerBlock> slots_;
  std::array<uint32_t, kPostingsPerBlock> occurrences_;
};

struct BoundedCursor {
  Cursor* cursor;
  double bound;        // in the window
  double bound_below;  // of this one and all weaker ones together
};

class PartSearch {
 public:
  PartSearch(const TextPart& part, const SlotSet* filter, const SlotSet& live, TopSlots& top)
      : part_(part), filter_(filter), live_(live), top_(top) {}

  void Run(const std::vector<WeightedTerm>& terms) {
    for (const WeightedTerm& term : terms) {
      if (auto list = part_.Find(term.term)) {
        cursors_.push_back(std::make_unique<Cursor>(std::move(list), term.scorer));
      }
    }
    Slot from = part_.first_slot() & ~Slot{63};
    const Slot end = std::min(part_.end_slot(), live_.size());
    while (from < end) {
      const Slot window_end = from + std::min(kWindow, end - from);
      if (Accept(from, window_end)) SearchWindow(from, window_end);
      from = window_end == end ? end : NextWindow(window_end);
    }
  }

 private:
  // Which slots of the window may be answers; false when none.
  bool Accept(Slot from, Slot end) {
    bool any = false;
    const size_t first = from / 64;
    for (size_t i = 0; i < kWindow / 64; ++i) {
      uint64_t word = first + i < live_.words().size() ? live_.words()[first + i] : 0;
      if (filter_ != nullptr) word &= first + i < filter_->words().size() ? filter_->words()[first + i] : 0;
      if (from + i * 64 >= end) word = 0;
      accepted_[i] = word;
      any |= word != 0;
    }
    return any;
  }

  // The next window with a posting in it; the lists' ends make it kNoSlot.
  Slot NextWindow(Slot from) const {
    Slot next = kNoSlot;
    for (const auto& cursor : cursors_) next = std::min(next, std::max(from, cursor->slot()));
    return next == kNoSlot ? kNoSlot : next & ~Slot{63};
  }

  // Orders cursors by their bound, weakest first, and returns how many of them can be left for later.
  size_t Rank(Slot from, Slot end) {
    ranked_.clear();
    for (const auto& cursor : cursors_) {
      const double bound = cursor->BoundIn(from, end) * kRoundingSlack;
      if (bound > 0) ranked_.push_back({cursor.get(), bound, 0});
    }
    std::ranges::sort(ranked_, {}, &BoundedCursor::bound);
    double sum = 0;
    size_t optional = 0;
    for (BoundedCursor& one : ranked_) {
      one.bound_below = sum += one.bound;
      if (sum < top_.Threshold()) ++optional;
    }
    return optional;
  }

  void SearchWindow(Slot from, Slot end) {
    const size_t optional = Rank(from, end);
    if (optional == ranked_.size()) return;
    for (size_t i = optional; i < ranked_.size(); ++i) Accumulate(*ranked_[i].cursor, from, end);
    for (size_t i = 0; i < kWindow / 64; ++i) {
      for (uint64_t word = found_[i]; word != 0; word &= word - 1) {
        const size_t at = i * 64 + static_cast<size_t>(std::countr_zero(word));
        Finish(from + static_cast<Slot>(at), scores_[at], optional);
      }
      found_[i] = 0;
    }
  }

  void Accumulate(Cursor& cursor, Slot from, Slot end) {
    for (cursor.Seek(from); cursor.slot() < end; cursor.Next()) {
      const Slot at = cursor.slot() - from;
      const uint64_t bit = uint64_t{1} << (at & 63);
      if (at >= kWindow || (accepted_[at >> 6] & bit) == 0) continue;  // a damaged list may go back
      const double score = cursor.scorer().Score(cursor.occurrences(), part_.Length(cursor.slot()));
      scores_[at] = (found_[at >> 6] & bit) != 0 ? scores_[at] + score : score;
      found_[at >> 6] |= bit;
    }
  }

  // Adds the terms left for later, strongest first, while the slot can still enter.
  void Finish(Slot slot, double score, size_t optional) {
    for (size_t i = optional; i-- > 0;) {
      if (score + ranked_[i].bound_below < top_.Threshold()) return;
      Cursor& cursor = *ranked_[i].cursor;
      cursor.Seek(slot);
      if (cursor.slot() == slot) score += cursor.scorer().Score(cursor.occurrences(), part_.Length(slot));
    }
    top_.Offer(slot, score);
  }

  const TextPart& part_;
  const SlotSet* const filter_;
  const SlotSet& live_;
  TopSlots& top_;
  std::vector<std::unique_ptr<Cursor>> cursors_;
  std::vector<BoundedCursor> ranked_;
  std::array<uint64_t, kWindow / 64> accepted_{};
  std::array<uint64_t, kWindow / 64> found_{};
  std::array<double, kWindow> scores_;
};

}  // namespace

void TopSlots::Offer(Slot slot, double score) {
  if (k_ == 0) return;
  const Entry entry{score, slot};
  if (heap_.size() == k_) {
    if (!(entry < heap_.front())) return;
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.back() = entry;
  } else {
    heap_.push_back(entry);
  }
  std::push_heap(heap_.begin(), heap_.end());
}

std::vector<ScoredSlot> TopSlots::Take() {
  std::vector<ScoredSlot> answer;
  answer.reserve(heap_.size());
  for (const Entry& entry : heap_) answer.push_back({entry.slot, static_cast<float>(entry.score)});
  heap_.clear();
  std::sort(answer.begin(), answer.end());
  return answer;
}

void SearchPart(const TextPart& part, const std::vector<WeightedTerm>& terms, const SlotSet* filter,
                const SlotSet& live, TopSlots& top) {
  PartSearch(part, filter, live, top).Run(terms);
}

}  // namespace rhizome::vector
