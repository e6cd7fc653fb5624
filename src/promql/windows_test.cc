#include "promql/windows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "promql/arithmetic.h"
#include "promql/histogram.h"

namespace rhizome::promql {
namespace {

// One value per second; the window is all of them.
double Over(FunctionId function, const std::vector<double>& values, const std::vector<double>& parameters = {}) {
  std::vector<int64_t> times(values.size());
  for (size_t i = 0; i < times.size(); ++i) times[i] = static_cast<int64_t>(i) * 1000;
  std::vector<std::vector<double>> columns;
  for (const double parameter : parameters) columns.push_back({parameter});
  const int64_t last = times.back();
  double out = 0;
  EXPECT_TRUE(EvaluateWindows(function, {times, values}, {{last, 1, 1}, 0, last}, columns, {&out, 1}).ok());
  return out;
}

TEST(Windows, BothEndsAreIn) {
  const std::vector<int64_t> times = {0, 1000, 2000, 3000};
  const std::vector<double> values = {1, 2, 4, 8};
  std::vector<double> out(5);
  ASSERT_TRUE(EvaluateWindows(FunctionId::kSumOverTime, {times, values}, {{0, 1000, 5}, 0, 1000}, {}, out).ok());
  EXPECT_EQ(out, (std::vector<double>{1, 3, 6, 12, 8}));
}

TEST(Windows, WithoutSamplesThereIsNoValue) {
  const std::vector<int64_t> times = {10'000};
  const std::vector<double> values = {1};
  std::vector<double> out(2);
  ASSERT_TRUE(EvaluateWindows(FunctionId::kRate, {times, values}, {{0, 10'000, 2}, 0, 1000}, {}, out).ok());
  EXPECT_TRUE(IsAbsent(out[0]));
  EXPECT_TRUE(IsAbsent(out[1]));  // one sample has no rate
}

TEST(Windows, SumsAreCompensated) {
  EXPECT_EQ(Over(FunctionId::kSumOverTime, {1, 1e100, 1, -1e100}), 2);
  EXPECT_EQ(Over(FunctionId::kSumOverTime, {HUGE_VAL, 1}), HUGE_VAL);
  EXPECT_EQ(Over(FunctionId::kAvgOverTime, {1e308, 1e308}), 1e308);
  EXPECT_EQ(Over(FunctionId::kAvgOverTime, {HUGE_VAL, 1, HUGE_VAL}), HUGE_VAL);
  EXPECT_TRUE(std::isnan(Over(FunctionId::kAvgOverTime, {HUGE_VAL, -HUGE_VAL})));
}

TEST(Windows, EveryFunctionOverTime) {
  const std::vector<double> v = {1, 4, 4, NAN, 2};
  EXPECT_EQ(Over(FunctionId::kMinOverTime, v), 1);
  EXPECT_EQ(Over(FunctionId::kMaxOverTime, v), 4);
  EXPECT_EQ(Over(FunctionId::kCountOverTime, v), 5);
  EXPECT_EQ(Over(FunctionId::kLastOverTime, v), 2);
  EXPECT_EQ(Over(FunctionId::kPresentOverTime, v), 1);
  EXPECT_EQ(Over(FunctionId::kChanges, v), 3);
  EXPECT_EQ(Over(FunctionId::kResets, {3, 1, 2, 0}), 2);
  EXPECT_EQ(Over(FunctionId::kStdvarOverTime, {1, 2, 6}), 14.0 / 3);
  EXPECT_EQ(Over(FunctionId::kStddevOverTime, {2, 2}), 0);
  EXPECT_EQ(Over(FunctionId::kQuantileOverTime, {1, 3, 2}, {0.75}), 2.5);
  EXPECT_EQ(Over(FunctionId::kIdelta, {1, 5, 3}), -2);
  EXPECT_EQ(Over(FunctionId::kIrate, {1, 5, 3}), 3);
  EXPECT_EQ(Over(FunctionId::kDelta, {5, 5, 1}), -4);
  EXPECT_EQ(Over(FunctionId::kDeriv, {1, 3, 5}), 2);
  EXPECT_EQ(Over(FunctionId::kDeriv, {5, 5}), 0);
  EXPECT_EQ(Over(FunctionId::kPredictLinear, {1, 3, 5}, {10}), 25);
  EXPECT_EQ(Over(FunctionId::kHoltWinters, {1, 2, 3, 4}, {0.5, 0.5}), 4);
}

TEST(Windows, ACounterIsNotExtrapolatedBelowZero) {
  // 1, 2, 3, … over a window that begins long before: zero was one interval before the first sample.
  const std::vector<int64_t> times = {10'000, 20'000, 30'000};
  const std::vector<double> values = {0.5, 1.5, 2.5};
  std::vector<double> out(1);
  const Windows windows{{30'000, 1, 1}, 0, 40'000};
  ASSERT_TRUE(EvaluateWindows(FunctionId::kIncrease, {times, values}, windows, {}, out).ok());
  EXPECT_EQ(out[0], 2.5);
  ASSERT_TRUE(EvaluateWindows(FunctionId::kDelta, {times, values}, windows, {}, out).ok());
  EXPECT_EQ(out[0], 2.5);
}

TEST(Windows, SmoothingFactorsLieBetweenZeroAndOne) {
  const std::vector<int64_t> times = {0, 1};
  const std::vector<double> values = {1, 2};
  std::vector<double> out(1);
  for (const auto& [smoothing, trend] :
       std::vector<std::pair<double, double>>{{0, 0.5}, {1, 0.5}, {0.5, 0}, {0.5, 1}}) {
    const std::vector<std::vector<double>> parameters = {{smoothing}, {trend}};
    EXPECT_EQ(EvaluateWindows(FunctionId::kHoltWinters, {times, values}, {{1, 1, 1}, 0, 10}, parameters, out).code(),
              Code::kFailedPrecondition);
  }
}

TEST(Arithmetic, MinimumAndMaximumKnowZerosAndNan) {
  EXPECT_TRUE(std::signbit(Min(0.0, -0.0)));
  EXPECT_FALSE(std::signbit(Max(-0.0, 0.0)));
  EXPECT_TRUE(std::isnan(Min(1, NAN)));
  EXPECT_EQ(Min(-HUGE_VAL, NAN), -HUGE_VAL);
  EXPECT_EQ(Max(NAN, HUGE_VAL), HUGE_VAL);
  EXPECT_EQ(Max(1, 2), 2);
}

TEST(Arithmetic, QuantilesOutsideTheirRangeAreInfinite) {
  std::vector<double> values = {3, 1, NAN};
  EXPECT_EQ(Quantile(-0.1, values), -HUGE_VAL);
  EXPECT_EQ(Quantile(1.1, values), HUGE_VAL);
  EXPECT_TRUE(std::isnan(Quantile(NAN, values)));
  EXPECT_TRUE(std::isnan(Quantile(0, values)));
  EXPECT_EQ(Quantile(1, values), 3);
  values.clear();
  EXPECT_TRUE(std::isnan(Quantile(0.5, values)));
}

TEST(Arithmetic, CalendarFields) {
  const CalendarTime leap = CalendarOf(1'709'208'000);  // 2024-02-29T12:00:00Z, a Thursday
  EXPECT_EQ(leap.year, 2024);
  EXPECT_EQ(leap.month, 2);
  EXPECT_EQ(leap.day, 29);
  EXPECT_EQ(leap.day_of_year, 60);
  EXPECT_EQ(leap.days_in_month, 29);
  EXPECT_EQ(leap.weekday, 4);
  EXPECT_EQ(leap.hour, 12);
  const CalendarTime before = CalendarOf(-1);
  EXPECT_EQ(before.year, 1969);
  EXPECT_EQ(before.day_of_year, 365);
  EXPECT_EQ(before.minute, 59);
  EXPECT_EQ(CalendarOf(NAN).year, CalendarOf(HUGE_VAL).year);
}

TEST(Arithmetic, NanComesLastInBothOrders) {
  EXPECT_EQ(SortedOrder(std::vector<double>{NAN, 2, 1}, false), (std::vector<size_t>{2, 1, 0}));
  EXPECT_EQ(SortedOrder(std::vector<double>{NAN, 1, 2}, true), (std::vector<size_t>{2, 1, 0}));
  std::vector<double> many(20);
  std::iota(many.begin(), many.end(), 0);
  many[3] = NAN;
  EXPECT_EQ(SortedOrder(many, true).back(), 3u);
  EXPECT_EQ(SortedOrder(many, false).front(), 0u);
}

TEST(Histogram, QuantilesInTheOuterBuckets) {
  EXPECT_EQ(BucketQuantile(0.5, {{-1, 4}, {HUGE_VAL, 4}}), -1);
  EXPECT_EQ(BucketQuantile(0.5, {{2, 4}, {HUGE_VAL, 4}}), 1);
  EXPECT_EQ(BucketQuantile(1, {{2, 1}, {HUGE_VAL, 4}}), 2);
  EXPECT_EQ(BucketQuantile(-1, {{2, 1}}), -HUGE_VAL);
  EXPECT_EQ(BucketQuantile(2, {{2, 1}}), HUGE_VAL);
}

TEST(Histogram, BrokenOnesHaveNoQuantile) {
  EXPECT_TRUE(std::isnan(BucketQuantile(NAN, {{1, 1}, {HUGE_VAL, 1}})));
  EXPECT_TRUE(std::isnan(BucketQuantile(0.5, {{1, 1}, {2, 2}})));
  EXPECT_TRUE(std::isnan(BucketQuantile(0.5, {{HUGE_VAL, 1}})));
  EXPECT_TRUE(std::isnan(BucketQuantile(0.5, {{1, 0}, {HUGE_VAL, 0}})));
}

TEST(Histogram, CountsAreMadeMonotonicAndEqualBoundsAdded) {
  EXPECT_EQ(BucketQuantile(0.5, {{1, 4}, {2, 2}, {HUGE_VAL, 4}}), 0.5);
  EXPECT_EQ(BucketQuantile(0.5, {{1, 1}, {1, 1}, {HUGE_VAL, 2}}), 0.5);
}

// One series alone can hold a query for minutes: the time is looked at within it.
TEST(Windows, ALongSeriesStopsAtTheDeadline) {
  std::vector<int64_t> times;
  for (int64_t i = 0; i < 10'000; ++i) times.push_back(i);
  const std::vector<double> values(times.size(), 1);
  std::vector<double> out(10'000, -1);
  const Windows windows{{0, 1, out.size()}, 0, 10'000};
  SimClock clock;
  Budget budget({}, clock, nullptr);
  clock.AdvanceMs(Limits().timeout_ms);
  EXPECT_EQ(EvaluateWindows(FunctionId::kSumOverTime, {times, values}, windows, {}, out, &budget).code(),
            Code::kDeadlineExceeded);
  EXPECT_EQ(out.back(), -1);
  Budget enough({}, clock, nullptr);
  EXPECT_TRUE(EvaluateWindows(FunctionId::kSumOverTime, {times, values}, windows, {}, out, &enough).ok());
  EXPECT_EQ(out.back(), 10'000);
}

}  // namespace
}  // namespace rhizome::promql
