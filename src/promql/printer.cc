#include "promql/printer.h"

#include <algorithm>

#include "format/labels.h"
#include "promql/text.h"

namespace rhizome::promql {
namespace {

constexpr size_t kLineCharactersMax = 100;

std::string Joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += separator;
    out += part;
  }
  return out;
}

std::string Seconds(int64_t ms) {
  const uint64_t magnitude = ms < 0 ? 0 - static_cast<uint64_t>(ms) : static_cast<uint64_t>(ms);
  std::string fraction = std::to_string(magnitude % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return (ms < 0 ? "-" : "") + std::to_string(magnitude / 1000) + "." + fraction;
}

std::string ShiftText(const TimeShift& shift) {
  std::string out;
  switch (shift.at) {
    case TimeShift::At::kNone: break;
    case TimeShift::At::kTime: out = " @ " + Seconds(shift.at_ms); break;
    case TimeShift::At::kStart: out = " @ start()"; break;
    case TimeShift::At::kEnd: out = " @ end()"; break;
  }
  if (shift.offset_ms > 0) out += " offset " + FormatDuration(shift.offset_ms);
  if (shift.offset_ms < 0) out += " offset -" + FormatDuration(-shift.offset_ms);
  return out;
}

std::string SelectorText(const VectorSelector& selector) {
  std::vector<std::string> matchers;
  for (const Matcher& matcher : selector.matchers) {
    const bool name = matcher.name() == format::kMetricNameLabel && matcher.kind() == MatchKind::kEqual &&
                      matcher.value() == selector.name;
    if (!name) matchers.push_back(Print(matcher));
  }
  std::sort(matchers.begin(), matchers.end());
  return matchers.empty() ? selector.name : selector.name + "{" + Joined(matchers, ",") + "}";
}

std::string SubquerySuffix(const Subquery& subquery) {
  return "[" + FormatDuration(subquery.range_ms) + ":" +
         (subquery.step_ms == 0 ? std::string() : FormatDuration(subquery.step_ms)) + "]" + ShiftText(subquery.shift);
}

std::string AggregateHead(const Aggregate& aggregate) {
  std::string out(NameOf(aggregate.op));
  if (aggregate.without) return out + " without (" + Joined(aggregate.grouping, ", ") + ") ";
  if (!aggregate.grouping.empty()) out += " by (" + Joined(aggregate.grouping, ", ") + ") ";
  return out;
}

// " == bool on (a) group_left (b)" without the blanks around it.
std::string OperatorText(const Binary& binary) {
  std::string out(NameOf(binary.op));
  if (binary.return_bool) out += " bool";
  const Matching& matching = binary.matching;
  const bool grouped = matching.cardinality != Cardinality::kOneToOne;
  const bool vectors = binary.left->type() == ValueType::kVector && binary.right->type() == ValueType::kVector;
  if (!vectors || (matching.labels.empty() && !matching.on && !grouped)) return out;
  out += (matching.on ? " on (" : " ignoring (") + Joined(matching.labels, ", ") + ")";
  if (!grouped) return out;
  out += matching.cardinality == Cardinality::kManyToOne ? " group_left (" : " group_right (";
  return out + Joined(matching.include, ", ") + ")";
}

std::string ArgumentsText(const std::vector<ExprPtr>& arguments) {
  std::vector<std::string> texts;
  for (const ExprPtr& argument : arguments) texts.push_back(Print(*argument));
  return Joined(texts, ", ");
}

std::string Indent(int level) { return std::string(static_cast<size_t>(level) * 2, ' '); }

std::string Pretty(const Expr& expr, int level);

std::string PrettyArguments(const std::vector<ExprPtr>& arguments, int level) {
  std::vector<std::string> texts;
  for (const ExprPtr& argument : arguments) texts.push_back(Pretty(*argument, level));
  return Joined(texts, ",\n");
}

// What is too long for a line. Selectors and literals are never broken.
std::string Broken(const Expr& expr, int level) {
  const std::string indent = Indent(level);
  return std::visit(
      Overloaded{
          [&](const Aggregate& aggregate) {
            std::string out = indent + AggregateHead(aggregate) + "(\n";
            if (aggregate.parameter) out += Pretty(*aggregate.parameter, level + 1) + ",\n";
            return out + Pretty(*aggregate.expr, level + 1) + "\n" + indent + ")";
          },
          [&](const Binary& binary) {
            return Pretty(*binary.left, level + 1) + "\n" + indent + OperatorText(binary) + "\n" +
                   Pretty(*binary.right, level + 1);
          },
          [&](const Call& call) {
            return indent + std::string(call.function->name) + "(\n" + PrettyArguments(call.arguments, level + 1) +
                   "\n" + indent + ")";
          },
          [&](const Paren& paren) { return indent + "(\n" + Pretty(*paren.expr, level + 1) + "\n" + indent + ")"; },
          [&](const Subquery& subquery) { return Pretty(*subquery.expr, level) + SubquerySuffix(subquery); },
          [&](const auto&) { return indent + Print(expr); }},
      expr.node);
}

std::string Pretty(const Expr& expr, int level) {
  if (const Unary* unary = expr.As<Unary>()) {
    std::string operand = Pretty(*unary->expr, level);
    operand.erase(0, std::min(operand.find_first_not_of(' '), operand.size()));
    return Indent(level) + (unary->negative ? "-" : "+") + operand;
  }
  std::string line = Print(expr);
  if (line.size() > kLineCharactersMax) return Broken(expr, level);
  // A short subquery is not indented, as Prometheus has it.
  return expr.As<Subquery>() != nullptr ? line : Indent(level) + line;
}

}  // namespace

std::string Print(const Matcher& matcher) {
  static constexpr std::string_view kOperators[] = {"=", "!=", "=~", "!~"};
  std::string out = matcher.name();
  out += kOperators[static_cast<size_t>(matcher.kind())];
  return out + Quote(matcher.value());
}

std::string Print(const Expr& expr) {
  return std::visit(
      Overloaded{[](const NumberLiteral& number) { return FormatNumber(number.value); },
                 [](const StringLiteral& text) { return Quote(text.value); },
                 [](const VectorSelector& selector) { return SelectorText(selector) + ShiftText(selector.shift); },
                 [](const MatrixSelector& selector) {
                   return SelectorText(selector.vector) + "[" + FormatDuration(selector.range_ms) + "]" +
                          ShiftText(selector.vector.shift);
                 },
                 [](const Subquery& subquery) { return Print(*subquery.expr) + SubquerySuffix(subquery); },
                 [](const Paren& paren) { return "(" + Print(*paren.expr) + ")"; },
                 [](const Unary& unary) { return (unary.negative ? "-" : "+") + Print(*unary.expr); },
                 [](const Binary& binary) {
                   return Print(*binary.left) + " " + OperatorText(binary) + " " + Print(*binary.right);
                 },
                 [](const Aggregate& aggregate) {
                   const std::string parameter = aggregate.parameter ? Print(*aggregate.parameter) + ", " : "";
                   return AggregateHead(aggregate) + "(" + parameter + Print(*aggregate.expr) + ")";
                 },
                 [](const Call& call) {
                   return std::string(call.function->name) + "(" + ArgumentsText(call.arguments) + ")";
                 }},
      expr.node);
}

std::string Prettify(const Expr& expr) { return Pretty(expr, 0); }

}  // namespace rhizome::promql
