#include "metrics/store.h"

#include <gtest/gtest.h>

#include "io/sim_disk.h"
#include "shard/series_testing.h"

namespace rhizome::metrics {
namespace {

using format::Matcher;
using promql::SeriesQuery;

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    options_.data_dir = "/data";
    options_.memtable_bytes = 1 << 20;
    Open();
    scope_.tenant = kTenant;
    scope_.deadline_ns = INT64_MAX;
    scope_.warnings = &warnings_;
  }
  void Open() {
    store_.reset();
    node_.reset();
    node_ = cluster::Node::Open(disk_, options_).value();
    store_ = std::make_unique<Store>(*node_, SystemClock());
  }
  Result<Written> Write(const std::vector<shard::NamedSample>& samples) {
    return store_->Write(kTenant, shard::BatchOf(samples));
  }
  // The metrics of a query, in the order they come in, with how many samples they have.
  std::vector<std::pair<std::string, size_t>> Select(const std::vector<Matcher>& matchers, int64_t from, int64_t to) {
    promql::SelectHints hints;
    hints.min_ms = from;
    hints.max_ms = to;
    const auto source = store_->Open(scope_).value();
    const auto stream = source->Select(matchers, hints).value();
    std::vector<std::pair<std::string, size_t>> found;
    promql::SeriesSamples series;
    while (stream->Next(series).value()) {
      EXPECT_EQ(series.times_ms.size(), series.values.size());
      found.emplace_back(series.labels.metric_name(), series.times_ms.size());
    }
    return found;
  }
  static SeriesQuery Ask(std::vector<std::vector<Matcher>> selectors) {
    SeriesQuery query;
    query.selectors = std::move(selectors);
    query.min_ms = INT64_MIN;
    query.max_ms = INT64_MAX;
    return query;
  }
  std::vector<std::string> Names(const SeriesQuery& query) {
    std::vector<std::string> names;
    for (const format::Labels& labels : store_->Series(scope_, query).value()) {
      names.emplace_back(labels.Get(format::kMetricNameLabel));
    }
    return names;
  }

  static int64_t Now() { return SystemClock().WallMs(); }

  io::SimDisk disk_;
  cluster::NodeOptions options_;
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<Store> store_;
  std::vector<std::string> warnings_;
  promql::MetricsScope scope_;
};

TEST_F(StoreTest, BeforeTheFirstSampleThereIsNothingAndNothingIsMade) {
  EXPECT_TRUE(Select({}, INT64_MIN, INT64_MAX).empty());
  EXPECT_TRUE(Names(Ask({})).empty());
  EXPECT_TRUE(store_->LabelNames(scope_, Ask({})).value().empty());
  EXPECT_EQ(store_->Figures(scope_, 10).value().series, 0u);
  EXPECT_TRUE(store_->Delete(scope_, Ask({{shard::MetricIs("a")}})).ok());
  EXPECT_EQ(store_->Write(kTenant, shard::BatchOf({})).value().kept, 0u);
  EXPECT_EQ(node_->Series().value(), nullptr);
}

TEST_F(StoreTest, SeriesOfAllShardsComeInTheOrderOfLabels) {
  std::vector<shard::NamedSample> samples;
  std::vector<std::pair<std::string, size_t>> expected;
  const int64_t now = Now();
  for (int i = 100; i < 200; ++i) {
    const std::string metric = "m" + std::to_string(i);
    for (int k = 0; k <= i % 3; ++k) samples.push_back({metric, now + k, 1.0 * k});
    expected.emplace_back(metric, i % 3 + 1);
  }
  const Written written = Write(samples).value();
  EXPECT_EQ(written.kept, samples.size());
  EXPECT_EQ(written.refused, 0u);
  EXPECT_EQ(Select({}, now, now + 10), expected);
  ASSERT_TRUE(node_->Checkpoint().ok());
  EXPECT_EQ(Select({}, now, now + 10), expected);
  const auto shards = node_->Series().value();
  for (size_t i = 0; i < shards->size(); ++i) EXPECT_GT(shards->at(i).engine().counts().block_samples, 0u);
}

TEST_F(StoreTest, WhatIsRefusedIsToldAndTheRestIsKept) {
  const int64_t now = Now();
  const Written written = Write({{"a", now, 1}, {"b", now + 86'400'000, 1}, {"c", now, 1}}).value();
  EXPECT_EQ(written.kept, 2u);
  EXPECT_EQ(written.refused, 1u);
  ASSERT_EQ(written.reasons.size(), 1u);
  EXPECT_EQ(Names(Ask({})), (std::vector<std::string>{"a", "c"}));
}

