// The load against a real HTTP server on loopback.
#include "metrics_load/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "format/series_batch.h"
#include "io/http_test_server.h"

namespace rhizome::metrics_load {
namespace {

using io::HttpTestServer;
using io::HttpText;
using io::TestRequest;

std::string Kept(const TestRequest&, size_t) { return HttpText("204 No Content", ""); }

class LoadTest : public testing::Test {
 protected:
  LoadTest() {
    options_.body = {.protocol = Protocol::kNative, .samples_per_body = 20};
    options_.series = 100;
    options_.seconds = 0;
    options_.rounds = 3;
  }
  LoadReport Run(const HttpTestServer& server) {
    options_.url = server.url();
    auto report = RunLoad(options_, stop_, [this](uint64_t samples) { progress_ += samples; });
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return std::move(report).value();
  }
  // The least and the greatest time that arrived.
  static std::pair<int64_t, int64_t> TimesOf(HttpTestServer& server) {
    std::pair<int64_t, int64_t> times{INT64_MAX, INT64_MIN};
    for (const TestRequest& request : server.requests()) {
      const auto batch = format::SeriesBatch::Decode(request.body);
      for (size_t i = 0; i < batch->sample_count(); ++i) {
        times = {std::min(times.first, batch->TimeAt(i)), std::max(times.second, batch->TimeAt(i))};
      }
    }
    return times;
  }
  std::string FieldOf(const std::function<void(LoadOptions&)>& change) {
    LoadOptions options = options_;
    change(options);
    const auto report = RunLoad(options, stop_, {});
    EXPECT_EQ(report.status().code(), Code::kInvalidArgument);
    return std::string(report.status().field());
  }

