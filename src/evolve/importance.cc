#include "evolve/importance.h"

#include <algorithm>
#include <cmath>

namespace rhizome::evolve {
namespace {

constexpr double kOftenAccesses = 1000;
constexpr double kImportanceLeast = .01;  // so that nothing is gone at once

}  // namespace

Score ScoreOf(const Standing& standing, int64_t now_ms, const AgeingRules& rules) {
  Score score;
  score.age_days = std::max(0.0, static_cast<double>(now_ms - standing.last_ms) / kDayMs);
  score.recency = std::exp2(-score.age_days / rules.half_life_days);
  const double accesses = static_cast<double>(standing.accesses);
  score.frequency = std::min(1.0, std::log1p(accesses) / std::log1p(kOftenAccesses));
  score.rank = std::clamp(standing.rank, 0.0, 1.0);
  score.explicit_importance = standing.explicit_importance.value_or(.5F);
  score.importance = .3 * score.recency + .3 * score.frequency + .2 * score.rank + .2 * score.explicit_importance;
  const double lives =
      rules.half_life_days * std::max(score.importance, kImportanceLeast) * (1 + std::log2(1 + accesses));
  score.strength = std::exp2(-score.age_days / lives);
  return score;
}

format::EntityState StateOf(const Score& score, bool critical, const AgeingRules& rules) {
  if (critical || score.strength > rules.archive_at) return format::EntityState::kActive;
  return score.strength > rules.delete_at ? format::EntityState::kArchived : format::EntityState::kDeleted;
}

}  // namespace rhizome::evolve
