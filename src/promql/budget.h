// Budget: what one query may use. Each limit that is passed ends the query with a message that names it: TooLarge for
// steps, ResourceExhausted for series, samples and memory, DeadlineExceeded for time; Cancelled when the caller raised
// its flag. Time and the flag are looked at with every series and every few thousand samples. Belongs to one thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/status.h"

namespace rhizome::promql {

struct Limits {
  uint64_t steps_max = 11'001;             // of the query, and of each subquery: 11,000 steps and where they begin
  uint64_t series_max = 1'000'000;         // selected, all selectors together
  uint64_t samples_max = 1'000'000'000;    // read, all selectors together
  uint64_t memory_bytes_max = 1ull << 30;  // of values held at once
  int64_t timeout_ms = 120'000;
};

class Budget {
 public:
  // `cancelled` may be null; else it and the clock outlive the budget.
  Budget(const Limits& limits, Clock& clock, const std::atomic<bool>* cancelled);

  Status Steps(uint64_t count) const;
  // One more series with so many samples was read.
  Status Series(uint64_t samples);
  Status Hold(uint64_t bytes);
  void Release(uint64_t bytes) { held_bytes_ -= bytes; }
  // Work as much as walking `units` values is about to be done.
  Status Work(uint64_t units);

  uint64_t held_bytes() const { return held_bytes_; }
  uint64_t series() const { return series_; }
  uint64_t samples() const { return samples_; }
  uint64_t peak_bytes() const { return peak_bytes_; }

 private:
  Status Look();

  const Limits limits_;
  Clock& clock_;
  const std::atomic<bool>* const cancelled_;
  const int64_t deadline_ns_;
  uint64_t series_ = 0;
  uint64_t samples_ = 0;
  uint64_t held_bytes_ = 0;
  uint64_t peak_bytes_ = 0;
  uint64_t work_ = 0;  // since the last look at the clock
};

}  // namespace rhizome::promql
