#include "ruler/ruler.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/await_testing.h"
#include "base/scratch_testing.h"
#include "io/http_test_server.h"
#include "io/sim_disk.h"
#include "metrics/store.h"
#include "promql/parser.h"
#include "promql/text.h"

namespace rhizome::ruler {
namespace {

namespace json = boost::json;

class RulerTest : public testing::Test {
 protected:
  RulerTest() {
    cluster::NodeOptions options;
    options.data_dir = "/data";
    options.memtable_bytes = 1 << 20;
    node_ = cluster::Node::Open(disk_, options).value();
    store_ = std::make_unique<metrics::Store>(*node_, SystemClock());
    options_.interval_ms = 50;
    options_.look_ms = 20;
    options_.files = {folder_.path() + "/*.yml"};
  }

  void Rules(const std::string& rules, const std::string& file = "rules.yml") {
    const std::string path = folder_.path() + "/" + file;
    std::ofstream(path + ".new") << "groups:\n- name: g\n  rules:\n" << rules;
    std::filesystem::rename(path + ".new", path);
  }
  Status Start(const std::vector<std::string>& alertmanagers = {}) {
    ruler_.reset();
    NotifierOptions options;
    options.urls = alertmanagers;
    options.backoff_ms = 20;
    notifier_ = Notifier::Start(options, metrics_).value();
    auto started = Ruler::Start(options_, {*store_, *notifier_, metrics_, *clock_});
    if (started.ok()) ruler_ = std::move(*started);
    return started.status();
  }
  void Write(const std::string& selector, double value, int64_t age_ms = 0) {
    format::SeriesBatchBuilder builder;
    std::vector<format::LabelPair> pairs;
    const auto matchers = promql::ParseSelector(selector).value();
    for (const format::Matcher& matcher : matchers) pairs.push_back({matcher.name(), matcher.value()});
    builder.Add(builder.SeriesOf(format::Labels::FromPairs(pairs).value()), clock_->WallMs() - age_ms, value);
    ASSERT_EQ(store_->Write(metrics::kTenant, builder.Encode()).value().kept, 1u);
  }
  // The value of an expression now; nothing for none.
  std::optional<double> Value(const std::string& expr) {
    std::vector<std::string> warnings;
    const auto source = store_->Open({metrics::kTenant, INT64_MAX, nullptr, &warnings}).value();
    const auto result = promql::Engine({}, SystemClock()).Instant(expr, clock_->WallMs(), {*source}).value();
    if (result.series.empty()) return std::nullopt;
    return result.series[0].values[0];
  }
  RuleView Rule() { return ruler_->View().at(0)->rules.at(0); }
  bool Shows(const std::string& metric) { return metrics_.Render().find(metric + "\n") != std::string::npos; }

