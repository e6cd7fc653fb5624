// Facts: what the typed relations of a knowledge graph answer to a question. A fact answers when it is about an entity
// that the question names, has a type that the question's words ask for, and its other end is of the kind that is
// wanted. Reads a bounded number of facts, however many an entity has.
#pragma once

#include <string>
#include <vector>

#include "ask/graph_links.h"
#include "ask/shape.h"
#include "base/status.h"
#include "engines/graph/types.h"
#include "extract/extract.h"

namespace rhizome::ask {

struct FactAnswer {
  graph::FoundFact fact;
  std::string answer;  // the other end, as documents write it; of a question for a time, that time
};

// Those that hold at `now_ms` first, then the later ones, then the stronger. At most kFactsMax.
inline constexpr size_t kFactsMax = 8;
// `links` are of the graph, at the transaction time that is asked of.
Result<std::vector<FactAnswer>> FindFacts(const GraphLinks& links, const Shape& shape,
                                          const std::vector<extract::Entity>& entities, const graph::Times& times,
                                          int64_t now_ms);

// Whether a fact counts at a moment of valid time. A state counts in its interval; what happened once (somebody is
// born, something is founded) goes on being so afterwards, unless its fact was closed.
bool HoldsAt(const graph::FoundFact& fact, int64_t at_ms);

// When it held, or, of what happened once, when it happened. "" when nobody says.
std::string TimeText(const graph::FoundFact& fact);
// "1867-11-07", "1867": as precise as both ends of [from, until) say; "since 1998" without an end. "" for always.
std::string IntervalText(int64_t from_ms, int64_t until_ms);

}  // namespace rhizome::ask
