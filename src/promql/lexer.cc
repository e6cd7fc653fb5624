#include "promql/lexer.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "promql/text.h"

namespace rhizome::promql {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsWord(char c) { return IsLetter(c) || IsDigit(c); }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Sorted.
constexpr std::pair<std::string_view, Token> kWords[] = {
    {"and", Token::kAnd},
    {"atan2", Token::kAtan2},
    {"avg", Token::kAvg},
    {"bool", Token::kBool},
    {"bottomk", Token::kBottomk},
    {"by", Token::kBy},
    {"count", Token::kCount},
    {"count_values", Token::kCountValues},
    {"end", Token::kEndWord},
    {"group", Token::kGroup},
    {"group_left", Token::kGroupLeft},
    {"group_right", Token::kGroupRight},
    {"ignoring", Token::kIgnoring},
    {"inf", Token::kNumber},
    {"max", Token::kMax},
    {"min", Token::kMin},
    {"nan", Token::kNumber},
    {"offset", Token::kOffset},
    {"on", Token::kOn},
    {"or", Token::kOr},
    {"quantile", Token::kQuantile},
    {"start", Token::kStart},
    {"stddev", Token::kStddev},
    {"stdvar", Token::kStdvar},
    {"sum", Token::kSum},
    {"topk", Token::kTopk},
    {"unless", Token::kUnless},
    {"without", Token::kWithout},
};

Token TokenOfWord(std::string_view word) {
  std::string lower(word);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  const auto* const at =
      std::lower_bound(std::begin(kWords), std::end(kWords), std::string_view(lower),
                       [](const auto& entry, std::string_view wanted) { return entry.first < wanted; });
  if (at != std::end(kWords) && at->first == lower) return at->second;
  return word.find(':') == std::string_view::npos ? Token::kIdentifier : Token::kMetricIdentifier;
}

}  // namespace

std::string Describe(const Lexeme& lexeme) {
  const std::string text(lexeme.text);
  switch (lexeme.token) {
    case Token::kEnd: return "end of input";
    case Token::kError: return "error";
    case Token::kIdentifier: return "identifier " + Quote(text);
    case Token::kMetricIdentifier: return "metric identifier " + Quote(text);
    case Token::kString: return "string " + Quote(text);
    case Token::kNumber: return "number " + Quote(text);
    case Token::kDuration: return "duration " + Quote(text);
    default: break;
  }
  if (lexeme.token >= Token::kAdd && lexeme.token <= Token::kUnless) return "<op:" + text + ">";
  if (lexeme.token >= Token::kSum && lexeme.token <= Token::kQuantile) return "<aggr:" + text + ">";
  if (lexeme.token >= Token::kOffset && lexeme.token <= Token::kBool) return "<" + text + ">";
  return Quote(text);
}

Lexeme Lexer::Emit(Token token) { return {token, start_, query_.substr(start_, offset_ - start_)}; }

Lexeme Lexer::Fail(std::string message) {
  error_ = std::move(message);
  return {Token::kError, start_, query_.substr(start_, offset_ - start_)};
}

bool Lexer::Accept(std::string_view any_of) {
  if (done() || any_of.find(query_[offset_]) == std::string_view::npos) return false;
  ++offset_;
  return true;
}

void Lexer::AcceptRun(std::string_view any_of) {
  while (Accept(any_of)) {
  }
}

void Lexer::SkipBlanks() {
  while (!done()) {
    if (IsBlank(query_[offset_])) {
      ++offset_;
    } else if (query_[offset_] == '#') {
      while (!done() && query_[offset_] != '\n' && query_[offset_] != '\r') ++offset_;
    } else {
      break;
    }
  }
}

Lexeme Lexer::Next() {
  if (std::exchange(duration_next_, false)) {
    while (!done() && IsBlank(query_[offset_])) ++offset_;
    start_ = offset_;
    return RangeDuration();
  }
  SkipBlanks();
  start_ = offset_;
  if (in_braces_) return InsideBraces();
  if (done()) {
    if (parens_ != 0) return Fail("unclosed left parenthesis");
    if (in_brackets_) return Fail("unclosed left bracket");
    return Emit(Token::kEnd);
  }
  const char c = query_[offset_++];
  if (IsDigit(c) || (c == '.' && IsDigit(peek()))) {
    --offset_;
    return NumberOrDuration();
  }
  if (c == '"' || c == '\'') return String(c);
  if (c == '`') return RawString();
  if (c == ':' && in_brackets_) {
    if (std::exchange(colon_seen_, true)) return Fail("unexpected colon ':'");
    return Emit(Token::kColon);
  }
  if (IsLetter(c) || c == ':') {
    if (in_brackets_) return Fail("unexpected character in range: " + Quote(std::string(1, c)));
    return Word();
  }
  if (std::string_view("()[]{").find(c) != std::string_view::npos) return Bracket(c);
  return Operator(c);
}

Lexeme Lexer::Bracket(char first) {
  switch (first) {
    case '(': ++parens_; return Emit(Token::kLeftParen);
    case ')':
      if (--parens_ < 0) return Fail("unexpected right parenthesis ')'");
      return Emit(Token::kRightParen);
    case '{': in_braces_ = true; return Emit(Token::kLeftBrace);
    case '[':
      if (in_brackets_) return Fail("unexpected left bracket '['");
      in_brackets_ = duration_next_ = true;
      colon_seen_ = false;
      return Emit(Token::kLeftBracket);
    default:
      if (!in_brackets_) return Fail("unexpected right bracket ']'");
      in_brackets_ = false;
      return Emit(Token::kRightBracket);
  }
}

