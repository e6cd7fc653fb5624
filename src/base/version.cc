#include "base/version.h"

#include <algorithm>

namespace rhizome {

Version HybridClock::Next() {
  const uint64_t now = static_cast<uint64_t>(std::max<int64_t>(clock_.WallMs(), 0)) << 16;
  MutexLock lock(mutex_);
  last_ = std::max(last_ + 1, now);
  return {last_, node_};
}

void HybridClock::Observe(Version seen) {
  MutexLock lock(mutex_);
  last_ = std::max(last_, seen.time);
}

Version HybridClock::Last() {
  MutexLock lock(mutex_);
  return {last_, node_};
}

}  // namespace rhizome
