#include "rules/group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "promql/engine.h"
#include "promql/memory_source_testing.h"
#include "promql/value.h"

namespace rhizome::rules {
namespace {

using testing::ElementsAre;

class GroupTest : public testing::Test {
 protected:
  RuleGroup Group(std::string_view rules) {
    const auto specs = ParseRuleFile("groups:\n- name: g\n  rules:\n" + std::string(rules)).value();
    return RuleGroup::Make(specs[0], 60'000, {}).value();
  }
  RuleActions Actions() {
    return {[this](const std::string& expr, int64_t time_ms) -> Result<Points> {
              clock_.AdvanceMs(7);
              ASSIGN_OR_RETURN(const auto value, engine_.Instant(expr, time_ms, {source_}));
              Points points;
              for (const auto& series : value.series) points.push_back({series.labels, series.values[0]});
              return points;
            },
            [this](int64_t time_ms, const Points& points) -> Status {
              if (!write_status_.ok()) return write_status_;
              for (const Point& point : points) {
                auto& series = source_[point.labels];
                series.times_ms.push_back(time_ms);
                series.values.push_back(point.value);
              }
              return Status::Ok();
            }};
  }

  SimClock clock_;
  promql::MemorySource source_;
  promql::Engine engine_{{}, clock_};
  Status write_status_;
};

TEST_F(GroupTest, ARuleSeesWhatTheOneBeforeItWrote) {
  source_.Add("up", 0, 1'000, {3});
  RuleGroup group = Group("  - {record: twice, expr: up * 2}\n  - {record: more, expr: twice + 1}\n");
  group.Evaluate(1'000, Actions(), clock_);
  EXPECT_THAT(source_["more"].values, ElementsAre(7));
}

TEST_F(GroupTest, ARuleThatFailsDoesNotKeepTheOthers) {
  source_.Add("up{a=\"1\"}", 0, 1'000, {3});
  source_.Add("up{a=\"2\"}", 0, 1'000, {3});
  RuleGroup group = Group("  - {record: bad, expr: up * on () up}\n  - {record: good, expr: sum(up)}\n");
  group.Evaluate(1'000, Actions(), clock_);
  EXPECT_EQ(group.health()[0].status.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(group.health()[1].status.ok());
  EXPECT_EQ(group.health()[1].evaluated_at_ms, 1'000);
  EXPECT_EQ(group.health()[1].took_ns, 7'000'000);
  EXPECT_THAT(source_["good"].values, ElementsAre(6));
}

TEST_F(GroupTest, WhatCannotBeWrittenIsSaid) {
  RuleGroup group = Group("  - {record: a, expr: '1'}\n");
  write_status_ = Status::Unavailable("no");
  group.Evaluate(1'000, Actions(), clock_);
  EXPECT_EQ(group.health()[0].status.code(), Code::kUnavailable);
}

TEST_F(GroupTest, AlertsAreTakenOnFromSlotToSlot) {
  source_.Add("up", 0, 60'000, {0, 0, 0});
  RuleGroup group = Group("  - {alert: Down, expr: up == 0, for: 2m}\n");
  for (const int64_t slot_ms : {0, 60'000, 120'000}) group.Evaluate(slot_ms, Actions(), clock_);
  EXPECT_EQ(std::get<AlertingRule>(group.rules()[0]).state(), AlertState::kFiring);
}

TEST_F(GroupTest, AGroupThatGoesMarksWhatItWroteOnce) {
  RuleGroup group = Group("  - {record: a, expr: '1'}\n  - {alert: B, expr: '1'}\n");
  group.Evaluate(1'000, Actions(), clock_);
  const Points markers = group.Retire();
  EXPECT_EQ(markers.size(), 3u);
  for (const Point& marker : markers) EXPECT_TRUE(promql::IsAbsent(marker.value));
  EXPECT_TRUE(group.Retire().empty());
}

TEST_F(GroupTest, RulesThatStayGoOnWhereTheyWereAndTheOthersAreMarked) {
  source_.Add("up", 0, 60'000, {0, 0, 0});
  RuleGroup before = Group("  - {record: a, expr: '1'}\n  - {alert: B, expr: up == 0, for: 1m}\n");
  before.Evaluate(0, Actions(), clock_);
  RuleGroup after = Group("  - {alert: C, expr: '1'}\n  - {alert: B, expr: up == 0, for: 1m}\n");
  after.Inherit(before);
  EXPECT_EQ(std::get<AlertingRule>(after.rules()[1]).state(), AlertState::kPending);
  EXPECT_EQ(after.health()[1].took_ns, 7'000'000);
  const Points markers = before.Retire();
  ASSERT_EQ(markers.size(), 1u);
  EXPECT_EQ(markers[0].labels.Get(format::kMetricNameLabel), "a");
  after.Evaluate(60'000, Actions(), clock_);
  EXPECT_EQ(std::get<AlertingRule>(after.rules()[1]).state(), AlertState::kFiring);
}

TEST_F(GroupTest, UnderAnotherLimitRulesBeginAnew) {
  RuleGroup before = Group("  - {alert: B, expr: '1'}\n");
  before.Evaluate(0, Actions(), clock_);
  const auto specs = ParseRuleFile("groups: [{name: g, limit: 3, rules: [{alert: B, expr: '1'}]}]").value();
  RuleGroup after = RuleGroup::Make(specs[0], 60'000, {}).value();
  after.Inherit(before);
  EXPECT_EQ(std::get<AlertingRule>(after.rules()[0]).state(), AlertState::kInactive);
}

TEST_F(GroupTest, SlotsAreAnIntervalApartAndTheGroupsOwn) {
  const RuleGroup group = Group("");
  const int64_t slot_ms = group.SlotAt(1'700'000'000'000);
  EXPECT_LE(slot_ms, 1'700'000'000'000);
  EXPECT_GT(slot_ms, 1'700'000'000'000 - group.interval_ms());
  EXPECT_EQ(group.SlotAt(slot_ms), slot_ms);
  EXPECT_EQ(group.SlotAt(slot_ms - 1), slot_ms - group.interval_ms());
  EXPECT_EQ(group.SlotAt(slot_ms + group.interval_ms() - 1), slot_ms);
  EXPECT_LE(group.SlotAt(-5), -5);
  const auto others = ParseRuleFile("groups: [{name: h}, {name: i, interval: 10s}]").value();
  EXPECT_NE(RuleGroup::Make(others[0], 60'000, {}).value().SlotAt(slot_ms), slot_ms);
  EXPECT_EQ(RuleGroup::Make(others[1], 60'000, {}).value().interval_ms(), 10'000);
}

}  // namespace
}  // namespace rhizome::rules
