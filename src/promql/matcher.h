// Matcher: one condition of a selector on one label. A label that a series lacks has the empty value. Regular
// expressions are RE2's and match the whole value. Immutable; copies share the compiled expression. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace re2 {
class RE2;
}

namespace rhizome::promql {

enum class MatchKind : uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };

class Matcher {
 public:
  // InvalidArgument (field "query") for an expression that RE2 refuses or whose program is too large.
  static Result<Matcher> Make(MatchKind kind, std::string name, std::string value);

  MatchKind kind() const { return kind_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  bool Matches(std::string_view value) const;
  // name="value", quoted as PromQL quotes.
  std::string ToString() const;

  bool operator==(const Matcher& other) const {
    return kind_ == other.kind_ && name_ == other.name_ && value_ == other.value_;
  }

 private:
  Matcher(MatchKind kind, std::string name, std::string value);

  MatchKind kind_;
  std::string name_;
  std::string value_;
  std::shared_ptr<const re2::RE2> regex_;  // null unless the kind is one of the two that need it
};

// Compiles an expression as matchers and label_replace do; the error says why RE2 refused.
Result<std::shared_ptr<const re2::RE2>> CompileRegex(const std::string& pattern);

}  // namespace rhizome::promql
