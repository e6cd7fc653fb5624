// ByteBudget: a bound on memory held by many at one time, counted and never waited for.
// Thread-safe. A Reservation gives back what it holds when it goes; the budget outlives it.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace rhizome::gateway {

class ByteBudget {
 public:
  explicit ByteBudget(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  uint64_t used() const { return used_.load(std::memory_order_relaxed); }

  class Reservation {
   public:
    explicit Reservation(ByteBudget& budget) : budget_(&budget) {}
    Reservation(Reservation&& other) noexcept : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
    Reservation& operator=(Reservation&&) = delete;
    ~Reservation() { budget_->used_.fetch_sub(bytes_, std::memory_order_relaxed); }

    // False, and nothing taken, when the budget does not have `bytes` more.
    [[nodiscard]] bool Grow(uint64_t bytes) {
      const uint64_t before = budget_->used_.fetch_add(bytes, std::memory_order_relaxed);
      if (before + bytes > budget_->bytes_max_) {
        budget_->used_.fetch_sub(bytes, std::memory_order_relaxed);
        return false;
      }
      bytes_ += bytes;
      return true;
    }
    void Release() { budget_->used_.fetch_sub(std::exchange(bytes_, 0), std::memory_order_relaxed); }

   private:
    ByteBudget* budget_;
    uint64_t bytes_ = 0;
  };

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> used_{0};
};

}  // namespace rhizome::gateway
