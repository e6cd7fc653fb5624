// Every way in for samples, over HTTP: what is kept can be asked for, and what is refused says why.
#include <fstream>

#include "api_fixture.h"
#include "format/series_batch.h"
#include "ingest/remote_write_testing.h"

namespace rhizome::gateway {
namespace {

using ingest::ProtoField;

struct Named {
  std::string name;  // "" makes a series without a metric's name
  double value = 0;
  int64_t time_ms = 0;
};

std::string WriteRequest(const std::vector<Named>& samples) {
  std::vector<ingest::SentSeries> all;
  for (const Named& sample : samples) {
    const std::pair<std::string, std::string> label =
        sample.name.empty() ? std::pair("job", "x") : std::pair<std::string, std::string>("__name__", sample.name);
    all.push_back({{label}, {{sample.time_ms, sample.value}}});
  }
  return ingest::WriteRequestBody(all);
}

// io.prometheus.write.v2.Request with one series.
std::string WriteRequest2(const Named& sample) {
  const std::string symbols = ProtoField(4, "") + ProtoField(4, "__name__") + ProtoField(4, sample.name);
  const std::string series =
      ProtoField(1, "\x01\x02") + ProtoField(2, ingest::SampleMessage(sample.time_ms, sample.value));
  return ingest::Snappy(symbols + ProtoField(5, series));
}

class MetricsIngest : public ApiFixture {
 protected:
  Reply Post(std::string_view target, std::string_view body, std::string_view headers = {}) {
    return Send("POST", target, body, headers);
  }
  // What the newest sample of a query is, "" for none.
  std::string ValueOf(const std::string& query) {
    const json::value answer = Do("GET", "/api/v1/query?query=" + query);
    const auto& result = answer.at("data").at("result").as_array();
    return result.empty() ? "" : std::string(result[0].at("value").as_array()[1].as_string());
  }
  static std::string DetailOf(const Reply& reply) {
    EXPECT_EQ(reply.Header("Content-Type"), "application/problem+json") << reply.body;
    return std::string(Parsed(reply).at("detail").as_string());
  }
  static int64_t Now() { return SystemClock().WallMs(); }
  static std::string NowText() { return std::to_string(Now()); }

