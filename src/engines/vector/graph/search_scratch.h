// What one search needs besides the index: the visited set, the candidate pools and a batch of rows. One per
// thread, reused from search to search so that a search allocates nothing. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "engines/vector/codec.h"
#include "engines/vector/slot.h"

namespace rhizome::vector {

// Named apart from engine.h's Candidate: two types of one name would share std::vector's instantiations.
struct CodedSlot {
  float distance = 0;
  uint32_t tagged = 0;  // slot, and the top bit once it was expanded

  static constexpr uint32_t kExpanded = 0x80000000u;
  Slot slot() const { return tagged & ~kExpanded; }
  bool expanded() const { return (tagged & kExpanded) != 0; }
};

// The nearest candidates seen so far, sorted, at most `capacity`. Linear insertion beats a heap at the sizes a
// search uses: the bytes moved are few and in cache.
class CandidatePool {
 public:
  void Reset(size_t capacity) {
    if (entries_.size() < capacity + 1) entries_.resize(capacity + 1);
    capacity_ = capacity;
    size_ = 0;
    next_ = 0;
  }
  size_t size() const { return size_; }
  bool full() const { return size_ == capacity_; }
  const CodedSlot& operator[](size_t i) const { return entries_[i]; }
  // Farthest distance that is still kept.
  float Worst() const { return entries_[size_ - 1].distance; }

  bool Insert(float distance, Slot slot) {
    if (size_ == capacity_ && !(distance < entries_[size_ - 1].distance)) return false;
    size_t low = 0, high = size_;
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (entries_[middle].distance > distance) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    std::memmove(static_cast<void*>(&entries_[low + 1]), &entries_[low], (size_ - low) * sizeof(CodedSlot));
    entries_[low] = {distance, slot};
    size_ = std::min(size_ + 1, capacity_);
    next_ = std::min(next_, low);
    return true;
  }
  // The nearest candidate not expanded yet.
  bool HasNext() const { return next_ < size_; }
  const CodedSlot& PeekNext() const { return entries_[next_]; }
  Slot TakeNext() {
    CodedSlot& taken = entries_[next_];
    taken.tagged |= CodedSlot::kExpanded;
    while (next_ < size_ && entries_[next_].expanded()) ++next_;
    return taken.slot();
  }
  // Takes up the entries of another pool as not expanded, up to `limit`.
  void SeedFrom(const CandidatePool& other, size_t limit) {
    for (size_t i = 0; i < other.size_ && i < limit; ++i) Insert(other[i].distance, other[i].slot());
  }

 private:
  std::vector<CodedSlot> entries_;
  size_t capacity_ = 0;
  size_t size_ = 0;
  size_t next_ = 0;
};

// Slots met in the search under way. Clearing is one increment, 254 times of 255.
class VisitedSet {
 public:
  void Start(Slot slots) {
    if (stamps_.size() < slots) stamps_.resize(slots + slots / 4 + 64, 0);
    if (++epoch_ == 0) {
      std::fill(stamps_.begin(), stamps_.end(), uint8_t{0});
      epoch_ = 1;
    }
  }
  // True when `slot` was met before.
  bool Test(Slot slot) const { return stamps_[slot] == epoch_; }
  bool TestAndSet(Slot slot) {
    const bool met = stamps_[slot] == epoch_;
    stamps_[slot] = epoch_;
    return met;
  }

 private:
  std::vector<uint8_t> stamps_;
  uint8_t epoch_ = 0;
};

struct SearchScratch {
  static constexpr size_t kBatch = 256;

  VisitedSet visited;
  CandidatePool pool;     // the frontier, expanded and not
  CandidatePool seeds;    // what the level above found
  CandidatePool results;  // those that may answer, when not all may
  CandidatePool scored;   // the best by exact distance
  CodedQuery query;
  std::vector<float> unit;
  uint32_t ids[kBatch];
  int32_t dots[kBatch];
};

// This thread's scratch. Not to be held across a call that searches.
SearchScratch& ThreadScratch();

}  // namespace rhizome::vector
