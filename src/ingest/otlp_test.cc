#include "ingest/otlp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "ingest/ingest_testing.h"
#include "otlp_metrics.pb.h"

namespace rhizome::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kTime = 1'700'000'000'123;
constexpr uint64_t kNanos = 1'700'000'000'123'456'789;
const double kStale = std::bit_cast<double>(uint64_t{0x7ff0000000000002});

void Set(otlp::KeyValue* pair, const std::string& key, const std::string& value) {
  pair->set_key(key);
  pair->mutable_value()->set_string_value(value);
}

class Otlp : public ::testing::Test {
 protected:
  Otlp() : scope_(*request_.add_resource_metrics()->add_scope_metrics()) {}

  otlp::Resource& resource() { return *request_.mutable_resource_metrics(0)->mutable_resource(); }
  otlp::Metric& AddMetric(const std::string& name) {
    otlp::Metric& metric = *scope_.add_metrics();
    metric.set_name(name);
    return metric;
  }
  otlp::NumberDataPoint& AddGauge(const std::string& name, double value) {
    otlp::NumberDataPoint& point = *AddMetric(name).mutable_gauge()->add_data_points();
    point.set_time_unix_nano(kNanos);
    point.set_as_double(value);
    return point;
  }
  Result<Taken> Decode() {
    out_.Clear();
    return DecodeOtlp(request_.SerializeAsString(), options_, limits_, out_);
  }
  std::vector<Row> Rows() {
    const auto taken = Decode();
    EXPECT_TRUE(taken.ok()) << taken.status().ToString();
    if (taken.ok()) EXPECT_EQ(taken->Complaint(), "");
    return RowsOf(out_);
  }
  // The one reason, of a request of which nothing else is refused.
  std::string Reason() {
    const auto taken = Decode();
    if (!taken.ok()) return taken.status().ToString();
    EXPECT_EQ(taken->dropped, 1u);
    if (taken->reasons.size() != 1) return "no reason";
    return std::string(taken->reasons[0].field()) + ": " + std::string(taken->reasons[0].message());
  }

  otlp::ExportMetricsServiceRequest request_;
  otlp::ScopeMetrics& scope_;
  OtlpOptions options_;
  Limits limits_;
  format::SeriesBatchBuilder out_;
};

TEST_F(Otlp, GaugesAndSumsAreSamplesByTheirNamesInPrometheus) {
  AddGauge("system.temperature", 21.5);
  otlp::Metric& sum = AddMetric("http.requests");
  sum.mutable_sum()->set_is_monotonic(true);
  sum.mutable_sum()->set_aggregation_temporality(otlp::AGGREGATION_TEMPORALITY_CUMULATIVE);
  otlp::NumberDataPoint& point = *sum.mutable_sum()->add_data_points();
  point.set_time_unix_nano(kNanos);
  point.set_as_int(-7);
  Set(point.add_attributes(), "http.method", "GET");
  point.add_exemplars();
  sum.set_unit("1");
  sum.set_description("How many.");
  const auto taken = Decode();
  ASSERT_TRUE(taken.ok());
  EXPECT_THAT(RowsOf(out_), ElementsAre(Row("system_temperature", kTime, 21.5),
                                        Row("http_requests_total{http_method=\"GET\"}", kTime, -7)));
  EXPECT_EQ(taken->exemplars, 1u);
  EXPECT_THAT(taken->metadata,
              ElementsAre(MetricMetadata{"system_temperature", MetricType::kGauge, "", ""},
                          MetricMetadata{"http_requests_total", MetricType::kCounter, "How many.", ""}));
}

TEST_F(Otlp, AnUpDownSumIsAGauge) {
  otlp::Metric& sum = AddMetric("queue");
  sum.mutable_sum()->set_aggregation_temporality(otlp::AGGREGATION_TEMPORALITY_CUMULATIVE);
  sum.mutable_sum()->add_data_points()->set_as_int(3);
  sum.mutable_sum()->mutable_data_points(0)->set_time_unix_nano(kNanos);
  EXPECT_THAT(Rows(), ElementsAre(Row("queue", kTime, 3)));
  EXPECT_EQ(Decode()->metadata[0].type, MetricType::kGauge);
}

