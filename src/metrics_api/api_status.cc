#include <unistd.h>

#include <array>

#include "metrics_api/api.h"
#include "promql/text.h"

namespace rhizome::metrics_api {
namespace {

// The release whose API this is: clients choose what they ask by it.
constexpr std::string_view kSpokenVersion = "2.42.0";
constexpr size_t kTopCounts = 10;

void AppendField(std::string_view name, std::string_view value, std::string& out) {
  if (!out.ends_with('{')) out += ',';
  AppendJsonString(name, out);
  out += ':';
  AppendJsonString(value, out);
}

std::string WorkingFolder() {
  std::array<char, 4096> path{};
  return getcwd(path.data(), path.size()) == nullptr ? std::string() : path.data();
}

void AppendCounts(std::string_view name, const std::vector<promql::NamedCount>& counts, std::string& out) {
  out.append(",\"").append(name).append("\":");
  AppendArray(counts, out, [&](const promql::NamedCount& count) {
    out += "{\"name\":";
    AppendJsonString(count.name, out);
    out.append(",\"value\":").append(std::to_string(count.count)).append("}");
  });
}

}  // namespace

Status Api::BuildInfo(Call& call) const {
  std::string& out = call.body;
  out += '{';
  AppendField("version", kSpokenVersion, out);
  AppendField("application", "rhizome", out);
  AppendField("revision", options_.version, out);
  AppendField("branch", "", out);
  AppendField("buildUser", "", out);
  AppendField("buildDate", "", out);
  AppendField("goVersion", "", out);
  out += '}';
  return Status::Ok();
}

Status Api::Flags(Call& call) const {
  call.body += '{';
  for (const auto& [name, value] : options_.flags) AppendField(name, value, call.body);
  call.body += '}';
  return Status::Ok();
}

Status Api::Config(Call& call) const {
  call.body += '{';
  AppendField("yaml", options_.config_yaml, call.body);
  call.body += '}';
  return Status::Ok();
}

Status Api::RuntimeInfo(Call& call) const {
  std::string& out = call.body;
  out += '{';
  AppendField("startTime", promql::FormatInstant(started_ms_), out);
  AppendField("CWD", WorkingFolder(), out);
  out += ",\"reloadConfigSuccess\":true";
  AppendField("lastConfigTime", promql::FormatInstant(started_ms_), out);
  AppendField("storageRetention", options_.retention, out);
  out += '}';
  return Status::Ok();
}

Status Api::Tsdb(Call& call) const {
  ASSIGN_OR_RETURN(const size_t top, call.parameters.Count("limit", kTopCounts));
  ASSIGN_OR_RETURN(const promql::MetricsFigures figures, store_.Figures(call.scope, top));
  std::string& out = call.body;
  out.append("{\"headStats\":{\"numSeries\":").append(std::to_string(figures.series));
  out.append(",\"numLabelPairs\":").append(std::to_string(figures.label_pairs));
  out.append(",\"chunkCount\":").append(std::to_string(figures.chunks));
  out.append(",\"minTime\":").append(std::to_string(figures.min_ms));
  out.append(",\"maxTime\":").append(std::to_string(figures.max_ms)).append("}");
  AppendCounts("seriesCountByMetricName", figures.series_by_metric, out);
  AppendCounts("labelValueCountByLabelName", figures.values_by_label, out);
  AppendCounts("memoryInBytesByLabelName", figures.value_bytes_by_label, out);
  AppendCounts("seriesCountByLabelValuePair", figures.series_by_pair, out);
  out += '}';
  return Status::Ok();
}

}  // namespace rhizome::metrics_api
