// What clients saw: operations on registers with the times between which each took effect. The checkers' input.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/version.h"

namespace rhizome::history {

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

enum class Outcome : uint8_t {
  kOk,
  kFailed,   // surely had no effect
  kUnknown,  // may have had its effect, or have it yet
};

// Contents are numbers: each write has one of its own, above 0; 0 is absent, what a delete leaves.
struct Observation {
  enum class Kind : uint8_t { kRead, kWrite };
  Kind kind = Kind::kRead;
  Outcome outcome = Outcome::kOk;
  int64_t called_ns = 0;
  int64_t returned_ns = kNever;    // kNever when unknown
  uint64_t content = 0;            // written, or read
  std::optional<Version> version;  // of what was acknowledged or read, when told
  uint32_t client = 0;

  // "client 3 wrote 17, 1.204 to 1.210 s, ok".
  std::string ToString() const;
};

// Of one register, in any order.
using History = std::vector<Observation>;

}  // namespace rhizome::history
