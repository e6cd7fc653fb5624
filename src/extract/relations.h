// Relations: which words between two entities say how they are related. English; active ("Acme acquired Beta") and
// passive ("Beta was acquired by Acme") give the same relation.
//
// Types, source first: born_in, died_in, founded, directed, wrote, produced, composed, designed, developed, discovered,
// painted, published, starred_in, portrayed, member_of, located_in, based_in, capital_of, married_to, part_of,
// subsidiary_of, works_for, leads, acquired, owns, child_of, parent_of, sibling_of, educated_at, played_for,
// named_after, succeeded, won, based_on, lives_in, created, joined; and of things: inhibits,
// activates, induces, causes, reduces, increases, regulates, binds, promotes, prevents, suppresses, enhances, mediates,
// encodes, associated_with, required_for, treats, predicts, affects.
//
// Pure; the table is built on first use. Thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "extract/extract.h"
#include "extract/tokens.h"

namespace rhizome::extract {

// An entity where it stands in the text.
struct Occurrence {
  uint32_t first = 0;  // tokens [first, last)
  uint32_t last = 0;
  uint32_t entity = 0;
};

struct RelationScope {
  std::span<const Occurrence> occurrences;  // of one sentence, by first token
  std::span<const TimeSpan> times;          // of the text, in order
  std::span<const Entity> entities;
  int64_t title = -1;  // the entity that pronouns stand for; below 0: none
};

// The relations one sentence states, in the order of the words that state them; chunk and bytes are the caller's to
// fill.
void FindRelations(const Tokenizer& text, const Sentence& sentence, const RelationScope& scope,
                   std::vector<Relation>& out);

}  // namespace rhizome::extract
