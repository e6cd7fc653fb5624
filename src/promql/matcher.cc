#include "promql/matcher.h"

#include <re2/re2.h>

#include "promql/text.h"

namespace rhizome::promql {

Result<std::shared_ptr<const re2::RE2>> CompileRegex(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_shared<const re2::RE2>(pattern, options);
  if (!regex->ok()) return Status::InvalidArgument("query", "error parsing regexp: " + regex->error());
  return regex;
}

Matcher::Matcher(MatchKind kind, std::string name, std::string value)
    : kind_(kind), name_(std::move(name)), value_(std::move(value)) {}

Result<Matcher> Matcher::Make(MatchKind kind, std::string name, std::string value) {
  Matcher matcher(kind, std::move(name), std::move(value));
  if (kind == MatchKind::kRegex || kind == MatchKind::kNotRegex) {
    ASSIGN_OR_RETURN(matcher.regex_, CompileRegex(matcher.value_));
  }
  return matcher;
}

bool Matcher::Matches(std::string_view value) const {
  switch (kind_) {
    case MatchKind::kEqual: return value == value_;
    case MatchKind::kNotEqual: return value != value_;
    case MatchKind::kRegex: return re2::RE2::FullMatch(value, *regex_);
    case MatchKind::kNotRegex: return !re2::RE2::FullMatch(value, *regex_);
  }
  return false;
}

std::string Matcher::ToString() const {
  static constexpr std::string_view kOperators[] = {"=", "!=", "=~", "!~"};
  std::string out = name_;
  out += kOperators[static_cast<size_t>(kind_)];
  return out + Quote(value_);
}

}  // namespace rhizome::promql
