// Importance and decay: how much an entity matters, and how much of it is left.
//
//   importance = .3 recency + .3 frequency + .2 rank + .2 explicit           each from 0 to 1
//     recency    2^(-age / 30 days); age: since somebody last said or read something of it
//     frequency  log(1 + accesses) / log(1 + 1000), at most 1
//     rank       PageRank over documents and entities, of the highest
//     explicit   what a client said it matters; .5 where none did
//   strength   = 2^(-age / (30 days * importance * (1 + log2(1 + accesses))))
//
// An entity whose strength is at most .2 is archived, at most .05 softly deleted; a critical one stays. What is said or
// read anew has age 0 and strength 1, and is active again. Pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "format/graph.h"

namespace rhizome::evolve {

inline constexpr double kDayMs = 24.0 * 60 * 60 * 1000;

struct AgeingRules {
  double half_life_days = 30;
  double archive_at = .2;
  double delete_at = .05;
};

struct Standing {
  int64_t last_ms = 0;  // when it was last said or read
  uint64_t accesses = 0;
  double rank = 0;
  std::optional<float> explicit_importance = std::nullopt;
  bool critical = false;
};

struct Score {
  double age_days = 0;
  double recency = 1;
  double frequency = 0;
  double rank = 0;
  double explicit_importance = .5;
  double importance = 0;
  double strength = 1;
  bool operator==(const Score&) const = default;
};

// A time in the future is no age.
Score ScoreOf(const Standing& standing, int64_t now_ms, const AgeingRules& rules = {});
format::EntityState StateOf(const Score& score, bool critical, const AgeingRules& rules = {});

}  // namespace rhizome::evolve
