// DerivationOf: what extraction found in a document, as the register of a knowledge graph.
//
// Mentions keep their chunks. What the title names, and its other names, are mentioned in format::kAboutChunk, which no
// document has: that is how a reader knows what a document is about. Whatever else stands in the title is mentioned in
// chunk 0. A noun phrase in lower case has the type "phrase". What a register has no room for is left out, the least
// mentioned first. Pure.
#pragma once

#include <string_view>

#include "extract/extract.h"
#include "format/graph.h"

namespace rhizome::memory {

inline constexpr std::string_view kPhraseType = "phrase";

format::Derivation DerivationOf(const extract::Extraction& extraction);

}  // namespace rhizome::memory
