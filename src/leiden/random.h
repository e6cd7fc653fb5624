// Random: numbers that look like chance and are the same everywhere for the same seed (Steele, Lea and Flood, "Fast
// Splittable Pseudorandom Number Generators", OOPSLA 2014: SplitMix64). Not thread-safe.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace rhizome::leiden {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // From 0 to below `bound`, which is above 0.
  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>((Next() >> 32) * bound >> 32); }
  // From 0 to below 1.
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  void Shuffle(std::vector<uint32_t>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(static_cast<uint32_t>(i))]);
  }

 private:
  uint64_t state_;
};

}  // namespace rhizome::leiden
