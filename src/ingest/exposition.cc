#include "ingest/exposition.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "ingest/label_set.h"
#include "ingest/number_text.h"

namespace rhizome::ingest {
namespace {

constexpr std::string_view kSpaces = " \t";

bool SameWord(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

// A sample's value: also NaN and infinities, in any case.
std::optional<double> ValueOf(std::string_view text) {
  if (const auto number = FiniteNumber(text)) return number;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (SameWord(text, "inf") || SameWord(text, "infinity")) return negative ? -kInfinity : kInfinity;
  if (SameWord(text, "nan")) return kTextNaN;
  return std::nullopt;
}

MetricType TypeOf(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(MetricType::kStateSet); ++i) {
    if (MetricTypeName(static_cast<MetricType>(i)) == name) return static_cast<MetricType>(i);
  }
  return MetricType::kUnknown;
}

class Run {
 public:
  Run(const ExpositionOptions& options, const Limits& limits, format::SeriesBatchBuilder& out)
      : options_(options), limits_(limits), out_(out) {}

  Result<Taken> Body(std::string_view body) {
    while (!body.empty()) {
      ++line_;
      const size_t end = body.find('\n');
      rest_ = body.substr(0, end);
      body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
      if (rest_.ends_with('\r')) rest_.remove_suffix(1);
      SkipSpaces();
      if (rest_.empty()) continue;
      if (ended_) return Bad("a line behind # EOF");
      if (rest_[0] == '#') {
        Comment();
      } else {
        RETURN_IF_ERROR(Sample());
      }
      RETURN_IF_ERROR(CheckTaken(taken_, out_, limits_));
    }
    if (options_.format == ExpositionFormat::kOpenMetrics && !ended_) {
      return Malformed("body", "OpenMetrics without # EOF at its end: not all of it has come");
    }
    for (auto& [metric, about] : metadata_) taken_.AddMetadata(std::move(about));
    return std::move(taken_);
  }

