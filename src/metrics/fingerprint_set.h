// FingerprintSet: a set of hashes in sixteen to thirty-two bytes each.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

namespace rhizome::metrics {

class FingerprintSet {
 public:
  bool Contains(uint64_t fingerprint) const { return size_ > 0 && slots_[PlaceOf(Key(fingerprint))] != kFree; }
  void Insert(uint64_t fingerprint) {
    if (2 * (size_ + 1) > slots_.size()) Grow();
    uint64_t& slot = slots_[PlaceOf(Key(fingerprint))];
    size_ += slot == kFree;
    slot = Key(fingerprint);
  }
  void Clear() {
    slots_.clear();
    size_ = 0;
  }
  size_t size() const { return size_; }

 private:
  static constexpr uint64_t kFree = 0;
  static uint64_t Key(uint64_t fingerprint) { return fingerprint == kFree ? 1 : fingerprint; }

  // Of the key, or of the free slot where it belongs.
  size_t PlaceOf(uint64_t key) const {
    size_t at = key & (slots_.size() - 1);
    while (slots_[at] != kFree && slots_[at] != key) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void Grow() {
    std::vector<uint64_t> before(slots_.empty() ? 64 : 2 * slots_.size());
    before.swap(slots_);
    for (const uint64_t key : before) {
      if (key != kFree) slots_[PlaceOf(key)] = key;
    }
  }

  std::vector<uint64_t> slots_;  // a power of two, at most half used
  size_t size_ = 0;
};

}  // namespace rhizome::metrics
