// Shape: what kind of thing a question wants to know, and which typed relations of the graph would say it. English; a
// question of another shape or language wants anything, and no relation answers it. Pure, thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "engines/graph/types.h"
#include "extract/tokens.h"

namespace rhizome::ask {

enum class Wanted : uint8_t { kAnything, kPerson, kPlace, kTime, kNumber, kYesOrNo };

// A relation that answers: the end that the question names is its source (kOut), its target (kIn) or either.
struct RelationHint {
  std::string_view type;  // extract/relations.h
  graph::Direction direction = graph::Direction::kBoth;
  bool operator==(const RelationHint&) const = default;
};

struct Shape {
  Wanted wanted = Wanted::kAnything;
  std::vector<RelationHint> relations;
  // Several words ask for relations ("where was the founder born?"): no relation by itself answers.
  bool compound = false;
};

// `question` has run over the question's text.
Shape ShapeOf(const extract::Tokenizer& question);

}  // namespace rhizome::ask
