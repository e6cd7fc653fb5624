// RateLimits: how many requests a second go to each endpoint of a model, whoever makes them in this process.
//
// A token bucket per endpoint: `per_second` tokens flow in, up to `burst`; a request takes one, or as many as it says.
// An endpoint that answers "too many requests" is left alone until it is time again (Pause). Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"

namespace rhizome::workers {

struct RateLimit {
  double per_second = 0;  // 0: no limit
  double burst = 1;       // at least 1; more may be asked for at once: who does waits until the debt is paid
};

class RateLimits {
 public:
  explicit RateLimits(Clock& clock = SystemClock()) : clock_(clock) {}

  void Set(const std::string& endpoint, RateLimit limit) EXCLUDES(mutex_);
  // Takes `tokens` now or, when there is none or the endpoint is paused, takes nothing and says how long to wait, ms.
  int64_t TryTake(const std::string& endpoint, double tokens) EXCLUDES(mutex_);
  // Nothing goes there for so long.
  void Pause(const std::string& endpoint, int64_t for_ms) EXCLUDES(mutex_);

 private:
  struct Bucket {
    RateLimit limit;
    double tokens = 0;
    int64_t filled_ns = 0;
    int64_t paused_until_ns = 0;
  };
  Clock& clock_;
  Mutex mutex_;
  std::map<std::string, Bucket> buckets_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::workers
