// Slot: the vector engine's internal number for one stored version of a point; and how two vectors are compared.
//
// Slots are given out in log order, 0, 1, 2, …; an upsert takes a new one and kills the old. They are never reused
// until a compaction renumbers them. Everything the engine keeps per point is an array or a posting list over slots.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace rhizome::vector {

using Slot = uint32_t;
inline constexpr Slot kNoSlot = 0xFFFFFFFF;

// How two vectors are compared.
enum class Metric : uint8_t { kCosine = 0, kDot = 1, kL2 = 2 };  // the numbers are on disk

constexpr std::string_view MetricName(Metric metric) {
  switch (metric) {
    case Metric::kCosine: return "cosine";
    case Metric::kDot: return "dot";
    case Metric::kL2: return "l2";
  }
  return "";
}

constexpr std::optional<Metric> ParseMetric(std::string_view name) {
  for (const Metric metric : {Metric::kCosine, Metric::kDot, Metric::kL2}) {
    if (MetricName(metric) == name) return metric;
  }
  return std::nullopt;
}

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
