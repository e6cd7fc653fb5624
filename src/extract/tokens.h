// Tokens: a text cut into words, numbers and punctuation, with its sentences.
//
// A word is a run of letters, digits and marks; an apostrophe or hyphen between letters, the full stops of "U.S." and
// the & of "AT&T" stay inside. A possessive 's is a token of its own. A number is a run of digits with dots and commas
// inside and an ordinal or decade ending ("1990s", "3rd"). Scripts written without spaces are cut by ICU's
// dictionaries; words of scripts without letter case carry kUncased. A sentence ends at . ! ? 。 and the like before
// what can begin one (not after an abbreviation or initial), and at an empty line; one longer than kSentenceTokensMax
// is cut there.
//
// Bytes that are no UTF-8 separate words. Offsets are bytes of the text. Tokenizer keeps its memory between texts; one
// per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "extract/lexicon.h"

namespace rhizome::extract {

inline constexpr size_t kSentenceTokensMax = 400;

enum class TokenKind : uint8_t { kWord, kNumber, kPossessive, kPunctuation };

enum Shape : uint8_t {
  kCapital = 1,   // begins with an upper-case letter
  kAllCaps = 2,   // two letters or more, all upper case
  kInnerCap = 4,  // an upper-case letter or digit after the first: "mRNA", "IL-6", "p53"
  kUncased = 8,   // of a script without letter case
  kSpaceBefore = 16,
};

struct Token {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t flags = 0;  // WordFlag
  uint32_t sentence = 0;
  TokenKind kind = TokenKind::kPunctuation;
  uint8_t shape = 0;  // Shape

  bool Is(uint32_t some_flags) const { return (flags & some_flags) != 0; }
  bool Has(uint8_t some_shape) const { return (shape & some_shape) != 0; }
  bool IsWord() const { return kind == TokenKind::kWord; }
};

struct Sentence {
  uint32_t first = 0;  // tokens [first, last)
  uint32_t last = 0;
};

class Tokenizer {
 public:
  Tokenizer();
  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // `text` is at most 2 GiB and outlives what is asked afterwards.
  void Run(std::string_view text);

  std::string_view text() const { return text_; }
  const std::vector<Token>& tokens() const { return tokens_; }
  const std::vector<Sentence>& sentences() const { return sentences_; }
  std::string_view Surface(const Token& token) const { return text_.substr(token.begin, token.end - token.begin); }
  // ASCII letters in lower case, all else as it is written.
  std::string_view Lower(const Token& token) const {
    return std::string_view(lower_).substr(token.begin, token.end - token.begin);
  }
  // The one byte of an ASCII punctuation token; 0 for any other token.
  char Mark(const Token& token) const {
    return token.kind == TokenKind::kPunctuation && token.end - token.begin == 1 ? text_[token.begin] : '\0';
  }

 private:
  struct WordBreaks;

  size_t TakeWord(size_t at, bool space_before);
  size_t TakeNumber(size_t at, bool space_before);
  size_t TakeUnspaced(size_t at, bool space_before);
  size_t WordEnd(size_t at, bool& uncased) const;
  void Push(size_t begin, size_t end, TokenKind kind, bool space_before);
  void CutSentences();
  bool EndsSentence(size_t i) const;

  std::string_view text_;
  std::string lower_;
  std::vector<Token> tokens_;
  std::vector<Sentence> sentences_;
  std::unique_ptr<WordBreaks> breaks_;  // made when a text first needs it
};

}  // namespace rhizome::extract
