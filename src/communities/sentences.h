// Sentences of texts, and which names they speak of: how summaries are picked without any model. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "extract/tokens.h"

namespace rhizome::communities {

inline constexpr size_t kSentenceBytesMin = 20;
inline constexpr size_t kSentenceBytesMax = 400;

struct Range {
  uint32_t begin = 0;
  uint32_t length = 0;
  bool operator==(const Range&) const = default;
};

// Sentences of kSentenceBytesMin to kSentenceBytesMax, in order; of a text that has none its beginning, cut between
// characters. Empty for an empty text.
std::vector<Range> SentencesOf(std::string_view text, extract::Tokenizer& tokenizer);

// Whether `text`, in its normal form (format/entity_name.h), has `name`, in its, as words of its own. A name in a
// script without spaces may stand anywhere; a plural s may follow.
bool Speaks(std::string_view text, std::string_view name);

struct Candidate {
  std::vector<uint32_t> names;  // it speaks of, ascending
};

// Up to `most` candidates that together speak of most weight, the best first: each time the one that adds most; those
// that add nothing are left out (greedy coverage: Nemhauser, Wolsey and Fisher, "An analysis of approximations for
// maximizing submodular set functions", 1978). Of equal ones the first. `weights` are the names'.
std::vector<size_t> PickCovering(std::span<const Candidate> candidates, std::span<const double> weights, size_t most);

}  // namespace rhizome::communities