Lexeme Lexer::Operator(char first) {
  switch (first) {
    case ',': return Emit(Token::kComma);
    case '+': return Emit(Token::kAdd);
    case '-': return Emit(Token::kSub);
    case '*': return Emit(Token::kMul);
    case '/': return Emit(Token::kDiv);
    case '%': return Emit(Token::kMod);
    case '^': return Emit(Token::kPow);
    case '@': return Emit(Token::kAt);
    case '=':
      if (peek() == '~') return Fail("unexpected character after '=': '~'");
      return Emit(Accept("=") ? Token::kEqual : Token::kAssign);
    case '!':
      if (!Accept("=")) return Fail("unexpected character after '!'");
      return Emit(Token::kNotEqual);
    case '<': return Emit(Accept("=") ? Token::kLessEqual : Token::kLess);
    case '>': return Emit(Accept("=") ? Token::kGreaterEqual : Token::kGreater);
    default: break;
  }
  --offset_;
  NextCodePoint(query_, offset_);
  return Fail("unexpected character: " + Quote(query_.substr(start_, offset_ - start_)));
}

Lexeme Lexer::InsideBraces() {
  if (done()) return Fail("unexpected end of input inside braces");
  const char c = query_[offset_++];
  if (IsLetter(c)) {
    while (!done() && IsWord(query_[offset_])) ++offset_;
    return Emit(Token::kIdentifier);
  }
  switch (c) {
    case ',': return Emit(Token::kComma);
    case '"':
    case '\'': return String(c);
    case '`': return RawString();
    case '=': return Emit(Accept("~") ? Token::kRegexMatch : Token::kAssign);
    case '!':
      if (Accept("~")) return Emit(Token::kRegexMismatch);
      if (Accept("=")) return Emit(Token::kNotEqual);
      return Fail("unexpected character after '!' inside braces");
    case '{': return Fail("unexpected left brace '{'");
    case '}': in_braces_ = false; return Emit(Token::kRightBrace);
    default: break;
  }
  --offset_;
  NextCodePoint(query_, offset_);
  return Fail("unexpected character inside braces: " + Quote(query_.substr(start_, offset_ - start_)));
}

std::string Lexer::ScanEscape(char quote) {
  if (done()) return "escape sequence not terminated";
  const size_t length = query_[offset_] == 'x' ? 3 : query_[offset_] == 'u' ? 5 : query_[offset_] == 'U' ? 9 : 1;
  const size_t taken = IsDigit(query_[offset_]) ? 3 : length;
  // The literal's own reader knows what is well-formed.
  std::string literal(1, quote);
  literal += '\\';
  literal += query_.substr(offset_, taken);
  literal += quote;
  const auto read = Unquote(literal);
  if (!read.ok()) return std::string(read.status().message());
  offset_ += taken;
  return {};
}

Lexeme Lexer::String(char quote) {
  while (true) {
    if (done() || peek() == '\n') return Fail("unterminated quoted string");
    if (NextCodePoint(query_, offset_) == 0xfffd) return Fail("invalid UTF-8 rune");
    const char last = query_[offset_ - 1];
    if (last == quote) return Emit(Token::kString);
    if (last != '\\') continue;
    if (std::string problem = ScanEscape(quote); !problem.empty()) return Fail(std::move(problem));
  }
}

Lexeme Lexer::RawString() {
  while (true) {
    if (done()) return Fail("unterminated raw string");
    if (NextCodePoint(query_, offset_) == 0xfffd) return Fail("invalid UTF-8 rune");
    if (query_[offset_ - 1] == '`') return Emit(Token::kString);
  }
}

Lexeme Lexer::Word() {
  while (!done() && (IsWord(query_[offset_]) || query_[offset_] == ':')) ++offset_;
  return Emit(TokenOfWord(query_.substr(start_, offset_ - start_)));
}

bool Lexer::ScanNumber() {
  std::string_view digits = kDigits;
  if (Accept("0") && Accept("xX")) digits = kHexDigits;
  AcceptRun(digits);
  if (Accept(".")) AcceptRun(digits);
  if (Accept("eE")) {
    Accept("+-");
    AcceptRun(kDigits);
  }
  return !IsWord(peek());
}

bool Lexer::ScanRestOfDuration() {
  if (!Accept("smhdwy")) return false;
  Accept("s");
  while (Accept(kDigits)) {
    AcceptRun(kDigits);
    if (!Accept("smhdw")) return false;
    Accept("s");
  }
  return !IsWord(peek());
}

Lexeme Lexer::NumberOrDuration() {
  if (ScanNumber()) return Emit(Token::kNumber);
  if (ScanRestOfDuration()) return Emit(Token::kDuration);
  if (!done()) ++offset_;
  return Fail("bad number or duration syntax: " + Quote(query_.substr(start_, offset_ - start_)));
}

Lexeme Lexer::RangeDuration() {
  if (ScanNumber()) return Fail("missing unit character in duration");
  if (ScanRestOfDuration()) return Emit(Token::kDuration);
  if (!done()) ++offset_;
  return Fail("bad duration syntax: " + Quote(query_.substr(start_, offset_ - start_)));
}

}  // namespace rhizome::promql
