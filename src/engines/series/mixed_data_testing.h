// Mixed data: the samples that benchmarks and tests of this folder measure with. Of ten series five are integer
// counters, two are gauges of two decimals, one a gauge of bytes, one nearly constant and one a walk at full precision;
// a sample every 15 s, one in twenty off its time by up to 5 % of that.
//
// Deterministic: the same series and seed give the same samples everywhere the standard library's distributions agree.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

#include "engines/series/chunk.h"

namespace rhizome::series {

enum class Kind { kCounter, kTwoDecimals, kBytes, kNearConstant, kFullPrecision };
inline constexpr int kKinds = 5;
inline constexpr int64_t kIntervalMs = 15'000;

inline const char* NameOf(Kind kind) {
  constexpr const char* kNames[kKinds] = {"integer counter", "two decimals", "bytes", "near-constant",
                                          "full precision"};
  return kNames[static_cast<int>(kind)];
}

inline Kind KindOf(uint64_t series) {
  constexpr Kind kOfTen[10] = {Kind::kCounter,      Kind::kCounter,      Kind::kCounter,     Kind::kCounter,
                               Kind::kCounter,      Kind::kTwoDecimals,  Kind::kTwoDecimals, Kind::kBytes,
                               Kind::kNearConstant, Kind::kFullPrecision};
  return kOfTen[series % 10];
}

// One series' samples, one after another.
class MixedSeries {
 public:
  MixedSeries(Kind kind, uint64_t seed, int64_t start_ms = 1'700'000'000'000) : kind_(kind), start_ms_(start_ms) {
    random_.seed(seed * 2654435761 + static_cast<uint64_t>(kind));
    start_ms_ += static_cast<int64_t>(random_() % kIntervalMs);
    switch (kind_) {
      case Kind::kCounter:
        value_ = static_cast<double>(random_() % 1'000'000);
        arrivals_ = std::poisson_distribution<int64_t>(std::pow(10.0, uniform_(random_) * 4 - 1));  // 0.1 to 1000
        break;
      case Kind::kTwoDecimals: value_ = 20 + 60 * uniform_(random_); break;
      case Kind::kBytes: value_ = static_cast<double>(25'000 + random_() % 250'000); break;
      case Kind::kNearConstant: value_ = static_cast<double>(random_() % 16); break;
      case Kind::kFullPrecision: value_ = 1'000 * uniform_(random_); break;
    }
  }

  Sample Next() {
    Sample sample{start_ms_ + kIntervalMs * static_cast<int64_t>(index_++), 0};
    if (uniform_(random_) < 0.05) sample.time_ms += static_cast<int64_t>((uniform_(random_) - 0.5) * 0.1 * kIntervalMs);
    sample.value = NextValue();
    return sample;
  }

 private:
  double NextValue() {
    switch (kind_) {
      case Kind::kCounter: return value_ += static_cast<double>(arrivals_(random_));
      case Kind::kTwoDecimals: value_ += 0.5 * normal_(random_); return std::round(value_ * 100) / 100;
      case Kind::kBytes:
        if (uniform_(random_) < 0.5) value_ = std::max(0.0, value_ + std::round(100 * normal_(random_)));
        return value_ * 4096;
      case Kind::kNearConstant:
        if (uniform_(random_) < 0.01) value_ = static_cast<double>(random_() % 16);
        return value_;
      case Kind::kFullPrecision: return value_ += normal_(random_);
    }
    return 0;
  }

  const Kind kind_;
  int64_t start_ms_;
  uint64_t index_ = 0;
  double value_ = 0;
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> uniform_{0, 1};
  std::normal_distribution<double> normal_{0, 1};
  std::poisson_distribution<int64_t> arrivals_{1};
};

inline Samples MakeSamples(Kind kind, uint64_t seed, size_t count) {
  MixedSeries series(kind, seed);
  Samples samples;
  for (size_t i = 0; i < count; ++i) {
    const Sample sample = series.Next();
    samples.times.push_back(sample.time_ms);
    samples.values.push_back(sample.value);
  }
  return samples;
}

}  // namespace rhizome::series
