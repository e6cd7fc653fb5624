// InFlight: how many calls are under way, and a share that only priority calls may take. Thread-safe, lock-free.
#pragma once

#include <atomic>
#include <cstdint>

namespace rhizome::rpc {

class InFlight {
 public:
  // `reserved` of `calls_max` places are for priority calls.
  InFlight(int64_t calls_max, int64_t reserved) : ordinary_max_(calls_max - reserved), calls_max_(calls_max) {}

  // False when no place is left; a place taken is given back by Leave.
  bool TryEnter(bool priority) {
    const int64_t bound = priority ? calls_max_ : ordinary_max_;
    if (count_.fetch_add(1) < bound) return true;
    count_.fetch_sub(1);
    return false;
  }
  void Leave() { count_.fetch_sub(1); }
  int64_t count() const { return count_.load(); }

 private:
  const int64_t ordinary_max_;
  const int64_t calls_max_;
  std::atomic<int64_t> count_{0};
};

}  // namespace rhizome::rpc
