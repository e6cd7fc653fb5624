// SetChecker: whether exactly what was put in and not taken out is there in the end. For the many keys that are written
// once and perhaps deleted once, where a search over orders would be wasted.
//
// A pure function.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "history/history.h"

namespace rhizome::history {

struct Element {
  uint64_t content = 0;  // what was put in
  Outcome added = Outcome::kUnknown;
  std::optional<Outcome> removed;  // nullopt: nobody tried; never begun before the adding had ended
};

struct SetVerdict {
  uint64_t checked = 0;  // with a certain fate
  uint64_t lost = 0;     // put in for certain, not taken out, not there
  uint64_t revived = 0;  // taken out for certain, or surely never put in, and there
  uint64_t altered = 0;  // there with another content
  std::string first;     // the first wrong one
  bool ok() const { return lost + revived + altered == 0; }
};

// `present` holds key -> content of what is there.
SetVerdict CheckSet(const std::map<std::string, Element>& elements, const std::map<std::string, uint64_t>& present);

}  // namespace rhizome::history
