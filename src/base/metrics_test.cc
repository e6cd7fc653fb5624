#include "base/metrics.h"

#include <gtest/gtest.h>

#include <thread>

namespace rhizome {
namespace {

using testing::HasSubstr;

TEST(Metrics, TheSameNameAndLabelsAreOneCounter) {
  MetricRegistry registry;
  registry.GetCounter("requests_total", "Requests.", {{"route", "/a"}}).Add();
  registry.GetCounter("requests_total", "Requests.", {{"route", "/a"}}).Add(2);
  registry.GetCounter("requests_total", "Requests.", {{"route", "/b"}}).Add();
  EXPECT_EQ(registry.GetCounter("requests_total", "Requests.", {{"route", "/a"}}).Value(), 3);
}

TEST(Metrics, RenderIsPrometheusText) {
  MetricRegistry registry;
  registry.GetCounter("requests_total", "Requests.", {{"route", "/a"}}).Add(3);
  registry.GetGauge("queue_length", "Tasks waiting.").Set(7);
  const std::string text = registry.Render();
  EXPECT_THAT(text, HasSubstr("# HELP requests_total Requests.\n# TYPE requests_total counter\n"));
  EXPECT_THAT(text, HasSubstr("requests_total{route=\"/a\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("queue_length 7\n"));
}

TEST(Metrics, LabelValuesAreEscaped) {
  MetricRegistry registry;
  registry.GetGauge("g", "h", {{"name", "a\"b\\c\n"}}).Set(1);
  EXPECT_THAT(registry.Render(), HasSubstr("g{name=\"a\\\"b\\\\c\\n\"} 1\n"));
}

TEST(Metrics, HistogramCountsCumulatively) {
  MetricRegistry registry;
  Histogram histogram = registry.GetHistogram("latency_seconds", "Latency.", {0.1, 1});
  for (const double value : {0.05, 0.5, 0.7, 30.0}) histogram.Observe(value);
  const std::string text = registry.Render();
  EXPECT_THAT(text, HasSubstr("latency_seconds_bucket{le=\"0.1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_bucket{le=\"1\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_bucket{le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_count 4\n"));
}

TEST(Metrics, ConcurrentAddsAreAllCounted) {
  MetricRegistry registry;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&registry] {
      Counter counter = registry.GetCounter("n_total", "N.");
      for (int i = 0; i < 10'000; ++i) counter.Add();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(registry.GetCounter("n_total", "N.").Value(), 40'000);
}

TEST(MetricsDeathTest, AnUnacceptableNameAborts) {
  MetricRegistry registry;
  EXPECT_DEATH(registry.GetCounter("not a name", "Help."), "CHECK failed");
}

}  // namespace
}  // namespace rhizome
