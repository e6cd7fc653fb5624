#include "metrics_load/latencies.h"

#include <gtest/gtest.h>

namespace rhizome::metrics_load {
namespace {

TEST(Latencies, NoneAreZero) {
  const Latencies none;
  EXPECT_EQ(none.QuantileMs(0.5), 0);
  EXPECT_EQ(none.max_ms(), 0);
}

TEST(Latencies, QuantilesAreAsCloseAsTheirBuckets) {
  Latencies latencies;
  for (int64_t us = 1; us <= 100'000; ++us) latencies.Add(us * 1'000);
  EXPECT_NEAR(latencies.QuantileMs(0.5), 50, 50 * 0.016);
  EXPECT_NEAR(latencies.QuantileMs(0.999), 99.9, 99.9 * 0.016);
  EXPECT_EQ(latencies.QuantileMs(1), 100);
  EXPECT_EQ(latencies.count(), 100'000u);
}

TEST(Latencies, EveryOneIsInTheBucketThatEndsBehindIt) {
  for (int64_t us = 1; us < int64_t{1} << 50; us = us * 9 / 8 + 1) {
    Latencies latencies;
    latencies.Add(us * 1'000);
    latencies.Add(int64_t{1} << 62);
    EXPECT_GE(latencies.QuantileMs(0.5) * 1'000, static_cast<double>(us));
    if (us < int64_t{1} << 46) EXPECT_LE(latencies.QuantileMs(0.5) * 1'000, static_cast<double>(us) * 1.0157 + 1);
  }
}

TEST(Latencies, TheGreatestIsExact) {
  Latencies latencies;
  latencies.Add(1'000'000);
  latencies.Add(1'234'567);
  EXPECT_DOUBLE_EQ(latencies.max_ms(), 1.234567);
  EXPECT_DOUBLE_EQ(latencies.QuantileMs(1), 1.234567);
}

TEST(Latencies, AFewSlowOnesAreTheTail) {
  Latencies latencies;
  for (int i = 0; i < 998; ++i) latencies.Add(1'000'000);
  for (int i = 0; i < 2; ++i) latencies.Add(500'000'000);
  EXPECT_NEAR(latencies.QuantileMs(0.99), 1, 0.016);
  EXPECT_NEAR(latencies.QuantileMs(0.999), 500, 8);
}

TEST(Latencies, MergingIsHavingSeenBoth) {
  Latencies a, b;
  a.Add(1'000'000);
  b.Add(9'000'000);
  a.Merge(b);
  EXPECT_EQ(a.count(), 2u);
  EXPECT_NEAR(a.QuantileMs(0.5), 1, 0.016);
  EXPECT_DOUBLE_EQ(a.max_ms(), 9);
}

TEST(Latencies, WhatCameBeforeItWasDueTookNoTime) {
  Latencies latencies;
  latencies.Add(-5);
  EXPECT_EQ(latencies.max_ms(), 0);
}

}  // namespace
}  // namespace rhizome::metrics_load
