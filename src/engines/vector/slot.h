// Slot: the vector engine's internal number for one stored version of a point.
//
// Slots are given out in log order, 0, 1, 2, …; an upsert takes a new one and kills the old. They are never reused
// until a compaction renumbers them. Everything the engine keeps per point is an array or a posting list over slots.
#pragma once

#include <cstdint>
#include <vector>

namespace rhizome::vector {

using Slot = uint32_t;
inline constexpr Slot kNoSlot = 0xFFFFFFFF;

// One answer of an index. A higher score is always better: cosine and dot product as they are, L2 as minus
// the Euclidean distance, text as BM25.
struct ScoredSlot {
  Slot slot = kNoSlot;
  float score = 0;

  // Best first; equal scores by the smaller slot, so that answers are deterministic.
  friend bool operator<(const ScoredSlot& a, const ScoredSlot& b) {
    return a.score != b.score ? a.score > b.score : a.slot < b.slot;
  }
};

// A plain bit per slot: the result of evaluating a filter, or the set of live slots.
class SlotSet {
 public:
  SlotSet() = default;
  explicit SlotSet(Slot size, bool value = false) : size_(size), words_((size + 63) / 64, value ? ~uint64_t{0} : 0) {
    ClearTail();
  }

  Slot size() const { return size_; }
  bool Contains(Slot slot) const { return slot < size_ && (words_[slot >> 6] >> (slot & 63) & 1) != 0; }
  void Add(Slot slot) { words_[slot >> 6] |= uint64_t{1} << (slot & 63); }
  void Remove(Slot slot) { words_[slot >> 6] &= ~(uint64_t{1} << (slot & 63)); }
  // Grows or shrinks; new slots get `value`.
  void Resize(Slot size, bool value);
  // Number of members.
  Slot Count() const;
  // Both sets must have the same size.
  void IntersectWith(const SlotSet& other);
  void UnionWith(const SlotSet& other);
  void Complement();

  const std::vector<uint64_t>& words() const { return words_; }
  std::vector<uint64_t>& mutable_words() { return words_; }

 private:
  void ClearTail();
  Slot size_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace rhizome::vector
