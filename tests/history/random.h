// Random: the only source of chance where a run must be repeatable. SplitMix64 (Steele, Lea, Flood, OOPSLA 2014, fig.
// 11): one word of state, so that every part of the world can have a stream of its own, and removing a fault leaves the
// others' alone.
#pragma once

#include <cstdint>

namespace rhizome::history {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // In [0, count); `count` is positive. The bias is below count / 2^64.
  uint64_t Below(uint64_t count) { return Next() % count; }
  // In [low, high].
  int64_t Between(int64_t low, int64_t high) { return low + static_cast<int64_t>(Below(high - low + 1)); }
  bool Chance(double probability) { return static_cast<double>(Next() >> 11) * 0x1.0p-53 < probability; }
  // A stream of its own: the same for the same seed and label.
  static Random Of(uint64_t seed, uint64_t label) {
    Random mixed(seed ^ (label * 0xd1342543de82ef95));
    return Random(mixed.Next());
  }

 private:
  uint64_t state_;
};

}  // namespace rhizome::history