TEST_F(Otlp, HistogramsAreBucketsThatAddUpACountAndASum) {
  otlp::Metric& metric = AddMetric("latency");
  metric.set_unit("s");
  metric.mutable_histogram()->set_aggregation_temporality(otlp::AGGREGATION_TEMPORALITY_CUMULATIVE);
  otlp::HistogramDataPoint& point = *metric.mutable_histogram()->add_data_points();
  point.set_time_unix_nano(kNanos);
  point.set_count(10);
  point.set_sum(4.5);
  for (const double bound : {0.1, 1.0, 1e22}) point.add_explicit_bounds(bound);
  for (const uint64_t count : {3, 4, 2, 1}) point.add_bucket_counts(count);
  Set(point.add_attributes(), "le", "mine");
  EXPECT_THAT(Rows(), ElementsAre(Row("latency_seconds_bucket{le=\"0.1\"}", kTime, 3),
                                  Row("latency_seconds_bucket{le=\"1\"}", kTime, 7),
                                  Row("latency_seconds_bucket{le=\"10000000000000000000000\"}", kTime, 9),
                                  Row("latency_seconds_bucket{le=\"+Inf\"}", kTime, 10),
                                  Row("latency_seconds_count{le=\"mine\"}", kTime, 10),
                                  Row("latency_seconds_sum{le=\"mine\"}", kTime, 4.5)));
  point.clear_sum();
  point.clear_bucket_counts();
  point.clear_explicit_bounds();
  point.clear_attributes();
  EXPECT_THAT(Rows(), ElementsAre(Row("latency_seconds_bucket{le=\"+Inf\"}", kTime, 10),
                                  Row("latency_seconds_count", kTime, 10)));
}

TEST_F(Otlp, SummariesAreQuantilesACountAndASum) {
  otlp::SummaryDataPoint& point = *AddMetric("rpc").mutable_summary()->add_data_points();
  point.set_time_unix_nano(kNanos);
  point.set_count(5);
  point.set_sum(2.5);
  for (const double quantile : {0.5, 0.99}) {
    otlp::ValueAtQuantile& at = *point.add_quantile_values();
    at.set_quantile(quantile);
    at.set_value(quantile * 10);
  }
  EXPECT_THAT(Rows(), ElementsAre(Row("rpc_count", kTime, 5), Row("rpc_sum", kTime, 2.5),
                                  Row("rpc{quantile=\"0.5\"}", kTime, 5), Row("rpc{quantile=\"0.99\"}", kTime, 9.9)));
}

TEST_F(Otlp, ResourcesNameJobAndInstanceAndAreATargetInfo) {
  Set(resource().add_attributes(), "service.name", "shop");
  Set(resource().add_attributes(), "service.namespace", "prod");
  Set(resource().add_attributes(), "service.instance.id", "i-1");
  Set(resource().add_attributes(), "host.name", "h1");
  Set(resource().add_attributes(), "k8s.pod", "p1");
  options_.promoted = {"host.name"};
  scope_.mutable_scope()->set_name("lib");
  scope_.mutable_scope()->set_version("2");
  Set(AddGauge("up", 1).add_attributes(), "job", "overridden");
  EXPECT_THAT(
      Rows(),
      ElementsAre(Row("up{host_name=\"h1\", instance=\"i-1\", job=\"prod/shop\", otel_scope_name=\"lib\", "
                      "otel_scope_version=\"2\"}",
                      kTime, 1),
                  Row("target_info{host_name=\"h1\", instance=\"i-1\", job=\"prod/shop\", k8s_pod=\"p1\"}", kTime, 1)));
}

TEST_F(Otlp, AResourceThatNothingCouldBeJoinedByHasNoTargetInfo) {
  Set(resource().add_attributes(), "host.name", "h1");
  AddGauge("up", 1);
  EXPECT_THAT(Rows(), ElementsAre(Row("up", kTime, 1)));
}

TEST_F(Otlp, AttributesOfAnyKindAreText) {
  otlp::NumberDataPoint& point = AddGauge("a", 1);
  const auto add = [&](const char* key) {
    otlp::KeyValue& pair = *point.add_attributes();
    pair.set_key(key);
    return pair.mutable_value();
  };
  add("bool")->set_bool_value(true);
  add("int")->set_int_value(-5);
  add("double")->set_double_value(0.25);
  add("bytes")->set_bytes_value("\xff\x01");
  add("nothing");
  otlp::AnyValue& list = *add("list");
  list.mutable_array_value()->add_values()->set_string_value("x\"");
  list.mutable_array_value()->add_values()->mutable_kvlist_value()->add_values()->set_key("k");
  EXPECT_THAT(Rows(), ElementsAre(Row("a{bool=\"true\", bytes=\"/wE=\", double=\"0.25\", int=\"-5\", "
                                      "list=\"[\\\"x\\\\\\\"\\\",{\\\"k\\\":null}]\"}",
                                      kTime, 1)));
}

