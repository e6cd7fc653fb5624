// Version: what a mutation carries, so that the highest wins wherever it is merged.
//
// A hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", OPODIS 2014): 48 bits of wall
// milliseconds, 16 bits of counter, and the node that assigned it to break ties. Total order, never reused.
#pragma once

#include <compare>
#include <cstdint>

#include "base/clock.h"
#include "base/mutex.h"

namespace rhizome {

struct Version {
  uint64_t time = 0;  // milliseconds << 16 | counter
  uint32_t node = 0;

  auto operator<=>(const Version&) const = default;
  int64_t WallMs() const { return static_cast<int64_t>(time >> 16); }
};

// Hands out versions that only go up, within one process life and, after Observe() of what was recovered,
// across lives. Thread-safe.
class HybridClock {
 public:
  HybridClock(Clock& clock, uint32_t node) : clock_(clock), node_(node) {}

  // Above every version handed out or observed before, whatever the wall clock does.
  Version Next() EXCLUDES(mutex_);
  // Learns of a version from recovery or a peer.
  void Observe(Version seen) EXCLUDES(mutex_);
  Version Last() EXCLUDES(mutex_);

 private:
  Clock& clock_;
  const uint32_t node_;
  Mutex mutex_;
  uint64_t last_ GUARDED_BY(mutex_) = 0;
};

}  // namespace rhizome
