// LabelFilter: one condition on one label, in the form an index can use. A label that a series lacks has the empty
// value. Regular expressions are RE2's and match the whole value.
//
// An expression that is a literal or an alternation of literals is kept as those values and costs no expression at all;
// of any other the index needs to try only the values within a range.
// Immutable after Make; copies share the compiled expression. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace re2 {
class RE2;
}

namespace rhizome::series {

enum class Compare : uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };

class LabelFilter {
 public:
  // InvalidArgument (field "matchers") for an expression that RE2 refuses or whose program is too large.
  static Result<LabelFilter> Make(Compare compare, std::string name, std::string value);

  const std::string& name() const { return name_; }
  bool Matches(std::string_view value) const { return Accepts(value) != negated_; }

  // For the index: a filter accepts values, and matches those it accepts, or when negated all others.
  bool negated() const { return negated_; }
  bool Accepts(std::string_view value) const;
  // Whether only literals() are accepted.
  bool is_literal() const { return regex_ == nullptr; }
  const std::vector<std::string>& literals() const { return literals_; }  // sorted, unique
  // No value outside of [low, high] is accepted; both empty: nothing is known.
  const std::string& low() const { return low_; }
  const std::string& high() const { return high_; }

 private:
  LabelFilter() = default;
  Status Compile(const std::string& pattern);

  std::string name_;
  bool negated_ = false;
  std::vector<std::string> literals_;
  std::shared_ptr<const re2::RE2> regex_;
  std::string low_;
  std::string high_;
};

}  // namespace rhizome::series
