#include "engines/series/rollup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>

namespace rhizome::series {
namespace {

using testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kFiveMinutes = 300'000;
constexpr int64_t kHour = 3'600'000;

void ExpectSame(const std::vector<Window>& a, const std::vector<Window>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].start_ms, b[i].start_ms);
    EXPECT_EQ(a[i].count, b[i].count);
    EXPECT_EQ(a[i].sum, b[i].sum);
    EXPECT_EQ(a[i].min, b[i].min);
    EXPECT_EQ(a[i].max, b[i].max);
    EXPECT_EQ(a[i].first.time_ms, b[i].first.time_ms);
    EXPECT_EQ(a[i].first.value, b[i].first.value);
    EXPECT_EQ(a[i].last.time_ms, b[i].last.time_ms);
    EXPECT_EQ(a[i].last.value, b[i].last.value);
    EXPECT_EQ(a[i].resets, b[i].resets);
  }
}

// A counter that falls now and then, with gaps, from before 1970 on.
Samples RandomCounter(std::mt19937_64& random) {
  Samples samples;
  int64_t time = -static_cast<int64_t>(random() % (3 * kHour));
  double value = 0;
  for (size_t i = 0; i < 1 + random() % 800; ++i) {
    time += 1 + static_cast<int64_t>(random() % 60'000);
    if (random() % 100 == 0) time += static_cast<int64_t>(random() % (3 * kHour));
    value = random() % 40 == 0 ? static_cast<double>(random() % 10) : value + static_cast<double>(random() % 100);
    samples.times.push_back(time);
    samples.values.push_back(random() % 50 == 0 ? std::bit_cast<double>(kStaleMarkerBits) : value);
  }
  return samples;
}

bool IsStale(double value) { return std::bit_cast<uint64_t>(value) == kStaleMarkerBits; }

// As PromQL counts it over the samples themselves.
double IncreaseOf(const Samples& samples, int64_t from, int64_t before) {
  std::vector<double> values;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples.times[i] >= from && samples.times[i] < before && !IsStale(samples.values[i])) {
      values.push_back(samples.values[i]);
    }
  }
  if (values.empty()) return 0;
  double increase = values.back() - values.front();
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i] < values[i - 1]) increase += values[i - 1];
  }
  return increase;
}

TEST(RollUp, WindowsHoldWhatTheirSamplesComeTo) {
  const std::vector<Window> windows = RollUp({{-1, 0, 5, 299'999, 900'000}, {4, 7, 3, 8, 1}}, kFiveMinutes);
  ASSERT_EQ(windows.size(), 3u);
  EXPECT_EQ(windows[0].start_ms, -kFiveMinutes);
  EXPECT_EQ(windows[1].start_ms, 0);
  EXPECT_EQ(windows[1].count, 3u);
  EXPECT_EQ(windows[1].sum, 18);
  EXPECT_EQ(windows[1].min, 3);
  EXPECT_EQ(windows[1].max, 8);
  EXPECT_EQ(windows[1].first.time_ms, 0);
  EXPECT_EQ(windows[1].first.value, 7);
  EXPECT_EQ(windows[1].last.time_ms, 299'999);
  EXPECT_EQ(windows[1].last.value, 8);
  EXPECT_EQ(windows[1].resets, 7);
  EXPECT_EQ(windows[2].start_ms, 900'000);
}

TEST(RollUp, NothingComesOfNothing) {
  EXPECT_THAT(RollUp(Samples{}, kHour), IsEmpty());
  EXPECT_THAT(RollUp(Samples{{1}, {std::bit_cast<double>(kStaleMarkerBits)}}, kHour), IsEmpty());
  EXPECT_THAT(RollUp(std::span<const Window>(), kHour), IsEmpty());
  EXPECT_EQ(IncreaseOver({}), 0);
}

TEST(RollUp, AWindowIsNanOnlyWhereAllOfItIs) {
  const std::vector<Window> some = RollUp({{1, 2, 3}, {kNan, 5, kNan}}, kHour);
  EXPECT_EQ(some[0].count, 3u);
  EXPECT_EQ(some[0].min, 5);
  EXPECT_EQ(some[0].max, 5);
  EXPECT_TRUE(std::isnan(some[0].sum));
  EXPECT_TRUE(std::isnan(RollUp({{1}, {kNan}}, kHour)[0].min));
}

TEST(RollUp, ExtremeTimesHaveWindows) {
  const std::vector<Window> windows = RollUp({{INT64_MIN, INT64_MAX}, {1, 2}}, kHour);
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].start_ms, INT64_MIN);
  EXPECT_EQ(RollUp(windows, 24 * kHour).size(), 2u);
}

TEST(RollUp, WindowsOfWindowsAreWindowsOfTheSamples) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 200; ++round) {
    const Samples samples = RandomCounter(random);
    ExpectSame(RollUp(RollUp(samples, kFiveMinutes), kHour), RollUp(samples, kHour));
    ExpectSame(RollUp(RollUp(samples, 1), kFiveMinutes), RollUp(samples, kFiveMinutes));
  }
}

TEST(RollUp, CountSumAndExtremesAreThoseOfTheSamples) {
  std::mt19937_64 random(12);
  for (int round = 0; round < 100; ++round) {
    const Samples samples = RandomCounter(random);
    std::map<int64_t, std::vector<double>> expected;
    for (size_t i = 0; i < samples.size(); ++i) {
      const auto slot = static_cast<int64_t>(std::floor(static_cast<double>(samples.times[i]) / kFiveMinutes));
      if (!IsStale(samples.values[i])) expected[slot * kFiveMinutes].push_back(samples.values[i]);
    }
    const std::vector<Window> windows = RollUp(samples, kFiveMinutes);
    ASSERT_EQ(windows.size(), expected.size());
    for (const Window& window : windows) {
      const std::vector<double>& values = expected.at(window.start_ms);
      EXPECT_EQ(window.count, values.size());
      EXPECT_EQ(window.sum, std::accumulate(values.begin(), values.end(), 0.0));
      EXPECT_EQ(window.min, *std::min_element(values.begin(), values.end()));
      EXPECT_EQ(window.max, *std::max_element(values.begin(), values.end()));
    }
  }
}

TEST(RollUp, IncreaseOverWindowsIsThatOfTheSamplesResetsIncluded) {
  std::mt19937_64 random(13);
  for (int round = 0; round < 200; ++round) {
    const Samples samples = RandomCounter(random);
    for (const int64_t length : {kFiveMinutes, kHour}) {
      const std::vector<Window> windows = RollUp(samples, length);
      for (int part = 0; part < 5 && !windows.empty(); ++part) {
        const size_t from = random() % windows.size();
        const size_t count = 1 + random() % (windows.size() - from);
        const auto some = std::span(windows).subspan(from, count);
        EXPECT_EQ(IncreaseOver(some), IncreaseOf(samples, some.front().start_ms, some.back().start_ms + length));
      }
    }
  }
}

}  // namespace
}  // namespace rhizome::series
