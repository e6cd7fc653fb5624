#include "engines/vector/slot.h"

#include <bit>

#include "base/check.h"

namespace rhizome::vector {

void SlotSet::ClearTail() {
  if (size_ % 64 != 0) words_.back() &= (uint64_t{1} << (size_ % 64)) - 1;
}

void SlotSet::Resize(Slot size, bool value) {
  const Slot old_size = size_;
  words_.resize((static_cast<size_t>(size) + 63) / 64, value ? ~uint64_t{0} : 0);
  if (value && size > old_size && old_size % 64 != 0) words_[old_size / 64] |= ~uint64_t{0} << (old_size % 64);
  size_ = size;
  if (size_ > 0) ClearTail();
}

Slot SlotSet::Count() const {
  Slot count = 0;
  for (const uint64_t word : words_) count += static_cast<Slot>(std::popcount(word));
  return count;
}

void SlotSet::IntersectWith(const SlotSet& other) {
  CHECK(size_ == other.size_);
  for (size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
}

void SlotSet::UnionWith(const SlotSet& other) {
  CHECK(size_ == other.size_);
  for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
}

void SlotSet::Complement() {
  for (uint64_t& word : words_) word = ~word;
  if (size_ > 0) ClearTail();
}

}  // namespace rhizome::vector
