// What is refused before the log, so that whatever was logged can be applied: limits, orders, names.
#pragma once

#include <cstddef>
#include <span>

#include "base/status.h"
#include "format/entity_name.h"
#include "format/graph.h"

namespace rhizome::graph {

inline constexpr size_t kNameBytesMax = format::kEntityNameBytesMax;  // of names, aliases and surfaces
inline constexpr size_t kTypeBytesMax = 128;                          // of entities and facts
inline constexpr size_t kAliasesMax = 32;                             // of an entity in a document
inline constexpr size_t kEntitiesMax = 65'536;                        // of a document
inline constexpr size_t kFactsMax = 131'072;                          // of a document
inline constexpr size_t kMentionsMax = 1'048'576;   // chunks that mention something in a document, summed over entities
inline constexpr size_t kChunkMentionsMax = 4'096;  // entities that one chunk mentions
inline constexpr size_t kFactChunksMax = 4'096;
inline constexpr size_t kDescriptionBytesMax = 16'384;
inline constexpr size_t kEventBytesMax = 4'096;
inline constexpr size_t kOperationsMax = 65'536;  // of a batch

// InvalidArgument or TooLarge naming the field, as "operations[2].derivation.facts[7].weight".
Status ValidateGraphOperations(std::span<const format::GraphOperation> operations);

}  // namespace rhizome::graph
