#include "promql/parser.h"

#include <algorithm>
#include <cmath>

#include "format/labels.h"
#include "promql/lexer.h"
#include "promql/text.h"

namespace rhizome::promql {
namespace {

// Seconds; far beyond any sample, and milliseconds of it are exact in a double.
constexpr double kTimestampMax = 1e12;

bool IsBinaryOperator(Token token) { return token >= Token::kAdd && token <= Token::kUnless; }
bool IsAggregator(Token token) { return token >= Token::kSum && token <= Token::kQuantile; }
BinaryOp BinaryOpOf(Token token) {
  return static_cast<BinaryOp>(static_cast<int>(token) - static_cast<int>(Token::kAdd));
}
AggregateOp AggregateOpOf(Token token) {
  return static_cast<AggregateOp>(static_cast<int>(token) - static_cast<int>(Token::kSum));
}

// Keywords that may also be the name of a metric.
bool MayNameMetric(Token token) {
  switch (token) {
    case Token::kIdentifier:
    case Token::kMetricIdentifier:
    case Token::kAnd:
    case Token::kOr:
    case Token::kUnless:
    case Token::kBy:
    case Token::kWithout:
    case Token::kOffset:
    case Token::kStart:
    case Token::kEndWord: return true;
    default: return IsAggregator(token);
  }
}

// Keywords that may also be the name of a label.
bool MayNameLabel(Token token) {
  return MayNameMetric(token) || token == Token::kAtan2 || (token >= Token::kOffset && token <= Token::kEndWord);
}

class Parser {
 public:
  explicit Parser(std::string_view query) : query_(query), lexer_(query) {}

  Result<ExprPtr> Query();
  Result<std::vector<Matcher>> Selector();

 private:
  // Operators that bind at least as tight as `precedence`.
  Result<ExprPtr> Expression(int precedence);
  Result<ExprPtr> Prefix();
  Result<ExprPtr> Suffixes(ExprPtr expr);
  Result<ExprPtr> UnaryExpression();
  Result<ExprPtr> Parenthesised();
  Result<ExprPtr> Number();
  Result<ExprPtr> Text();
  Result<ExprPtr> Named();
  Result<ExprPtr> Aggregation(const Lexeme& op);
  Result<ExprPtr> FunctionCall(const Lexeme& name);
  Result<ExprPtr> SelectorNamed(const Lexeme* name);
  Result<ExprPtr> Infix(ExprPtr left);
  Result<ExprPtr> Range(ExprPtr expr);
  Result<ExprPtr> RangeOf(ExprPtr expr, int64_t range_ms, const Lexeme& bracket);

  Status Arguments(std::vector<ExprPtr>& out);
  Status Modifier(Aggregate& aggregate);
  Status MatchingOf(Binary& binary);
  Status LabelMatcher(std::vector<Matcher>& out);
  Status LabelMatchers(std::vector<Matcher>& out);
  Status GroupingLabels(std::vector<std::string>& out);
  Status Offset(Expr& expr);
  Status At(Expr& expr);
  Status AtTime(TimeShift& shift);
  Status Duration(int64_t& ms, std::string_view context, std::string_view expected);

  Status Advance();
  Status Expect(Token token, std::string_view context, std::string_view expected);
  bool Is(Token token) const { return current_.token == token; }
  Status Unexpected(std::string_view context, std::string_view expected) const;
  Status Wrong(size_t offset, std::string_view message) const { return ParseError(query_, offset, message); }
  template <typename T>
  Result<ExprPtr> Make(T node, size_t start);

