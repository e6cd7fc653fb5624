// PieceTrie: the longest of many pieces that a text begins with, in one walk over its bytes.
//
// A hash table from a node and a byte to the next node: at most one look per byte, and no more than the longest match
// and one. Thread-safe once filled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rhizome::pipeline {

class PieceTrie {
 public:
  struct Match {
    size_t length = 0;  // 0: none
    int32_t id = -1;
  };

  // The first id of a piece stays. Empty ones are not kept. At most 2^24 bytes of pieces.
  void Add(std::string_view piece, int32_t id) {
    uint32_t node = 0;
    for (const char byte : piece) node = Child(node, byte);
    if (node != 0 && ids_[node] < 0) ids_[node] = id;
  }

  Match Longest(std::string_view text) const {
    Match best;
    uint32_t node = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      const uint32_t key = KeyOf(node, text[i]);
      size_t at = SlotOf(key);
      while (slots_[at].child != 0 && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
      node = slots_[at].child;
      if (node == 0) break;
      if (ids_[node] >= 0) best = {i + 1, ids_[node]};
    }
    return best;
  }

 private:
  struct Slot {
    uint32_t key = 0;
    uint32_t child = 0;  // 0: the slot is free
  };
  static uint32_t KeyOf(uint32_t node, char byte) { return node << 8 | static_cast<unsigned char>(byte); }
  size_t SlotOf(uint32_t key) const { return (key * 0x9E3779B97F4A7C15ULL >> 32) & (slots_.size() - 1); }

  uint32_t Child(uint32_t node, char byte) {
    if (ids_.size() * 2 > slots_.size()) Grow();
    const uint32_t key = KeyOf(node, byte);
    size_t at = SlotOf(key);
    while (slots_[at].child != 0 && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
    if (slots_[at].child == 0) {
      slots_[at] = {key, static_cast<uint32_t>(ids_.size())};
      ids_.push_back(-1);
    }
    return slots_[at].child;
  }
  void Grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.child == 0) continue;
      size_t at = SlotOf(slot.key);
      while (slots_[at].child != 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(64);  // a power of two, at most half full
  std::vector<int32_t> ids_ = {-1};                  // by node; the root is 0
};

}  // namespace rhizome::pipeline