  static constexpr std::string_view kRemoteWrite = ingest::kRemoteWriteHeaders;
  static constexpr std::string_view kRemoteWrite2 =
      "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request\r\nContent-Encoding: snappy\r\n";
  static constexpr std::string_view kText = "Content-Type: text/plain\r\n";
};

TEST_F(MetricsIngest, RemoteWriteIsKept) {
  OpenNode();
  const Reply reply = Post("/api/v1/write", WriteRequest({{"up", 7, Now()}}), kRemoteWrite);
  EXPECT_EQ(reply.status, 204) << reply.body;
  EXPECT_EQ(reply.Header("X-Prometheus-Remote-Write-Samples-Written"), "1");
  EXPECT_EQ(ValueOf("up"), "7");
}

TEST_F(MetricsIngest, RemoteWrite2IsKeptAndTellsHowMuch) {
  OpenNode();
  const Reply reply = Post("/api/v1/write", WriteRequest2({"up", 8, Now()}), kRemoteWrite2);
  EXPECT_EQ(reply.status, 204) << reply.body;
  EXPECT_EQ(reply.Header("X-Prometheus-Remote-Write-Samples-Written"), "1");
  EXPECT_EQ(ValueOf("up"), "8");
}

TEST_F(MetricsIngest, AnUnknownMessageIs415) {
  OpenNode();
  EXPECT_EQ(Post("/api/v1/write", "x", "Content-Type: application/x-protobuf;proto=a.B\r\n").status, 415);
  EXPECT_EQ(Post("/api/v1/write", "x", kText).status, 415);
  EXPECT_EQ(Post("/v1/metrics", "x", kText).status, 415);
}

TEST_F(MetricsIngest, OfARequestWithABadSeriesTheOthersAreKeptAndTheSenderIsTold) {
  OpenNode();
  const Reply reply = Post("/api/v1/write", WriteRequest({{"up", 7, Now()}, {"", 1, Now()}}), kRemoteWrite);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.Header("X-Prometheus-Remote-Write-Samples-Written"), "1");
  EXPECT_NE(DetailOf(reply).find("1 of 2 samples"), std::string::npos) << reply.body;
  EXPECT_NE(DetailOf(reply).find("are kept"), std::string::npos) << reply.body;
  EXPECT_EQ(ValueOf("up"), "7");
}

TEST_F(MetricsIngest, ASampleOfTheFarFutureIsRefusedForGood) {
  OpenNode();
  const Reply reply =
      Post("/api/v1/write", WriteRequest({{"up", 7, Now()}, {"late", 1, Now() + 3'600'000}}), kRemoteWrite);
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(DetailOf(reply).find("too far in the future"), std::string::npos) << reply.body;
  EXPECT_EQ(ValueOf("up"), "7");
}

TEST_F(MetricsIngest, BytesThatAreNoRequestAre400AndNothingIsKept) {
  OpenNode();
  EXPECT_EQ(Post("/api/v1/write", "no snappy", kRemoteWrite).status, 400);
  EXPECT_EQ(Post("/api/v1/write", WriteRequest({{"up", 7, Now()}}), kRemoteWrite2).status, 400);
  EXPECT_EQ(Post("/api/v1/import", "{\"metric\":", kText).status, 400);
  EXPECT_EQ(Post("/api/v1/import/prometheus", "up{ 1\n", kText).status, 400);
  EXPECT_EQ(Post("/api/v1/import/native", "no batch", kText).status, 400);
  EXPECT_EQ(Post("/v1/metrics", "{", "Content-Type: application/json\r\n").status, 400);
  EXPECT_EQ(node_->Series().value(), nullptr);
}

TEST_F(MetricsIngest, JsonLinesAreKept) {
  OpenNode();
  const std::string line =
      "{\"metric\":{\"__name__\":\"up\",\"job\":\"a\"},\"values\":[1,2],\"timestamps\":[1000," + NowText() + "]}\n";
  EXPECT_EQ(Post("/api/v1/import", line).status, 204);
  EXPECT_EQ(ValueOf("up"), "2");
  const json::value old = Do("GET", "/api/v1/query?query=up&time=1");
  EXPECT_EQ(old.at("data").at("result").as_array().size(), 1u);
}

TEST_F(MetricsIngest, TextAsTargetsShowItIsKeptWithItsMetadata) {
  OpenNode();
  // As a client sends it that is told no type.
  const Reply reply = Post("/api/v1/import/prometheus", "# HELP up Whether.\n# TYPE up gauge\nup{job=\"a\"} 3\n",
                           "Content-Type: application/x-www-form-urlencoded\r\n");
  EXPECT_EQ(reply.status, 204) << reply.body;
  EXPECT_EQ(ValueOf("up"), "3");
  const json::value metadata = Do("GET", "/api/v1/metadata?metric=up");
  EXPECT_EQ(metadata.at("data").at("up").as_array()[0].at("type"), "gauge");
  EXPECT_EQ(metadata.at("data").at("up").as_array()[0].at("help"), "Whether.");
}

TEST_F(MetricsIngest, OpenMetricsTimesAreSeconds) {
  OpenNode();
  const std::string body = "up 4 " + std::to_string(Now() / 1000) + "\n# EOF\n";
  EXPECT_EQ(Post("/api/v1/import/prometheus", body, "Content-Type: application/openmetrics-text\r\n").status, 204);
  EXPECT_EQ(ValueOf("up"), "4");
}

TEST_F(MetricsIngest, LineProtocolIsKeptLineByLine) {
  OpenNode();
  for (const char* const path : {"/write", "/api/v2/write"}) {
    EXPECT_EQ(Post(std::string(path) + "?precision=ms", "cpu,host=a idle=5 " + NowText() + "\n", kText).status, 204);
  }
  EXPECT_EQ(ValueOf("cpu_idle"), "5");
  const Reply reply = Post("/write", "mem,host=a used=6\nno fields\n", kText);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(ValueOf("mem_used"), "6");
  EXPECT_EQ(Post("/write?precision=days", "mem used=1\n", kText).status, 400);
}

TEST_F(MetricsIngest, OtlpIsAnsweredAsOtlpWants) {
  OpenNode();
  const auto gauge = [](const std::string& name, int64_t time_ms) {
    return "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"" + name +
           "\",\"gauge\":{\"dataPoints\":[{\"asDouble\":9,\"timeUnixNano\":\"" + std::to_string(time_ms) +
           "000000\"}]}}]}]}]}";
  };
  const Reply kept = Post("/v1/metrics", gauge("load", Now()), "Content-Type: application/json\r\n");
  EXPECT_EQ(kept.status, 200) << kept.body;
  EXPECT_EQ(kept.body, "{}");
  EXPECT_EQ(ValueOf("load"), "9");
  const Reply partial = Post("/v1/metrics", gauge("load", Now() + 86'400'000), "Content-Type: application/json\r\n");
  EXPECT_EQ(partial.status, 200);
  EXPECT_EQ(Parsed(partial).at("partialSuccess").at("rejectedDataPoints"), "1") << partial.body;
  const Reply empty = Post("/v1/metrics", ProtoField(1, ""), "Content-Type: application/x-protobuf\r\n");
  EXPECT_EQ(empty.status, 200) << empty.body;
  EXPECT_EQ(empty.Header("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(empty.body, "");
}

TEST_F(MetricsIngest, ANativeBatchIsKeptButForSeriesThatMayNotBeStored) {
  OpenNode();
  const auto batch = [](std::string_view name) {
    format::SeriesBatchBuilder builder;
    const std::vector<format::LabelPair> up = {{"__name__", "up"}}, other = {{"__name__", name}};
    builder.Add(builder.SeriesOf(format::Labels::FromPairs(up).value()), Now(), 3);
    builder.Add(builder.SeriesOf(format::Labels::FromPairs(other).value()), Now(), 4);
    return builder.Encode();
  };
  EXPECT_EQ(Post("/api/v1/import/native", batch("fine")).status, 204);
  EXPECT_EQ(ValueOf("fine"), "4");
  const Reply reply = Post("/api/v1/import/native", batch("not a name"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(DetailOf(reply).find("no metric name"), std::string::npos) << reply.body;
}

TEST_F(MetricsIngest, WithoutAStoreEverythingIsRefusedWithTheReason) {
  metrics_slot_.Explain("so far only a server alone serves them");
  const Reply refused = Post("/write", "up v=1\n", kText);
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.Header("Retry-After"), "");
  EXPECT_NE(DetailOf(refused).find("server alone"), std::string::npos);
  const Reply reply = Call("GET", "/api/v1/query?query=up");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(Parsed(reply).at("errorType"), "unavailable");
}

TEST_F(MetricsIngest, WhatIsDeletedIsGoneAndWhatComesAfterStays) {
  OpenNode();
  EXPECT_EQ(Post("/write", "a v=1\nb v=2\n", kText).status, 204);
  EXPECT_EQ(Call("POST", "/api/v1/admin/tsdb/delete_series?match[]=a_v").status, 204);
  EXPECT_EQ(ValueOf("a_v"), "");
  EXPECT_EQ(ValueOf("b_v"), "2");
}

TEST_F(MetricsIngest, ANodeThatIsReadOnlySaysToComeBack) {
  OpenNode();
  EXPECT_EQ(Post("/write", "a v=1\n", kText).status, 204);
  communities_.reset();
  ruler_.reset();
  store_.reset();
  node_.reset();
  {
    std::fstream manifest(directory_ + "/metrics/0/MANIFEST", std::ios::in | std::ios::out | std::ios::binary);
    manifest.seekp(6);
    manifest.put('\x7F');
  }
  OpenNode();
  const Reply reply = Post("/write", "a v=2\n", kText);
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_NE(reply.Header("Retry-After"), "");
}

}  // namespace
}  // namespace rhizome::gateway
