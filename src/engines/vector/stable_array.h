// StableArray: an array that grows at the end and never moves what it holds, so that readers need no lock.
//
// One writer; an element is complete before size() counts it. At most kBlocks × kBlockLength elements.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <utility>

#include "base/check.h"

namespace rhizome::vector {

template <typename T>
class StableArray {
 public:
  static constexpr size_t kBlockLength = 8192;
  static constexpr size_t kBlocks = 65536;

  StableArray() : blocks_(std::make_unique<Blocks>()) {}

  size_t size() const { return size_.load(std::memory_order_acquire); }
  const T& operator[](size_t i) const { return (*blocks_)[i / kBlockLength][i % kBlockLength]; }
  T& operator[](size_t i) { return (*blocks_)[i / kBlockLength][i % kBlockLength]; }

  void Append(T value) {
    const size_t i = size_.load(std::memory_order_relaxed);
    CHECK(i < kBlocks * kBlockLength);
    auto& block = (*blocks_)[i / kBlockLength];
    if (block == nullptr) block = std::make_unique<T[]>(kBlockLength);
    block[i % kBlockLength] = std::move(value);
    size_.store(i + 1, std::memory_order_release);
  }

 private:
  using Blocks = std::array<std::unique_ptr<T[]>, kBlocks>;
  std::unique_ptr<Blocks> blocks_;
  std::atomic<size_t> size_{0};
};

}  // namespace rhizome::vector
