#include "promql/budget.h"

#include <algorithm>
#include <string>

namespace rhizome::promql {
namespace {

constexpr uint64_t kWorkBetweenLooks = 1 << 16;
constexpr uint64_t kWorkPerSeries = 64;

Status Passed(std::string_view what, uint64_t limit) {
  return Status::ResourceExhausted("the query needs more than the limit of " + std::to_string(limit) + " " +
                                   std::string(what));
}

}  // namespace

Budget::Budget(const Limits& limits, Clock& clock, const std::atomic<bool>* cancelled)
    : limits_(limits),
      clock_(clock),
      cancelled_(cancelled),
      deadline_ns_(clock.MonotonicNs() + limits.timeout_ms * 1'000'000) {}

Status Budget::Steps(uint64_t count) const {
  if (count <= limits_.steps_max) return Status::Ok();
  return Status::TooLarge("step", "the query has " + std::to_string(count) + " steps, more than the limit of " +
                                      std::to_string(limits_.steps_max) + " steps: use a longer step");
}

Status Budget::Series(uint64_t samples) {
  if (++series_ > limits_.series_max) return Passed("series", limits_.series_max);
  samples_ += samples;
  if (samples_ > limits_.samples_max) return Passed("samples", limits_.samples_max);
  return Work(samples + kWorkPerSeries);
}

Status Budget::Hold(uint64_t bytes) {
  held_bytes_ += bytes;
  peak_bytes_ = std::max(peak_bytes_, held_bytes_);
  if (held_bytes_ > limits_.memory_bytes_max) return Passed("bytes of memory", limits_.memory_bytes_max);
  return Work(bytes / sizeof(double));
}

Status Budget::Work(uint64_t units) {
  work_ += units;
  if (work_ < kWorkBetweenLooks) return Status::Ok();
  work_ = 0;
  return Look();
}

Status Budget::Look() {
  if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) {
    return Status::Cancelled("the query was cancelled");
  }
  if (clock_.MonotonicNs() < deadline_ns_) return Status::Ok();
  return Status::DeadlineExceeded("the query took longer than the limit of " + std::to_string(limits_.timeout_ms) +
                                  " ms");
}

}  // namespace rhizome::promql
