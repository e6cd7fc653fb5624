// When a sample was written, as far as deletes ask (docs/decisions/0021-deletes-of-samples.md).
//
// A delete hides what was written before it and nothing written after it, in whatever order the two arrive, so every
// sample needs a time of writing. A sample that came about when it was taken, which nearly all do, is prompt: its own
// time stands for that and costs nothing. Any other one, as a backfill brings, is kept apart with the version of its
// batch, its stamp.
//
// What the samples of one series and time come to is a join in both: of prompt ones the one that counts
// (sample_order.h); of stamped ones all that some delete could leave as the one that counts. Pure functions;
// thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/version.h"
#include "engines/series/chunk.h"

namespace rhizome::series {

// Fixed for ever: replicas have to agree on which samples are prompt.
inline constexpr int64_t kPromptMs = 10 * 60'000;

inline bool IsPrompt(int64_t time_ms, int64_t written_ms) {
  // Unsigned, so that no pair of times overflows; a distance beyond 2^63 wraps to a large number too.
  constexpr auto kReach = static_cast<uint64_t>(kPromptMs);
  return static_cast<uint64_t>(written_ms) - static_cast<uint64_t>(time_ms) + kReach <= 2 * kReach;
}

struct StampedSample {
  int64_t time_ms = 0;
  double value = 0;
  uint64_t stamp = 0;                                                      // Version::time of the batch it came in
  friend bool operator==(const StampedSample& a, const StampedSample& b);  // values by their bits
};

// The wall clock of a stamp.
inline int64_t StampMs(uint64_t stamp) { return Version{stamp, 0}.WallMs(); }

// Sorts by time, then the newest first, and drops every sample beside which another one of its time is as new and
// counts as much: no delete could ever leave it as the one that counts.
void KeepUndominated(std::vector<StampedSample>& samples);

// What a series shows: the prompt samples (ascending) and the stamped ones (in KeepUndominated's order) as one
// ascending sequence, of each time the one that counts. Appends to `to`.
void MergeStamped(const Samples& prompt, std::span<const StampedSample> stamped, Samples& to);

}  // namespace rhizome::series
