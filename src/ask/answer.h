// Extract: an answer in the words of the passages: the sentences that say most of what the question asks for, where
// they stand, and how well they and the passages fit it. Pure; no model is asked.
//
// A sentence counts by how much of the question's words it has, the rarer among the passages' sentences the more, its
// passage's title helping; by what kind of thing is wanted (a date, a number, a name); and by its passage's score.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ask/retrieve.h"
#include "ask/shape.h"

namespace rhizome::ask {

inline constexpr size_t kSentencesMax = 3;        // of an answer
inline constexpr size_t kPassagesQuoted = 10;     // passages whose sentences are looked at
inline constexpr size_t kSentencesRead = 400;     // of all passages together
inline constexpr size_t kSentenceBytesMax = 600;  // of one; a longer one is cut between characters

struct Quote {
  size_t passage = 0;  // position among the passages
  size_t begin = 0;    // bytes of the passage's text
  size_t end = 0;
  double score = 0;     // 0 to about 1
  double coverage = 0;  // of the question's words, by how much they say: 0 to 1
};

struct Extract {
  std::vector<Quote> quotes;    // best first
  double coverage = 0;          // of the question's words by the best sentence with its title
  double passage_coverage = 0;  // by one whole passage with its title
  double names_found = 0;       // share of the question's names that stand in the passages; 1 when it has none
};

// `senses.tokenizer` and `.analyzer` are used.
Extract ExtractAnswer(const std::string& question, const Shape& shape, const std::vector<extract::Entity>& entities,
                      std::span<const Passage> passages, Senses& senses);

// The first sentence of `text` that has `part`, as [begin, end); all of it where none has.
std::pair<size_t, size_t> SentenceWith(const std::string& text, const std::string& part, extract::Tokenizer& tokenizer);

}  // namespace rhizome::ask
