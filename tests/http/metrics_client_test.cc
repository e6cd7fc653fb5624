// Our client and our load generator against the real routes: what the server says is what the client tells.
#include "api_fixture.h"
#include "metrics_client/client.h"
#include "metrics_load/load.h"

namespace rhizome::gateway {
namespace {

using format::LabelPair;
using metrics_client::Batch;
using metrics_client::Client;
using metrics_client::ClientOptions;
using metrics_client::EncodedBatch;
using metrics_client::Receipt;

class MetricsClient : public ApiFixture {
 protected:
  std::string Url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  Result<Receipt> Send(const EncodedBatch& batch, ClientOptions options = {}) {
    options.url = Url();
    return Client::Open(options).value()->Send(batch);
  }
  // A sample now of each metric.
  static EncodedBatch Samples(const std::vector<std::string>& metrics, int64_t time_ms = SystemClock().WallMs()) {
    Batch batch;
    for (const std::string& metric : metrics) {
      const auto series = batch.Series(metric, std::vector<LabelPair>{{"host", "a"}});
      EXPECT_TRUE(batch.Add(series.value(), time_ms, 7));
    }
    return batch.Take();
  }
  int64_t CountOf(const std::string& selector) {
    const json::value answer = Do("GET", "/api/v1/query?query=count(" + selector + ")");
    const auto& result = answer.at("data").at("result").as_array();
    return result.empty() ? 0 : std::stoll(std::string(result[0].at("value").as_array()[1].as_string()));
  }
};

TEST_F(MetricsClient, WhatIsAcknowledgedCanBeAskedFor) {
  OpenNode();
  const Result<Receipt> receipt = Send(Samples({"up", "load"}));
  ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
  EXPECT_EQ(receipt->kept, 2u);
  EXPECT_EQ(receipt->refused, 0u);
  EXPECT_EQ(CountOf("{host=\"a\"}"), 2);
}

TEST_F(MetricsClient, OfABatchThatIsRefusedInPartTheCountsAreTheServers) {
  OpenNode();
  Batch batch;
  const auto series = batch.Series("up", {}).value();
  const int64_t now_ms = SystemClock().WallMs();
  for (const int64_t ahead_ms : {0, 1, 3'600'000}) ASSERT_TRUE(batch.Add(series, now_ms + ahead_ms, 7));
  const Result<Receipt> receipt = Send(batch.Take());
  ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
  EXPECT_EQ(receipt->kept, 2u);
  EXPECT_EQ(receipt->refused, 1u);
  EXPECT_NE(receipt->complaint.find("too far in the future"), std::string::npos) << receipt->complaint;
  EXPECT_EQ(receipt->attempts, 1);
}

TEST_F(MetricsClient, WhereNothingMayBeStoredNothingIsKeptAndAllIsRefused) {
  OpenNode();
  const Result<Receipt> receipt = Send(Samples({"up"}, SystemClock().WallMs() + 3'600'000));
  ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
  EXPECT_EQ(receipt->kept, 0u);
  EXPECT_EQ(receipt->refused, 1u);
}

TEST_F(MetricsClient, ABodyThatIsNoBatchIsNotUnderstood) {
  OpenNode();
  const Result<Receipt> receipt = Send({"no batch", 1});
  EXPECT_EQ(receipt.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(receipt.status().field(), "body");
}

TEST_F(MetricsClient, AServerThatIsNotReadyIsTriedAgainUntilItIs) {
  ClientOptions options;
  int waits = 0;
  options.sleep = [&](int64_t) {
    if (++waits == 3) OpenNode();
  };
  const Result<Receipt> receipt = Send(Samples({"up"}), options);
  ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
  EXPECT_EQ(receipt->attempts, 4);
  EXPECT_EQ(CountOf("up"), 1);
}

TEST_F(MetricsClient, ATenantsNameThatIsNoneIsRefused) {
  OpenNode();
  ClientOptions options;
  options.tenant = "a|b";
  EXPECT_EQ(Send(Samples({"up"}), options).status().code(), Code::kInvalidArgument);
  options.tenant = "default";
  EXPECT_TRUE(Send(Samples({"up"}), options).ok());
}

TEST_F(MetricsClient, ALoadOfEveryProtocolIsKeptWhole) {
  OpenNode();
  for (const auto protocol :
       {metrics_load::Protocol::kNative, metrics_load::Protocol::kRemoteWrite, metrics_load::Protocol::kInflux}) {
    metrics_load::LoadOptions options;
    options.url = Url();
    options.body = {.protocol = protocol, .samples_per_series = 2, .samples_per_body = 100};
    options.series = 250;
    options.rounds = 2;
    options.seconds = 0;
    const auto report = metrics_load::RunLoad(options, false, {});
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    EXPECT_TRUE(report->failures.empty()) << report->complaint;
    EXPECT_EQ(report->samples, 1'000u);
  }
  // Line protocol's series have other names.
  EXPECT_EQ(CountOf("{cluster=~\".%2B\"}"), 500);
}

}  // namespace
}  // namespace rhizome::gateway
