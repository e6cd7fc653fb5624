// Lexer: a query's tokens. Words are keywords in any case, but inside braces, where everything is a label's name.
// Single pass, no allocation but for error messages; the query must outlive it. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rhizome::promql {

enum class Token : uint8_t {
  kEnd,
  kError,
  kIdentifier,
  kMetricIdentifier,
  kString,
  kNumber,
  kDuration,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kAssign,
  kAt,
  kRegexMatch,
  kRegexMismatch,
  // In the order of BinaryOp.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,
  kOr,
  kUnless,
  // In the order of AggregateOp.
  kSum,
  kAvg,
  kCount,
  kMin,
  kMax,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kCountValues,
  kQuantile,
  kOffset,
  kBy,
  kWithout,
  kOn,
  kIgnoring,
  kGroupLeft,
  kGroupRight,
  kBool,
  kStart,
  kEndWord,
};

struct Lexeme {
  Token token = Token::kEnd;
  size_t start = 0;
  std::string_view text;  // as it stands in the query

  size_t end() const { return start + text.size(); }
};

class Lexer {
 public:
  explicit Lexer(std::string_view query) : query_(query) {}

  // The next token. After kEnd or kError there is nothing more to ask for.
  Lexeme Next();
  // What kError means.
  const std::string& error() const { return error_; }

 private:
  Lexeme Emit(Token token);
  Lexeme Fail(std::string message);
  Lexeme InsideBraces();
  Lexeme Operator(char first);
  Lexeme Bracket(char first);
  Lexeme String(char quote);
  Lexeme RawString();
  Lexeme Word();
  Lexeme NumberOrDuration();
  Lexeme RangeDuration();
  bool ScanNumber();
  bool ScanRestOfDuration();
  // Nothing where the escape sequence behind the backslash is well-formed; else what is wrong.
  std::string ScanEscape(char quote);
  void SkipBlanks();

  bool done() const { return offset_ >= query_.size(); }
  char peek() const { return done() ? '\0' : query_[offset_]; }
  bool Accept(std::string_view any_of);
  void AcceptRun(std::string_view any_of);

  const std::string_view query_;
  size_t offset_ = 0;
  size_t start_ = 0;  // of the token being read
  int parens_ = 0;    // open ones
  bool in_braces_ = false;
  bool in_brackets_ = false;
  bool colon_seen_ = false;     // since [
  bool duration_next_ = false;  // just behind [
  std::string error_;
};

// "+" for an operator, "<sum>" … : how error messages name a token.
std::string Describe(const Lexeme& lexeme);

}  // namespace rhizome::promql
