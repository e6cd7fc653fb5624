#include "ingest/line_protocol.h"

#include <fmt/format.h>

#include <array>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "ingest/label_set.h"
#include "ingest/number_text.h"

namespace rhizome::ingest {
namespace {

bool IsTrue(std::string_view text) {
  return text == "t" || text == "T" || text == "true" || text == "True" || text == "TRUE";
}
bool IsFalse(std::string_view text) {
  return text == "f" || text == "F" || text == "false" || text == "False" || text == "FALSE";
}

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// A timestamp in milliseconds, towards the past; nothing when it does not fit.
std::optional<int64_t> Milliseconds(int64_t time, TimePrecision precision) {
  const auto divided = [time](int64_t by) { return time / by - (time % by < 0 ? 1 : 0); };
  int64_t out = 0;
  switch (precision) {
    case TimePrecision::kNanoseconds: return divided(1'000'000);
    case TimePrecision::kMicroseconds: return divided(1'000);
    case TimePrecision::kMilliseconds: return time;
    case TimePrecision::kSeconds: return __builtin_mul_overflow(time, 1'000, &out) ? std::nullopt : std::optional(out);
    case TimePrecision::kMinutes: return __builtin_mul_overflow(time, 60'000, &out) ? std::nullopt : std::optional(out);
    case TimePrecision::kHours:
      return __builtin_mul_overflow(time, 3'600'000, &out) ? std::nullopt : std::optional(out);
  }
  return std::nullopt;
}

struct Tag {
  std::string_view key, value;
};

// What a field says: a number, or a string, for which there is no place.
struct Field {
  std::string_view key;
  std::optional<double> number;
};

// Reads lines. A view that a line gives is valid until the next one.
class LineReader {
 public:
  explicit LineReader(std::string_view body) : body_(body) {}

  bool AtEnd() const { return at_ == body_.size(); }
  size_t line() const { return line_; }

  // Past empty lines and comments, to the next line. False at the end.
  bool NextLine() {
    while (!AtEnd()) {
      ++line_;
      at_ = std::min(body_.find_first_not_of(" \r", at_), body_.size());
      if (AtEnd()) return false;
      if (Peek() != '#' && Peek() != '\n') return true;
      SkipLine();
    }
    return false;
  }
  void SkipLine() {
    at_ = std::min(body_.find('\n', at_), body_.size() - 1) + 1;
    unescaped_.clear();
  }

  // Reads a line into its parts; what is wrong with it, or nothing.
  std::string Read(std::string_view& measurement, std::vector<Tag>& tags, std::vector<Field>& fields,
                   std::optional<int64_t>& time) {
    unescaped_.clear();
    tags.clear();
    fields.clear();
    time.reset();
    measurement = Token(", ", ", ");
    if (measurement.empty()) return "it begins without a measurement";
    while (Take(',')) {
      Tag tag;
      tag.key = Token("=, ", ",= ");
      if (tag.key.empty() || !Take('=')) return fmt::format("tag {} is not key=value", Shown(tag.key));
      tag.value = Token(", ", ",= ");
      tags.push_back(tag);
    }
    if (!SkipSpaces()) return "no fields: a space and key=value are missing";
    do {
      Field field;
      field.key = Token("=, ", ",= ");
      if (field.key.empty() || !Take('=')) return fmt::format("field {} is not key=value", Shown(field.key));
      if (std::string wrong = Value(field); !wrong.empty()) return wrong;
      fields.push_back(field);
    } while (Take(','));
    SkipSpaces();
    if (!AtLineEnd()) {
      const std::string_view text = Until(" \r\n");
      time = WholeNumber<int64_t>(text);
      if (!time) return fmt::format("{} is no timestamp: a whole number", Shown(text));
      SkipSpaces();
    }
    if (!AtLineEnd()) return fmt::format("{} behind the timestamp", Shown(Until("\n")));
    return {};
  }

 private:
  char Peek() const { return body_[at_]; }
  bool AtLineEnd() const { return AtEnd() || Peek() == '\n' || Peek() == '\r'; }
  bool Take(char c) {
    if (AtEnd() || Peek() != c) return false;
    ++at_;
    return true;
  }
  bool SkipSpaces() {
    const size_t before = at_;
    while (!AtEnd() && Peek() == ' ') ++at_;
    return at_ > before;
  }
  std::string_view Until(std::string_view stops) {
    const size_t from = at_;
    at_ = std::min(body_.find_first_of(stops, at_), body_.size());
    return body_.substr(from, at_ - from);
  }

  // Up to one of `stops` or the line's end; a backslash before one of `escapable` makes it ordinary.
  std::string_view Token(std::string_view stops, std::string_view escapable) {
    const size_t from = at_;
    bool escaped = false;
    for (; !AtLineEnd() && stops.find(Peek()) == std::string_view::npos; ++at_) {
      if (Peek() == '\\' && at_ + 1 < body_.size() && escapable.find(body_[at_ + 1]) != std::string_view::npos) {
        escaped = true;
        ++at_;
      }
    }
    const std::string_view raw = body_.substr(from, at_ - from);
    if (!escaped) return raw;
    std::string& text = unescaped_.emplace_back();
    for (size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '\\' && i + 1 < raw.size() && escapable.find(raw[i + 1]) != std::string_view::npos) ++i;
      text += raw[i];
    }
    return text;
  }

  std::string Value(Field& field) {
    if (Take('"')) {  // a string may hold line ends
      for (; !AtEnd() && Peek() != '"'; ++at_) {
        if (Peek() == '\n') ++line_;
        if (Peek() == '\\' && at_ + 1 < body_.size()) ++at_;
      }
      return Take('"') ? std::string() : fmt::format("the string of field {} does not end", Shown(field.key));
    }
    std::string_view text = Until(", \r\n");
    if (IsTrue(text) || IsFalse(text)) {
      field.number = IsTrue(text) ? 1 : 0;
    } else if (text.ends_with('i')) {
      if (const auto whole = WholeNumber<int64_t>(text.substr(0, text.size() - 1))) {
        field.number = static_cast<double>(*whole);
      }
    } else if (text.ends_with('u')) {
      if (const auto whole = WholeNumber<uint64_t>(text.substr(0, text.size() - 1))) {
        field.number = static_cast<double>(*whole);
      }
    } else {
      field.number = FiniteNumber(text);
    }
    if (field.number) return {};
    return fmt::format("{} of field {} is no number, boolean or quoted string", Shown(text), Shown(field.key));
  }

  const std::string_view body_;
  size_t at_ = 0;
  size_t line_ = 0;
  std::deque<std::string> unescaped_;  // tokens of the line that had escapes
};

class Run {
 public:
  Run(const LineProtocolOptions& options, const Limits& limits, format::SeriesBatchBuilder& out)
      : options_(options), limits_(limits), out_(out) {}

  Result<Taken> Body(std::string_view body) {
    LineReader reader(body);
    std::string_view measurement;
    std::vector<Tag> tags;
    std::vector<Field> fields;
    std::optional<int64_t> time;
    while (reader.NextLine()) {
      const size_t line = reader.line();
      const std::string wrong = reader.Read(measurement, tags, fields, time);
      if (!wrong.empty()) {
        Drop(line, wrong);
      } else if (tags.size() >= limits_.labels_max) {
        Drop(line, fmt::format("the series has more than {} labels", limits_.labels_max));
      } else if (const auto at = time ? Milliseconds(*time, options_.precision) : options_.now_ms) {
        NameTags(tags);
        for (const Field& field : fields) {
          Sample(line, measurement, tags, field, *at);
          RETURN_IF_ERROR(CheckTaken(taken_, out_, limits_));
        }
      } else {
        Drop(line, "its timestamp is beyond 64 bits of milliseconds");
      }
      reader.SkipLine();
      RETURN_IF_ERROR(CheckTaken(taken_, out_, limits_));
    }
    return std::move(taken_);
  }

 private:
  void Drop(size_t line, std::string_view why) {
    taken_.Drop(1, [&] { return Status::InvalidArgument(fmt::format("line {}", line), std::string(why)); });
  }

  // `text` with an underscore for each byte that may not stand in a name, and before a digit at its front.
  void AppendName(std::string& out, std::string_view text) {
    if (out.empty() && !text.empty() && text[0] >= '0' && text[0] <= '9') out += '_';
    for (const char c : text) out += IsNameByte(c) ? c : '_';
  }

  void NameTags(const std::vector<Tag>& tags) {
    names_.resize(std::max(names_.size(), tags.size()));
    for (size_t i = 0; i < tags.size(); ++i) {
      names_[i].clear();
      AppendName(names_[i], tags[i].key);
    }
  }

  void Sample(size_t line, std::string_view measurement, const std::vector<Tag>& tags, const Field& field, int64_t at) {
    if (!field.number) {
      ++taken_.strings;
      return;
    }
    metric_.clear();
    AppendName(metric_, measurement);
    metric_ += '_';
    AppendName(metric_, field.key);
    set_.Clear();
    set_.Add(format::kMetricNameLabel, metric_);
    for (size_t i = 0; i < tags.size(); ++i) set_.Add(names_[i], tags[i].value);
    const Result<format::LabelsView> labels = set_.Finish(limits_);
    if (!labels.ok()) return Drop(line, labels.status().message());
    out_.Add(out_.SeriesOf(*labels), at, *field.number);
    ++taken_.samples;
  }

  const LineProtocolOptions& options_;
  const Limits& limits_;
  format::SeriesBatchBuilder& out_;
  Taken taken_;
  LabelSet set_;
  std::string metric_;
  std::vector<std::string> names_;  // of the line's tags
};

}  // namespace

Result<TimePrecision> TimePrecisionOf(std::string_view parameter) {
  static constexpr std::array<std::pair<std::string_view, TimePrecision>, 10> kNames = {
      {{"", TimePrecision::kNanoseconds},
       {"n", TimePrecision::kNanoseconds},
       {"ns", TimePrecision::kNanoseconds},
       {"u", TimePrecision::kMicroseconds},
       {"us", TimePrecision::kMicroseconds},
       {"µ", TimePrecision::kMicroseconds},
       {"ms", TimePrecision::kMilliseconds},
       {"s", TimePrecision::kSeconds},
       {"m", TimePrecision::kMinutes},
       {"h", TimePrecision::kHours}}};
  for (const auto& [name, precision] : kNames) {
    if (name == parameter) return precision;
  }
  return Status::InvalidArgument("precision", fmt::format("{} is none of ns, us, ms, s, m, h", Shown(parameter)));
}

Result<Taken> DecodeLineProtocol(std::string_view body, const LineProtocolOptions& options, const Limits& limits,
                                 format::SeriesBatchBuilder& out) {
  RETURN_IF_ERROR(CheckBodySize(body, limits));
  Result<Taken> taken = Run(options, limits, out).Body(body);
  if (!taken.ok()) out.Clear();
  return taken;
}

}  // namespace rhizome::ingest
