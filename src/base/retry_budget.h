// RetryBudget: how much may be done again. Each first attempt earns a tenth of a repetition, so that repetitions stay
// a tenth of the load however much fails (Google, "Site Reliability Engineering", ch. 21; gRPC's retry throttling). A
// few are there from the start and after quiet times, so that single failures are always mended.
//
// One layer repeats: two that each repeat three times make nine out of one. Below a budget's owner nobody repeats.
//
// FullJitter spreads those who failed together over the whole wait (Brooker, "Exponential Backoff and Jitter", 2015).
// Not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>

namespace rhizome {

class RetryBudget {
 public:
  static constexpr double kShare = 0.1;
  explicit RetryBudget(double at_once_max = 10) : max_(at_once_max), tokens_(at_once_max) {}

  void FirstAttempt() { tokens_ = std::min(max_, tokens_ + kShare); }
  bool MayRepeat() const { return tokens_ >= 1; }
  // False, and nothing taken, when nothing is left.
  [[nodiscard]] bool TakeRepeat() {
    if (!MayRepeat()) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  const double max_;
  double tokens_;
};

// From 0 to `base` doubled with each attempt after the first, at most `most`. `random`: uniform bits.
inline int64_t FullJitter(uint64_t random, int attempt, int64_t base, int64_t most) {
  const int64_t ceiling = std::min(most, base << std::clamp(attempt - 1, 0, 30));
  return ceiling <= 0 ? 0 : static_cast<int64_t>(random % (static_cast<uint64_t>(ceiling) + 1));
}

}  // namespace rhizome
