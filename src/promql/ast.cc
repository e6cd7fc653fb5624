#include "promql/ast.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace rhizome::promql {
namespace {

bool SameNode(const NumberLiteral& a, const NumberLiteral& b) {
  return (std::isnan(a.value) && std::isnan(b.value)) ||
         std::bit_cast<uint64_t>(a.value) == std::bit_cast<uint64_t>(b.value);
}
bool SameNode(const StringLiteral& a, const StringLiteral& b) { return a.value == b.value; }
bool SameNode(const VectorSelector& a, const VectorSelector& b) {
  // Matchers are printed in order of their text, so their order is not kept.
  return a.name == b.name && a.shift == b.shift && a.matchers.size() == b.matchers.size() &&
         std::is_permutation(a.matchers.begin(), a.matchers.end(), b.matchers.begin());
}
bool SameNode(const MatrixSelector& a, const MatrixSelector& b) {
  return a.range_ms == b.range_ms && SameNode(a.vector, b.vector);
}
bool SameNode(const Subquery& a, const Subquery& b) {
  return a.range_ms == b.range_ms && a.step_ms == b.step_ms && a.shift == b.shift;
}
bool SameNode(const Paren&, const Paren&) { return true; }
bool SameNode(const Unary& a, const Unary& b) { return a.negative == b.negative; }
bool SameNode(const Binary& a, const Binary& b) {
  return a.op == b.op && a.return_bool == b.return_bool && a.matching == b.matching;
}
bool SameNode(const Aggregate& a, const Aggregate& b) {
  return a.op == b.op && a.without == b.without && a.grouping == b.grouping;
}
bool SameNode(const Call& a, const Call& b) { return a.function == b.function; }

}  // namespace

ValueType Expr::type() const {
  return std::visit(
      Overloaded{
          [](const NumberLiteral&) { return ValueType::kScalar; },
          [](const StringLiteral&) { return ValueType::kString; },
          [](const VectorSelector&) { return ValueType::kVector; },
          [](const MatrixSelector&) { return ValueType::kMatrix; }, [](const Subquery&) { return ValueType::kMatrix; },
          [](const Paren& paren) { return paren.expr->type(); }, [](const Unary& unary) { return unary.expr->type(); },
          [](const Binary& binary) {
            const bool scalar = binary.left->type() == ValueType::kScalar && binary.right->type() == ValueType::kScalar;
            return scalar ? ValueType::kScalar : ValueType::kVector;
          },
          [](const Aggregate&) { return ValueType::kVector; }, [](const Call& call) { return call.function->result; }},
      node);
}

std::vector<Expr*> Children(Expr& expr) {
  std::vector<Expr*> children;
  const auto add = [&](const ExprPtr& child) {
    if (child) children.push_back(child.get());
  };
  std::visit(Overloaded{[&](Subquery& subquery) { add(subquery.expr); }, [&](Paren& paren) { add(paren.expr); },
                        [&](Unary& unary) { add(unary.expr); },
                        [&](Binary& binary) {
                          add(binary.left);
                          add(binary.right);
                        },
                        [&](Aggregate& aggregate) {
                          add(aggregate.parameter);
                          add(aggregate.expr);
                        },
                        [&](Call& call) {
                          for (const ExprPtr& argument : call.arguments) add(argument);
                        },
                        [](auto&) {}},
             expr.node);
  return children;
}

std::vector<const Expr*> Children(const Expr& expr) {
  const std::vector<Expr*> children = Children(const_cast<Expr&>(expr));
  return {children.begin(), children.end()};
}

const Expr& WithoutParens(const Expr& expr) {
  const Expr* inner = &expr;
  while (const Paren* paren = inner->As<Paren>()) inner = paren->expr.get();
  return *inner;
}

Expr& WithoutParens(Expr& expr) { return const_cast<Expr&>(WithoutParens(static_cast<const Expr&>(expr))); }

bool SameTree(const Expr& a, const Expr& b) {
  if (a.node.index() != b.node.index()) return false;
  const bool same = std::visit(
      [&b](const auto& node) { return SameNode(node, std::get<std::decay_t<decltype(node)>>(b.node)); }, a.node);
  if (!same) return false;
  const auto left = Children(a), right = Children(b);
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i) {
    if (!SameTree(*left[i], *right[i])) return false;
  }
  return true;
}

}  // namespace rhizome::promql