TEST_F(Otlp, AttributesThatBecomeOneLabelShareIt) {
  otlp::NumberDataPoint& point = AddGauge("a", 1);
  Set(point.add_attributes(), "b_c", "2");
  Set(point.add_attributes(), "b.c", "1");
  EXPECT_THAT(Rows(), ElementsAre(Row("a{b_c=\"1;2\"}", kTime, 1)));
}

TEST_F(Otlp, APointWithoutARecordedValueIsAStaleMarker) {
  otlp::NumberDataPoint& point = AddGauge("a", 0);
  point.clear_value();
  point.set_flags(1);
  EXPECT_THAT(Rows(), ElementsAre(Row("a", kTime, kStale)));
}

TEST_F(Otlp, DeltasAreRefusedPointByPoint) {
  AddGauge("kept", 1);
  otlp::Metric& metric = AddMetric("requests");
  metric.mutable_sum()->add_data_points()->set_time_unix_nano(kNanos);
  metric.mutable_sum()->set_aggregation_temporality(otlp::AGGREGATION_TEMPORALITY_DELTA);
  EXPECT_EQ(Reason(),
            "resource_metrics[0].scope_metrics[0].metrics[1].data_points[0]: metric \"requests\": delta temporality is "
            "not stored: configure the sender for cumulative");
  EXPECT_THAT(RowsOf(out_), ElementsAre(Row("kept", kTime, 1)));
  metric.mutable_sum()->set_aggregation_temporality(otlp::AGGREGATION_TEMPORALITY_UNSPECIFIED);
  EXPECT_THAT(Reason(), HasSubstr("does not say its aggregation temporality"));
}

TEST_F(Otlp, PointsThatMayNotBeStoredAreLeftOutWithTheReason) {
  otlp::NumberDataPoint& point = AddGauge("a", 1);
  point.clear_value();
  EXPECT_THAT(Reason(), HasSubstr("neither as_double nor as_int"));
  point.set_as_int(1);
  point.clear_time_unix_nano();
  EXPECT_THAT(Reason(), HasSubstr("no time_unix_nano"));
  point.set_time_unix_nano(1);
  scope_.mutable_metrics(0)->set_name("...");
  EXPECT_THAT(Reason(), HasSubstr("no metric name"));
  scope_.mutable_metrics(0)->set_name("a");
  limits_.labels_max = 2;
  for (int i = 0; i < 3; ++i) Set(point.add_attributes(), "x" + std::to_string(i), "1");
  EXPECT_THAT(Reason(), HasSubstr("more than 2 attributes"));
  point.mutable_attributes()->RemoveLast();
  EXPECT_THAT(Reason(), HasSubstr("more than 2 labels"));
  scope_.mutable_metrics(0)->mutable_exponential_histogram()->add_data_points();
  EXPECT_THAT(Reason(), HasSubstr("exponential histograms are not stored"));
}

