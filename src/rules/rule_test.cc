#include "rules/rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "promql/parser.h"
#include "promql/text.h"
#include "promql/value.h"

namespace rhizome::rules {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

format::Labels Labels(std::string_view selector) {
  const auto matchers = promql::ParseSelector(selector).value();
  std::vector<format::LabelPair> pairs;
  for (const format::Matcher& matcher : matchers) pairs.push_back({matcher.name(), matcher.value()});
  return format::Labels::FromPairs(pairs).value();
}

Points Vector(const std::vector<std::pair<std::string, double>>& series) {
  Points points;
  for (const auto& [selector, value] : series) points.push_back({Labels(selector), value});
  return points;
}

// "a{b=\"c\"} 1", a marker as "stale".
std::vector<std::string> Texts(const Result<Points>& points) {
  if (!points.ok()) return {std::string(points.status().message())};
  std::vector<std::string> texts;
  for (const Point& point : *points) {
    texts.push_back(point.labels.view().ToString() + " " +
                    (promql::IsAbsent(point.value) ? "stale" : promql::FormatPlain(point.value)));
  }
  return texts;
}

RuleSpec Recording(NamedTexts labels) {
  RuleSpec spec;
  spec.name = "r";
  spec.labels = std::move(labels);
  return spec;
}

AlertingRule Alerting(int64_t for_ms, int64_t keep_firing_for_ms = 0, size_t limit = 0) {
  RuleSpec spec;
  spec.kind = RuleSpec::Kind::kAlerting;
  spec.name = "Down";
  spec.for_ms = for_ms;
  spec.keep_firing_for_ms = keep_firing_for_ms;
  spec.labels = {{"severity", "page"}};
  spec.annotations = {{"text", "{{ $labels.job }} {{ $value }}"}};
  return AlertingRule::Make(spec, limit, {}).value();
}

// The states that ALERTS tells.
std::vector<std::string> States(const AlertingRule& rule) {
  std::vector<std::string> states;
  for (const auto& [labels, alert] : rule.alerts()) {
    states.push_back(std::string(labels.Get("job")) + " " + std::string(NameOf(alert.state)));
  }
  return states;
}

TEST(RecordingRule, SeriesGetItsNameAndLabels) {
  RecordingRule rule(Recording({{"drop", ""}, {"team", "x"}}), 0);
  EXPECT_THAT(Texts(rule.Evaluate(Vector({{"up{drop=\"a\",job=\"j\",team=\"y\"}", 1}, {"down", 2}}))),
              ElementsAre("r{job=\"j\", team=\"x\"} 1", "r{team=\"x\"} 2"));
}

TEST(RecordingRule, WhatVanishesIsMarkedOnce) {
  RecordingRule rule(Recording({}), 0);
  EXPECT_TRUE(rule.Evaluate(Vector({{"a{x=\"1\"}", 1}, {"a{x=\"2\"}", 1}})).ok());
  EXPECT_THAT(Texts(rule.Evaluate(Vector({{"a{x=\"2\"}", 3}}))), ElementsAre("r{x=\"2\"} 3", "r{x=\"1\"} stale"));
  EXPECT_THAT(Texts(rule.Evaluate(Vector({{"a{x=\"2\"}", 4}}))), ElementsAre("r{x=\"2\"} 4"));
}

TEST(RecordingRule, TwoSeriesThatBecomeOneAreAnError) {
  RecordingRule rule(Recording({{"x", "same"}}), 0);
  EXPECT_EQ(rule.Evaluate(Vector({{"a{x=\"1\"}", 1}, {"a{x=\"2\"}", 1}})).status().code(), Code::kFailedPrecondition);
}

TEST(RecordingRule, BeyondTheLimitNothingIsWritten) {
  RecordingRule rule(Recording({}), 1);
  EXPECT_THAT(Texts(rule.Evaluate(Vector({{"a{x=\"1\"}", 1}, {"a{x=\"2\"}", 1}}))),
              ElementsAre("exceeded limit of 1 with 2 series"));
  EXPECT_THAT(Texts(rule.Evaluate(Vector({{"a{x=\"1\"}", 1}}))), ElementsAre("r{x=\"1\"} 1"));
}

TEST(AlertingRule, WithoutForItFiresAtOnce) {
  AlertingRule rule = Alerting(0);
  EXPECT_THAT(Texts(rule.Evaluate(1'700'000'000'123, Vector({{"up{job=\"a\"}", 0}}))),
              ElementsAre("ALERTS{alertname=\"Down\", alertstate=\"firing\", job=\"a\", severity=\"page\"} 1",
                          "ALERTS_FOR_STATE{alertname=\"Down\", job=\"a\", severity=\"page\"} 1700000000"));
  const Alert& alert = rule.alerts().begin()->second;
  EXPECT_EQ(alert.annotations.Get("text"), "a 0");
  EXPECT_EQ(alert.fired_at_ms, 1'700'000'000'123);
  EXPECT_EQ(rule.state(), AlertState::kFiring);
}

TEST(AlertingRule, ItIsPendingUntilItsTime) {
  AlertingRule rule = Alerting(60'000);
  EXPECT_TRUE(rule.Evaluate(0, Vector({{"up{job=\"a\"}", 0}})).ok());
  EXPECT_EQ(rule.state(), AlertState::kPending);
  EXPECT_TRUE(rule.Evaluate(30'000, Vector({{"up{job=\"a\"}", 5}, {"up{job=\"b\"}", 0}})).ok());
  EXPECT_THAT(States(rule), ElementsAre("a pending", "b pending"));
  const auto points = Texts(rule.Evaluate(60'000, Vector({{"up{job=\"a\"}", 6}, {"up{job=\"b\"}", 0}})));
  EXPECT_THAT(States(rule), ElementsAre("a firing", "b pending"));
  EXPECT_THAT(points, testing::Contains(
                          "ALERTS{alertname=\"Down\", alertstate=\"pending\", job=\"a\", severity=\"page\"} stale"));
  const Alert& alert = rule.alerts().begin()->second;
  EXPECT_EQ(alert.active_at_ms, 0);
  EXPECT_EQ(alert.fired_at_ms, 60'000);
  EXPECT_EQ(alert.annotations.Get("text"), "a 6");
}

TEST(AlertingRule, APendingAlertThatEndsIsForgotten) {
  AlertingRule rule = Alerting(60'000);
  EXPECT_TRUE(rule.Evaluate(0, Vector({{"up{job=\"a\"}", 0}})).ok());
  EXPECT_THAT(Texts(rule.Evaluate(30'000, {})),
              ElementsAre("ALERTS{alertname=\"Down\", alertstate=\"pending\", job=\"a\", severity=\"page\"} stale",
                          "ALERTS_FOR_STATE{alertname=\"Down\", job=\"a\", severity=\"page\"} stale"));
  EXPECT_THAT(rule.alerts(), IsEmpty());
  EXPECT_TRUE(rule.Evaluate(60'000, Vector({{"up{job=\"a\"}", 0}})).ok());
  EXPECT_EQ(rule.state(), AlertState::kPending);
}

TEST(AlertingRule, AFiringAlertThatEndsIsResolvedAndRemembered) {
  AlertingRule rule = Alerting(0);
  EXPECT_TRUE(rule.Evaluate(0, Vector({{"up{job=\"a\"}", 0}})).ok());
  EXPECT_TRUE(rule.Evaluate(10'000, {}).ok());
  EXPECT_THAT(States(rule), ElementsAre("a inactive"));
  EXPECT_EQ(rule.alerts().begin()->second.resolved_at_ms, 10'000);
  EXPECT_THAT(Texts(rule.Evaluate(10'000 + AlertingRule::kResolvedKeptMs, {})), IsEmpty());
  EXPECT_THAT(States(rule), ElementsAre("a inactive"));
  EXPECT_TRUE(rule.Evaluate(10'001 + AlertingRule::kResolvedKeptMs, {}).ok());
  EXPECT_THAT(rule.alerts(), IsEmpty());
}

TEST(AlertingRule, AResolvedAlertThatComesBackIsNew) {
  AlertingRule rule = Alerting(30'000);
  for (const int64_t time_ms : {0, 30'000}) EXPECT_TRUE(rule.Evaluate(time_ms, Vector({{"up{job=\"a\"}", 0}})).ok());
  EXPECT_TRUE(rule.Evaluate(60'000, {}).ok());
  EXPECT_TRUE(rule.Evaluate(90'000, Vector({{"up{job=\"a\"}", 0}})).ok());
  EXPECT_THAT(States(rule), ElementsAre("a pending"));
  EXPECT_EQ(rule.alerts().begin()->second.active_at_ms, 90'000);
  EXPECT_EQ(rule.alerts().begin()->second.resolved_at_ms, std::nullopt);
}

TEST(AlertingRule, ItKeepsFiringForAWhile) {
  AlertingRule rule = Alerting(0, 60'000);
  const Points down = Vector({{"up{job=\"a\"}", 0}});
  EXPECT_TRUE(rule.Evaluate(0, down).ok());
  EXPECT_TRUE(rule.Evaluate(30'000, {}).ok());
  EXPECT_TRUE(rule.Evaluate(60'000, {}).ok());
  EXPECT_EQ(rule.state(), AlertState::kFiring);
  EXPECT_TRUE(rule.Evaluate(70'000, down).ok());  // and the while begins anew
  EXPECT_TRUE(rule.Evaluate(80'000, {}).ok());
  EXPECT_TRUE(rule.Evaluate(139'999, {}).ok());
  EXPECT_EQ(rule.state(), AlertState::kFiring);
  EXPECT_TRUE(rule.Evaluate(140'000, {}).ok());
  EXPECT_EQ(rule.state(), AlertState::kInactive);
}

TEST(AlertingRule, BeyondTheLimitAllAlertsGo) {
  AlertingRule rule = Alerting(0, 0, 1);
  EXPECT_THAT(Texts(rule.Evaluate(0, Vector({{"up{job=\"a\"}", 0}, {"up{job=\"b\"}", 0}}))),
              ElementsAre("exceeded limit of 1 with 2 alerts"));
  EXPECT_THAT(rule.alerts(), IsEmpty());
}

TEST(AlertingRule, TwoAlertsThatBecomeOneAreAnErrorAndChangeNothing) {
  AlertingRule rule = Alerting(0);
  EXPECT_TRUE(rule.Evaluate(0, Vector({{"up{job=\"a\"}", 0}})).ok());
  EXPECT_EQ(rule.Evaluate(10'000, Vector({{"x{job=\"a\"}", 0}, {"y{job=\"a\"}", 0}})).status().code(),
            Code::kFailedPrecondition);
  EXPECT_THAT(States(rule), ElementsAre("a firing"));
}

TEST(AlertingRule, ARestartDoesNotCountAsPendingNorDoesItLoseTime) {
  const auto restored = [](int64_t active_ms, int64_t last_ms) {
    AlertingRule rule = Alerting(600'000);
    EXPECT_TRUE(rule.Evaluate(10'000'000, Vector({{"up{job=\"a\"}", 0}})).ok());
    rule.Restore(Labels("ALERTS_FOR_STATE{alertname=\"Down\",job=\"a\",severity=\"page\"}"), active_ms, last_ms,
                 10'000'000, 60'000);
    return rule.alerts().begin()->second.active_at_ms;
  };
  EXPECT_EQ(restored(9'000'000, 9'200'000), 9'800'000);  // 200 s pending, 800 s away
  EXPECT_EQ(restored(9'000'000, 9'600'000), 9'000'000);  // fired already
  EXPECT_EQ(restored(9'000'000, 9'570'000), 9'460'000);  // 30 s short of it: 60 s more
}

TEST(AlertingRule, RestoringWhatIsNotActiveDoesNothing) {
  AlertingRule rule = Alerting(600'000);
  rule.Restore(Labels("ALERTS_FOR_STATE{alertname=\"Down\"}"), 0, 0, 1, 1);
  EXPECT_THAT(rule.alerts(), IsEmpty());
}

TEST(AlertingRule, UntilItIsRestoredItDoesNotSaySinceWhen) {
  AlertingRule rule = Alerting(0);
  rule.AwaitRestore();
  EXPECT_EQ(rule.Evaluate(1'000, Vector({{"up{job=\"a\"}", 0}})).value().size(), 1u);
  rule.EndRestore();
  EXPECT_EQ(rule.Evaluate(2'000, Vector({{"up{job=\"a\"}", 0}})).value().size(), 2u);
}

TEST(AlertingRule, WhatFiresIsToldAtOnceAndAgainAndItsEndToo) {
  AlertingRule rule = Alerting(1'000);
  const auto told = [&](int64_t time_ms, const Points& vector) {
    EXPECT_TRUE(rule.Evaluate(time_ms, vector).ok());
    std::vector<std::string> states;
    for (const Alert& alert : rule.TakeDue(time_ms, 5'000)) states.emplace_back(NameOf(alert.state));
    return states;
  };
  const Points up = Vector({{"up{job=\"a\"}", 0}});
  EXPECT_THAT(told(0, up), IsEmpty());  // pending
  EXPECT_THAT(told(1'000, up), ElementsAre("firing"));
  EXPECT_THAT(told(5'999, up), IsEmpty());
  EXPECT_THAT(told(6'000, up), ElementsAre("firing"));
  EXPECT_THAT(told(7'000, {}), ElementsAre("inactive"));
  EXPECT_THAT(told(8'000, {}), IsEmpty());
  EXPECT_THAT(told(12'000, {}), ElementsAre("inactive"));
}

TEST(AlertingRule, ATemplateThatDoesNotParseIsNoRule) {
  RuleSpec spec;
  spec.name = "a";
  spec.labels = {{"b", "{{"}};
  EXPECT_FALSE(AlertingRule::Make(spec, 0, {}).ok());
}

}  // namespace
}  // namespace rhizome::rules
