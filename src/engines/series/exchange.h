// Exchange: how two replicas of a shard of series find out where they differ and what the other lacks.
//
// Samples are compared decoded, never by the bytes of chunks, which each replica makes in its own time. The unit is a
// cell: the series of one of kSlices slices of fingerprints within one window of kWindowMs. A digest of 2^bits leaves
// has all deletions in leaf 0 and spreads cells over the others; with bits = 0 everything is in the one leaf there is.
// Nothing of a time below the horizon counts, nor what is within a window above it, because replicas raise theirs at
// different moments.
//
// ScanLeaves gives what leaves hold as records that another replica applies (series_records.h), deletions first, then
// by window, slices and labels mixed.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "engines/series/engine.h"
#include "format/register.h"

namespace rhizome::series {

inline constexpr uint32_t kSlices = 16;

// Digests, of which those of windows that nothing has touched since are remembered. Thread-safe.
class Digests {
 public:
  explicit Digests(const SeriesEngine& engine) : engine_(engine) {}

  // Of what is there, or of the samples with times before `before_ms` and the deletions said before it.
  Result<format::RangeDigest> Compute(uint32_t bits, std::optional<int64_t> before_ms) EXCLUDES(mutex_);

 private:
  using Slices = std::array<format::Leaf, kSlices>;
  struct Known {
    uint64_t change = 0;
    Slices slices;
  };
  Result<Slices> OfWindow(const SeriesEngine::WindowChange& window, std::optional<int64_t> before_ms) EXCLUDES(mutex_);

  const SeriesEngine& engine_;
  Mutex mutex_;
  std::map<int64_t, Known> known_ GUARDED_BY(mutex_);  // whole windows
};

struct LeafScan {
  uint32_t bits = 0;
  std::vector<uint32_t> leaves;  // ascending
  std::optional<int64_t> before_ms;
  std::string after;  // `next` of the page before; "": from the start
  size_t samples_max = 500'000;
  size_t bytes_max = 16 << 20;
};
struct LeafPage {
  std::vector<std::string> records;
  uint64_t samples = 0;
  std::string next;  // "": the end; else greater than `after`
};
// InvalidArgument names "after" when it is of no page.
Result<LeafPage> ScanLeaves(const SeriesEngine& engine, const LeafScan& scan);

}  // namespace rhizome::series
