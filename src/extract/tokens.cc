#include "extract/tokens.h"

#include <unicode/brkiter.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utext.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace rhizome::extract {
namespace {

constexpr size_t kUnspacedRunMax = 1 << 16;  // bytes that ICU cuts at a time

enum class Kind : uint8_t { kSpace, kMark, kLetter, kDigit, kUnspaced, kOther };

bool IsUnspacedScript(char32_t c) {
  UErrorCode error = U_ZERO_ERROR;
  switch (uscript_getScript(static_cast<UChar32>(c), &error)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR: return U_SUCCESS(error);
    default: return false;
  }
}

Kind AsciiKind(unsigned char c) {
  if (c >= '0' && c <= '9') return Kind::kDigit;
  if (const unsigned char lower = c | 0x20; lower >= 'a' && lower <= 'z') return Kind::kLetter;
  return c <= ' ' || c == 0x7F ? Kind::kSpace : Kind::kMark;
}

Kind KindOf(char32_t c) {
  if (c < 0x80) return AsciiKind(static_cast<unsigned char>(c));
  if (c == 0x30FC) return Kind::kUnspaced;  // the long-vowel mark of Katakana belongs to no script
  const uint32_t mask = U_GET_GC_MASK(static_cast<UChar32>(c));
  if ((mask & (U_GC_L_MASK | U_GC_M_MASK)) != 0) {
    return c >= 0xE00 && IsUnspacedScript(c) ? Kind::kUnspaced : Kind::kLetter;
  }
  if ((mask & U_GC_N_MASK) != 0) return Kind::kDigit;
  if ((mask & (U_GC_Z_MASK | U_GC_CC_MASK)) != 0) return Kind::kSpace;
  return (mask & U_GC_P_MASK) != 0 ? Kind::kMark : Kind::kOther;
}

struct Point {
  char32_t c = 0;
  Kind kind = Kind::kSpace;
  size_t end = 0;
};

Point PointAt(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return {byte, AsciiKind(byte), at + 1};
  Point point{0, Kind::kOther, at};
  point.c = NextCodePoint(text, point.end);
  point.kind = KindOf(point.c);
  return point;
}

bool IsLetterAt(std::string_view text, size_t at) {
  return at < text.size() && PointAt(text, at).kind == Kind::kLetter;
}

bool IsUpperAscii(char c) { return c >= 'A' && c <= 'Z'; }

// What the letters of a word look like; space aside.
uint8_t ShapeOf(std::string_view word) {
  size_t letters = 0, upper = 0, inner = 0;
  bool first_upper = false, cased = false;
  for (size_t at = 0, i = 0; at < word.size(); ++i) {
    const Point point = PointAt(word, at);
    at = point.end;
    if (point.kind == Kind::kDigit) inner += i > 0 ? 1 : 0;
    letters += point.kind == Kind::kUnspaced ? 1 : 0;
    if (point.kind != Kind::kLetter) continue;
    ++letters;
    bool is_upper, is_lower;
    if (point.c < 0x80) {
      is_upper = IsUpperAscii(static_cast<char>(point.c));
      is_lower = !is_upper;
    } else {
      is_upper = u_isupper(static_cast<UChar32>(point.c)) != 0 || u_istitle(static_cast<UChar32>(point.c)) != 0;
      is_lower = u_islower(static_cast<UChar32>(point.c)) != 0;
    }
    cased = cased || is_upper || is_lower;
    upper += is_upper ? 1 : 0;
    inner += is_upper && i > 0 ? 1 : 0;
    if (i == 0) first_upper = is_upper;
  }
  uint8_t shape = first_upper ? kCapital : 0;
  if (upper >= 2 && upper == letters) shape |= kAllCaps;
  if (inner > 0) shape |= kInnerCap;
  if (letters > 0 && !cased) shape |= kUncased;
  return shape;
}

}  // namespace

struct Tokenizer::WordBreaks {
  std::unique_ptr<icu::BreakIterator> iterator;
};

Tokenizer::Tokenizer() = default;
Tokenizer::~Tokenizer() = default;

void Tokenizer::Push(size_t begin, size_t end, TokenKind kind, bool space_before) {
  Token token;
  token.begin = static_cast<uint32_t>(begin);
  token.end = static_cast<uint32_t>(end);
  token.kind = kind;
  if (kind == TokenKind::kWord) {
    token.flags = FlagsOf(std::string_view(lower_).substr(begin, end - begin));
    token.shape = ShapeOf(text_.substr(begin, end - begin));
  }
  if (space_before) token.shape |= kSpaceBefore;
  tokens_.push_back(token);
}

