// RegisterChecker: whether what clients saw of one register could have been one register: linearizability (Herlihy and
// Wing, 1990), by the search of Wing and Gong (1993) with Lowe's memory of configurations ("Testing for
// Linearizability", 2017). Looks at contents and times only, not at versions.
//
// VersionOrder is the stronger check where the system tells its versions: they must be the order.
//
// Pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "history/history.h"

namespace rhizome::history {

struct Verdict {
  enum class Kind { kLinearizable, kViolated, kUndecided };  // undecided: the bound was met
  Kind kind = Kind::kLinearizable;
  std::string reason;
  uint64_t configurations = 0;
};

// At most `configurations_max` configurations are visited. The register starts absent (0).
Verdict CheckRegister(const History& history, uint64_t configurations_max = 200'000);

// Quorum operations with known versions: what begins after another has ended sees or makes no lower version, a write
// a higher one, and one version has one content. "" when that holds.
std::string CheckVersionOrder(const History& history);

}  // namespace rhizome::history
