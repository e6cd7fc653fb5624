// Matcher: one condition of a selector on one label. A label that a series lacks has the empty value. Regular
// expressions are RE2's and match the whole value; each is compiled once, when its matcher is made.
//
// An expression that is a literal or an alternation of literals is kept as those values and costs no expression at all;
// of any other an index needs to try only the values within a range.
// A value: immutable, and copies share what was compiled. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace re2 {
class RE2;
}

namespace rhizome::format {

enum class MatchKind : uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };

class Matcher {
 public:
  // InvalidArgument (field "matchers") for an expression that RE2 refuses or whose program is too large.
  static Result<Matcher> Make(MatchKind kind, std::string name, std::string value);

  MatchKind kind() const { return kind_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  bool Matches(std::string_view value) const { return Accepts(value) != negated(); }

  // For an index: a matcher accepts values, and matches those it accepts, or when negated all others.
  bool negated() const { return kind_ == MatchKind::kNotEqual || kind_ == MatchKind::kNotRegex; }
  bool Accepts(std::string_view value) const;
  // Whether only literals() are accepted.
  bool is_literal() const;
  std::span<const std::string> literals() const;  // sorted, unique; of the matcher, for as long as it lives
  // No value outside of [low, high] is accepted; both empty: nothing is known.
  std::string_view low() const;
  std::string_view high() const;

  bool operator==(const Matcher& other) const {
    return kind_ == other.kind_ && name_ == other.name_ && value_ == other.value_;
  }

 private:
  struct Expression;

  Matcher(MatchKind kind, std::string name, std::string value);
  static Result<std::shared_ptr<const Expression>> Compile(const std::string& pattern);

  MatchKind kind_;
  std::string name_;
  std::string value_;
  std::shared_ptr<const Expression> expression_;  // null unless the kind is one of the two that need it
};

// Compiles an expression as matchers do; the error says why RE2 refused.
Result<std::shared_ptr<const re2::RE2>> CompileRegex(const std::string& pattern);

}  // namespace rhizome::format