  const std::string_view query_;
  Lexer lexer_;
  Lexeme current_;
  size_t closed_ = 0;  // end of the token before the current one
  uint32_t depth_ = 0;
};

Status Parser::Advance() {
  closed_ = current_.end();
  current_ = lexer_.Next();
  return Is(Token::kError) ? Wrong(current_.start, lexer_.error()) : Status::Ok();
}

Status Parser::Unexpected(std::string_view context, std::string_view expected) const {
  std::string message = "unexpected " + Describe(current_);
  if (!context.empty()) message += " in " + std::string(context);
  if (!expected.empty()) message += ", expected " + std::string(expected);
  return Wrong(current_.start, message);
}

Status Parser::Expect(Token token, std::string_view context, std::string_view expected) {
  return Is(token) ? Advance() : Unexpected(context, expected);
}

template <typename T>
Result<ExprPtr> Parser::Make(T node, size_t start) {
  auto expr = std::make_unique<Expr>();
  expr->node = std::move(node);
  expr->start = static_cast<uint32_t>(start);
  expr->end = static_cast<uint32_t>(closed_);
  for (const Expr* child : Children(*expr)) expr->depth = std::max(expr->depth, child->depth + 1);
  if (expr->depth > kDepthMax) {
    return Status::TooLarge("query", "the query has more than " + std::to_string(kDepthMax) + " levels");
  }
  return expr;
}

Result<ExprPtr> Parser::Query() {
  RETURN_IF_ERROR(Advance());
  if (Is(Token::kEnd)) return Wrong(0, "no expression found in input");
  ASSIGN_OR_RETURN(ExprPtr expr, Expression(0));
  if (!Is(Token::kEnd)) return Unexpected("", "");
  return expr;
}

Result<std::vector<Matcher>> Parser::Selector() {
  RETURN_IF_ERROR(Advance());
  ExprPtr expr;
  if (Is(Token::kLeftBrace)) {
    ASSIGN_OR_RETURN(expr, SelectorNamed(nullptr));
  } else if (MayNameMetric(current_.token)) {
    const Lexeme name = current_;
    RETURN_IF_ERROR(Advance());
    ASSIGN_OR_RETURN(expr, SelectorNamed(&name));
  } else {
    return Unexpected("", "a vector selector");
  }
  if (!Is(Token::kEnd)) return Unexpected("", "");
  RETURN_IF_ERROR(CheckTypes(query_, *expr));
  return std::move(expr->As<VectorSelector>()->matchers);
}

Result<ExprPtr> Parser::Expression(int precedence) {
  struct Level {
    uint32_t& depth;
    ~Level() { --depth; }
  } level{++depth_};
  if (depth_ > kDepthMax) {
    return Status::TooLarge("query", "the query is nested more than " + std::to_string(kDepthMax) + " levels");
  }
  ASSIGN_OR_RETURN(ExprPtr left, Prefix());
  ASSIGN_OR_RETURN(left, Suffixes(std::move(left)));
  while (IsBinaryOperator(current_.token) && PrecedenceOf(BinaryOpOf(current_.token)) >= precedence) {
    ASSIGN_OR_RETURN(left, Infix(std::move(left)));
  }
  return left;
}

Result<ExprPtr> Parser::Prefix() {
  switch (current_.token) {
    case Token::kAdd:
    case Token::kSub: return UnaryExpression();
    case Token::kLeftParen: return Parenthesised();
    case Token::kNumber: return Number();
    case Token::kString: return Text();
    case Token::kLeftBrace: return SelectorNamed(nullptr);
    default: return MayNameMetric(current_.token) ? Named() : Result<ExprPtr>(Unexpected("", ""));
  }
}

Result<ExprPtr> Parser::UnaryExpression() {
  const size_t start = current_.start;
  const bool negative = Is(Token::kSub);
  RETURN_IF_ERROR(Advance());
  ASSIGN_OR_RETURN(ExprPtr operand, Expression(kUnaryPrecedence + 1));
  if (NumberLiteral* number = operand->As<NumberLiteral>()) {
    if (negative) number->value *= -1;
    operand->start = static_cast<uint32_t>(start);
    return operand;
  }
  return Make(Unary{negative, std::move(operand)}, start);
}

Result<ExprPtr> Parser::Parenthesised() {
  const size_t start = current_.start;
  RETURN_IF_ERROR(Advance());
  ASSIGN_OR_RETURN(ExprPtr inner, Expression(0));
  RETURN_IF_ERROR(Expect(Token::kRightParen, "", "\")\""));
  return Make(Paren{std::move(inner)}, start);
}

Result<ExprPtr> Parser::Number() {
  const Lexeme lexeme = current_;
  const auto value = ParseNumber(lexeme.text);
  if (!value.ok()) return Wrong(lexeme.start, value.status().message());
  RETURN_IF_ERROR(Advance());
  return Make(NumberLiteral{*value}, lexeme.start);
}

Result<ExprPtr> Parser::Text() {
  const Lexeme lexeme = current_;
  auto value = Unquote(lexeme.text);
  if (!value.ok()) return Wrong(lexeme.start, value.status().message());
  RETURN_IF_ERROR(Advance());
  return Make(StringLiteral{std::move(*value)}, lexeme.start);
}

// A function's call, an aggregation, or a selector whose name may be a keyword.
Result<ExprPtr> Parser::Named() {
  const Lexeme name = current_;
  RETURN_IF_ERROR(Advance());
  if (IsAggregator(name.token)) {
    if (Is(Token::kLeftParen) || Is(Token::kBy) || Is(Token::kWithout)) return Aggregation(name);
  } else if (name.token == Token::kIdentifier && Is(Token::kLeftParen)) {
    return FunctionCall(name);
  }
  return SelectorNamed(&name);
}

Result<ExprPtr> Parser::FunctionCall(const Lexeme& name) {
  Call call;
  RETURN_IF_ERROR(Arguments(call.arguments));
  call.function = FindFunction(name.text);
  if (call.function == nullptr) {
    return Wrong(name.start, "unknown function with name " + Quote(name.text));
  }
  return Make(std::move(call), name.start);
}

Result<ExprPtr> Parser::Aggregation(const Lexeme& op) {
  Aggregate aggregate;
  aggregate.op = AggregateOpOf(op.token);
  std::vector<ExprPtr> arguments;
  const bool modifier_first = !Is(Token::kLeftParen);
  if (modifier_first) RETURN_IF_ERROR(Modifier(aggregate));
  if (!Is(Token::kLeftParen)) return Unexpected("aggregation", "");
  RETURN_IF_ERROR(Arguments(arguments));
  if (!modifier_first && (Is(Token::kBy) || Is(Token::kWithout))) RETURN_IF_ERROR(Modifier(aggregate));

  if (arguments.empty()) return Wrong(op.start, "no arguments for aggregate expression provided");
  const size_t wanted = HasParameter(aggregate.op) ? 2 : 1;
  if (arguments.size() != wanted) {
    return Wrong(op.start, "wrong number of arguments for aggregate expression provided, expected " +
                               std::to_string(wanted) + ", got " + std::to_string(arguments.size()));
  }
  aggregate.expr = std::move(arguments.back());
  if (wanted == 2) aggregate.parameter = std::move(arguments.front());
  return Make(std::move(aggregate), op.start);
}

Status Parser::Modifier(Aggregate& aggregate) {
  aggregate.without = Is(Token::kWithout);
  RETURN_IF_ERROR(Advance());
  return GroupingLabels(aggregate.grouping);
}

Status Parser::Arguments(std::vector<ExprPtr>& out) {
  RETURN_IF_ERROR(Advance());
  if (Is(Token::kRightParen)) return Advance();
  while (true) {
    ASSIGN_OR_RETURN(ExprPtr argument, Expression(0));
    out.push_back(std::move(argument));
    if (!Is(Token::kComma)) break;
    const size_t comma = current_.start;
    RETURN_IF_ERROR(Advance());
    if (Is(Token::kRightParen)) return Wrong(comma, "trailing commas not allowed in function call args");
  }
  return Expect(Token::kRightParen, "", "\",\" or \")\"");
}

Status Parser::GroupingLabels(std::vector<std::string>& out) {
  RETURN_IF_ERROR(Expect(Token::kLeftParen, "grouping opts", "\"(\""));
  while (!Is(Token::kRightParen)) {
    if (!MayNameLabel(current_.token) || !format::IsLabelName(current_.text)) {
      return Unexpected("grouping opts", "label");
    }
    out.emplace_back(current_.text);
    RETURN_IF_ERROR(Advance());
    if (Is(Token::kRightParen)) break;
    RETURN_IF_ERROR(Expect(Token::kComma, "grouping opts", "\",\" or \")\""));
  }
  return Advance();
}

// The selector at hand; `name` has been read already.
Result<ExprPtr> Parser::SelectorNamed(const Lexeme* name) {
  VectorSelector selector;
  const size_t start = name != nullptr ? name->start : current_.start;
  if (Is(Token::kLeftBrace)) RETURN_IF_ERROR(LabelMatchers(selector.matchers));
  if (name != nullptr) {
    selector.name = name->text;
    ASSIGN_OR_RETURN(Matcher matcher,
                     Matcher::Make(MatchKind::kEqual, std::string(format::kMetricNameLabel), selector.name));
    selector.matchers.push_back(std::move(matcher));
  }
  return Make(std::move(selector), start);
}

Status Parser::LabelMatchers(std::vector<Matcher>& out) {
  RETURN_IF_ERROR(Advance());
  while (!Is(Token::kRightBrace)) {
    RETURN_IF_ERROR(LabelMatcher(out));
    if (Is(Token::kRightBrace)) break;
    RETURN_IF_ERROR(Expect(Token::kComma, "label matching", "\",\" or \"}\""));
  }
  return Advance();
}

Status Parser::LabelMatcher(std::vector<Matcher>& out) {
  const Lexeme name = current_;
  RETURN_IF_ERROR(Expect(Token::kIdentifier, "label matching", "identifier or \"}\""));
  MatchKind kind = MatchKind::kEqual;
  switch (current_.token) {
    case Token::kAssign: kind = MatchKind::kEqual; break;
    case Token::kNotEqual: kind = MatchKind::kNotEqual; break;
    case Token::kRegexMatch: kind = MatchKind::kRegex; break;
    case Token::kRegexMismatch: kind = MatchKind::kNotRegex; break;
    default: return Unexpected("label matching", "label matching operator");
  }
  RETURN_IF_ERROR(Advance());
  const Lexeme literal = current_;
  RETURN_IF_ERROR(Expect(Token::kString, "label matching", "string"));
  auto value = Unquote(literal.text);
  if (!value.ok()) return Wrong(literal.start, value.status().message());
  auto matcher = Matcher::Make(kind, std::string(name.text), std::move(*value));
  if (!matcher.ok()) return Wrong(name.start, matcher.status().message());
  out.push_back(std::move(*matcher));
  return Status::Ok();
}

Result<ExprPtr> Parser::Infix(ExprPtr left) {
  Binary binary;
  binary.op = BinaryOpOf(current_.token);
  RETURN_IF_ERROR(Advance());
  RETURN_IF_ERROR(MatchingOf(binary));
  const int precedence = PrecedenceOf(binary.op);
  ASSIGN_OR_RETURN(binary.right, Expression(binary.op == BinaryOp::kPow ? precedence : precedence + 1));
  const size_t start = left->start;
  binary.left = std::move(left);
  return Make(std::move(binary), start);
}

Status Parser::MatchingOf(Binary& binary) {
  if (Is(Token::kBool)) {
    binary.return_bool = true;
    RETURN_IF_ERROR(Advance());
  }
  if (!Is(Token::kOn) && !Is(Token::kIgnoring)) return Status::Ok();
  binary.matching.on = Is(Token::kOn);
  RETURN_IF_ERROR(Advance());
  RETURN_IF_ERROR(GroupingLabels(binary.matching.labels));
  if (!Is(Token::kGroupLeft) && !Is(Token::kGroupRight)) return Status::Ok();
  binary.matching.cardinality = Is(Token::kGroupLeft) ? Cardinality::kManyToOne : Cardinality::kOneToMany;
  RETURN_IF_ERROR(Advance());
  return Is(Token::kLeftParen) ? GroupingLabels(binary.matching.include) : Status::Ok();
}

Result<ExprPtr> Parser::Suffixes(ExprPtr expr) {
  while (true) {
    if (Is(Token::kLeftBracket)) {
      ASSIGN_OR_RETURN(expr, Range(std::move(expr)));
    } else if (Is(Token::kOffset)) {
      RETURN_IF_ERROR(Offset(*expr));
    } else if (Is(Token::kAt)) {
      RETURN_IF_ERROR(At(*expr));
    } else {
      return expr;
    }
    expr->end = static_cast<uint32_t>(closed_);
  }
}

Status Parser::Duration(int64_t& ms, std::string_view context, std::string_view expected) {
  const Lexeme lexeme = current_;
  RETURN_IF_ERROR(Expect(Token::kDuration, context, expected));
  const auto duration = ParseDuration(lexeme.text);
  if (!duration.ok()) return Wrong(lexeme.start, duration.status().message());
  ms = *duration;
  return Status::Ok();
}

Result<ExprPtr> Parser::Range(ExprPtr expr) {
  const Lexeme bracket = current_;
  RETURN_IF_ERROR(Advance());
  int64_t range_ms = 0;
  RETURN_IF_ERROR(Duration(range_ms, "subquery selector", "duration"));
  if (Is(Token::kRightBracket)) return RangeOf(std::move(expr), range_ms, bracket);
  Subquery subquery;
  subquery.range_ms = range_ms;
  RETURN_IF_ERROR(Expect(Token::kColon, "subquery or range", "\":\" or \"]\""));
  if (!Is(Token::kRightBracket)) {
    RETURN_IF_ERROR(Duration(subquery.step_ms, "subquery selector", "duration or \"]\""));
  }
  RETURN_IF_ERROR(Expect(Token::kRightBracket, "subquery selector", "\"]\""));
  const size_t start = expr->start;
  subquery.expr = std::move(expr);
  return Make(std::move(subquery), start);
}

Result<ExprPtr> Parser::RangeOf(ExprPtr expr, int64_t range_ms, const Lexeme& bracket) {
  VectorSelector* const selector = expr->As<VectorSelector>();
  if (selector == nullptr) return Wrong(bracket.start, "ranges only allowed for vector selectors");
  if (selector->shift.offset_ms != 0) return Wrong(bracket.start, "no offset modifiers allowed before range");
  if (selector->shift.at != TimeShift::At::kNone) return Wrong(bracket.start, "no @ modifiers allowed before range");
  RETURN_IF_ERROR(Advance());
  return Make(MatrixSelector{std::move(*selector), range_ms}, expr->start);
}

TimeShift* ShiftOf(Expr& expr) {
  if (VectorSelector* vector = expr.As<VectorSelector>()) return &vector->shift;
  if (MatrixSelector* matrix = expr.As<MatrixSelector>()) return &matrix->vector.shift;
  if (Subquery* subquery = expr.As<Subquery>()) return &subquery->shift;
  return nullptr;
}

constexpr std::string_view kShiftable =
    " modifier must be preceded by an instant vector selector or range vector selector or a subquery";

Status Parser::Offset(Expr& expr) {
  RETURN_IF_ERROR(Advance());
  const bool negative = Is(Token::kSub);
  if (negative) RETURN_IF_ERROR(Advance());
  int64_t ms = 0;
  RETURN_IF_ERROR(Duration(ms, "offset", "duration"));
  TimeShift* const shift = ShiftOf(expr);
  if (shift == nullptr) return Wrong(expr.start, "offset" + std::string(kShiftable));
  if (shift->offset_ms != 0) return Wrong(expr.start, "offset may not be set multiple times");
  shift->offset_ms = negative ? -ms : ms;
  return Status::Ok();
}

Status Parser::At(Expr& expr) {
  RETURN_IF_ERROR(Advance());
  TimeShift at;
  RETURN_IF_ERROR(AtTime(at));
  TimeShift* const shift = ShiftOf(expr);
  if (shift == nullptr) return Wrong(expr.start, "@" + std::string(kShiftable));
  if (shift->at != TimeShift::At::kNone) return Wrong(expr.start, "@ <timestamp> may not be set multiple times");
  shift->at = at.at;
  shift->at_ms = at.at_ms;
  return Status::Ok();
}

Status Parser::AtTime(TimeShift& shift) {
  if (Is(Token::kStart) || Is(Token::kEndWord)) {
    shift.at = Is(Token::kStart) ? TimeShift::At::kStart : TimeShift::At::kEnd;
    RETURN_IF_ERROR(Advance());
    RETURN_IF_ERROR(Expect(Token::kLeftParen, "@", "\"(\""));
    return Expect(Token::kRightParen, "@", "\")\"");
  }
  const bool negative = Is(Token::kSub);
  if (negative || Is(Token::kAdd)) RETURN_IF_ERROR(Advance());
  const Lexeme lexeme = current_;
  RETURN_IF_ERROR(Expect(Token::kNumber, "@", "timestamp"));
  const auto seconds = ParseNumber(lexeme.text);
  if (!seconds.ok()) return Wrong(lexeme.start, seconds.status().message());
  if (!(std::fabs(*seconds) <= kTimestampMax)) {
    return Wrong(lexeme.start, "timestamp out of bounds for @ modifier: " + FormatNumber(*seconds));
  }
  shift.at = TimeShift::At::kTime;
  shift.at_ms = static_cast<int64_t>(std::round((negative ? -*seconds : *seconds) * 1000));
  return Status::Ok();
}

Status CheckSize(std::string_view query) {
  if (query.size() <= kQueryBytesMax) return Status::Ok();
  return Status::TooLarge("query", "the query is longer than " + std::to_string(kQueryBytesMax) + " bytes");
}

}  // namespace

Status ParseError(std::string_view query, size_t offset, std::string_view message) {
  size_t line = 1, column = 1;
  for (const char c : query.substr(0, offset)) {
    ++column;
    if (c == '\n') {
      ++line;
      column = 1;
    }
  }
  return Status::InvalidArgument(
      "query", std::to_string(line) + ":" + std::to_string(column) + ": parse error: " + std::string(message));
}

Result<ExprPtr> Parse(std::string_view query) {
  RETURN_IF_ERROR(CheckSize(query));
  ASSIGN_OR_RETURN(ExprPtr expr, Parser(query).Query());
  RETURN_IF_ERROR(CheckTypes(query, *expr));
  return expr;
}

Result<std::vector<Matcher>> ParseSelector(std::string_view query) {
  RETURN_IF_ERROR(CheckSize(query));
  return Parser(query).Selector();
}

}  // namespace rhizome::promql
