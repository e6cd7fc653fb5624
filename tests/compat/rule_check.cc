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

#include "base/clock.h"
#include "compat/series_file.h"
#include "promql/engine.h"
#include "promql/memory_source_testing.h"
#include "promql/text.h"
#include "rules/rule.h"

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
  explicit Runner(const std::vector<GroupSpec>& groups) {
    for (const GroupSpec& group : groups) {
      for (const RuleSpec& spec : group.rules) {
        if (spec.kind == RuleSpec::Kind::kRecording) {
          rules_.emplace_back(RecordingRule(spec, group.limit));
        } else {
          rules_.emplace_back(AlertingRule::Make(spec, group.limit, {}).value());
        }
      }
    }
  }
  promql::MemorySource& source() { return source_; }

  void Step(int64_t time_ms) {
    std::string alerts, points;
    for (auto& rule : rules_) {
      const std::string& expr = std::visit([](const auto& held) { return held.spec().expr; }, rule);
      const auto value = engine_.Instant(expr, time_ms, {source_});
      if (!value.ok()) continue;
      Points vector;
      for (const promql::ResultSeries& series : value->series) vector.push_back({series.labels, series.values[0]});
      if (auto* const recording = std::get_if<RecordingRule>(&rule)) {
        Write(time_ms, recording->Evaluate(vector), points);
        continue;
      }
      auto& alerting = std::get<AlertingRule>(rule);
      Write(time_ms, alerting.Evaluate(time_ms, vector), points);
      for (const auto& [labels, alert] : alerting.alerts()) {
        alerts.append(alerts.empty() ? "" : ",").append("[\"").append(NameOf(alert.state)).append("\",");
        alerts.append(Json(labels)).append(",").append(Json(alert.annotations)).append("]");
      }
    }
    std::cout << "{\"alerts\":[" << alerts << "],\"points\":[" << points << "]}\n";
  }

 private:
  void Write(int64_t time_ms, const Result<Points>& result, std::string& points) {
    if (!result.ok()) return;
    for (const Point& point : *result) {
      auto& series = source_[point.labels];
      series.times_ms.push_back(time_ms);
      series.values.push_back(point.value);
      if (promql::IsAbsent(point.value)) continue;
      points.append(points.empty() ? "" : ",").append("[").append(Json(point.labels)).append(",");
      points.append(promql::FormatPlain(point.value)).append("]");
    }
  }

  promql::MemorySource source_;
  promql::Engine engine_{{}, SystemClock()};
  std::vector<std::variant<RecordingRule, AlertingRule>> rules_;
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
