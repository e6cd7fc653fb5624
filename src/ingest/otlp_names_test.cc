#include "ingest/otlp_names.h"

#include <gtest/gtest.h>

namespace rhizome::ingest {
namespace {

TEST(OtlpNames, WhatMayNotStandInANameSeparatesWords) {
  EXPECT_EQ(OtlpMetricName("http.server-active  requests", "", OtlpKind::kOther), "http_server_active_requests");
  EXPECT_EQ(OtlpMetricName("__a__b__", "", OtlpKind::kOther), "a_b");
  EXPECT_EQ(OtlpMetricName("ns:rule", "", OtlpKind::kOther), "ns_rule");
  EXPECT_EQ(OtlpMetricName("2xx", "", OtlpKind::kOther), "_2xx");
  EXPECT_EQ(OtlpMetricName("größe", "", OtlpKind::kOther), "gr_e");
  EXPECT_EQ(OtlpMetricName("", "s", OtlpKind::kOther), "");
  EXPECT_EQ(OtlpMetricName("...", "", OtlpKind::kCounter), "");
}

TEST(OtlpNames, TheUnitIsTheLastWordUnlessItIsThere) {
  EXPECT_EQ(OtlpMetricName("http.duration", "ms", OtlpKind::kOther), "http_duration_milliseconds");
  EXPECT_EQ(OtlpMetricName("duration.seconds.http", "s", OtlpKind::kOther), "duration_seconds_http");
  EXPECT_EQ(OtlpMetricName("disk", "By/s", OtlpKind::kOther), "disk_bytes_per_second");
  EXPECT_EQ(OtlpMetricName("disk", "{packet}/s", OtlpKind::kOther), "disk_per_second");
  EXPECT_EQ(OtlpMetricName("queue", "{message}", OtlpKind::kOther), "queue");
  EXPECT_EQ(OtlpMetricName("odd", " furlong ", OtlpKind::kOther), "odd_furlong");
  EXPECT_EQ(OtlpMetricName("load", "%", OtlpKind::kOther), "load_percent");
}

TEST(OtlpNames, CountersAreTotalsAndShareOfOneIsARatio) {
  EXPECT_EQ(OtlpMetricName("requests", "1", OtlpKind::kCounter), "requests_total");
  EXPECT_EQ(OtlpMetricName("requests.total", "", OtlpKind::kCounter), "requests_total");
  EXPECT_EQ(OtlpMetricName("total.time", "s", OtlpKind::kCounter), "time_seconds_total");
  EXPECT_EQ(OtlpMetricName("usage", "1", OtlpKind::kGauge), "usage_ratio");
  EXPECT_EQ(OtlpMetricName("usage", "1", OtlpKind::kOther), "usage");
}

TEST(OtlpNames, UnitsAreWords) {
  EXPECT_EQ(OtlpUnitName("ms"), "milliseconds");
  EXPECT_EQ(OtlpUnitName("By/s"), "bytes_per_second");
  EXPECT_EQ(OtlpUnitName("1/s"), "per_second");
  EXPECT_EQ(OtlpUnitName("1"), "");
  EXPECT_EQ(OtlpUnitName("{x}"), "");
}

TEST(OtlpNames, LabelsBeginAsLabelsMay) {
  EXPECT_EQ(OtlpLabelName("service.name"), "service_name");
  EXPECT_EQ(OtlpLabelName("a:b-c"), "a_b_c");
  EXPECT_EQ(OtlpLabelName("9lives"), "key_9lives");
  EXPECT_EQ(OtlpLabelName("_x"), "key_x");
  EXPECT_EQ(OtlpLabelName("__x"), "__x");
  EXPECT_EQ(OtlpLabelName(""), "");
}

}  // namespace
}  // namespace rhizome::ingest
