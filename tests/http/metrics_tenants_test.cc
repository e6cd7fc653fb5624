// Tenants over HTTP: whoever sends and asks under one X-Scope-OrgID meets nothing of another's, on any route.
#include "api_fixture.h"
#include "format/series_batch.h"
#include "ingest/remote_write_testing.h"

namespace rhizome::gateway {
namespace {

using ingest::ProtoField;

class MetricsTenants : public ApiFixture {
 protected:
  void SetUp() override { OpenNode(); }
  static std::string Of(const std::string& tenant) { return tenant.empty() ? "" : "X-Scope-OrgID: " + tenant + "\r\n"; }
  static int64_t Now() { return SystemClock().WallMs(); }

  // A remote write of one sample.
  static std::string Written(const std::string& metric, double value) {
    const std::pair<std::string, std::string> label("__name__", metric);
    return ingest::WriteRequestBody(std::vector<ingest::SentSeries>{{{label}, {{Now(), value}}}});
  }

  // Sends one sample of `metric` by every route that takes samples; gives their names.
  std::vector<std::string> SendByEveryRoute(const std::string& tenant, const std::string& metric) {
    const std::string now_ms = std::to_string(Now()), headers = Of(tenant);
    const auto post = [&](const char* route, const std::string& body, const std::string& more = "") {
      const Reply reply = Send("POST", route, body, headers + more);
      EXPECT_TRUE(reply.status == 204 || reply.status == 200) << route << ": " << reply.body;
    };
    post("/api/v1/write", Written(metric + "_remote", 1), std::string(ingest::kRemoteWriteHeaders));
    post("/api/v1/import",
         "{\"metric\":{\"__name__\":\"" + metric + "_json\"},\"values\":[1],\"timestamps\":[" + now_ms + "]}\n");
    post("/api/v1/import/prometheus", "# TYPE " + metric + "_text gauge\n" + metric + "_text 1\n");
    post("/write", metric + "_line value=1\n");
    post("/api/v2/write?precision=ms", metric + "_line2 value=1 " + now_ms + "\n");
    format::SeriesBatchBuilder builder;
    const std::string native = metric + "_native";
    const std::vector<format::LabelPair> pairs = {{"__name__", native}};
    builder.Add(builder.SeriesOf(format::Labels::FromPairs(pairs).value()), Now(), 1);
    post("/api/v1/import/native", builder.Encode());
    post("/v1/metrics",
         "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"" + metric +
             "_otlp\",\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"" + now_ms + "000000\",\"asDouble\":1}]}}]}]}]}",
         "Content-Type: application/json\r\n");
    return {metric + "_json", metric + "_line2_value", metric + "_line_value", metric + "_native",
            metric + "_otlp", metric + "_remote",      metric + "_text"};
  }
  std::vector<std::string> Names(const std::string& tenant) {
    const Reply reply = Call("GET", "/api/v1/label/__name__/values", {}, Of(tenant));
    EXPECT_EQ(reply.status, 200) << reply.body;
    std::vector<std::string> names;
    const json::value data = Parsed(reply).at("data");
    for (const auto& name : data.as_array()) names.emplace_back(name.as_string());
    return names;
  }
  size_t Count(const std::string& tenant, const std::string& target) {
    const Reply reply = Call("GET", target, {}, Of(tenant));
    EXPECT_EQ(reply.status, 200) << reply.body;
    const json::value data = Parsed(reply).at("data");
    if (data.is_array()) return data.as_array().size();
    return data.as_object().contains("result") ? data.at("result").as_array().size() : data.as_object().size();
  }
};

TEST_F(MetricsTenants, WhatATenantSendsByAnyRouteOnlyItSees) {
  const std::vector<std::string> ours = SendByEveryRoute("", "ours"), theirs = SendByEveryRoute("theirs", "theirs");
  EXPECT_EQ(Names(""), ours);
  EXPECT_EQ(Names("default"), ours);
  EXPECT_EQ(Names("theirs"), theirs);
  EXPECT_TRUE(Names("third").empty());
  const char* const everything = "%7B__name__%21%3D%22%22%7D";  // {__name__!=""}
  for (const std::string& tenant : {std::string(), std::string("theirs")}) {
    EXPECT_EQ(Count(tenant, std::string("/api/v1/query?query=") + everything), 7u);
    EXPECT_EQ(Count(tenant, std::string("/api/v1/series?match[]=") + everything), 7u);
    EXPECT_EQ(Count(tenant, "/api/v1/labels"), 1u);
    EXPECT_EQ(Count(tenant, "/api/v1/metadata"), 2u);  // of the text and of OTLP
    const json::value figures = Parsed(Call("GET", "/api/v1/status/tsdb", {}, Of(tenant)));
    EXPECT_EQ(figures.at("data").at("headStats").at("numSeries"), 7);
    EXPECT_EQ(figures.at("data").at("headStats").at("numLabelPairs"), 7);
  }
  EXPECT_EQ(Count("third", std::string("/api/v1/query?query=") + everything), 0u);
  EXPECT_EQ(Count("third", "/api/v1/metadata"), 0u);
}

TEST_F(MetricsTenants, RemoteReadGivesATenantItsOwnAlone) {
  const auto send = [&](const std::string& tenant, double value) {
    return Send("POST", "/api/v1/write", Written("up", value), Of(tenant) + std::string(ingest::kRemoteWriteHeaders))
        .status;
  };
  ASSERT_EQ(send("theirs", 1), 204);
  const std::string matcher = ProtoField(2, "__name__") + ProtoField(3, "up");
  const std::string query = std::string("\x08\x00\x10", 3) + std::string(8, '\xFF') + "\x7F" + ProtoField(3, matcher);
  const std::string body = ingest::Snappy(ProtoField(1, query));
  const auto read = [&](const std::string& tenant) {
    const Reply reply = Send("POST", "/api/v1/read", body, Of(tenant) + std::string(ingest::kRemoteWriteHeaders));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.body;
  };
  EXPECT_EQ(read("").find("up"), std::string::npos);
  EXPECT_NE(read("theirs").find("up"), std::string::npos);
  EXPECT_EQ(read("theirs").find("tenant"), std::string::npos);
}

TEST_F(MetricsTenants, ADeletionIsBlindToOthers) {
  for (const char* const tenant : {"", "theirs"}) {
    ASSERT_EQ(Send("POST", "/write", "up value=1\n", Of(tenant)).status, 204);
  }
  const char* const target = "/api/v1/admin/tsdb/delete_series?match[]=up_value";
  EXPECT_EQ(Call("POST", target, {}, Of("third")).status, 204);
  EXPECT_EQ(Call("POST", target, {}, Of("theirs")).status, 204);
  EXPECT_TRUE(Names("theirs").empty());
  EXPECT_EQ(Names(""), std::vector<std::string>{"up_value"});
}

TEST_F(MetricsTenants, RulesAreTheDefaultTenantsAndOthersHaveNone) {
  EXPECT_EQ(Call("GET", "/api/v1/rules", {}, Of("theirs")).body, "{\"status\":\"success\",\"data\":{\"groups\":[]}}");
  EXPECT_EQ(Call("GET", "/api/v1/alerts", {}, Of("theirs")).body, "{\"status\":\"success\",\"data\":{\"alerts\":[]}}");
  EXPECT_EQ(Call("GET", "/api/v1/rules", {}, Of("default")).status, 200);
}

TEST_F(MetricsTenants, ANameThatIsNoneIsRefusedOnEveryRoute) {
  for (const std::string& tenant : {std::string("a|b"), std::string("a/b"), std::string("*"), std::string(129, 'x')}) {
    for (const char* const route : {"/api/v1/query?query=up", "/api/v1/query_range?query=up&start=1&end=2&step=1",
                                    "/api/v1/series?match[]=up", "/api/v1/labels", "/api/v1/label/a/values",
                                    "/api/v1/metadata", "/api/v1/status/tsdb", "/api/v1/rules", "/api/v1/alerts"}) {
      const Reply reply = Call("GET", route, {}, Of(tenant));
      EXPECT_EQ(reply.status, 400) << route << " " << tenant;
      EXPECT_NE(reply.body.find("X-Scope-OrgID"), std::string::npos) << reply.body;
    }
    EXPECT_EQ(Call("POST", "/api/v1/admin/tsdb/delete_series?match[]=up", {}, Of(tenant)).status, 400);
    for (const char* const route : {"/write", "/api/v2/write", "/api/v1/import/prometheus"}) {
      EXPECT_EQ(Send("POST", route, "up 1\n", Of(tenant)).status, 400) << route;
    }
    const Reply reply =
        Send("POST", "/api/v1/write", Written("up", 1), Of(tenant) + std::string(ingest::kRemoteWriteHeaders));
    EXPECT_EQ(reply.status, 400) << reply.body;
  }
}

TEST_F(MetricsTenants, ATenantAtItsLimitIsToldSoForGoodAndOthersGoOn) {
  metrics::Store limited(*node_, SystemClock(), metrics::TenantLimits{2, {}});
  metrics_slot_.Publish(limited);
  EXPECT_EQ(Send("POST", "/write", "a value=1\nb value=1\n", Of("theirs")).status, 204);
  const Reply full = Send("POST", "/write", "a value=2\nb value=2\nc value=1\n", Of("theirs"));
  EXPECT_EQ(full.status, 400);
  EXPECT_EQ(Parsed(full).at("kept"), 2);
  EXPECT_EQ(Parsed(full).at("refused"), 1);
  EXPECT_NE(full.body.find("too many series"), std::string::npos) << full.body;
  EXPECT_EQ(full.body.find("$tenant"), std::string::npos) << full.body;
  EXPECT_EQ(Names("theirs"), (std::vector<std::string>{"a_value", "b_value"}));
  EXPECT_EQ(Send("POST", "/write", "a value=1\nb value=1\n", Of("")).status, 204);
  metrics_slot_.Publish(*store_);
}

// A store behind a disk that cannot keep up, or that takes nothing now.
class RefusingStore final : public metrics::SampleStore {
 public:
  explicit RefusingStore(Status status) : SampleStore(SystemClock()), status_(std::move(status)) {}
  using SampleStore::Write;
  Result<metrics::Written> Write(std::string_view, const std::string&, const cluster::CallOptions&) override {
    return status_;
  }
  bool Exists() override { return true; }
  Result<std::unique_ptr<promql::SeriesSource>> Open(const promql::MetricsScope&) override { return status_; }
  Status Delete(const promql::MetricsScope&, const promql::SeriesQuery&) override { return status_; }

 protected:
  Status ForEachSeries(const promql::MetricsScope&, const promql::SeriesQuery&, const EachSeries&) override {
    return status_;
  }
  Result<series::TimeExtent> Times(const promql::MetricsScope&) override { return status_; }

 private:
  const Status status_;
};

TEST_F(MetricsTenants, ASenderOfMoreThanTheDiskTakesIsToldWhenToComeAgain) {
  const std::string body = Written("up", 1);
  RefusingStore full(Status::ResourceExhausted("log /data/log: 1000 bytes are waiting"));
  metrics_slot_.Publish(full);
  Reply reply = Send("POST", "/api/v1/write", body, ingest::kRemoteWriteHeaders);
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.Header("Retry-After"), "1");
  EXPECT_EQ(reply.body.find("/data"), std::string::npos) << reply.body;
  RefusingStore unknown(Status::DeadlineExceeded("of the write"));
  metrics_slot_.Publish(unknown);
  reply = Send("POST", "/api/v1/write", body, ingest::kRemoteWriteHeaders);
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Header("Retry-After"), "1");
  metrics_slot_.Publish(*store_);
}

}  // namespace
}  // namespace rhizome::gateway
