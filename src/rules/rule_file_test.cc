#include "rules/rule_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rhizome::rules {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr std::string_view kFile = R"(
groups:
- name: node
  interval: 30s
  limit: 10
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {team: infra}
  - alert: Down
    expr: |
      up == 0
    for: 5m
    keep_firing_for: 10m
    labels:
      severity: page
      code: 7
    annotations:
      summary: "{{ $labels.instance }} is down"
- name: empty
)";

// A file of one rule with these lines.
std::string Rule(const std::string& lines) { return "groups:\n- name: g\n  rules:\n  - " + lines + "\n"; }

// "field: message".
std::string Refused(std::string_view file) {
  const auto groups = ParseRuleFile(file);
  if (groups.ok()) return "accepted";
  return std::string(groups.status().field()) + ": " + std::string(groups.status().message());
}

TEST(ParseRuleFile, GroupsHoldRulesInOrder) {
  const auto groups = ParseRuleFile(kFile).value();
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].name, "node");
  EXPECT_EQ(groups[0].interval_ms, 30'000);
  EXPECT_EQ(groups[0].limit, 10u);
  EXPECT_EQ(groups[1].interval_ms, 0);
  EXPECT_TRUE(groups[1].rules.empty());
  ASSERT_EQ(groups[0].rules.size(), 2u);
  const RuleSpec& recording = groups[0].rules[0];
  EXPECT_EQ(recording.kind, RuleSpec::Kind::kRecording);
  EXPECT_EQ(recording.name, "job:up:sum");
  EXPECT_EQ(recording.expr, "sum by (job) (up)");
  EXPECT_THAT(recording.labels, ElementsAre(Pair("team", "infra")));
  const RuleSpec& alerting = groups[0].rules[1];
  EXPECT_EQ(alerting.kind, RuleSpec::Kind::kAlerting);
  EXPECT_EQ(alerting.expr, "up == 0\n");
  EXPECT_EQ(alerting.line, 11u);
  EXPECT_EQ(alerting.for_ms, 300'000);
  EXPECT_EQ(alerting.keep_firing_for_ms, 600'000);
  EXPECT_THAT(alerting.labels, ElementsAre(Pair("code", "7"), Pair("severity", "page")));
  EXPECT_THAT(alerting.annotations, ElementsAre(Pair("summary", "{{ $labels.instance }} is down")));
}

TEST(ParseRuleFile, AFileWithoutGroupsHasNoRules) {
  EXPECT_TRUE(ParseRuleFile("").value().empty());
  EXPECT_TRUE(ParseRuleFile("groups:\n").value().empty());
  EXPECT_TRUE(ParseRuleFile("groups: []\n").value().empty());
}

TEST(ParseRuleFile, ErrorsSayWhere) {
  EXPECT_EQ(Refused(Rule("record: a\n    expr: sum(")),
            "groups[0].rules[0].expr: line 5: could not parse expression: 1:5: parse error: unclosed left parenthesis");
  EXPECT_THAT(Refused(Rule("alert: a\n    expr: up\n    annotations: {x: \"{{ $labels.a \"}")),
              HasSubstr("groups[0].rules[0].annotations.x: line 6: {{ is not closed"));
}

TEST(ParseRuleFile, FieldsAreKnown) {
  EXPECT_THAT(Refused("group: []\n"), HasSubstr("group: line 1: is not a known field"));
  EXPECT_THAT(Refused("groups:\n- name: a\n  x: 1\n"), HasSubstr("groups[0].x: line 3: is not a known field"));
  EXPECT_THAT(Refused(Rule("record: a\n    expr: up\n    foor: 5m")), HasSubstr("foor: line 6: is not a known field"));
}

TEST(ParseRuleFile, ShapesAreRight) {
  for (const std::string file :
       {"- a\n", "groups: a\n", "groups: [a]\n", "groups:\n- name: [a]\n", "groups:\n- name: ''\n",
        "groups:\n- name: a\n  rules: b\n", "groups:\n- name: a\n  rules: [b]\n", "groups:\n- name: a\n- name: a\n",
        "groups:\n- name: a\n  interval: 5\n", "groups:\n- name: a\n  interval: soon\n",
        "groups:\n- name: a\n  limit: -1\n", "groups:\n- name: a\n  limit: many\n", "groups: [\n"}) {
    EXPECT_NE(Refused(file), "accepted") << file;
  }
}

TEST(ParseRuleFile, RulesAreWhole) {
  for (const std::string lines :
       {"record: a", "expr: up", "record: a\n    alert: b\n    expr: up", "record: 0a\n    expr: up",
        "record: a\n    expr: up\n    for: 5m", "record: a\n    expr: up\n    keep_firing_for: 5m",
        "record: a\n    expr: up\n    annotations: {b: c}", "record: a\n    expr: up\n    labels: {0b: c}",
        "record: a\n    expr: up\n    labels: {__name__: c}", "record: a\n    expr: up\n    labels: [c]",
        "alert: a\n    expr: up\n    labels: {b: [c]}", "alert: a\n    expr: up\n    labels: {b: '{{'}",
        "alert: a\n    expr: up\n    annotations: {b-c: d}", "alert: a\n    expr: up\n    for: x"}) {
    EXPECT_NE(Refused(Rule(lines)), "accepted") << lines;
  }
  EXPECT_EQ(Refused(Rule("alert: any name at all\n    expr: up\n    labels:\n    annotations: {}\n    for: 0s")),
            "accepted");
}

}  // namespace
}  // namespace rhizome::rules
