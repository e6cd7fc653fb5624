// Rules over HTTP: what Prometheus' clients are told of them.
#include <chrono>
#include <fstream>
#include <thread>

#include "api_fixture.h"

namespace rhizome::gateway {
namespace {

class RulesOverHttp : public ApiFixture {
 protected:
  void Open(const std::string& rules) {
    Write(rules);
    rules_.files = {path_};
    rules_.interval_ms = 50;
    rules_.look_ms = 3'600'000;
    OpenNode();
  }
  void Write(const std::string& rules) const {
    std::ofstream(path_) << "groups:\n- name: g\n  limit: 5\n  rules:\n" << rules;
  }
  // The first group once all of its rules have been evaluated.
  json::value Group(const std::string& query = "") {
    for (int i = 0; i < 2'000; ++i) {
      const json::value answer = Do("GET", "/api/v1/rules" + query);
      const json::value group = answer.at("data").at("groups").at(0);
      bool all = true;
      for (const json::value& rule : group.at("rules").as_array()) all = all && rule.at("health") != "unknown";
      if (all) return group;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {};
  }

  const ScratchFolder rules_folder_;
  const std::string path_ = rules_folder_.path() + "/rules.yml";
};

TEST_F(RulesOverHttp, ARuleSaysHowItIs) {
  Open("  - {record: one, expr: 'sum(  vector(1))', labels: {a: b}}\n  - {record: none, expr: foo}\n");
  const json::value group = Group();
  EXPECT_EQ(group.at("name"), "g");
  EXPECT_EQ(group.at("file").as_string(), path_);
  EXPECT_EQ(group.at("interval").to_number<double>(), 0.05);
  EXPECT_EQ(group.at("limit").to_number<double>(), 5);
  const json::value& rule = group.at("rules").at(0);
  EXPECT_EQ(rule.at("name"), "one");
  EXPECT_EQ(rule.at("query"), "sum(vector(1))");
  EXPECT_EQ(rule.at("labels").at("a"), "b");
  EXPECT_EQ(rule.at("health"), "ok");
  EXPECT_EQ(rule.at("type"), "recording");
  EXPECT_GT(rule.at("evaluationTime").to_number<double>(), 0);
  EXPECT_TRUE(rule.at("lastEvaluation").as_string().ends_with("Z"));
  EXPECT_FALSE(rule.as_object().contains("state"));
  EXPECT_EQ(Group("?type=alert").at("rules").as_array().size(), 0u);
  EXPECT_EQ(Call("GET", "/api/v1/rules?type=none").status, 400);
}

TEST_F(RulesOverHttp, AnAlertSaysSinceWhen) {
  Open("  - {alert: A, expr: vector(12.5), for: 1h, labels: {l: '{{ $value }}'}, annotations: {t: x}}\n");
  const json::value rule = Group().at("rules").at(0);
  EXPECT_EQ(rule.at("state"), "pending");
  EXPECT_EQ(rule.at("duration").to_number<double>(), 3'600);
  EXPECT_EQ(rule.at("labels").at("l"), "{{ $value }}");
  EXPECT_EQ(rule.at("type"), "alerting");
  const json::value alerts = Do("GET", "/api/v1/alerts");
  ASSERT_EQ(alerts.at("data").at("alerts").as_array().size(), 1u);
  const json::value& alert = alerts.at("data").at("alerts").at(0);
  EXPECT_EQ(json::serialize(alert.at("labels")), R"({"alertname":"A","l":"12.5"})");
  EXPECT_EQ(alert.at("state"), "pending");
  EXPECT_EQ(alert.at("value"), "1.25e+01");
  EXPECT_EQ(alert.at("annotations").at("t"), "x");
  EXPECT_TRUE(alert.at("activeAt").as_string().starts_with("20"));
}

TEST_F(RulesOverHttp, AFailedRuleSaysWhy) {
  Open("  - {record: r, expr: 'label_replace(vector(1), \"b\", \"c\", \"\", \"\") or vector(1)', labels: {b: d}}\n");
  const json::value rule = Group().at("rules").at(0);
  EXPECT_EQ(rule.at("health"), "err");
  EXPECT_NE(rule.at("lastError").as_string().find("same labelset"), json::string::npos) << json::serialize(rule);
}

TEST_F(RulesOverHttp, FilesAreReadAgainWhenAsked) {
  Open("  - {record: one, expr: '1'}\n");
  Write("  - {record: two, expr: '2'}\n");
  EXPECT_EQ(Call("POST", "/-/reload").status, 200);
  EXPECT_EQ(Group().at("rules").at(0).at("name"), "two");
  Write("  - {record: two, expr: '2\n");
  const Reply reply = Call("POST", "/-/reload");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(Parsed(reply).at("field"), "rule_files");
  EXPECT_EQ(Group().at("rules").at(0).at("name"), "two");
}

TEST_F(RulesOverHttp, AlertmanagersAreListed) {
  Open("");
  const json::value answer = Do("GET", "/api/v1/alertmanagers");
  EXPECT_EQ(answer.at("data").at("activeAlertmanagers").at(0).at("url"), "http://127.0.0.1:1/api/v2/alerts");
}

TEST_F(RulesOverHttp, WhereTheRulerIsElsewhereItIsAskedThere) {
  std::vector<std::string> asked;
  ruler_slot_.SetElsewhere([&asked](const std::string& question) -> Result<std::string> {
    asked.push_back(question);
    if (question == "alerts") return Status::Unavailable("nobody leads");
    return "{\"of\":\"" + question + "\"}";
  });
  EXPECT_EQ(Call("GET", "/api/v1/rules").body, "{\"status\":\"success\",\"data\":{\"of\":\"rules\"}}");
  EXPECT_EQ(Do("GET", "/api/v1/rules?type=record").at("data").at("of"), "rules:record");
  EXPECT_EQ(Do("GET", "/api/v1/alertmanagers").at("data").at("of"), "alertmanagers");
  EXPECT_EQ(Call("GET", "/api/v1/alerts").status, 503);
  EXPECT_EQ(Call("GET", "/api/v1/rules?type=x").status, 400);
  EXPECT_EQ(Call("POST", "/-/reload").status, 503);
  EXPECT_EQ(asked, (std::vector<std::string>{"rules", "rules:record", "alertmanagers", "alerts"}));
}

TEST_F(RulesOverHttp, WhatAnotherProcessIsToldIsWhatARequestHereGets) {
  Open("  - {record: r, expr: '1'}\n  - {alert: A, expr: '1', for: 1h}\n");
  for (const auto& [question, target] : std::vector<std::pair<std::string, std::string>>{
           {"rules:record", "/api/v1/rules?type=record"}, {"alertmanagers", "/api/v1/alertmanagers"}}) {
    const auto told = metrics_api::TellOfRules(ruler_slot_, question);
    ASSERT_TRUE(told.ok()) << told.status().ToString();
    const json::value here = Do("GET", target).at("data"), there = json::parse(*told);
    EXPECT_EQ(here.as_object().size(), there.as_object().size());
    if (question == "alertmanagers") EXPECT_EQ(here, there);
    if (question != "alertmanagers") EXPECT_EQ(there.at("groups").at(0).at("rules").as_array().size(), 1u);
  }
  EXPECT_EQ(metrics_api::TellOfRules(ruler_slot_, "rulesx").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(metrics_api::TellOfRules(ruler_slot_, "").status().code(), Code::kInvalidArgument);
}

TEST_F(RulesOverHttp, WithoutARulerTheReasonIsSaid) {
  ruler_slot_.Explain("not in a cluster");
  const Reply reply = Call("GET", "/api/v1/rules");
  EXPECT_EQ(reply.status, 503);
  EXPECT_NE(reply.body.find("not in a cluster"), std::string::npos);
  EXPECT_EQ(Call("POST", "/-/reload").status, 503);
}

}  // namespace
}  // namespace rhizome::gateway
