// Latencies: how long requests took, in buckets of at most 1.6 % width from a microsecond on, so that neither memory
// nor accuracy depends on how many there are. Thread-safety: as an array.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace rhizome::metrics_load {

class Latencies {
 public:
  void Add(int64_t ns) {
    ns = std::max<int64_t>(0, ns);
    ++counts_[BucketOf(static_cast<uint64_t>(ns) / 1'000)];
    ++count_;
    max_ns_ = std::max(max_ns_, ns);
  }
  void Merge(const Latencies& other) {
    for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    max_ns_ = std::max(max_ns_, other.max_ns_);
  }

  uint64_t count() const { return count_; }
  double max_ms() const { return static_cast<double>(max_ns_) / 1e6; }
  // What at least this share of them did not exceed, up to the width of a bucket; 0 when there are none.
  double QuantileMs(double share) const {
    const auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (seen == 0 || seen < rank) continue;
      return i == kBuckets - 1 ? max_ms() : std::min(static_cast<double>(EndOf(i)) / 1'000, max_ms());
    }
    return 0;
  }

 private:
  static constexpr uint64_t kPerDoubling = 64;
  static constexpr size_t kBuckets = 64 * 42;  // the last has no end and begins at some years

  // Up to 127 a bucket each; then 64 for every power of two.
  static size_t BucketOf(uint64_t us) {
    if (us < 2 * kPerDoubling) return us;
    const auto shift = static_cast<unsigned>(std::bit_width(us)) - 7;
    return std::min<size_t>(kBuckets - 1, shift * kPerDoubling + (us >> shift));
  }
  // The least microsecond that is beyond the bucket.
  static uint64_t EndOf(size_t bucket) {
    if (bucket < 2 * kPerDoubling) return bucket + 1;
    const uint64_t shift = bucket / kPerDoubling - 1;
    return (bucket % kPerDoubling + kPerDoubling + 1) << shift;
  }

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t count_ = 0;
  int64_t max_ns_ = 0;
};

}  // namespace rhizome::metrics_load
