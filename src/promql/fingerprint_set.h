// FingerprintSet: which label sets a query has met, by their fingerprints of 128 bits: a word of memory each instead of
// a copy. One thread.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace rhizome::promql {

class FingerprintSet {
 public:
  using Fingerprint = std::pair<uint64_t, uint64_t>;

  // False: it is there already.
  bool Insert(Fingerprint fingerprint) {
    if (fingerprint == kNone) return !std::exchange(has_none_, true);
    if (2 * (size_ + 1) > slots_.size()) Grow();
    if (!Place(slots_, fingerprint)) return false;
    ++size_;
    return true;
  }
  size_t size() const { return size_ + (has_none_ ? 1 : 0); }

 private:
  static constexpr Fingerprint kNone{};  // an empty slot

  static bool Place(std::vector<Fingerprint>& slots, Fingerprint fingerprint) {
    const size_t mask = slots.size() - 1;
    size_t at = fingerprint.second & mask;
    for (; slots[at] != kNone; at = (at + 1) & mask) {
      if (slots[at] == fingerprint) return false;
    }
    slots[at] = fingerprint;
    return true;
  }
  void Grow() {
    std::vector<Fingerprint> larger(slots_.empty() ? 64 : 4 * slots_.size());
    for (const Fingerprint& fingerprint : slots_) {
      if (fingerprint != kNone) Place(larger, fingerprint);
    }
    slots_.swap(larger);
  }

  std::vector<Fingerprint> slots_;  // a power of two, at most half used
  size_t size_ = 0;
  bool has_none_ = false;
};

}  // namespace rhizome::promql
