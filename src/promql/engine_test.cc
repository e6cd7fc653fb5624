#include "promql/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "promql/memory_source_testing.h"
#include "promql/text.h"

namespace rhizome::promql {
namespace {

using testing::HasSubstr;

constexpr int64_t kMinute = 60'000;

// Samples every minute from 0; queries over them, with answers as text: "{a=\"1\"} 5 @60 6 @120; …".
class EngineTest : public testing::Test {
 protected:
  void Series(std::string_view selector, const std::vector<double>& values) {
    source_.Add(selector, 0, kMinute, values);
  }

  static std::string Shown(const Result<QueryResult>& result) {
    if (!result.ok()) return std::string(result.status().message());
    std::string out = result->text;
    for (const ResultSeries& series : result->series) {
      if (!out.empty()) out += "; ";
      out += series.labels.view().ToString();
      for (size_t i = 0; i < series.values.size(); ++i) {
        out += " " + FormatNumber(series.values[i]) + "@" + std::to_string(series.times_ms[i] / 1000);
      }
    }
    return out;
  }
  std::string At(std::string_view query, int64_t minute) {
    return Shown(Engine(options_, clock_).Instant(query, minute * kMinute, {source_}));
  }
  std::string Over(std::string_view query, int64_t from, int64_t to) {
    return Shown(Engine(options_, clock_).Range(query, from * kMinute, to * kMinute, kMinute, {source_}));
  }
  Status StatusOf(std::string_view query, int64_t to) {
    return Engine(options_, clock_).Range(query, 0, to * kMinute, kMinute, {source_, &cancelled_}).status();
  }

