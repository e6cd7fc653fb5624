#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "commands.h"
#include "io/http_test_server.h"

namespace rhizome::app {
namespace {

using io::HttpTestServer;
using io::HttpText;
using io::TestRequest;

struct Outcome {
  int code = 0;
  std::string printed;
};

// A load of ten requests.
Outcome Bench(const std::string& url, const std::string& protocol = "native") {
  BenchMetricsArguments arguments;
  arguments.load.url = url;
  arguments.load.series = 100;
  arguments.load.rounds = 1;
  arguments.load.seconds = 0;
  arguments.protocol = protocol;
  arguments.batch = 10;
  arguments.json = true;
  arguments.quiet = true;
  testing::internal::CaptureStdout();
  const int code = BenchMetrics(arguments);
  return {code, testing::internal::GetCapturedStdout()};
}

TEST(BenchMetrics, WithEveryRequestAcknowledgedTheExitCodeIs0) {
  HttpTestServer server([](const TestRequest&, size_t) { return HttpText("204 No Content", ""); });
  const Outcome outcome = Bench(server.url());
  EXPECT_EQ(outcome.code, 0);
  const auto report = boost::json::parse(outcome.printed);
  EXPECT_EQ(report.at("samples"), 100);
  EXPECT_EQ(report.at("requests"), 10);
}

TEST(BenchMetrics, WithSomeThatFailedItIs2) {
  HttpTestServer server([](const TestRequest&, size_t number) {
    return HttpText(number == 3 ? "400 Bad Request" : "204 No Content", "");
  });
  const Outcome outcome = Bench(server.url(), "remote_write");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(boost::json::parse(outcome.printed).at("failures").at("400"), 1);
}

TEST(BenchMetrics, WithNoneAcknowledgedItIs1) {
  HttpTestServer server([](const TestRequest&, size_t) { return HttpText("404 Not Found", ""); });
  EXPECT_EQ(Bench(server.url(), "influx").code, 1);
}

TEST(BenchMetrics, ArgumentsThatCannotBeAreSaidAndNothingIsSent) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(Bench("ftp://x").code, 1);
  EXPECT_EQ(Bench("http://127.0.0.1:1", "graphite").code, 1);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("url"), std::string::npos) << said;
  EXPECT_NE(said.find("protocol"), std::string::npos) << said;
}

}  // namespace
}  // namespace rhizome::app