  ScratchFolder folder_;
  io::SimDisk disk_;
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<metrics::Store> store_;
  MetricRegistry metrics_;
  SimClock stopped_;
  Clock* clock_ = &SystemClock();
  RulerOptions options_;
  std::unique_ptr<Notifier> notifier_;
  std::unique_ptr<Ruler> ruler_;
};

TEST_F(RulerTest, WhatRulesYieldIsInTheStore) {
  Write("up{job=\"a\"}", 3);
  Rules("  - {record: twice, expr: up * 2}\n  - {record: more, expr: twice + 1}\n");
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(Await([&] { return Value("more{job=\"a\"}") == 7; }));
  EXPECT_TRUE(Await([&] { return ruler_->View()[0]->evaluated_at_ms > 0; }));
  EXPECT_TRUE(ruler_->View()[0]->rules[1].health.status.ok());
}

TEST_F(RulerTest, WithoutFilesThereIsNothingToDo) {
  options_.files.clear();
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(ruler_->View().empty());
}

TEST_F(RulerTest, BuiltinRulesStandBesideFiles) {
  options_.files.clear();
  options_.builtin = {{"builtin", "groups: [{name: own, rules: [{record: one, expr: '1'}]}]"}};
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(Await([&] { return Value("one") == 1; }));
  EXPECT_EQ(ruler_->View()[0]->file, "builtin");
}

TEST_F(RulerTest, AFileWithAMistakeIsAnErrorAtTheStart) {
  Rules("  - {record: r, expr: sum(}\n");
  const Status status = Start();
  EXPECT_EQ(status.field(), "rule_files");
  EXPECT_NE(status.message().find("rules.yml"), std::string_view::npos);
}

TEST_F(RulerTest, AChangedFileIsReadAgainAndSeriesOfRulesThatAreGoneEnd) {
  Rules("  - {record: before, expr: '1'}\n");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Await([&] { return Value("before") == 1; }));
  Rules("  - {record: after, expr: '2'}\n");
  EXPECT_TRUE(Await([&] { return Value("after") == 2; }));
  EXPECT_EQ(Value("before"), std::nullopt);
}

TEST_F(RulerTest, AMistakeInAChangedFileLeavesRulesAsTheyWere) {
  Rules("  - {record: before, expr: '1'}\n");
  ASSERT_TRUE(Start().ok());
  Rules("  - {record: after, expr: '2'\n");
  EXPECT_EQ(ruler_->Reload().field(), "rule_files");
  EXPECT_TRUE(Await([&] { return Shows("rules_reload_failed 1"); }));
  EXPECT_EQ(Rule().spec.name, "before");
  Rules("  - {record: after, expr: '2'}\n");
  EXPECT_TRUE(ruler_->Reload().ok());
  EXPECT_TRUE(Shows("rules_reload_failed 0"));
  EXPECT_EQ(Rule().spec.name, "after");
}

TEST_F(RulerTest, AlertsGoOnWhereTheyWereWhenAnotherRuleChanges) {
  Rules("  - {alert: A, expr: '1', for: 1h}\n");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Await([&] { return !Rule().alerts.empty(); }));
  const int64_t since_ms = Rule().alerts[0].active_at_ms;
  Rules("  - {alert: A, expr: '1', for: 1h}\n  - {record: b, expr: '2'}\n");
  ASSERT_TRUE(ruler_->Reload().ok());
  ASSERT_TRUE(Await([&] { return Value("b") == 2; }));
  EXPECT_EQ(Rule().alerts[0].active_at_ms, since_ms);
}

TEST_F(RulerTest, ARuleThatFailsSaysWhy) {
  Write("up{a=\"1\"}", 1);
  Write("up{a=\"2\"}", 1);
  Rules("  - {record: r, expr: up * on () up}\n");
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(Await([&] { return Rule().health.status.code() == Code::kFailedPrecondition; }));
  EXPECT_FALSE(Shows("rules_evaluation_failures_total 0"));
}

TEST_F(RulerTest, WhatCannotBeStoredIsSaid) {
  Rules("  - {record: r, expr: '1'}\n");
  disk_.SetCapacity(disk_.used_bytes());
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(Await([&] { return Rule().health.evaluated_at_ms > 0; }));
  EXPECT_FALSE(Rule().health.status.ok());
}

