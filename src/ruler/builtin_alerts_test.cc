#include "ruler/builtin_alerts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "promql/engine.h"
#include "promql/memory_source_testing.h"
#include "rules/rule_file.h"

namespace rhizome::ruler {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class BuiltinAlertsTest : public testing::Test {
 protected:
  // A counter or gauge of the server at every quarter of a minute for ten minutes.
  void Add(const std::string& name, const std::string& labels, double start, double step) {
    std::vector<double> values;
    for (int i = 0; i <= 40; ++i) values.push_back(start + step * i);
    source_.Add(name + "{job=\"rhizome-self\",instance=\"i\"" + labels + "}", 0, 15'000, values);
  }
  // The alerts whose expressions say so after ten minutes.
  std::vector<std::string> Alerts() {
    std::vector<std::string> names;
    const auto groups = rules::ParseRuleFile(BuiltinAlerts()).value();
    for (const rules::RuleSpec& rule : groups.at(0).rules) {
      const auto result = promql::Engine({}, SystemClock()).Instant(rule.expr, 600'000, {source_});
      if (!result.value().series.empty()) names.push_back(rule.name);
    }
    return names;
  }
  promql::MemorySource source_;
};

TEST_F(BuiltinAlertsTest, WithoutFiguresNothingIsSaid) { EXPECT_THAT(Alerts(), IsEmpty()); }

TEST_F(BuiltinAlertsTest, MoreThanOneRequestOfAHundredFails) {
  Add("http_requests_total", ",status=\"200\"", 0, 98);
  Add("http_requests_total", ",status=\"503\"", 0, 2);
  EXPECT_THAT(Alerts(), ElementsAre("RhizomeErrors"));
}

TEST_F(BuiltinAlertsTest, OneOfTwoHundredMayFail) {
  Add("http_requests_total", ",status=\"204\"", 0, 199);
  Add("http_requests_total", ",status=\"500\"", 0, 1);
  EXPECT_THAT(Alerts(), IsEmpty());
}

TEST_F(BuiltinAlertsTest, MoreThanFiveRequestsOfAHundredAreSlow) {
  for (const auto& [route, slow] : {std::pair("/search", 6.0), {"/documents", 99.0}}) {
    const std::string label = ",route=\"" + std::string(route) + "\",le=";
    Add("http_request_seconds_bucket", label + "\"0.1\"", 0, 100 - slow);
    Add("http_request_seconds_bucket", label + "\"1\"", 0, 100);
    Add("http_request_seconds_bucket", label + "\"+Inf\"", 0, 100);
  }
  EXPECT_THAT(Alerts(), ElementsAre("RhizomeSlow"));
}

TEST_F(BuiltinAlertsTest, DocumentsMayTakeTheirTime) {
  Add("http_request_seconds_bucket", ",route=\"/documents\",le=\"0.1\"", 0, 1);
  Add("http_request_seconds_bucket", ",route=\"/documents\",le=\"+Inf\"", 0, 100);
  EXPECT_THAT(Alerts(), IsEmpty());
}

TEST_F(BuiltinAlertsTest, MoreThanNineTenthsOfSomethingAreUsed) {
  Add("process_cpu_seconds_total", "", 0, 28);
  Add("rhizome_cpus", "", 2, 0);
  Add("process_resident_memory_bytes", "", 91, 0);
  Add("rhizome_memory_bytes", "", 100, 0);
  Add("rhizome_disk_free_bytes", "", 9, 0);
  Add("rhizome_disk_bytes", "", 100, 0);
  Add("process_open_fds", "", 91, 0);
  Add("process_max_fds", "", 100, 0);
  EXPECT_THAT(Alerts(),
              ElementsAre("RhizomeProcessorBusy", "RhizomeMemoryShort", "RhizomeDiskFull", "RhizomeFilesShort"));
}

TEST_F(BuiltinAlertsTest, LessIsFine) {
  Add("process_cpu_seconds_total", "", 0, 26);
  Add("rhizome_cpus", "", 2, 0);
  Add("process_resident_memory_bytes", "", 89, 0);
  Add("rhizome_memory_bytes", "", 100, 0);
  Add("rhizome_disk_free_bytes", "", 11, 0);
  Add("rhizome_disk_bytes", "", 100, 0);
  Add("process_open_fds", "", 89, 0);
  Add("process_max_fds", "", 100, 0);
  EXPECT_THAT(Alerts(), IsEmpty());
}

}  // namespace
}  // namespace rhizome::ruler