  MemorySource source_;
  EngineOptions options_;
  SimClock clock_;
  std::atomic<bool> cancelled_{false};
};

TEST_F(EngineTest, ASelectorSeesTheLastSampleForFiveMinutes) {
  Series("a", {1, 2});
  EXPECT_EQ(At("a", 1), "a 2@60");
  EXPECT_EQ(At("a", 6), "a 2@360");
  EXPECT_EQ(At("a", 7), "");
  EXPECT_EQ(Over("a", 0, 7), "a 1@0 2@60 2@120 2@180 2@240 2@300 2@360");
}

TEST_F(EngineTest, AStaleMarkerEndsASeries) {
  Series("a", {1, kAbsent, 3});
  EXPECT_EQ(Over("a", 0, 2), "a 1@0 3@120");
  EXPECT_EQ(At("count_over_time(a[5m])", 2), "{} 2@120");
  EXPECT_EQ(At("a[5m]", 2), "a 1@0 3@120");
}

TEST_F(EngineTest, NanIsAValueAndNotAGap) {
  Series("a", {NAN, 1});
  EXPECT_EQ(Over("a + 1", 0, 1), "{} NaN@0 2@60");
  EXPECT_EQ(At("count(a)", 0), "{} 1@0");
}

TEST_F(EngineTest, ACounterIsExtrapolatedToTheEndsOfItsWindow) {
  Series("a", {100, 160, 220, 280, 340, 400});
  EXPECT_EQ(At("increase(a[5m])", 5), "{} 300@300");
  EXPECT_EQ(At("rate(a[10m])", 5), "{} 0.55@300");
  EXPECT_EQ(At("increase(a[150s])", 5), "{} 150@300");
}

TEST_F(EngineTest, AResetAddsWhatWasCountedBefore) {
  Series("a", {10, 20, 5, 15});
  EXPECT_EQ(At("increase(a[3m])", 3), "{} 25@180");
  EXPECT_EQ(At("resets(a[3m])", 3), "{} 1@180");
  EXPECT_EQ(At("irate(a[3m])", 2), "{} 0.08333333333333333@120");
}

TEST_F(EngineTest, OffsetAndAtShiftTheTime) {
  Series("a", {0, 1, 2, 3, 4});
  EXPECT_EQ(Over("a offset 1m", 1, 2), "a 0@60 1@120");
  EXPECT_EQ(Over("a offset -1m", 1, 2), "a 2@60 3@120");
  EXPECT_EQ(Over("a @ 180", 0, 1), "a 3@0 3@60");
  EXPECT_EQ(Over("a @ end() offset 1m", 1, 3), "a 2@60 2@120 2@180");
  EXPECT_EQ(Over("a - a @ start()", 1, 3), "{} 0@60 1@120 2@180");
  EXPECT_EQ(Over("timestamp(a @ 60)", 1, 2), "{} 60@60 60@120");
}

TEST_F(EngineTest, ASubqueryHasItsOwnAlignedSteps) {
  Series("a", {0, 1, 2, 3, 4, 5, 6});
  EXPECT_EQ(At("count_over_time(a[5m:2m])", 5), "{} 3@300");
  EXPECT_EQ(At("a[5m:2m]", 5), "a 0@0 2@120 4@240");
  EXPECT_EQ(At("sum_over_time(a[2m:])", 5), "{} 12@300");
  EXPECT_EQ(At("max_over_time(a[30s:1h])", 5), "");
}

TEST_F(EngineTest, GroupsComeInOrderOfTheirFirstMember) {
  Series("a{x=\"1\",y=\"b\"}", {1});
  Series("a{x=\"2\",y=\"a\"}", {2});
  Series("a{x=\"3\",y=\"b\"}", {3});
  EXPECT_EQ(At("sum by (y) (a)", 0), "{y=\"b\"} 4@0; {y=\"a\"} 2@0");
  EXPECT_EQ(Over("sum by (y) (a)", 0, 0), "{y=\"a\"} 2@0; {y=\"b\"} 4@0");
  EXPECT_EQ(At("sum without (x) (a)", 0), "{y=\"b\"} 4@0; {y=\"a\"} 2@0");
  EXPECT_EQ(At("topk(2, a)", 0), "a{x=\"3\", y=\"b\"} 3@0; a{x=\"2\", y=\"a\"} 2@0");
  EXPECT_EQ(At("sort_desc(a > 1)", 0), "a{x=\"3\", y=\"b\"} 3@0; a{x=\"2\", y=\"a\"} 2@0");
}

TEST_F(EngineTest, EveryAggregation) {
  Series("a{x=\"1\"}", {1});
  Series("a{x=\"2\"}", {2});
  Series("a{x=\"3\"}", {6});
  for (const auto& [query, value] : std::vector<std::pair<std::string, std::string>>{{"sum(a)", "9"},
                                                                                     {"avg(a)", "3"},
                                                                                     {"min(a)", "1"},
                                                                                     {"max(a)", "6"},
                                                                                     {"count(a)", "3"},
                                                                                     {"group(a)", "1"},
                                                                                     {"stdvar(a)", "4.666666666666667"},
                                                                                     {"quantile(0.5, a)", "2"}}) {
    EXPECT_EQ(At(query, 0), "{} " + value + "@0") << query;
  }
  EXPECT_EQ(At("count_values(\"v\", a > 1)", 0), "{v=\"2\"} 1@0; {v=\"6\"} 1@0");
  EXPECT_EQ(At("bottomk(1, a)", 0), "a{x=\"1\"} 1@0");
}

TEST_F(EngineTest, VectorsMatchByLabels) {
  Series("a{x=\"1\",y=\"p\"}", {1});
  Series("a{x=\"2\",y=\"p\"}", {2});
  Series("b{y=\"p\",z=\"q\"}", {10});
  EXPECT_EQ(At("a * on (y) group_left (z) b", 0), "{x=\"1\", y=\"p\", z=\"q\"} 10@0; {x=\"2\", y=\"p\", z=\"q\"} 20@0");
  EXPECT_EQ(At("b - on (y) group_right () a", 0), "{x=\"1\", y=\"p\"} 9@0; {x=\"2\", y=\"p\"} 8@0");
  EXPECT_EQ(At("a > 1 and on (y) b", 0), "a{x=\"2\", y=\"p\"} 2@0");
  EXPECT_EQ(At("a unless on (y) b or b", 0), "b{y=\"p\", z=\"q\"} 10@0");
  EXPECT_EQ(At("a == bool ignoring (x) group_left b", 0), "");
  EXPECT_THAT(At("a * on (y) b", 0), HasSubstr("many-to-one matching must be explicit"));
  EXPECT_THAT(At("b * on (y) a", 0), HasSubstr("found duplicate series for the match group {y=\"p\"} on the right"));
  EXPECT_THAT(At("a * on (y) group_left (x) b", 0), HasSubstr("grouping labels must ensure unique matches"));
}

TEST_F(EngineTest, TheSameLabelsAreRefusedOnlyAtTheSameStep) {
  Series("a", {1});
  Series("b", {2});
  source_.Add("late", 10 * kMinute, kMinute, {3});
  EXPECT_THAT(At("abs({__name__=~\"a|b\"})", 0), HasSubstr("same labelset"));
  EXPECT_EQ(Over("abs({__name__=~\"a|late\"})", 0, 10).substr(0, 8), "{} 1@0 1");
  EXPECT_THAT(At("rate({__name__=~\"a|b\"}[5m])", 5), "");
  EXPECT_THAT(At("count_over_time({__name__=~\"a|b\"}[5m])", 5), HasSubstr("same labelset"));
}

TEST_F(EngineTest, AbsenceTakesItsLabelsFromTheSelector) {
  Series("a", {1});
  EXPECT_EQ(At("absent(b{x=\"1\",y!=\"2\"})", 0), "{x=\"1\"} 1@0");
  EXPECT_EQ(At("absent(a)", 0), "");
  EXPECT_EQ(Over("absent_over_time(a{x=\"\"}[1m])", 0, 2), "{} 1@120");
}

TEST_F(EngineTest, HistogramsGiveQuantiles) {
  Series("b{le=\"1\"}", {2});
  Series("b{le=\"2\"}", {4});
  Series("b{le=\"+Inf\"}", {4});
  EXPECT_EQ(At("histogram_quantile(0.75, b)", 0), "{} 1.5@0");
  EXPECT_EQ(At("histogram_quantile(0.75, b{le!=\"+Inf\"})", 0), "{} NaN@0");
  EXPECT_EQ(At("histogram_count(b)", 0), "");
}

TEST_F(EngineTest, LabelsAreReplacedAndJoined) {
  Series("a{x=\"left-right\"}", {1});
  EXPECT_EQ(At("label_replace(a, \"y\", \"$2 ${first}\", \"x\", \"(?P<first>.*)-(.*)\")", 0),
            "a{x=\"left-right\", y=\"right left\"} 1@0");
  EXPECT_EQ(At("label_join(a, \"x\", \"/\", \"x\", \"x\")", 0), "a{x=\"left-right/left-right\"} 1@0");
  EXPECT_THAT(At("label_replace(a, \"-\", \"\", \"\", \"\")", 0), HasSubstr("invalid destination label name"));
  EXPECT_THAT(At("label_replace(a, \"y\", \"\", \"\", \"(\")", 0), HasSubstr("invalid regular expression"));
  EXPECT_THAT(At("label_join(a, \"y\", \"\", \"-\")", 0), HasSubstr("invalid source label name"));
  EXPECT_THAT(At("label_join(a, \"-\", \"\", \"x\")", 0), HasSubstr("invalid destination label name"));
}

TEST_F(EngineTest, WhatTheDataForbidsIsNoBadRequest) {
  Series("a", {1, 2});
  for (const std::string query :
       {"holt_winters(a[5m], 0, 0.5)", "holt_winters(a[5m], 0.5, 1)", "topk(NaN, a)", "count_values(\"-\", a)"}) {
    EXPECT_EQ(StatusOf(query, 1).code(), Code::kFailedPrecondition) << query;
  }
}

TEST_F(EngineTest, WhatIsAskedWronglyNamesItsField) {
  const Engine engine(options_, clock_);
  EXPECT_EQ(engine.Range("a", 0, 1, 0, {source_}).status().field(), "step");
  EXPECT_EQ(engine.Range("a", 2, 1, 1, {source_}).status().field(), "end");
  EXPECT_EQ(engine.Range("a[5m]", 0, 1, 1, {source_}).status().field(), "query");
  EXPECT_EQ(engine.Range("\"a\"", 0, 1, 1, {source_}).status().field(), "query");
  EXPECT_EQ(engine.Instant("a{", 0, {source_}).status().field(), "query");
  EXPECT_EQ(engine.Instant("\"a\"", 0, {source_})->text, "a");
}

TEST_F(EngineTest, EachLimitIsNamed) {
  for (int n = 0; n < 10; ++n) Series("a{n=\"" + std::to_string(n) + "\"}", std::vector<double>(100, 1));
  const Limits usual = options_.limits;
  options_.limits.steps_max = 50;
  EXPECT_THAT(StatusOf("a", 50).ToString(),
              HasSubstr("too_large (step): the query has 51 steps, more than the limit of 50 steps"));
  EXPECT_THAT(StatusOf("sum_over_time(a[1h:1s])", 1).ToString(), HasSubstr("limit of 50 steps"));
  options_.limits = usual;
  options_.limits.series_max = 9;
  EXPECT_THAT(StatusOf("sum(a)", 1).ToString(),
              HasSubstr("resource_exhausted: the query needs more than the limit of 9 series"));
  options_.limits = usual;
  options_.limits.samples_max = 999;
  EXPECT_THAT(StatusOf("sum(a)", 99).ToString(), HasSubstr("limit of 999 samples"));
  options_.limits = usual;
  options_.limits.memory_bytes_max = 4'000;
  EXPECT_THAT(StatusOf("a + a", 99).ToString(), HasSubstr("limit of 4000 bytes of memory"));
  options_.limits = usual;
  options_.limits.timeout_ms = 0;
  EXPECT_EQ(StatusOf("a", 10'000).code(), Code::kDeadlineExceeded);
}

TEST_F(EngineTest, ACancelledQueryEnds) {
  for (int n = 0; n < 10; ++n) Series("a{n=\"" + std::to_string(n) + "\"}", std::vector<double>(100, 1));
  cancelled_ = true;
  EXPECT_EQ(StatusOf("a", 10'000).code(), Code::kCancelled);
}

TEST_F(EngineTest, ASourceLearnsWhatItsSamplesAreFor) {
  Series("a", std::vector<double>(100, 1));
  EXPECT_EQ(StatusOf("sum by (x) (rate(a[5m] offset 1m))", 30).code(), Code::kOk);
  const SelectHints& hints = source_.hints();
  EXPECT_EQ(hints.function, "rate");
  EXPECT_EQ(hints.aggregation, "sum");
  EXPECT_EQ(hints.grouping, std::vector<std::string>{"x"});
  EXPECT_TRUE(hints.range);
  EXPECT_EQ(hints.min_ms, -6 * kMinute);
  EXPECT_EQ(hints.max_ms, 29 * kMinute);
  EXPECT_EQ(hints.grid.count, 31u);
}

class FailingSource final : public SeriesSource {
  Result<std::unique_ptr<SeriesStream>> Select(std::span<const Matcher>, const SelectHints&) override {
    return Status::Unavailable("shard 4 does not answer");
  }
};

TEST_F(EngineTest, WhatTheSourceSaysIsTheAnswer) {
  FailingSource source;
  EXPECT_EQ(Engine(options_, clock_).Instant("1 + sum(a)", 0, {source}).status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace rhizome::promql