TEST_F(StoreTest, SeriesBeyondTheLimitAreRefusedAndKnownOnesGoOn) {
  options_.series_max = 4;  // one for each of the four shards
  Open();
  std::vector<shard::NamedSample> samples;
  for (int i = 0; i < 50; ++i) samples.push_back({"m" + std::to_string(i), Now(), 1});
  const Written first = Write(samples).value();
  EXPECT_EQ(first.kept, 4u);
  EXPECT_EQ(first.refused, 46u);
  EXPECT_EQ(first.reasons.size(), 8u);
  const std::string known = Names(Ask({}))[0];
  EXPECT_EQ(Write({{known, Now() + 1, 2}}).value().refused, 0u);
}

TEST_F(StoreTest, OfSeveralSelectorsEachSeriesComesOnce) {
  ASSERT_TRUE(Write({{"a", Now(), 1}, {"b", Now(), 1}, {"c", Now(), 1}}).ok());
  const auto any_of = [](const char* expression) {
    return Matcher::Make(format::MatchKind::kRegex, std::string(format::kMetricNameLabel), expression).value();
  };
  SeriesQuery query = Ask({{any_of("b|c")}, {any_of("a|b")}});
  EXPECT_EQ(Names(query), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(store_->LabelValues(scope_, format::kMetricNameLabel, query).value(),
            (std::vector<std::string>{"a", "b", "c"}));
  query.limit = 2;
  EXPECT_EQ(Names(query), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(store_->LabelValues(scope_, format::kMetricNameLabel, query).value().size(), 2u);
  EXPECT_EQ(store_->LabelNames(scope_, query).value(), std::vector<std::string>{"__name__"});
}

TEST_F(StoreTest, OnlySeriesWithinTheTimesAreListed) {
  ASSERT_TRUE(Write({{"old", 1'000, 1}, {"new", 5'000, 1}}).ok());
  SeriesQuery query = Ask({});
  query.max_ms = 4'999;
  EXPECT_EQ(Names(query), std::vector<std::string>{"old"});
}

TEST_F(StoreTest, TenantsSeeListDeleteAndCountOnlyTheirOwnSeries) {
  const int64_t now = Now();
  ASSERT_TRUE(Write({{"a", now, 1}, {"b", now, 2}}).ok());
  ASSERT_EQ(store_->Write("other", shard::BatchOf({{"a", now - 9'000'000, 7}, {"c", now - 500, 8}}))->kept, 2u);
  const std::vector<std::string> own{"a", "b"}, others{"a", "c"};
  for (const bool checkpoint : {false, true}) {
    if (checkpoint) ASSERT_TRUE(node_->Checkpoint().ok());
    for (const bool other : {false, true}) {
      scope_.tenant = other ? std::string_view("other") : kTenant;
      EXPECT_EQ(Names(Ask({})), other ? others : own);
      EXPECT_EQ(Select({}, INT64_MIN, INT64_MAX).size(), 2u);
      EXPECT_EQ(store_->LabelNames(scope_, Ask({})).value(), std::vector<std::string>{"__name__"});
      EXPECT_EQ(store_->LabelValues(scope_, "__name__", Ask({})).value(), other ? others : own);
      const promql::MetricsFigures figures = store_->Figures(scope_, 10).value();
      EXPECT_EQ(figures.series, 2u);
      EXPECT_EQ(figures.label_pairs, 2u);
      EXPECT_EQ(figures.min_ms, other ? now - 9'000'000 : now);
      EXPECT_EQ(figures.max_ms, other ? now - 500 : now);
    }
    // Not even by asking for it.
    const auto of_others = Matcher::Make(format::MatchKind::kEqual, std::string(format::kTenantLabel), "other").value();
    scope_.tenant = kTenant;
    EXPECT_TRUE(Names(Ask({{of_others}})).empty());
    EXPECT_TRUE(Select({of_others}, INT64_MIN, INT64_MAX).empty());
  }
  ASSERT_TRUE(store_->Delete(scope_, Ask({{shard::MetricIs("a")}})).ok());
  EXPECT_EQ(Names(Ask({})), std::vector<std::string>{"b"});
  scope_.tenant = "other";
  EXPECT_EQ(Names(Ask({})), others);
  ASSERT_TRUE(store_->Delete(scope_, Ask({{shard::MetricIs("c")}})).ok());
  EXPECT_EQ(Names(Ask({})), std::vector<std::string>{"a"});
  Open();
  EXPECT_EQ(Names(Ask({})), std::vector<std::string>{"a"});
  scope_.tenant = "third";
  EXPECT_TRUE(Names(Ask({})).empty());
  EXPECT_EQ(store_->Figures(scope_, 10).value().max_ms, 0);
}

TEST_F(StoreTest, WhatSendersToldOfMetricsIsTheirTenantsAlone) {
  store_->NoteMetadata("other", {{"up", ingest::MetricType::kGauge, "help", ""}});
  EXPECT_TRUE(store_->Metadata(scope_, "").value().empty());
  scope_.tenant = "other";
  EXPECT_EQ(store_->Metadata(scope_, "up").value().size(), 1u);
}

TEST_F(StoreTest, ATenantsNameThatIsNoneIsRefusedEverywhere) {
  for (const std::string& name : {std::string(), std::string("a|b"), std::string("$"), std::string(129, 'a')}) {
    scope_.tenant = name;
    EXPECT_EQ(store_->Write(name, shard::BatchOf({{"a", Now(), 1}})).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(store_->Open(scope_).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(store_->Series(scope_, Ask({})).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(store_->LabelNames(scope_, Ask({})).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(store_->LabelValues(scope_, "a", Ask({})).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(store_->Metadata(scope_, "").status().code(), Code::kInvalidArgument);
    EXPECT_EQ(store_->Figures(scope_, 1).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(store_->Delete(scope_, Ask({{shard::MetricIs("a")}})).code(), Code::kInvalidArgument);
  }
}

TEST_F(StoreTest, ADeletionThatSaysNothingIsRefused) {
  EXPECT_EQ(store_->Delete(scope_, Ask({{}})).code(), Code::kInvalidArgument);
  SeriesQuery query = Ask({{shard::MetricIs("a")}});
  query.min_ms = 2;
  query.max_ms = 1;
  EXPECT_EQ(store_->Delete(scope_, query).field(), "to");
}

TEST_F(StoreTest, ATenantAtItsLimitGetsNoNewSeriesAndOthersAreNotLimitedByIt) {
  store_ = std::make_unique<Store>(*node_, SystemClock(), TenantLimits{10, {{"large", 20}}});
  std::vector<shard::NamedSample> samples;
  for (int i = 0; i < 30; ++i) samples.push_back({"m" + std::to_string(i), Now(), 1});
  EXPECT_EQ(Write(samples)->kept, 10u);
  EXPECT_EQ(store_->Write("large", shard::BatchOf(samples))->kept, 20u);
  const Written other = store_->Write("other", shard::BatchOf(samples)).value();
  EXPECT_EQ(other.kept, 10u);
  EXPECT_EQ(other.refused, 20u);
  EXPECT_EQ(other.reasons.at(0).message().find("$"), std::string_view::npos) << other.reasons[0].ToString();
  const std::vector<std::string> known = Names(Ask({}));
  ASSERT_EQ(known.size(), 10u);
  std::vector<shard::NamedSample> again{{"new", Now() + 1, 1}};
  for (const std::string& name : known) again.push_back({name, Now() + 1, 2});
  EXPECT_EQ(Write(again)->kept, 10u);
}

TEST_F(StoreTest, WhoeverIsNotWaitedForEnds) {
  ASSERT_TRUE(Write({{"a", Now(), 1}}).ok());
  std::atomic<bool> cancelled{true};
  scope_.cancelled = &cancelled;
  EXPECT_EQ(store_->Open(scope_).status().code(), Code::kCancelled);
  EXPECT_EQ(store_->Series(scope_, Ask({})).status().code(), Code::kCancelled);
  cancelled = false;
  scope_.deadline_ns = SystemClock().MonotonicNs() - 1;
  EXPECT_EQ(store_->LabelNames(scope_, Ask({})).status().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(store_->Delete(scope_, Ask({{shard::MetricIs("a")}})).code(), Code::kDeadlineExceeded);
}

TEST_F(StoreTest, ADeleteReachesEveryShardAndWhatComesAfterStays) {
  const int64_t now = Now();
  std::vector<shard::NamedSample> samples;
  for (int i = 0; i < 20; ++i) samples.push_back({"m" + std::to_string(i), now, 1});
  ASSERT_TRUE(Write(samples).ok());
  const auto all = Matcher::Make(format::MatchKind::kRegex, std::string(format::kMetricNameLabel), "m.*").value();
  ASSERT_TRUE(store_->Delete(scope_, Ask({{all}})).ok());
  EXPECT_TRUE(Names(Ask({})).empty());
  ASSERT_TRUE(Write({{"m1", now + 60'000, 1}}).ok());
  EXPECT_EQ(Names(Ask({})), std::vector<std::string>{"m1"});
}

TEST_F(StoreTest, FiguresCountSeriesPairsAndTimes) {
  ASSERT_TRUE(Write({{"a", 1'000, 1}, {"bb", 9'000, 1}}).ok());
  const promql::MetricsFigures figures = store_->Figures(scope_, 1).value();
  EXPECT_EQ(figures.series, 2u);
  EXPECT_EQ(figures.label_pairs, 2u);
  EXPECT_EQ(figures.min_ms, 1'000);
  EXPECT_EQ(figures.max_ms, 9'000);
  ASSERT_EQ(figures.values_by_label.size(), 1u);
  EXPECT_EQ(figures.values_by_label[0].count, 2u);
  EXPECT_EQ(figures.value_bytes_by_label[0].count, 3u);
  EXPECT_EQ(figures.series_by_pair.size(), 1u);
  EXPECT_EQ(figures.series_by_metric.size(), 1u);
}

}  // namespace
}  // namespace rhizome::metrics
