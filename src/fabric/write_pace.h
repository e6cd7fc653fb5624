// WritePace: how long a durable write takes on this member, by its own clock: appends and their fsync, from when they
// were asked for. A disk that fails in part answers pings and health checks as ever; this is what it cannot hide. A
// write that does not end counts for as long as it has taken so far.
//
// MuchSlower is the rule by which members and operators' pages tell a slow one. On the loop.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "fabric/loop.h"

namespace rhizome::fabric {

class WritePace {
 public:
  explicit WritePace(Loop& loop) : loop_(loop) {}

  // Counts a write from its construction to its destruction.
  class Measure {
   public:
    explicit Measure(WritePace& pace) : pace_(pace), begun_(pace.under_way_.insert(pace.loop_.NowNs())) {}
    ~Measure() {
      const int64_t took_ns = pace_.loop_.NowNs() - *begun_;
      pace_.under_way_.erase(begun_);
      pace_.Note(took_ns);
    }
    Measure(const Measure&) = delete;
    Measure& operator=(const Measure&) = delete;

   private:
    WritePace& pace_;
    const std::multiset<int64_t>::iterator begun_;
  };

  // The moving mean of the last few, or the age of the oldest that has not ended, if that is more; 0: none yet.
  uint32_t write_us() const {
    const int64_t waiting_ns = under_way_.empty() ? 0 : loop_.NowNs() - *under_way_.begin();
    return static_cast<uint32_t>(std::clamp<int64_t>(std::max(mean_ns_, waiting_ns) / 1'000, 0, UINT32_MAX));
  }
  // Of the last that ended; 0: none has.
  int64_t noted_ns() const { return noted_ns_; }
  bool waiting() const { return !under_way_.empty(); }

 private:
  void Note(int64_t took_ns) {
    mean_ns_ = noted_ns_ == 0 ? took_ns : mean_ns_ + (took_ns - mean_ns_) / 4;
    noted_ns_ = loop_.NowNs();
  }

  Loop& loop_;
  std::multiset<int64_t> under_way_;  // when they began
  int64_t mean_ns_ = 0;
  int64_t noted_ns_ = 0;
};

// Whether a write that takes so long is far out of the ordinary: many times the median of the others, and long by any
// measure. `was`: it was judged so before and has to come down to half of that. Zeros are members that do not say.
inline bool MuchSlower(uint32_t own_us, std::vector<uint32_t> others_us, bool was = false) {
  constexpr uint64_t kTimes = 8, kLeastUs = 50'000;
  std::erase(others_us, 0);
  if (others_us.empty()) return false;
  const auto middle = others_us.begin() + static_cast<std::ptrdiff_t>(others_us.size() / 2);
  std::nth_element(others_us.begin(), middle, others_us.end());
  const uint64_t bound_us = std::max(kTimes * *middle, kLeastUs);
  return own_us >= (was ? bound_us / 2 : bound_us);
}

}  // namespace rhizome::fabric
