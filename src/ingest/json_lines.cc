#include "ingest/json_lines.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ingest/label_set.h"
#include "ingest/number_text.h"

namespace rhizome::ingest {
namespace {

namespace json = boost::json;

// Takes the events of one line's parsing. It builds nothing but the series, so memory goes with its samples.
class SeriesHandler {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  explicit SeriesHandler(const Limits& limits) : limits_(limits) {}

  void Clear() {
    labels.clear();
    values.clear();
    times.clear();
    wrong.clear();
    depth_ = 0;
    member_ = Member::kNone;
    text_.clear();
    had_metric_ = had_values_ = had_times_ = false;
  }
  bool complete() const { return had_metric_ && had_values_ && had_times_; }

  std::vector<std::pair<std::string, std::string>> labels;  // one more than the limit at most
  std::vector<double> values;
  std::vector<int64_t> times;
  std::string wrong;  // why the line means nothing although it is JSON

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code& error) {
    ++depth_;
    if (depth_ == 1 || Passed()) return true;
    return (member_ == Member::kMetric && depth_ == 2) || Wrong(error, "an object where none belongs");
  }
  bool on_object_end(std::size_t, json::error_code&) { return Leave(); }
  bool on_array_begin(json::error_code& error) {
    ++depth_;
    if (depth_ == 1) return Wrong(error, "an array instead of an object");
    if (Passed()) return true;
    const bool column = member_ == Member::kValues || member_ == Member::kTimes;
    return (column && depth_ == 2) || Wrong(error, "an array where none belongs");
  }
  bool on_array_end(std::size_t, json::error_code&) { return Leave(); }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return Append(part); }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    Append(part);
    const std::string key = std::exchange(text_, {});
    if (depth_ == 2 && member_ == Member::kMetric) {
      name_ = key;
    } else if (depth_ == 1) {
      bool* const had = Begin(key);
      if (had != nullptr && std::exchange(*had, true))
        return Wrong(error, fmt::format("{} is given twice", Shown(key)));
    }
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) { return Append(part); }
  bool on_string(json::string_view part, std::size_t, json::error_code& error) {
    Append(part);
    const std::string text = std::exchange(text_, {});
    if (Passed()) return true;
    if (InColumn(Member::kValues)) {
      constexpr double kInfinity = std::numeric_limits<double>::infinity();
      if (text == "NaN") return Value(error, kTextNaN);
      if (text == "Infinity" || text == "+Infinity") return Value(error, kInfinity);
      if (text == "-Infinity") return Value(error, -kInfinity);
      return Wrong(error, fmt::format("{} among the values", Shown(text)));
    }
    if (depth_ == 2 && member_ == Member::kMetric) {
      if (labels.size() <= limits_.labels_max) labels.emplace_back(name_, text);
      return true;
    }
    return Misplaced(error);
  }
  bool on_number_part(json::string_view part, json::error_code&) { return Append(part); }
  // The parser's own numbers are not always the nearest; the text's are.
  bool on_int64(std::int64_t, json::string_view part, json::error_code& error) { return Number(error, part); }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code& error) { return Number(error, part); }
  bool on_double(double, json::string_view part, json::error_code& error) { return Number(error, part); }
  bool on_bool(bool, json::error_code& error) { return Passed() || Misplaced(error); }
  bool on_null(json::error_code& error) {
    if (Passed()) return true;
    return InColumn(Member::kValues) ? Value(error, kTextNaN) : Misplaced(error);
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  enum class Member { kNone, kMetric, kValues, kTimes, kOther };

  // Within a member that means nothing here.
  bool Passed() const { return member_ == Member::kOther; }
  bool InColumn(Member member) const { return depth_ == 2 && member_ == member; }
  bool Append(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool Leave() {
    --depth_;
    return true;
  }
  // The flag that the member was there; null for one that means nothing.
  bool* Begin(std::string_view key) {
    member_ = key == "metric"       ? Member::kMetric
              : key == "values"     ? Member::kValues
              : key == "timestamps" ? Member::kTimes
                                    : Member::kOther;
    return member_ == Member::kMetric   ? &had_metric_
           : member_ == Member::kValues ? &had_values_
           : member_ == Member::kTimes  ? &had_times_
                                        : nullptr;
  }
  bool Wrong(json::error_code& error, std::string why) {
    wrong = std::move(why);
    error = json::error::syntax;
    return false;
  }
  bool Misplaced(json::error_code& error) {
    return Wrong(error, depth_ == 2 && member_ == Member::kMetric ? fmt::format("label {} is no string", Shown(name_))
                        : InColumn(Member::kTimes)                ? "a timestamp is no whole number"
                                                                  : "something where an object or array belongs");
  }
  bool Value(json::error_code& error, double value) {
    if (values.size() > limits_.samples_max) return Wrong(error, "too many values");
    values.push_back(value);
    return true;
  }
  bool Number(json::error_code& error, json::string_view part) {
    Append(part);
    const std::string text = std::exchange(text_, {});
    if (Passed()) return true;
    if (InColumn(Member::kTimes)) {
      const auto time = WholeNumber<int64_t>(text);
      if (!time) return Wrong(error, fmt::format("timestamp {} is no whole number of 64 bits", Shown(text)));
      if (times.size() > limits_.samples_max) return Wrong(error, "too many timestamps");
      times.push_back(*time);
      return true;
    }
    if (!InColumn(Member::kValues)) return Misplaced(error);
    const auto value = FiniteNumber(text);
    return value ? Value(error, *value) : Wrong(error, fmt::format("{} is beyond a double", Shown(text)));
  }

  const Limits& limits_;
  size_t depth_ = 0;
  Member member_ = Member::kNone;
  std::string text_;  // of a key, string or number that comes in parts
  std::string name_;  // of the label whose value follows
  bool had_metric_ = false, had_values_ = false, had_times_ = false;
};

class Run {
 public:
  Run(const Limits& limits, format::SeriesBatchBuilder& out)
      : limits_(limits), out_(out), parser_(json::parse_options(), limits) {}

  Result<Taken> Body(std::string_view body) {
    while (!body.empty()) {
      ++line_;
      const size_t end = body.find('\n');
      const std::string_view line = body.substr(0, end);
      body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      RETURN_IF_ERROR(Line(line));
      RETURN_IF_ERROR(CheckTaken(taken_, out_, limits_));
    }
    return std::move(taken_);
  }

 private:
  Status Bad(std::string_view why) const { return Malformed(fmt::format("line {}", line_), why); }

  Status Line(std::string_view line) {
    SeriesHandler& series = parser_.handler();
    series.Clear();
    parser_.reset();
    json::error_code error;
    const size_t read = parser_.write_some(false, line.data(), line.size(), error);
    if (error && !series.wrong.empty()) return Bad(series.wrong);
    if (error) return Bad(fmt::format("not JSON at byte {}: {}", read, error.message()));
    if (line.find_first_not_of(" \t\r", read) != std::string_view::npos) return Bad("something behind the object");
    if (!series.complete()) return Bad("an object with metric, values and timestamps is expected");
    if (series.values.size() != series.times.size()) {
      return Bad(fmt::format("{} values and {} timestamps", series.values.size(), series.times.size()));
    }
    Keep(series);
    return Status::Ok();
  }

  void Keep(const SeriesHandler& series) {
    if (series.values.empty()) return;
    set_.Clear();
    for (const auto& [name, value] : series.labels) set_.Add(name, value);
    const Result<format::LabelsView> labels = set_.Finish(limits_);
    if (!labels.ok()) {
      return taken_.Drop(series.values.size(), [&] {
        return Status::InvalidArgument(fmt::format("line {}", line_), std::string(labels.status().message()));
      });
    }
    out_.AddRun(out_.SeriesOf(*labels), series.times, series.values);
    taken_.samples += series.values.size();
  }

  const Limits& limits_;
  format::SeriesBatchBuilder& out_;
  json::basic_parser<SeriesHandler> parser_;
  Taken taken_;
  LabelSet set_;
  size_t line_ = 0;
};

}  // namespace

Result<Taken> DecodeJsonLines(std::string_view body, const Limits& limits, format::SeriesBatchBuilder& out) {
  RETURN_IF_ERROR(CheckBodySize(body, limits));
  Result<Taken> taken = Run(limits, out).Body(body);
  if (!taken.ok()) out.Clear();
  return taken;
}

}  // namespace rhizome::ingest
