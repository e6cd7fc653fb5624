#include "workers/rate_limits.h"

#include <algorithm>
#include <cmath>

namespace rhizome::workers {

void RateLimits::Set(const std::string& endpoint, RateLimit limit) {
  const MutexLock lock(mutex_);
  Bucket& bucket = buckets_[endpoint];
  limit.burst = std::max(limit.burst, 1.0);
  bucket.limit = limit;
  bucket.tokens = limit.burst;
  bucket.filled_ns = clock_.MonotonicNs();
}

int64_t RateLimits::TryTake(const std::string& endpoint, double tokens) {
  const MutexLock lock(mutex_);
  const auto found = buckets_.find(endpoint);
  if (found == buckets_.end()) return 0;
  Bucket& bucket = found->second;
  const int64_t now_ns = clock_.MonotonicNs();
  if (now_ns < bucket.paused_until_ns) return (bucket.paused_until_ns - now_ns + 999'999) / 1'000'000;
  if (bucket.limit.per_second <= 0) return 0;
  const double seconds = static_cast<double>(now_ns - bucket.filled_ns) / 1e9;
  bucket.tokens = std::min(bucket.limit.burst, bucket.tokens + seconds * bucket.limit.per_second);
  bucket.filled_ns = now_ns;
  // More than a burst is granted when the bucket is full, and paid for afterwards.
  const double needed = std::min(tokens, bucket.limit.burst);
  if (bucket.tokens + 1e-9 < needed) {
    return std::max<int64_t>(1,
                             std::llround(std::ceil((needed - bucket.tokens) / bucket.limit.per_second * 1000 - 1e-6)));
  }
  bucket.tokens -= tokens;
  return 0;
}

void RateLimits::Pause(const std::string& endpoint, int64_t for_ms) {
  const MutexLock lock(mutex_);
  Bucket& bucket = buckets_[endpoint];
  bucket.paused_until_ns = std::max(bucket.paused_until_ns, clock_.MonotonicNs() + for_ms * 1'000'000);
}

}  // namespace rhizome::workers
