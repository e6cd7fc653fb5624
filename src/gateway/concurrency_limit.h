// ConcurrencyLimit: how many requests of one kind are worth carrying out at once, found from how long they take.
//
// The gradient of latency, as in Netflix's concurrency-limits (Gradient) and Envoy's adaptive concurrency filter: while
// requests take about as long as they do when hardly any run, more may run; once they take longer, they wait for each
// other, and fewer do as much. At the end of each window
//     limit = limit × clamp((1 + tolerance) × baseline / median, ½, 1) + √limit
// The root is room to find out that more is possible; where there is one server per request it settles there, and where
// c cores compute a little above c. `baseline` is the median of requests that began beside few others. When load has
// hidden it for long, the limit drops to its minimum for as long as it takes to see it again, so that requests which
// became slower by nature are not taken for overload forever.
//
// Not thread-safe, without a clock of its own: times are the caller's monotonic nanoseconds.
#pragma once

#include <cstdint>
#include <vector>

namespace rhizome::gateway {

class ConcurrencyLimit {
 public:
  // 1 <= min <= max; equal: the limit stands still and latency is measured only. Starts at the middle.
  ConcurrencyLimit(uint32_t min, uint32_t max);

  uint32_t limit() const { return probing_ ? min_ : static_cast<uint32_t>(limit_); }
  // Median of the last window; 0: none has been full yet.
  double latency_ms() const { return median_ms_; }
  // Of requests beside few others; 0: not known yet.
  double baseline_ms() const { return baseline_ms_; }

  // A request ended. `beside`: how many were under way when it began, itself included.
  void Ended(uint32_t beside, int64_t latency_ns, int64_t now_ns);

 private:
  void NoteQuiet(double latency_ms, int64_t now_ns);
  void EndWindow(int64_t now_ns);

  const uint32_t min_;
  const uint32_t max_;
  double limit_;
  double median_ms_ = 0;
  double baseline_ms_ = 0;
  std::vector<double> quiet_ms_;  // of requests that began beside few others
  int64_t quiet_since_ns_ = 0;    // when the baseline was last seen
  bool probing_ = false;
  std::vector<double> window_ms_;
  int64_t window_began_ns_ = 0;
  uint32_t window_peak_ = 0;  // most under way at once
};

}  // namespace rhizome::gateway
