// DerivationOf: what extraction found in a document, as the register of a knowledge graph.
//
// Mentions keep their chunks; what stands in the title is mentioned in chunk kTitleChunk (extract/extract.h), which no
// document has: that is how a reader knows what a document is about. What a register has no room for is left out, the
// least mentioned first. Pure.
#pragma once

#include "extract/extract.h"
#include "format/graph.h"

namespace rhizome::memory {

format::Derivation DerivationOf(const extract::Extraction& extraction);

}  // namespace rhizome::memory