void Tokenizer::Run(std::string_view text) {
  text_ = text;
  lower_.assign(text);
  for (char& c : lower_) c = IsUpperAscii(c) ? static_cast<char>(c | 0x20) : c;
  tokens_.clear();
  sentences_.clear();
  bool space = true;
  for (size_t at = 0; at < text.size();) {
    const Point point = PointAt(text, at);
    switch (point.kind) {
      case Kind::kSpace:
        space = true;
        at = point.end;
        continue;
      case Kind::kLetter: at = TakeWord(at, space); break;
      case Kind::kDigit: at = TakeNumber(at, space); break;
      case Kind::kUnspaced: at = TakeUnspaced(at, space); break;
      case Kind::kMark:
      case Kind::kOther:
        Push(at, point.end, TokenKind::kPunctuation, space);
        at = point.end;
        break;
    }
    space = false;
  }
  CutSentences();
}

// Past the last byte of the word at `at`; what joins two letters is part of it.
size_t Tokenizer::WordEnd(size_t at, bool& uncased) const {
  size_t previous_letters = 0;  // letters since the last full stop
  bool capital = false;
  while (at < text_.size()) {
    const Point point = PointAt(text_, at);
    if (point.kind == Kind::kLetter || point.kind == Kind::kDigit) {
      uncased = uncased || point.c >= 0x590;
      capital = previous_letters == 0 ? IsUpperAscii(text_[at]) : capital;
      ++previous_letters;
      at = point.end;
      continue;
    }
    const bool hyphen = point.c == '-' || point.c == 0x2010 || point.c == 0x2011;
    const bool apostrophe = point.c == '\'' || point.c == 0x2019;
    const bool initials = point.c == '.' && previous_letters == 1 && capital;
    if (hyphen || apostrophe || point.c == '&') {
      if (point.end >= text_.size()) break;
      const Kind next = PointAt(text_, point.end).kind;
      if (next != Kind::kLetter && !(hyphen && next == Kind::kDigit)) break;
      if (point.c == '&' && !(IsUpperAscii(text_[at - 1]) && IsUpperAscii(text_[point.end]))) break;
      at = point.end;
    } else if (initials && point.end < text_.size() && IsUpperAscii(text_[point.end])) {
      // "U.S.", "J.R.R.": a lone capital after each full stop.
      const bool lone = !IsLetterAt(text_, point.end + 1);
      if (!lone) break;
      at = point.end;
      previous_letters = 0;
    } else {
      break;
    }
  }
  return at;
}

size_t Tokenizer::TakeWord(size_t at, bool space_before) {
  bool uncased = false;
  const size_t end = WordEnd(at, uncased);
  const std::string_view word = text_.substr(at, end - at);
  // "Einstein's" is a name and a possessive; "J.R.R." keeps its last full stop.
  size_t cut = std::string_view::npos;
  if (word.size() > 2 && (word.ends_with("'s") || word.ends_with("'S"))) cut = 2;
  if (word.size() > 4 && word.ends_with("\u2019s")) cut = 4;
  if (cut != std::string_view::npos) {
    Push(at, end - cut, TokenKind::kWord, space_before);
    Push(end - cut, end, TokenKind::kPossessive, false);
    return end;
  }
  const bool initials = word.find('.') != std::string_view::npos && end < text_.size() && text_[end] == '.';
  Push(at, end + (initials ? 1 : 0), TokenKind::kWord, space_before);
  return end + (initials ? 1 : 0);
}

size_t Tokenizer::TakeNumber(size_t at, bool space_before) {
  size_t end = at;
  bool letters = false;
  while (end < text_.size()) {
    const Point point = PointAt(text_, end);
    if (point.kind == Kind::kDigit || point.kind == Kind::kLetter) {
      letters = letters || point.kind == Kind::kLetter;
      end = point.end;
    } else if ((point.c == '.' || point.c == ',') && point.end < text_.size() && !letters &&
               PointAt(text_, point.end).kind == Kind::kDigit) {
      end = point.end;
    } else {
      break;
    }
  }
  const std::string_view lower = std::string_view(lower_).substr(at, end - at);
  const size_t digits = lower.find_first_not_of("0123456789.,");
  const std::string_view ending = digits == std::string_view::npos ? std::string_view() : lower.substr(digits);
  const bool number = ending.empty() || ending == "s" || ending == "st" || ending == "nd" || ending == "rd" ||
                      ending == "th" || !letters;
  const bool prefix = ending.empty() && end + 1 < text_.size() && text_[end] == '-' && IsLetterAt(text_, end + 1);
  if (!number || prefix) {  // "5-HT", "3T3": a word that begins with a digit
    bool uncased = false;
    end = std::max(end, WordEnd(at, uncased));
  }
  Push(at, end, number && !prefix ? TokenKind::kNumber : TokenKind::kWord, space_before);
  return end;
}

