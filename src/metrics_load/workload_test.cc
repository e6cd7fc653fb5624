#include "metrics_load/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "format/labels.h"

namespace rhizome::metrics_load {
namespace {

constexpr WorkloadOptions kOptions{.start_ms = 1'700'000'000'000};

std::string LabelOf(const LabelList& labels, const std::string& name) {
  for (const auto& [key, value] : labels) {
    if (key == name) return value;
  }
  return "";
}

std::vector<double> ValuesOf(uint64_t series, size_t count, WorkloadOptions options = kOptions) {
  Workload workload(options, series, 1);
  std::vector<double> values;
  while (values.size() < count) values.push_back(workload.Next(0).value);
  return values;
}

TEST(Workload, EverySeriesHasEightLabelsSortedByName) {
  for (uint64_t i = 0; i < 100; ++i) {
    const LabelList labels = LabelsOf(i);
    EXPECT_EQ(labels.size(), 8u);
    EXPECT_TRUE(std::is_sorted(labels.begin(), labels.end())) << i;
    EXPECT_TRUE(format::IsMetricName(LabelOf(labels, "__name__"))) << i;
  }
}

TEST(Workload, NoTwoSeriesHaveTheSameLabelsEvenWithoutTheName) {
  std::set<LabelList> seen;
  for (uint64_t i = 0; i < 20'000; ++i) {
    LabelList labels = LabelsOf(i);
    labels.erase(labels.begin());
    EXPECT_TRUE(seen.insert(labels).second) << i;
  }
}

TEST(Workload, TheBucketsOfAHistogramDifferInLeAlone) {
  std::map<LabelList, std::set<std::string>> histograms;
  for (uint64_t i = 0; i < 1'000; ++i) {
    LabelList labels = LabelsOf(i);
    const std::string le = LabelOf(labels, "le");
    std::erase(labels, std::pair<std::string, std::string>("le", le));
    if (!le.empty()) histograms[labels].insert(le);
  }
  EXPECT_EQ(histograms.size(), 20u);
  for (const auto& [labels, bounds] : histograms) {
    EXPECT_EQ(bounds.size(), 10u);
    EXPECT_TRUE(bounds.contains("+Inf"));
  }
}

TEST(Workload, ASeriesHasTheSameSamplesWhereverItsStretchBegins) {
  Workload whole(kOptions, 0, 100), part(kOptions, 60, 3);
  for (int i = 0; i < 50; ++i) {
    for (uint64_t s = 0; s < 3; ++s) {
      const Sample a = whole.Next(60 + s), b = part.Next(s);
      EXPECT_EQ(a.time_ms, b.time_ms);
      EXPECT_EQ(a.value, b.value);
    }
  }
}

TEST(Workload, AnotherSeedGivesOtherSamples) {
  WorkloadOptions other = kOptions;
  other.seed = 2;
  EXPECT_NE(ValuesOf(0, 10), ValuesOf(0, 10, other));
}

TEST(Workload, TimesAscendAndFewAreOffTheirInterval) {
  Workload workload(kOptions, 0, 1);
  int64_t before = 0, late = 0;
  for (int i = 0; i < 10'000; ++i) {
    const int64_t time_ms = workload.Next(0).time_ms;
    EXPECT_GT(time_ms, before);
    if (i > 0 && time_ms - before != 15'000) ++late;
    if (i > 0) EXPECT_NEAR(static_cast<double>(time_ms - before), 15'000, 1'500);
    before = time_ms;
  }
  EXPECT_NEAR(static_cast<double>(late), 1'000, 200);  // each of 500 is off both its neighbours
}

TEST(Workload, HalfOfTheSeriesAreIntegersThatNeverFall) {
  for (uint64_t series = 0; series < 5; ++series) {
    const std::vector<double> values = ValuesOf(series, 1'000);
    EXPECT_TRUE(std::is_sorted(values.begin(), values.end())) << series;
    for (const double value : values) EXPECT_EQ(value, std::floor(value)) << series;
  }
}

TEST(Workload, TheOthersAreDecimalsBytesAConstantAndAWalk) {
  for (const double value : ValuesOf(5, 100)) EXPECT_EQ(value, std::round(value * 100) / 100);
  for (const double value : ValuesOf(7, 100)) EXPECT_EQ(std::fmod(value, 4096), 0);
  const std::vector<double> constant = ValuesOf(8, 1'000);
  EXPECT_LT(std::set<double>(constant.begin(), constant.end()).size(), 17u);
  const std::vector<double> walk = ValuesOf(9, 100);
  EXPECT_NE(walk[50], std::round(walk[50] * 1e6) / 1e6);
}

TEST(Workload, AtFullPrecisionAllAreWalks) {
  WorkloadOptions options = kOptions;
  options.full_precision = true;
  for (uint64_t series = 0; series < 10; ++series) {
    const double value = ValuesOf(series, 10, options)[5];
    EXPECT_NE(value, std::round(value * 1e6) / 1e6) << series;
  }
}

}  // namespace
}  // namespace rhizome::metrics_load