  LoadOptions options_;
  std::atomic<bool> stop_{false};
  uint64_t progress_ = 0;
};

TEST_F(LoadTest, EverySampleOfTheRoundsArrivesOnce) {
  HttpTestServer server(Kept);
  options_.connections = 3;
  const LoadReport report = Run(server);
  EXPECT_EQ(report.samples, 300u);
  EXPECT_EQ(progress_, 300u);
  EXPECT_EQ(report.latencies.count(), report.requests);
  EXPECT_TRUE(report.failures.empty());
  std::set<std::pair<std::string, int64_t>> arrived;
  uint64_t bytes = 0;
  for (const TestRequest& request : server.requests()) {
    const auto batch = format::SeriesBatch::Decode(request.body);
    ASSERT_TRUE(batch.ok()) << batch.status().ToString();
    bytes += request.body.size();
    batch->ForEachRow([&](uint32_t series, int64_t time_ms, double) {
      EXPECT_TRUE(arrived.emplace(batch->LabelsOf(series).ToString(), time_ms).second);
    });
  }
  EXPECT_EQ(arrived.size(), 300u);
  EXPECT_EQ(report.body_bytes, bytes);
}

TEST_F(LoadTest, TheLastOfTheRoundsIsOfNow) {
  HttpTestServer server(Kept);
  const int64_t now_ms = SystemClock().WallMs();
  Run(server);
  const int64_t newest_ms = TimesOf(server).second;
  EXPECT_GT(newest_ms, now_ms - 16'000);
  EXPECT_LT(newest_ms, SystemClock().WallMs() + 1'000);
}

TEST_F(LoadTest, OfAnOpenLoopSamplesAreOfWhenTheyAreDue) {
  HttpTestServer server(Kept);
  options_.rounds = 0;
  options_.seconds = 0.4;
  options_.rate = 1'000;  // each series every 100 ms
  const int64_t now_ms = SystemClock().WallMs();
  Run(server);
  const auto [least_ms, greatest_ms] = TimesOf(server);
  EXPECT_GE(least_ms, now_ms - 110);
  EXPECT_GT(greatest_ms, now_ms + 150);
  EXPECT_LE(greatest_ms, SystemClock().WallMs() + 10);
}

TEST_F(LoadTest, OfAClosedLoopTheyAreOfTheLastTenMinutes) {
  HttpTestServer server(Kept);
  options_.rounds = 0;
  options_.seconds = 0.2;
  const int64_t now_ms = SystemClock().WallMs();
  Run(server);
  const auto [least_ms, greatest_ms] = TimesOf(server);
  EXPECT_GE(least_ms, now_ms - 541'000);
  EXPECT_LE(greatest_ms, SystemClock().WallMs());
}

TEST_F(LoadTest, HeadersAreThoseOfTheProtocolAndTheKey) {
  HttpTestServer server(Kept);
  options_.body.protocol = Protocol::kRemoteWrite;
  options_.api_key = "secret";
  Run(server);
  const std::string head = server.requests().at(0).head;
  EXPECT_TRUE(head.starts_with("POST /api/v1/write HTTP/1.1")) << head;
  EXPECT_NE(head.find("Content-Encoding: snappy\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("Authorization: Bearer secret\r\n"), std::string::npos) << head;
}

TEST_F(LoadTest, InAnOpenLoopWhatPiledUpBehindAStallIsLate) {
  HttpTestServer server([](const TestRequest& request, size_t number) {
    if (number == 0) std::this_thread::sleep_for(std::chrono::milliseconds(600));
    return Kept(request, number);
  });
  options_.connections = 1;
  options_.rounds = 8;  // 40 requests of 20 samples, one due every 10 ms
  options_.rate = 2'000;
  const LoadReport report = Run(server);
  EXPECT_EQ(report.requests, 40u);
  EXPECT_GE(report.latencies.QuantileMs(0.025), 200);  // the last was due at 390 ms and could not be sent before 600
}

TEST_F(LoadTest, AnOpenLoopDoesNotRunAheadOfItsRate) {
  HttpTestServer server(Kept);
  options_.rate = 1'000;
  EXPECT_GE(Run(server).seconds, 0.279);  // 15 requests of 20 samples: the last is due at 280 ms
}

TEST_F(LoadTest, TheRateOfAnOpenLoopIsOfSamplesHoweverSmallTheBodies) {
  HttpTestServer server(Kept);
  options_.rate = 1'000;
  options_.connections = 2;
  options_.body.samples_per_body = 1'000'000;  // of which a connection's 50 series fill little
  EXPECT_LT(Run(server).latencies.QuantileMs(0), 2'000);
  EXPECT_EQ(progress_, 300u);
}

TEST_F(LoadTest, FailuresAreCountedByStatusAndNotRepeated) {
  HttpTestServer server([](const TestRequest& request, size_t number) {
    if (number == 1) return HttpText("429 Too Many Requests", "too much waits");
    if (number == 2) return HttpText("400 Bad Request", "bad");
    if (number == 3) return std::string();
    return Kept(request, number);
  });
  options_.connections = 1;
  options_.rounds = 1;
  const LoadReport report = Run(server);
  EXPECT_EQ(report.requests, 2u);
  EXPECT_EQ(report.samples, 40u);
  EXPECT_EQ(report.failed_samples, 60u);
  EXPECT_EQ(report.latencies.count(), 2u);
  EXPECT_EQ(report.complaint, "too much waits");
  const std::map<std::string, uint64_t> expected = {{"400", 1}, {"429", 1}, {"connection", 1}};
  EXPECT_EQ(report.failures, expected);
}

TEST_F(LoadTest, NoAnswerInTimeIsATimeout) {
  HttpTestServer server([](const TestRequest& request, size_t number) {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    return Kept(request, number);
  });
  options_.connections = 1;
  options_.series = 20;
  options_.rounds = 1;
  options_.timeout_ms = 100;
  const std::map<std::string, uint64_t> expected = {{"timeout", 1}};
  EXPECT_EQ(Run(server).failures, expected);
}

TEST_F(LoadTest, ItEndsWhenItsTimeIsOver) {
  HttpTestServer server(Kept);
  options_.rounds = 0;
  options_.seconds = 0.2;
  const LoadReport report = Run(server);
  EXPECT_GE(report.seconds, 0.2);
  EXPECT_GT(report.requests, 0u);
}

TEST_F(LoadTest, ItEndsWhenTheSamplesComeToThePresent) {
  HttpTestServer server(Kept);
  options_.rounds = 0;
  options_.seconds = 600;
  options_.start_ms = SystemClock().WallMs() - 60'000;
  const LoadReport report = Run(server);
  EXPECT_TRUE(report.reached_now);
  EXPECT_GE(report.samples, 400u);
}

TEST_F(LoadTest, ItEndsWhenItIsStopped) {
  HttpTestServer server([this](const TestRequest& request, size_t number) {
    if (number == 3) stop_ = true;
    return Kept(request, number);
  });
  options_.rounds = 1'000'000;
  options_.connections = 1;
  options_.start_ms = 1;
  EXPECT_EQ(Run(server).requests, 4u);
}

TEST_F(LoadTest, OptionsThatCannotBeAreNamed) {
  EXPECT_EQ(FieldOf([](LoadOptions& o) { o.url = "x"; }), "url");
  EXPECT_EQ(FieldOf([](LoadOptions& o) { o.series = 0; }), "series");
  EXPECT_EQ(FieldOf([](LoadOptions& o) { o.connections = 0; }), "connections");
  EXPECT_EQ(FieldOf([](LoadOptions& o) { o.connections = 101; }), "connections");
  EXPECT_EQ(FieldOf([](LoadOptions& o) { o.body.samples_per_series = 0; }), "samples-per-series");
  EXPECT_EQ(FieldOf([](LoadOptions& o) { o.body.samples_per_series = 21; }), "batch");
  EXPECT_EQ(FieldOf([](LoadOptions& o) { o.rounds = 0; }), "seconds");
  EXPECT_EQ(FieldOf([](LoadOptions& o) { o.rate = -1; }), "rate");
  EXPECT_EQ(FieldOf([](LoadOptions& o) { o.interval_ms = -1; }), "interval-ms");
}

}  // namespace
}  // namespace rhizome::metrics_load