TEST_F(RulerTest, AlertmanagersAreToldOfAnAlertAndOfItsEnd) {
  io::HttpTestServer server([](const io::TestRequest&, size_t) { return io::HttpText("200 OK", ""); });
  const auto last = [&] { return json::parse(server.requests().back().body).at(0); };
  options_.external = {{{"job", "not this"}, {"zone", "x"}}, "http://here"};
  options_.resend_ms = 500;
  Write("down{job=\"a\"}", 1);
  Rules("  - {alert: Down, expr: down == 1, labels: {severity: page}, annotations: {text: 'is {{ $value }}'}}\n");
  ASSERT_TRUE(Start({server.url()}).ok());
  ASSERT_TRUE(Await([&] { return server.requests().size() >= 2; }));  // told, and again
  EXPECT_EQ(json::serialize(last().at("labels")), R"({"alertname":"Down","job":"a","severity":"page","zone":"x"})");
  EXPECT_EQ(last().at("annotations").at("text"), "is 1");
  EXPECT_EQ(last().at("generatorURL"), "http://here/api/v1/query?query=down%20%3D%3D%201");
  const std::string starts(last().at("startsAt").as_string());
  EXPECT_GT(last().at("endsAt").as_string(), promql::FormatInstant(clock_->WallMs() - 60'000));
  EXPECT_EQ(Value("ALERTS{alertname=\"Down\",alertstate=\"firing\",severity=\"page\"}"), 1);
  Write("down{job=\"a\"}", 0);
  ASSERT_TRUE(Await([&] { return Rule().state == rules::AlertState::kInactive; }));
  // What still fired would end two seconds after it was told.
  const std::string ended = promql::FormatInstant(clock_->WallMs() + 1'000).substr(0, 19);
  const size_t told = server.requests().size();
  ASSERT_TRUE(Await([&] { return server.requests().size() >= told + 2; }));
  EXPECT_LE(std::string(last().at("endsAt").as_string()).substr(0, 19), ended);
  EXPECT_EQ(last().at("startsAt").as_string(), starts);
  EXPECT_EQ(Value("ALERTS"), std::nullopt);
}

TEST_F(RulerTest, AfterARestartAnAlertIsPendingSinceItWasBefore) {
  Write("ALERTS_FOR_STATE{alertname=\"A\"}", static_cast<double>(clock_->WallMs() / 1000 - 1'800), 1'000);
  Rules("  - {alert: A, expr: '1', for: 1h}\n");
  ASSERT_TRUE(Start().ok());
  const int64_t before_ms = clock_->WallMs() - 1'790'000;
  EXPECT_TRUE(Await([&] { return !Rule().alerts.empty() && Rule().alerts[0].active_at_ms < before_ms; }));
  EXPECT_EQ(Rule().state, rules::AlertState::kPending);
  // And it is said again.
  EXPECT_TRUE(Await([&] { return Value("ALERTS_FOR_STATE") == Rule().alerts[0].active_at_ms / 1000; }));
}

TEST_F(RulerTest, AfterARestartWhatFiredFires) {
  Write("ALERTS_FOR_STATE{alertname=\"A\"}", static_cast<double>(clock_->WallMs() / 1000 - 1'800), 1'000);
  Rules("  - {alert: A, expr: '1', for: 15m}\n");
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(Await([&] { return Rule().state == rules::AlertState::kFiring; }));
}

TEST_F(RulerTest, AnAlertThatHadEndedBeforeTheRestartBeginsAnew) {
  Write("ALERTS_FOR_STATE{alertname=\"A\"}", static_cast<double>(clock_->WallMs() / 1000 - 1'800), 2'000);
  Write("ALERTS_FOR_STATE{alertname=\"A\"}", promql::kAbsent, 1'000);
  const int64_t before_ms = clock_->WallMs();
  Rules("  - {alert: A, expr: '1', for: 1h}\n");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Await([&] { return Value("ALERTS_FOR_STATE").has_value(); }));  // it is restored
  EXPECT_GE(Rule().alerts[0].active_at_ms, before_ms - options_.interval_ms);
}

TEST_F(RulerTest, SlotsThatPassMeanwhileAreLeftOutAndCounted) {
  clock_ = &stopped_;
  options_.interval_ms = 60'000;
  Rules("  - {record: r, expr: '1'}\n");
  ASSERT_TRUE(Start().ok());
  stopped_.AdvanceMs(601'000);
  ASSERT_TRUE(Await([&] { return Rule().health.evaluated_at_ms > 0; }));
  EXPECT_GT(Rule().health.evaluated_at_ms, stopped_.WallMs() - 60'000);
  EXPECT_TRUE(Shows("rules_evaluations_total 1"));
  EXPECT_TRUE(Shows("rules_missed_slots_total 9") || Shows("rules_missed_slots_total 10")) << metrics_.Render();
}

TEST_F(RulerTest, AfterTheClockIsSetBackSlotsGoOn) {
  clock_ = &stopped_;
  options_.interval_ms = 60'000;
  Rules("  - {record: r, expr: '1'}\n");
  ASSERT_TRUE(Start().ok());
  stopped_.SetWallMs(stopped_.WallMs() - 86'400'000);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(Await([&] {
    stopped_.AdvanceMs(1'000);
    return Rule().health.evaluated_at_ms > 0;
  }));
  EXPECT_LT(Rule().health.evaluated_at_ms, stopped_.WallMs());
}

}  // namespace
}  // namespace rhizome::ruler