size_t Tokenizer::TakeUnspaced(size_t at, bool space_before) {
  size_t end = at;
  while (end < text_.size() && end - at < kUnspacedRunMax) {
    const Point point = PointAt(text_, end);
    if (point.kind != Kind::kUnspaced) break;
    end = point.end;
  }
  UErrorCode error = U_ZERO_ERROR;
  if (breaks_ == nullptr) {
    breaks_ = std::make_unique<WordBreaks>();
    breaks_->iterator.reset(icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), error));
  }
  UText run = UTEXT_INITIALIZER;
  utext_openUTF8(&run, text_.data() + at, static_cast<int64_t>(end - at), &error);
  if (U_FAILURE(error) || breaks_->iterator == nullptr) {  // out of memory is the only way here: one word for the run
    Push(at, end, TokenKind::kWord, space_before);
    return end;
  }
  breaks_->iterator->setText(&run, error);
  size_t from = at;
  for (int32_t next = breaks_->iterator->next(); next != icu::BreakIterator::DONE; next = breaks_->iterator->next()) {
    const size_t to = std::min(end, at + static_cast<size_t>(next));
    if (to > from) Push(from, to, TokenKind::kWord, space_before && from == at);
    from = std::max(from, to);
  }
  if (from < end) Push(from, end, TokenKind::kWord, false);
  utext_close(&run);
  return end;
}

// Whether the punctuation token i ends a sentence.
bool Tokenizer::EndsSentence(size_t i) const {
  const Token& mark = tokens_[i];
  const std::string_view surface = Surface(mark);
  if (surface == "。" || surface == "！" || surface == "？" || surface == "।" || surface == "؟") return true;
  const char c = Mark(mark);
  if (c != '.' && c != '!' && c != '?') return false;
  size_t next = i + 1;
  while (next < tokens_.size() && !tokens_[next].Has(kSpaceBefore) && tokens_[next].kind == TokenKind::kPunctuation)
    ++next;
  if (next >= tokens_.size()) return true;
  const Token& after = tokens_[next];
  if (!after.Has(kSpaceBefore)) return false;
  if (after.IsWord() && !after.Has(kCapital | kInnerCap | kUncased)) return false;
  if (c != '.' || i == 0) return true;
  const Token& before = tokens_[i - 1];
  if (!before.IsWord() || mark.Has(kSpaceBefore)) return true;
  const bool initial = before.end - before.begin == 1 && before.Has(kCapital);
  if (!initial && !before.Is(kAbbreviation)) return true;
  return after.IsWord() && after.Is(kFunction) && after.Has(kCapital) && !before.Is(kHonorific);
}

void Tokenizer::CutSentences() {
  size_t first = 0;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    tokens_[i].sentence = static_cast<uint32_t>(sentences_.size());
    bool ends = i + 1 == tokens_.size() || i + 1 - first >= kSentenceTokensMax;
    if (!ends && tokens_[i].kind == TokenKind::kPunctuation) ends = EndsSentence(i);
    size_t last = i + 1;
    // Closing quotes and brackets belong to the sentence that ends before them.
    while (ends && last < tokens_.size() && !tokens_[last].Has(kSpaceBefore) &&
           tokens_[last].kind == TokenKind::kPunctuation && last - first < kSentenceTokensMax) {
      tokens_[last++].sentence = static_cast<uint32_t>(sentences_.size());
    }
    if (!ends && i + 1 < tokens_.size()) {  // an empty line
      const std::string_view gap = text_.substr(tokens_[i].end, tokens_[i + 1].begin - tokens_[i].end);
      ends = gap.size() > 1 && std::ranges::count(gap, '\n') > 1;
    }
    if (!ends) continue;
    sentences_.push_back({static_cast<uint32_t>(first), static_cast<uint32_t>(last)});
    first = last;
    i = last - 1;
  }
}

}  // namespace rhizome::extract
