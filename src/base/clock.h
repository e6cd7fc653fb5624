// Clock port: wall time and monotonic time, real or simulated. Nothing outside base reads the system's clocks.
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

namespace rhizome {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t WallMs() = 0;       // milliseconds since 1970-01-01 UTC; may jump
  virtual int64_t MonotonicNs() = 0;  // nanoseconds since an arbitrary start; never goes back
};

// The machine's clocks; lives for ever.
Clock& SystemClock();

// Stands still until told otherwise.
class SimClock final : public Clock {
 public:
  explicit SimClock(int64_t wall_ms = 1'700'000'000'000) : wall_ms_(wall_ms) {}
  int64_t WallMs() override { return wall_ms_.load(); }
  int64_t MonotonicNs() override { return monotonic_ns_.load(); }
  void AdvanceMs(int64_t ms) {
    wall_ms_ += ms;
    monotonic_ns_ += ms * 1'000'000;
  }
  void SetWallMs(int64_t ms) { wall_ms_ = ms; }

 private:
  std::atomic<int64_t> wall_ms_;
  std::atomic<int64_t> monotonic_ns_{0};
};

}  // namespace rhizome
