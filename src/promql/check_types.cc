#include <algorithm>
#include <string>

#include "format/labels.h"
#include "promql/parser.h"
#include "promql/text.h"

namespace rhizome::promql {
namespace {

class Checker {
 public:
  explicit Checker(std::string_view query) : query_(query) {}

  Status Check(const Expr& expr) const {
    return std::visit([&](const auto& node) { return CheckNode(expr, node); }, expr.node);
  }

 private:
  Status Wrong(size_t offset, std::string message) const { return ParseError(query_, offset, message); }
  Status Expect(const Expr& expr, ValueType wanted, const std::string& context) const;
  size_t OperatorOf(const Binary& binary) const;
  Status CheckOperands(const Expr& expr, const Binary& binary) const;

  Status CheckNode(const Expr&, const NumberLiteral&) const { return Status::Ok(); }
  Status CheckNode(const Expr&, const StringLiteral&) const { return Status::Ok(); }
  Status CheckNode(const Expr& expr, const VectorSelector& selector) const;
  Status CheckNode(const Expr& expr, const MatrixSelector& selector) const { return CheckNode(expr, selector.vector); }
  Status CheckNode(const Expr& expr, const Subquery& subquery) const;
  Status CheckNode(const Expr&, const Paren& paren) const { return Check(*paren.expr); }
  Status CheckNode(const Expr& expr, const Unary& unary) const;
  Status CheckNode(const Expr& expr, const Binary& binary) const;
  Status CheckNode(const Expr& expr, const Aggregate& aggregate) const;
  Status CheckNode(const Expr& expr, const Call& call) const;

  const std::string_view query_;
};

bool IsNumeric(ValueType type) { return type == ValueType::kScalar || type == ValueType::kVector; }

Status Checker::Expect(const Expr& expr, ValueType wanted, const std::string& context) const {
  RETURN_IF_ERROR(Check(expr));
  if (expr.type() == wanted) return Status::Ok();
  return Wrong(expr.start, "expected type " + std::string(NameOf(wanted)) + " in " + context + ", got " +
                               std::string(NameOf(expr.type())));
}

Status Checker::CheckNode(const Expr& expr, const VectorSelector& selector) const {
  if (!selector.name.empty()) {
    for (size_t i = 0; i + 1 < selector.matchers.size(); ++i) {
      const Matcher& matcher = selector.matchers[i];
      if (matcher.name() != format::kMetricNameLabel) continue;
      return Wrong(expr.start,
                   "metric name must not be set twice: " + Quote(selector.name) + " or " + Quote(matcher.value()));
    }
    return Status::Ok();
  }
  const bool narrows = std::any_of(selector.matchers.begin(), selector.matchers.end(),
                                   [](const Matcher& matcher) { return !matcher.Matches(""); });
  return narrows ? Status::Ok() : Wrong(expr.start, "vector selector must contain at least one non-empty matcher");
}

Status Checker::CheckNode(const Expr& expr, const Subquery& subquery) const {
  RETURN_IF_ERROR(Check(*subquery.expr));
  if (subquery.expr->type() == ValueType::kVector) return Status::Ok();
  return Wrong(expr.start, "subquery is only allowed on instant vector, got " +
                               std::string(NameOf(subquery.expr->type())) + " instead");
}

Status Checker::CheckNode(const Expr& expr, const Unary& unary) const {
  RETURN_IF_ERROR(Check(*unary.expr));
  if (IsNumeric(unary.expr->type())) return Status::Ok();
  return Wrong(expr.start, "unary expression only allowed on expressions of type scalar or instant vector, got " +
                               Quote(NameOf(unary.expr->type())));
}

size_t Checker::OperatorOf(const Binary& binary) const {
  const size_t at = query_.find_first_not_of(" \t\r\n", binary.left->end);
  return at == std::string_view::npos ? binary.left->end : at;
}

Status Checker::CheckNode(const Expr& expr, const Binary& binary) const {
  RETURN_IF_ERROR(Check(*binary.left));
  RETURN_IF_ERROR(Check(*binary.right));
  const ValueType left = binary.left->type(), right = binary.right->type();
  const bool scalars = left == ValueType::kScalar && right == ValueType::kScalar;
  if (binary.return_bool && !IsComparison(binary.op)) {
    return Wrong(OperatorOf(binary), "bool modifier can only be used on comparison operators");
  }
  if (IsComparison(binary.op) && !binary.return_bool && scalars) {
    return Wrong(OperatorOf(binary), "comparisons between scalars must use BOOL modifier");
  }
  for (const std::string& label : binary.matching.labels) {
    if (!binary.matching.on) break;
    if (std::find(binary.matching.include.begin(), binary.matching.include.end(), label) ==
        binary.matching.include.end()) {
      continue;
    }
    return Wrong(OperatorOf(binary), "label " + Quote(label) + " must not occur in ON and GROUP clause at once");
  }
  return CheckOperands(expr, binary);
}

Status Checker::CheckOperands(const Expr& expr, const Binary& binary) const {
  const ValueType left = binary.left->type(), right = binary.right->type();
  for (const Expr* operand : {binary.left.get(), binary.right.get()}) {
    if (IsNumeric(operand->type())) continue;
    return Wrong(operand->start, "binary expression must contain only scalar and instant vector types");
  }
  const std::string op = Quote(NameOf(binary.op));
  if (left != ValueType::kVector || right != ValueType::kVector) {
    if (!binary.matching.labels.empty()) {
      return Wrong(expr.start, "vector matching only allowed between instant vectors");
    }
    if (IsSetOperator(binary.op)) {
      return Wrong(expr.start, "set operator " + op + " not allowed in binary scalar expression");
    }
  } else if (IsSetOperator(binary.op) && binary.matching.cardinality != Cardinality::kOneToOne) {
    return Wrong(expr.start, "no grouping allowed for " + op + " operation");
  }
  return Status::Ok();
}

Status Checker::CheckNode(const Expr&, const Aggregate& aggregate) const {
  RETURN_IF_ERROR(Expect(*aggregate.expr, ValueType::kVector, "aggregation expression"));
  if (!aggregate.parameter) return Status::Ok();
  const bool text = aggregate.op == AggregateOp::kCountValues;
  return Expect(*aggregate.parameter, text ? ValueType::kString : ValueType::kScalar, "aggregation parameter");
}

Status Checker::CheckNode(const Expr& expr, const Call& call) const {
  const Function& function = *call.function;
  const size_t named = function.argument_count(), given = call.arguments.size();
  const std::string tail = " argument(s) in call to " + Quote(function.name) + ", got " + std::to_string(given);
  if (function.optional == 0 && given != named) {
    return Wrong(expr.start, "expected " + std::to_string(named) + tail);
  }
  if (function.optional != 0 && given + 1 < named) {
    return Wrong(expr.start, "expected at least " + std::to_string(named - 1) + tail);
  }
  if (function.optional > 0 && given > named - 1 + static_cast<size_t>(function.optional)) {
    return Wrong(expr.start, "expected at most " + std::to_string(named) + tail);
  }
  for (size_t i = 0; i < given; ++i) {
    RETURN_IF_ERROR(Expect(*call.arguments[i], function.arguments[std::min(i, named - 1)],
                           "call to function " + Quote(function.name)));
  }
  return Status::Ok();
}

}  // namespace

Status CheckTypes(std::string_view query, const Expr& expr) { return Checker(query).Check(expr); }

}  // namespace rhizome::promql
