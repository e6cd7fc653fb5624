// Reads and runs rule files, for rules_test.py to compare with promtool.
//   rule_check check FILE…             one line each: "ok" or why not
//   rule_check run RULES SERIES STEPS  evaluates each minute from 0 on; a line of JSON for each: all alerts, and the
//                                      points that the rules wrote
// SERIES is as series_file.h says.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "compat/series_file.h"
#include "promql/engine.h"
#include "promql/memory_source_testing.h"
#include "promql/text.h"
#include "rules/group.h"

namespace rhizome::rules {
namespace {

constexpr int64_t kMinuteMs = 60'000;

std::string FileText(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

int Check(int count, char** paths) {
  for (int i = 0; i < count; ++i) {
    const auto groups = ParseRuleFile(FileText(paths[i]));
    if (groups.ok()) {
      std::cout << "ok\n";
    } else {
      std::cout << groups.status().field() << ": " << promql::Quote(groups.status().message()) << "\n";
    }
  }
  return 0;
}

// {"a":"b"}; the texts here need no more than PromQL's quoting.
std::string Json(format::LabelsView labels) {
  std::string out = "{";
  for (const format::LabelPair& pair : labels) {
    if (out.size() > 1) out += ",";
    out += promql::Quote(pair.name) + ":" + promql::Quote(pair.value);
  }
  return out + "}";
}

class Runner {
 public:
  explicit Runner(const std::vector<GroupSpec>& specs) {
    for (const GroupSpec& spec : specs) groups_.push_back(RuleGroup::Make(spec, kMinuteMs, {}).value());
  }
  promql::MemorySource& source() { return source_; }

  void Step(int64_t time_ms) {
    std::string alerts, points;
    const RuleActions actions{[&](const std::string& expr, int64_t at_ms) { return Query(expr, at_ms); },
                              [&](int64_t at_ms, const Points& written) { return Write(at_ms, written, points); }};
    for (RuleGroup& group : groups_) {
      group.Evaluate(time_ms, actions, SystemClock());
      for (const RuleGroup::Rule& rule : group.rules()) {
        const auto* const alerting = std::get_if<AlertingRule>(&rule);
        if (alerting == nullptr) continue;
        for (const auto& [labels, alert] : alerting->alerts()) {
          alerts.append(alerts.empty() ? "" : ",").append("[\"").append(NameOf(alert.state)).append("\",");
          alerts.append(Json(labels)).append(",").append(Json(alert.annotations)).append("]");
        }
      }
    }
    std::cout << "{\"alerts\":[" << alerts << "],\"points\":[" << points << "]}\n";
  }

 private:
  Result<Points> Query(const std::string& expr, int64_t time_ms) {
    ASSIGN_OR_RETURN(const promql::QueryResult value, engine_.Instant(expr, time_ms, {source_}));
    Points vector;
    for (const promql::ResultSeries& series : value.series) vector.push_back({series.labels, series.values[0]});
    return vector;
  }

  Status Write(int64_t time_ms, const Points& written, std::string& points) {
    for (const Point& point : written) {
      auto& series = source_[point.labels];
      series.times_ms.push_back(time_ms);
      series.values.push_back(point.value);
      if (promql::IsAbsent(point.value)) continue;
      points.append(points.empty() ? "" : ",").append("[").append(Json(point.labels)).append(",");
      points.append(promql::FormatPlain(point.value)).append("]");
    }
    return Status::Ok();
  }

  promql::MemorySource source_;
  promql::Engine engine_{{}, SystemClock()};
  std::vector<RuleGroup> groups_;
};

int Run(const std::string& rules, const std::string& series, int steps) {
  const auto groups = ParseRuleFile(FileText(rules));
  if (!groups.ok()) {
    std::fprintf(stderr, "%s\n", groups.status().ToString().c_str());
    return 1;
  }
  Runner runner(*groups);
  compat::ReadSeries(series,
                     [&](const format::Labels& labels, std::vector<int64_t> times_ms, std::vector<double> values) {
                       runner.source()[labels] = {std::move(times_ms), std::move(values)};
                     });
  for (int step = 0; step <= steps; ++step) runner.Step(step * kMinuteMs);
  return 0;
}

}  // namespace
}  // namespace rhizome::rules

int main(int argc, char** argv) {
  if (argc > 2 && std::strcmp(argv[1], "check") == 0) return rhizome::rules::Check(argc - 2, argv + 2);
  if (argc == 5 && std::strcmp(argv[1], "run") == 0) return rhizome::rules::Run(argv[2], argv[3], std::stoi(argv[4]));
  std::fprintf(stderr, "usage: rule_check check FILE… | rule_check run RULES SERIES STEPS\n");
  return 2;
}
