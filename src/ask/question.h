// What is asked of a memory, and the kinds of retrieval that answer it. Plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engines/graph/types.h"
#include "engines/vector/filter.h"

namespace rhizome::ask {

enum class Mode : uint8_t {
  kAuto,      // multi_hop where the collection has a graph, else hybrid; vector or words alone where it has no more
  kLocal,     // what is linked to the entities that the question names
  kGlobal,    // what communities of entities are about
  kHybrid,    // by meaning and by words
  kMultiHop,  // by meaning and by words, and where a walk over the graph leads from there
  kVector,    // by meaning alone
};
std::string_view ModeName(Mode mode);
// nullopt: no mode is called so.
std::optional<Mode> ParseMode(std::string_view name);
inline constexpr std::string_view kModeNames = "auto, local, global, hybrid, multi_hop or vector";

struct Question {
  std::string text;
  std::string collection;
  Mode mode = Mode::kAuto;
  uint32_t top_k = 5;                            // passages to cite at most, 1..100
  std::shared_ptr<const vector::Filter> filter;  // of payloads; null: none
  // as_of_ms decides which facts count, known_at_ms what was written by then: a passage whose document has been changed
  // since has no text any more.
  graph::Times times;
};
inline constexpr uint32_t kTopKMax = 100;

}  // namespace rhizome::ask
