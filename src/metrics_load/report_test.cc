#include "metrics_load/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace rhizome::metrics_load {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

LoadReport Some() {
  LoadReport report;
  report.requests = 10;
  report.samples = 10'000;
  report.body_bytes = 125'000;
  report.seconds = 2;
  for (int i = 0; i < 10; ++i) report.latencies.Add(2'000'000);
  return report;
}

TEST(Report, SaysRateLatencyAndBytes) {
  const std::string text = ReportText({}, Some());
  EXPECT_THAT(text, HasSubstr("5000 samples/s"));
  EXPECT_THAT(text, HasSubstr("12.5 bytes"));
  EXPECT_THAT(text, HasSubstr("max 2.00 ms"));
  EXPECT_THAT(text, HasSubstr("closed loop"));
  EXPECT_THAT(text, Not(HasSubstr("failed")));
}

TEST(Report, SaysWhatFailedAndWhy) {
  LoadReport report = Some();
  report.failures = {{"429", 2}, {"timeout", 1}};
  report.failed_samples = 3'000;
  report.complaint = "too much waits";
  report.reached_now = true;
  const std::string text = ReportText({.rate = 7}, report);
  EXPECT_THAT(text, HasSubstr("3 requests of 3000 samples failed: 2 × 429 1 × timeout"));
  EXPECT_THAT(text, HasSubstr("too much waits"));
  EXPECT_THAT(text, HasSubstr("from when each was due"));
  EXPECT_THAT(text, HasSubstr("ended early"));
}

TEST(Report, NothingSentDividesByNothing) {
  EXPECT_THAT(ReportText({}, {}), HasSubstr("0 samples/s"));
  EXPECT_EQ(boost::json::parse(ReportJson({}, {})).at("samples_per_s").as_double(), 0);
}

TEST(Report, AsJsonItHoldsTheSame) {
  LoadReport report = Some();
  report.failures = {{"503", 4}};
  report.complaint = "not \"now\"";
  const auto json = boost::json::parse(ReportJson({.rate = 9}, report));
  EXPECT_EQ(json.at("samples_per_s").as_double(), 5'000);
  EXPECT_EQ(json.at("failures").at("503"), 4);
  EXPECT_EQ(json.at("failed_requests"), 4);
  EXPECT_EQ(json.at("complaint"), "not \"now\"");
  EXPECT_NEAR(json.at("p999_ms").as_double(), 2, 0.04);
}

}  // namespace
}  // namespace rhizome::metrics_load
