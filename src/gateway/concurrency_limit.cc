#include "gateway/concurrency_limit.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace rhizome::gateway {
namespace {

constexpr double kNsPerMs = 1e6;
constexpr size_t kQuietSamples = 20;
constexpr size_t kWindowSamplesMin = 20;
constexpr size_t kWindowSamplesMax = 1'000;  // at most so many are kept of a window
constexpr int64_t kWindowNs = 100'000'000;
constexpr int64_t kProbeAfterNs = 30'000'000'000;
constexpr double kTolerance = 0.25;
constexpr double kGradientMin = 0.5;
constexpr double kLatencyMinMs = 0.05;  // what is faster is all the same

double Median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

ConcurrencyLimit::ConcurrencyLimit(uint32_t min, uint32_t max) : min_(min), max_(max), limit_((min + max) / 2) {
  CHECK(1 <= min && min <= max);
}

void ConcurrencyLimit::Ended(uint32_t beside, int64_t latency_ns, int64_t now_ns) {
  const double latency_ms = std::max(static_cast<double>(latency_ns) / kNsPerMs, kLatencyMinMs);
  if (beside <= min_) NoteQuiet(latency_ms, now_ns);
  if (window_ms_.empty()) window_began_ns_ = now_ns - latency_ns;
  if (window_ms_.size() < kWindowSamplesMax) window_ms_.push_back(latency_ms);
  window_peak_ = std::max(window_peak_, beside);
  if (window_ms_.size() >= kWindowSamplesMin && now_ns - window_began_ns_ >= kWindowNs) EndWindow(now_ns);
}

void ConcurrencyLimit::NoteQuiet(double latency_ms, int64_t now_ns) {
  quiet_ms_.push_back(latency_ms);
  if (quiet_ms_.size() < kQuietSamples) return;
  baseline_ms_ = Median(quiet_ms_);
  quiet_ms_.clear();
  quiet_since_ns_ = now_ns;
  probing_ = false;
}

void ConcurrencyLimit::EndWindow(int64_t now_ns) {
  median_ms_ = Median(window_ms_);
  window_ms_.clear();
  const uint32_t peak = std::exchange(window_peak_, 0);
  if (min_ == max_ || probing_) return;
  // Before the first baseline and when it is old: look.
  if (baseline_ms_ == 0 || now_ns - quiet_since_ns_ > kProbeAfterNs) {
    probing_ = true;
    quiet_ms_.clear();
    return;
  }
  const double gradient = std::clamp((1 + kTolerance) * baseline_ms_ / median_ms_, kGradientMin, 1.0);
  const double next = limit_ * gradient + std::sqrt(limit_);
  // What was not used says nothing about whether there could be more.
  if (next > limit_ && peak * 2 < limit_) return;
  limit_ = std::clamp(next, static_cast<double>(min_), static_cast<double>(max_));
}

}  // namespace rhizome::gateway
