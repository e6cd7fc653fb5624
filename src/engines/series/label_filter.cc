#include "engines/series/label_filter.h"

#include <re2/re2.h>

#include <algorithm>

namespace rhizome::series {
namespace {

// Every character that means something in an expression but '|', which is dealt with.
constexpr std::string_view kMeaningful = "\\.+*?()[]{}^$";
constexpr int kRangeBytesMax = 32;

// "a|b|": "a", "b", "". Empty when there is more to the pattern.
std::vector<std::string> LiteralsOf(std::string_view pattern) {
  std::vector<std::string> literals;
  if (pattern.find_first_of(kMeaningful) != std::string_view::npos) return literals;
  for (size_t start = 0;;) {
    const size_t bar = pattern.find('|', start);
    literals.emplace_back(pattern.substr(start, bar - start));
    if (bar == std::string_view::npos) break;
    start = bar + 1;
  }
  std::sort(literals.begin(), literals.end());
  literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
  return literals;
}

}  // namespace

Result<LabelFilter> LabelFilter::Make(Compare compare, std::string name, std::string value) {
  LabelFilter filter;
  filter.name_ = std::move(name);
  filter.negated_ = compare == Compare::kNotEqual || compare == Compare::kNotRegex;
  if (compare == Compare::kEqual || compare == Compare::kNotEqual) {
    filter.literals_.push_back(std::move(value));
    return filter;
  }
  RETURN_IF_ERROR(filter.Compile(value));
  return filter;
}

Status LabelFilter::Compile(const std::string& pattern) {
  literals_ = LiteralsOf(pattern);
  if (!literals_.empty()) return Status::Ok();
  re2::RE2::Options options;
  options.set_log_errors(false);
  // Anchored in the expression itself, so that RE2 can tell the range of what may match.
  auto regex = std::make_shared<const re2::RE2>("^(?:" + pattern + ")$", options);
  if (!regex->ok()) return Status::InvalidArgument("matchers", name_ + ": " + regex->error());
  // By itself too: "a)|(b" is none, whatever stands around it.
  if (const re2::RE2 alone(pattern, options); !alone.ok()) {
    return Status::InvalidArgument("matchers", name_ + ": " + alone.error());
  }
  if (!regex->PossibleMatchRange(&low_, &high_, kRangeBytesMax)) low_ = high_ = {};
  regex_ = std::move(regex);
  return Status::Ok();
}

bool LabelFilter::Accepts(std::string_view value) const {
  if (regex_ == nullptr) return std::binary_search(literals_.begin(), literals_.end(), value);
  return re2::RE2::FullMatch(value, *regex_);
}

}  // namespace rhizome::series
