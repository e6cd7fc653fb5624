#include "metrics_api/parameters.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>

#include "gateway/target.h"
#include "promql/parser.h"
#include "promql/text.h"

namespace rhizome::metrics_api {
namespace {

// How Prometheus writes the least and the greatest time it knows, which clients send for "all of it".
constexpr std::string_view kLeastTime = "-292273086-05-16T16:47:06Z";
constexpr std::string_view kGreatestTime = "292277025-08-18T07:12:54.999999999Z";

std::string Quoted(std::string_view text) { return promql::Quote(text); }

Status BadTime(std::string_view text) {
  return Status::InvalidArgument("", "cannot parse " + Quoted(text) + " to a valid timestamp");
}

Status BadDuration(std::string_view text, std::string_view more = {}) {
  return Status::InvalidArgument("", "cannot parse " + Quoted(text) + " to a valid duration" + std::string(more));
}

// The error of `result` as that of a parameter.
template <typename T>
Result<T> Of(std::string_view parameter, Result<T> result) {
  if (result.ok()) return result;
  return Status::InvalidArgument(std::string(parameter), std::string(result.status().message()));
}

// Digits at the front of `text`, exactly so many; they go.
std::optional<int> Digits(std::string_view& text, size_t count) {
  int value = 0;
  if (text.size() < count) return std::nullopt;
  for (size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool Eat(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// ".123456": milliseconds, the rest cut off.
std::optional<int64_t> Fraction(std::string_view& text) {
  if (!Eat(text, '.')) return 0;
  int64_t ms = 0;
  size_t digits = 0;
  for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; ++digits) {
    if (digits < 3) ms = ms * 10 + (text[0] - '0');
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 3; ++digits) ms *= 10;
  return ms;
}

// "Z" or "+02:00", all of `text`: minutes east.
std::optional<int64_t> Zone(std::string_view text) {
  if (text == "Z") return 0;
  const bool west = text.starts_with('-');
  if (!Eat(text, '+') && !Eat(text, '-')) return std::nullopt;
  const auto hours = Digits(text, 2);
  if (!hours || !Eat(text, ':')) return std::nullopt;
  const auto minutes = Digits(text, 2);
  if (!minutes || !text.empty() || *hours > 24 || *minutes > 60) return std::nullopt;
  return (west ? -1 : 1) * int64_t{*hours * 60 + *minutes};
}

std::optional<int64_t> ParseRfc3339(std::string_view text) {
  const auto year = Digits(text, 4);
  if (!year || !Eat(text, '-')) return std::nullopt;
  const auto month = Digits(text, 2);
  if (!month || !Eat(text, '-')) return std::nullopt;
  const auto day = Digits(text, 2);
  if (!day || !Eat(text, 'T')) return std::nullopt;
  const auto hour = Digits(text, 2);
  if (!hour || *hour > 23 || !Eat(text, ':')) return std::nullopt;
  const auto minute = Digits(text, 2);
  if (!minute || *minute > 59 || !Eat(text, ':')) return std::nullopt;
  const auto second = Digits(text, 2);
  if (!second || *second > 59) return std::nullopt;
  const auto fraction_ms = Fraction(text);
  const auto zone_minutes = Zone(text);
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!fraction_ms || !zone_minutes || !date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const int64_t minutes = (days * 24 + *hour) * 60 + *minute - *zone_minutes;
  return (minutes * 60 + *second) * 1000 + *fraction_ms;
}

}  // namespace

Result<int64_t> ParseTimeMs(std::string_view text) {
  if (text == kLeastTime) return -kTimeMsMax;
  if (text == kGreatestTime) return kTimeMsMax;
  if (const auto seconds = promql::ParseFloat(text)) {
    if (!(std::fabs(*seconds) <= static_cast<double>(kTimeMsMax / 1000))) return BadTime(text);
    const double whole = std::trunc(*seconds);
    return static_cast<int64_t>(whole) * 1000 + std::llround((*seconds - whole) * 1000);
  }
  if (const auto time_ms = ParseRfc3339(text)) return *time_ms;
  return BadTime(text);
}

Result<int64_t> ParseDurationMs(std::string_view text) {
  if (const auto seconds = promql::ParseFloat(text)) {
    const double ns = *seconds * 1e9;
    if (!(std::fabs(ns) < 9.2e18)) return BadDuration(text, ". It overflows int64");
    return static_cast<int64_t>(ns) / 1'000'000;
  }
  const auto duration_ms = promql::ParseDuration(text);
  if (!duration_ms.ok()) return BadDuration(text);
  return *duration_ms;
}

Result<Parameters> Parameters::Of(const gateway::Request& request) {
  Parameters parameters;
  if (const Status status = gateway::ParseFields(request.body, parameters.fields_); !status.ok()) {
    return Status::InvalidArgument("", std::string(status.field()) + " " + std::string(status.message()));
  }
  parameters.fields_.insert(parameters.fields_.end(), request.query.begin(), request.query.end());
  return parameters;
}

std::string_view Parameters::Get(std::string_view name) const {
  const std::string* const value = gateway::FindValue(fields_, name);
  return value == nullptr ? std::string_view() : *value;
}

std::vector<std::string_view> Parameters::All(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : fields_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

Result<int64_t> Parameters::TimeMs(std::string_view name, int64_t absent) const {
  const std::string_view text = Get(name);
  if (text.empty()) return absent;
  const auto time_ms = ParseTimeMs(text);
  if (time_ms.ok()) return time_ms;
  return Status::InvalidArgument(std::string(name), "Invalid time value for '" + std::string(name) +
                                                        "': " + std::string(time_ms.status().message()));
}

Result<int64_t> Parameters::TimeMs(std::string_view name) const {
  return metrics_api::Of(name, ParseTimeMs(Get(name)));
}

Result<int64_t> Parameters::DurationMs(std::string_view name) const {
  return metrics_api::Of(name, ParseDurationMs(Get(name)));
}

Result<size_t> Parameters::Count(std::string_view name, size_t absent) const {
  const std::string_view text = Get(name);
  if (text.empty()) return absent;
  size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && end == text.data() + text.size()) return count;
  return Status::InvalidArgument("", std::string(name) + " must be a number");
}

Result<std::vector<std::vector<format::Matcher>>> Parameters::Selectors() const {
  std::vector<std::vector<format::Matcher>> selectors;
  for (const std::string_view text : All("match[]")) {
    ASSIGN_OR_RETURN(auto selector, metrics_api::Of("", promql::ParseSelector(text)));
    selectors.push_back(std::move(selector));
  }
  return selectors;
}

}  // namespace rhizome::metrics_api
