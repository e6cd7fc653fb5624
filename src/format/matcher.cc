#include "format/matcher.h"

#include <re2/re2.h>

#include <algorithm>
#include <vector>

#include "base/utf8.h"

namespace rhizome::format {
namespace {

// Every character that means something in an expression but '|', which is dealt with.
constexpr std::string_view kMeaningful = "\\.+*?()[]{}^$";
constexpr int kRangeBytesMax = 32;

// "a|b|": "a", "b", "". Empty when there is more to the pattern.
std::vector<std::string> LiteralsOf(std::string_view pattern) {
  std::vector<std::string> literals;
  if (pattern.find_first_of(kMeaningful) != std::string_view::npos || !IsUtf8(pattern)) return literals;
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

struct Matcher::Expression {
  std::vector<std::string> literals;      // sorted, unique
  std::shared_ptr<const re2::RE2> regex;  // null when the literals are all there is
  std::string low;
  std::string high;
};

Result<std::shared_ptr<const re2::RE2>> CompileRegex(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_shared<const re2::RE2>(pattern, options);
  if (!regex->ok()) return Status::InvalidArgument("matchers", "error parsing regexp: " + regex->error());
  return regex;
}

Matcher::Matcher(MatchKind kind, std::string name, std::string value)
    : kind_(kind), name_(std::move(name)), value_(std::move(value)) {}

Result<Matcher> Matcher::Make(MatchKind kind, std::string name, std::string value) {
  Matcher matcher(kind, std::move(name), std::move(value));
  if (kind == MatchKind::kRegex || kind == MatchKind::kNotRegex) {
    ASSIGN_OR_RETURN(matcher.expression_, Compile(matcher.value_));
  }
  return matcher;
}

Result<std::shared_ptr<const Matcher::Expression>> Matcher::Compile(const std::string& pattern) {
  auto expression = std::make_shared<Expression>();
  expression->literals = LiteralsOf(pattern);
  if (expression->literals.empty()) {
    ASSIGN_OR_RETURN(expression->regex, CompileRegex(pattern));
    // The range is that of matches that begin where the value begins, so the pattern needs no anchors of its own.
    if (!expression->regex->PossibleMatchRange(&expression->low, &expression->high, kRangeBytesMax)) {
      expression->low = expression->high = {};
    }
  }
  return std::shared_ptr<const Expression>(std::move(expression));
}

bool Matcher::Accepts(std::string_view value) const {
  if (!expression_) return value == value_;
  if (expression_->regex) return re2::RE2::FullMatch(value, *expression_->regex);
  return std::binary_search(expression_->literals.begin(), expression_->literals.end(), value);
}

bool Matcher::is_literal() const { return !expression_ || !expression_->regex; }

std::span<const std::string> Matcher::literals() const {
  if (!expression_) return {&value_, 1};
  return expression_->literals;
}

std::string_view Matcher::low() const { return expression_ ? std::string_view(expression_->low) : std::string_view(); }

std::string_view Matcher::high() const {
  return expression_ ? std::string_view(expression_->high) : std::string_view();
}

}  // namespace rhizome::format