 private:
  Status Bad(std::string_view why) const { return Malformed(fmt::format("line {}", line_), why); }
  void SkipSpaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpaces), rest_.size())); }
  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view Until(std::string_view stops) {
    const std::string_view word = rest_.substr(0, rest_.find_first_of(stops));
    rest_.remove_prefix(word.size());
    return word;
  }

  // HELP, TYPE, UNIT and EOF mean something, all else is for people.
  void Comment() {
    rest_.remove_prefix(1);
    SkipSpaces();
    const std::string_view what = Until(kSpaces);
    SkipSpaces();
    if (what == "EOF" && rest_.empty()) {
      ended_ = options_.format == ExpositionFormat::kOpenMetrics;
      return;
    }
    if (what != "HELP" && what != "TYPE" && what != "UNIT") return;
    const std::string_view metric = Until(kSpaces);
    SkipSpaces();
    if (!format::IsMetricName(metric) || metric.size() > limits_.name_bytes_max) return;
    if (metadata_.size() >= Taken::kMetadataMax && metadata_.find(metric) == metadata_.end()) return;
    MetricMetadata& about = metadata_.try_emplace(std::string(metric)).first->second;
    about.metric = metric;
    if (what == "TYPE") about.type = TypeOf(rest_);
    if (what == "UNIT") about.unit = rest_;
    if (what == "HELP") about.help = Unescaped(rest_);
  }

  static std::string Unescaped(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) {
        ++i;
        if (text[i] != '\\' && text[i] != '"' && text[i] != 'n') out += '\\';
        out += text[i] == 'n' ? '\n' : text[i];
      } else {
        out += text[i];
      }
    }
    return out;
  }

  // name{label="value",…} value [time] [# exemplar]
  Status Sample() {
    set_.Clear();
    unescaped_.clear();
    const std::string_view name = Until("{ \t");
    if (name.empty()) return Bad("a sample without a metric name before its labels");
    set_.Add(format::kMetricNameLabel, name);
    SkipSpaces();
    if (Take('{')) RETURN_IF_ERROR(Labels());
    SkipSpaces();
    const std::string_view text = Until(kSpaces);
    const std::optional<double> value = ValueOf(text);
    if (!value) return Bad(fmt::format("{} is no value", Shown(text)));
    SkipSpaces();
    int64_t time_ms = options_.now_ms;
    if (!rest_.empty() && rest_[0] != '#') {
      const std::string_view at = Until(kSpaces);
      if (!Time(at, time_ms)) return Bad(fmt::format("{} is no timestamp", Shown(at)));
      SkipSpaces();
    }
    if (Take('#')) {
      ++taken_.exemplars;
    } else if (!rest_.empty()) {
      return Bad(fmt::format("{} behind the sample", Shown(rest_)));
    }
    Keep(time_ms, *value);
    return Status::Ok();
  }

  bool Time(std::string_view text, int64_t& time_ms) const {
    if (options_.format == ExpositionFormat::kPrometheus) {
      const auto whole = WholeNumber<int64_t>(text);
      if (whole) time_ms = *whole;
      return whole.has_value();
    }
    const auto seconds = FiniteNumber(text);
    if (!seconds || std::abs(*seconds) > 9e15) return false;
    time_ms = static_cast<int64_t>(std::llround(*seconds * 1000));
    return true;
  }

  // Behind the opening brace, to behind the closing one.
  Status Labels() {
    for (SkipSpaces(); !Take('}'); SkipSpaces()) {
      const std::string_view name = Until("=}, \t\"");
      SkipSpaces();
      if (name.empty() || !Take('=')) return Bad(fmt::format("label {} is not name=\"value\"", Shown(name)));
      SkipSpaces();
      if (!Take('"')) return Bad(fmt::format("the value of label {} is not in quotes", Shown(name)));
      size_t end = 0;
      bool escaped = false;
      for (; end < rest_.size() && rest_[end] != '"'; ++end) {
        if (rest_[end] != '\\') continue;
        escaped = true;
        ++end;
      }
      if (end >= rest_.size()) return Bad(fmt::format("the value of label {} does not end", Shown(name)));
      std::string_view value = rest_.substr(0, end);
      if (escaped) value = unescaped_.emplace_back(Unescaped(value));
      rest_.remove_prefix(end + 1);
      if (set_.size() <= limits_.labels_max) set_.Add(name, value);
      SkipSpaces();
      if (!Take(',') && !rest_.starts_with('}')) return Bad(fmt::format("no , or }} behind label {}", Shown(name)));
    }
    return Status::Ok();
  }

  void Keep(int64_t time_ms, double value) {
    const Result<format::LabelsView> labels = set_.Finish(limits_);
    if (!labels.ok()) {
      return taken_.Drop(1, [&] {
        return Status::InvalidArgument(fmt::format("line {}", line_), std::string(labels.status().message()));
      });
    }
    out_.Add(out_.SeriesOf(*labels), time_ms, value);
    ++taken_.samples;
  }

  const ExpositionOptions& options_;
  const Limits& limits_;
  format::SeriesBatchBuilder& out_;
  Taken taken_;
  std::map<std::string, MetricMetadata, std::less<>> metadata_;
  LabelSet set_;
  std::deque<std::string> unescaped_;  // values of the line that had escapes
  std::string_view rest_;              // of the line
  size_t line_ = 0;
  bool ended_ = false;  // # EOF was there
};

}  // namespace

Result<Taken> DecodeExposition(std::string_view body, const ExpositionOptions& options, const Limits& limits,
                               format::SeriesBatchBuilder& out) {
  RETURN_IF_ERROR(CheckBodySize(body, limits));
  Result<Taken> taken = Run(options, limits, out).Body(body);
  if (!taken.ok()) out.Clear();
  return taken;
}

}  // namespace rhizome::ingest