TEST_F(Otlp, HistogramsThatContradictThemselvesAreLeftOut) {
  otlp::Metric& metric = AddMetric("h");
  metric.mutable_histogram()->set_aggregation_temporality(otlp::AGGREGATION_TEMPORALITY_CUMULATIVE);
  otlp::HistogramDataPoint& point = *metric.mutable_histogram()->add_data_points();
  point.set_time_unix_nano(kNanos);
  point.add_explicit_bounds(1);
  EXPECT_THAT(Reason(), HasSubstr("0 bucket_counts for 1 explicit_bounds"));
  point.add_explicit_bounds(1);
  for (int i = 0; i < 3; ++i) point.add_bucket_counts(1);
  EXPECT_THAT(Reason(), HasSubstr("do not ascend"));
  point.set_explicit_bounds(1, std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(Reason(), HasSubstr("do not ascend"));
  for (int i = 0; i < 5000; ++i) point.add_explicit_bounds(i + 2);
  EXPECT_THAT(Reason(), HasSubstr("more than 4096 buckets"));
  for (int i = 0; i < 5000; ++i) metric.mutable_summary()->add_data_points();
  metric.mutable_summary()->mutable_data_points()->DeleteSubrange(1, 4999);
  otlp::SummaryDataPoint& summary = *metric.mutable_summary()->mutable_data_points(0);
  summary.set_time_unix_nano(kNanos);
  for (int i = 0; i < 5000; ++i) summary.add_quantile_values();
  EXPECT_THAT(Reason(), HasSubstr("more than 4096 quantiles"));
}

TEST_F(Otlp, JsonMeansTheSame) {
  options_.encoding = OtlpEncoding::kJson;
  const auto taken = DecodeOtlp(
      R"({"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],
          "droppedAttributesCount":1},"scopeMetrics":[{"scope":{"name":"lib","unknown":[{}]},"metrics":[
          {"name":"requests","unit":"1","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
            {"timeUnixNano":"1700000000123456789","asInt":"12","attributes":[{"key":"ok","value":{"boolValue":true}}],
             "exemplars":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","asDouble":1}]}]}},
          {"name":"load","gauge":{"dataPoints":[{"timeUnixNano":1700000000123456789,"asDouble":0.1}]}},
          {"name":"d","sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA","dataPoints":[{"asInt":1}]}}
          ]}]}]})",
      options_, limits_, out_);
  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_THAT(RowsOf(out_),
              ElementsAre(Row("requests_total{job=\"shop\", ok=\"true\", otel_scope_name=\"lib\"}", kTime, 12),
                          Row("load{job=\"shop\", otel_scope_name=\"lib\"}", kTime, 0.1)));
  EXPECT_EQ(taken->exemplars, 1u);
  EXPECT_EQ(taken->dropped, 1u);
}

TEST_F(Otlp, WhatIsNotJsonIsRefused) {
  options_.encoding = OtlpEncoding::kJson;
  for (const char* body :
       {"", "{", "[]", "{\"resourceMetrics\":5}", "{\"resourceMetrics\":[{\"scopeMetrics\":\"x\"}]}"}) {
    const auto taken = DecodeOtlp(body, options_, limits_, out_);
    ASSERT_FALSE(taken.ok()) << body;
    EXPECT_EQ(taken.status().field(), "body");
    EXPECT_THAT(taken.status().ToString(), HasSubstr("in JSON"));
  }
  EXPECT_FALSE(DecodeOtlp(std::string(100'000, '['), options_, limits_, out_).ok());
}

TEST_F(Otlp, MalformedProtobufIsRefusedWithThePlace) {
  AddGauge("a", 1);
  AddGauge("bad", 1);
  std::string body = request_.SerializeAsString();
  body[body.find("bad")] = '\xff';
  auto taken = DecodeOtlp(body, options_, limits_, out_);
  EXPECT_EQ(taken.status().field(), "resource_metrics[0].scope_metrics[0].metrics[1]");
  EXPECT_EQ(out_.series_count(), 0u);
  taken = DecodeOtlp("\x0b", options_, limits_, out_);
  EXPECT_EQ(taken.status().field(), "body");
}

TEST_F(Otlp, BodiesBeyondTheLimitsAreRefused) {
  AddGauge("a", 1);
  AddGauge("b", 1);
  limits_.samples_max = 1;
  EXPECT_EQ(Decode().status().code(), Code::kTooLarge);
  EXPECT_EQ(out_.series_count(), 0u);
  limits_.body_bytes_max = 5;
  EXPECT_EQ(Decode().status().code(), Code::kTooLarge);
  limits_ = Limits();
  scope_.mutable_metrics(0)->set_description(std::string(5 << 20, 'x'));
  EXPECT_EQ(Decode().status().code(), Code::kTooLarge);
}

TEST_F(Otlp, DamagedBodiesAreRefusedOrMakeWholeBatches) {
  Set(resource().add_attributes(), "service.name", "shop");
  for (int i = 0; i < 4; ++i) Set(AddGauge("metric", i).add_attributes(), "n", std::to_string(i));
  const std::string body = request_.SerializeAsString();
  std::mt19937 random(3);
  for (int round = 0; round < 5'000; ++round) {
    std::string damaged = body;
    for (int i = 0; i < 2; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    out_.Clear();
    const auto taken = DecodeOtlp(damaged, options_, limits_, out_);
    ASSERT_EQ(RowsOf(out_).size(), taken.ok() ? taken->samples : 0) << round;
  }
}

}  // namespace
}  // namespace rhizome::ingest
