#include "metrics/self_monitor.h"

#include <gtest/gtest.h>

#include "base/await_testing.h"
#include "base/metrics.h"
#include "io/sim_disk.h"
#include "metrics/store.h"
#include "promql/engine.h"
#include "shard/series_testing.h"

namespace rhizome::metrics {
namespace {

class SelfMonitorTest : public testing::Test {
 protected:
  SelfMonitorTest() {
    cluster::NodeOptions options;
    options.data_dir = "/data";
    options.memtable_bytes = 1 << 20;
    node_ = cluster::Node::Open(disk_, options).value();
    store_ = std::make_unique<Store>(*node_, SystemClock());
    options_.instance = "here:1";
    options_.interval_ms = 20;
    options_.begins = true;
  }
  void Start(std::function<std::string()> text) {
    monitor_ = std::make_unique<SelfMonitor>(options_, std::move(text), *store_, SystemClock());
  }
  // The value of an expression now; nothing for none.
  std::optional<double> Value(const std::string& expr) {
    std::vector<std::string> warnings;
    const auto source = store_->Open({kTenant, INT64_MAX, nullptr, &warnings}).value();
    const auto result = promql::Engine({}, SystemClock()).Instant(expr, SystemClock().WallMs(), {*source}).value();
    if (result.series.empty()) return std::nullopt;
    return result.series[0].values[0];
  }
  void WriteOf(const std::string& job, int64_t age_ms) {
    format::SeriesBatchBuilder builder;
    const std::vector<format::LabelPair> pairs = {{"__name__", "old"}, {"job", job}};
    builder.Add(builder.SeriesOf(format::Labels::FromPairs(pairs).value()), SystemClock().WallMs() - age_ms, 1);
    ASSERT_EQ(store_->Write(kTenant, builder.Encode()).value().kept, 1u);
  }

  io::SimDisk disk_;
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<Store> store_;
  SelfMonitorOptions options_;
  std::unique_ptr<SelfMonitor> monitor_;
};

TEST_F(SelfMonitorTest, WhatARegistryShowsIsInTheStore) {
  MetricRegistry registry;
  registry.GetCounter("things_total", "Things.", {{"kind", "a \"b\""}}).Add(3);
  registry.GetHistogram("wait_seconds", "Waits.", {0.1, 1}).Observe(0.5);
  Start([&registry] { return registry.Render(); });
  EXPECT_TRUE(Await([&] { return Value("things_total{job=\"rhizome-self\",instance=\"here:1\"}") == 3; }));
  EXPECT_EQ(Value("wait_seconds_bucket{le=\"1\"}"), 1);
  EXPECT_EQ(Value("up{job=\"rhizome-self\"}"), 1);
  EXPECT_TRUE(Await([&] { return Value("count_over_time(up[1m])").value_or(0) > 1; }));
  std::vector<std::string> warnings;
  EXPECT_EQ(store_->Metadata({kTenant, INT64_MAX, nullptr, &warnings}, "things_total").value().size(), 1u);
}

TEST_F(SelfMonitorTest, WhatIsShownNoLongerIsStale) {
  std::atomic<bool> gone = false;
  Start([&gone] { return std::string(gone ? "" : "a 1\n"); });
  ASSERT_TRUE(Await([&] { return Value("a") == 1; }));
  gone = true;
  EXPECT_TRUE(Await([&] { return !Value("a").has_value(); }));
  EXPECT_EQ(Value("up"), 1);
}

TEST_F(SelfMonitorTest, UnlessToldItWaitsForTheSamplesOfOthers) {
  options_.begins = false;
  std::atomic<int> asked = 0;
  Start([&asked] {
    ++asked;
    return std::string();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(asked, 0);
  EXPECT_FALSE(store_->Exists());
  ASSERT_TRUE(store_->Write(kTenant, shard::BatchOf({{"other", SystemClock().WallMs(), 1}})).ok());
  EXPECT_TRUE(Await([&] { return Value("up") == 1; }));
}

TEST_F(SelfMonitorTest, WhatIsOldIsDeletedAndNothingOfOthers) {
  options_.keep_ms = 100'000;
  options_.expire_every_ms = 1;
  WriteOf("rhizome-self", 101'000);
  WriteOf("rhizome-self", 99'000);
  WriteOf("other", 101'000);
  Start([] { return std::string(); });
  EXPECT_TRUE(Await([&] { return Value("count_over_time(old{job=\"rhizome-self\"}[10m])") == 1; }));
  EXPECT_EQ(Value("count_over_time(old{job=\"other\"}[10m])"), 1);
}

TEST_F(SelfMonitorTest, AfterARoundThatFailsThereIsAnother) {
  std::atomic<bool> broken = true;
  Start([&broken] { return std::string(broken ? "not { text\n" : "a 1\n"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  broken = false;
  EXPECT_TRUE(Await([&] { return Value("a") == 1; }));
}

}  // namespace
}  // namespace rhizome::metrics
