// Types: what kind of thing a name names, by votes: of the words of the name, of the words around it, of what the text
// says it is ("X is a village"). Pure.
#pragma once

#include <array>
#include <string_view>

#include "extract/extract.h"
#include "extract/spans.h"

namespace rhizome::extract {

class TypeVotes {
 public:
  void Add(EntityType type, float votes) { votes_[static_cast<size_t>(type)] += votes; }
  // kOther below one vote; of equal ones the first of the enumeration.
  EntityType Best() const;

 private:
  std::array<float, 8> votes_{};
};

// What the name's own words say.
void VoteByName(const Tokenizer& text, const NameSpan& span, std::string_view key, TypeVotes& votes);
// What stands around one occurrence.
void VoteByContext(const Tokenizer& text, const NameSpan& span, TypeVotes& votes);
// What a noun or several say something is: "American film director", "(novel)". The last noun of them counts.
void VoteByNouns(const Tokenizer& text, uint32_t first, uint32_t last, float weight, TypeVotes& votes);

}  // namespace rhizome::extract
