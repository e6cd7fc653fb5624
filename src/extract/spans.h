// Spans: stretches of tokens that name something, before anything is known of what. Pure but for the memory it is
// given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "extract/dates.h"
#include "extract/tokens.h"

namespace rhizome::extract {

enum class SpanKind : uint8_t { kName, kQuoted, kPhrase, kMoment, kNumber };

struct NameSpan {
  uint32_t first = 0;  // tokens [first, last)
  uint32_t last = 0;
  SpanKind kind = SpanKind::kName;
  bool honorific = false;  // one stood before it
};

// How a text writes a word elsewhere than at the beginning of a sentence.
struct WordUse {
  uint32_t capital = 0;
  uint32_t lower = 0;
};

class WordUses {
 public:
  void Clear() { uses_.clear(); }
  void Count(const Tokenizer& text);
  WordUse Of(std::string_view lower_word) const;

 private:
  struct Hash {
    size_t operator()(std::string_view word) const { return Checksum(word); }
  };
  // Words point into the tokenizer's memory: counted anew for each text.
  std::unordered_map<std::string_view, WordUse, Hash> uses_;
};

// Names, quoted works and phrases of all sentences, by first token; a phrase may contain a name and overlap it. Tokens
// of `times` with a month are no names.
std::vector<NameSpan> FindSpans(const Tokenizer& text, const WordUses& uses, const std::vector<TimeSpan>& times);

// The phrase in the singular and in lower case: "White Blood cells" -> "white blood cell".
std::string PhraseName(const Tokenizer& text, const NameSpan& span);
std::string Singular(std::string_view lower_word);

// The tokens before an opening bracket that `acronym` stands for, as first token of the long form, or `bracket` when
// there is none (Schwartz and Hearst, "A Simple Algorithm for Identifying Abbreviation Definitions in Biomedical Text",
// PSB 2003, section 3). `bracket` is the token "(".
uint32_t LongFormOf(const Tokenizer& text, std::string_view acronym, uint32_t bracket);

}  // namespace rhizome::extract
