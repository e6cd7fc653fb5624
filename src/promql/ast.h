// The syntax tree of PromQL. A tree is owned by its root and made by Parse (promql/parser.h), which has also checked
// its types. Not thread-safe while being changed; a const tree may be read by many.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "format/matcher.h"
#include "promql/functions.h"

namespace rhizome::promql {

using format::Matcher;
using format::MatchKind;

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

// "offset 5m", "@ 1700000000", "@ start()".
struct TimeShift {
  enum class At : uint8_t { kNone, kTime, kStart, kEnd };
  int64_t offset_ms = 0;
  At at = At::kNone;
  int64_t at_ms = 0;  // with kTime

  bool operator==(const TimeShift&) const = default;
};

struct NumberLiteral {
  double value = 0;
};
struct StringLiteral {
  std::string value;
};
struct VectorSelector {
  std::string name;               // the name before the braces; "" without one
  std::vector<Matcher> matchers;  // as written, then one for `name`
  TimeShift shift;
};
struct MatrixSelector {
  VectorSelector vector;  // its shift is that of the whole
  int64_t range_ms = 0;
};
struct Subquery {
  ExprPtr expr;
  int64_t range_ms = 0;
  int64_t step_ms = 0;  // 0: the default
  TimeShift shift;
};
struct Paren {
  ExprPtr expr;
};
struct Unary {
  bool negative = false;
  ExprPtr expr;
};

enum class Cardinality : uint8_t { kOneToOne, kManyToOne, kOneToMany };
// How the series of two vectors find each other.
struct Matching {
  Cardinality cardinality = Cardinality::kOneToOne;  // means nothing to set operators
  bool on = false;                                   // labels are those that count, instead of those that do not
  std::vector<std::string> labels;
  std::vector<std::string> include;  // copied from the "one" side

  bool operator==(const Matching&) const = default;
};
struct Binary {
  BinaryOp op = BinaryOp::kAdd;
  ExprPtr left;
  ExprPtr right;
  bool return_bool = false;
  Matching matching;
};
struct Aggregate {
  AggregateOp op = AggregateOp::kSum;
  ExprPtr expr;
  ExprPtr parameter;  // null without one
  bool without = false;
  std::vector<std::string> grouping;  // as written
};
struct Call {
  const Function* function = nullptr;
  std::vector<ExprPtr> arguments;
};

struct Expr {
  std::variant<NumberLiteral, StringLiteral, VectorSelector, MatrixSelector, Subquery, Paren, Unary, Binary, Aggregate,
               Call>
      node;
  uint32_t start = 0;  // where in the query, in bytes
  uint32_t end = 0;
  uint32_t depth = 1;  // levels of the tree from here down
  bool once = false;   // set by Plan: the value is the same at every step

  template <typename T>
  T* As() {
    return std::get_if<T>(&node);
  }
  template <typename T>
  const T* As() const {
    return std::get_if<T>(&node);
  }
  ValueType type() const;
};

// The expressions directly under `expr`, in the order they are written.
std::vector<Expr*> Children(Expr& expr);
std::vector<const Expr*> Children(const Expr& expr);
// `expr` without the parentheses around it.
const Expr& WithoutParens(const Expr& expr);
Expr& WithoutParens(Expr& expr);

// Whether both trees mean the same: NaN equals NaN, places in the query do not count.
bool SameTree(const Expr& a, const Expr& b);

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace rhizome::promql
