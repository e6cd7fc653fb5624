// PackedArray: values of fixed size as they lie in someone's bytes, little-endian, at any alignment.
//
// A read is one unaligned load, which costs what an aligned one does, so nothing has to be copied before it is used.
// Does not own the bytes. Thread-safety: as a string_view.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "base/check.h"
#include "format/coding.h"

namespace rhizome::format {

template <typename T>
class PackedArray {
 public:
  PackedArray() = default;
  // Whole values and nothing else.
  explicit PackedArray(std::string_view bytes) : from_(bytes.data()), size_(bytes.size() / sizeof(T)) {
    CHECK(bytes.size() % sizeof(T) == 0);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T operator[](size_t i) const { return LoadFixed<T>(from_ + i * sizeof(T)); }
  // The values from `first` on, as many as `to` takes; they are there.
  void CopyTo(size_t first, std::span<T> to) const {
    CHECK(first <= size_ && to.size() <= size_ - first);
    if (!to.empty()) std::memcpy(to.data(), from_ + first * sizeof(T), to.size_bytes());
  }

 private:
  const char* from_ = nullptr;
  size_t size_ = 0;
};

}  // namespace rhizome::format
