// Generation: the samples in memory since a checkpoint began, prompt ones in tails and stamped ones beside them.
//
// MemoryCopy is what some of its series held at one moment, still compressed, so that whoever reads them holds nobody
// up while decoding.
//
// Thread-safety of a Generation: one writer and no reader beside it, or many readers; the engine sees to that. A
// MemoryCopy is constant once filled.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engines/series/block.h"
#include "engines/series/series_number.h"
#include "engines/series/stamped.h"
#include "engines/series/tail.h"

namespace rhizome::series {

struct StampedRow {
  SeriesNumber series = 0;
  StampedSample sample;
};

class MemoryCopy {
 public:
  size_t size() const { return stamped_ends_.size(); }
  // Adds what entry `i` held with from <= time <= to, as Generation::Read does.
  void Read(size_t i, int64_t from, int64_t to, StoredSamples& out) const;

 private:
  friend class Generation;
  TailCopy tails_;
  std::vector<StampedSample> stamped_;
  std::vector<size_t> stamped_ends_;  // of each entry's, in stamped_
};

class Generation {
 public:
  Generation() = default;
  // With as many empty series.
  explicit Generation(size_t series) {
    while (tails_.series_count() < series) tails_.AddSeries();
  }

  SeriesNumber AddSeries() { return tails_.AddSeries(); }
  size_t series_count() const { return tails_.series_count(); }
  // What follows has times from the least to the greatest.
  void Widen(int64_t min_ms, int64_t max_ms) {
    min_ms_ = std::min(min_ms_, min_ms);
    max_ms_ = std::max(max_ms_, max_ms);
  }
  int64_t min_ms() const { return min_ms_; }  // above max_ms() when there are no samples
  int64_t max_ms() const { return max_ms_; }
  // Every row's series exists.
  void Append(std::span<const TailRow> rows) { tails_.Append(rows); }
  void Append(std::span<const StampedRow> rows);

  bool IsEmpty(SeriesNumber series) const { return tails_.IsEmpty(series) && !stamped_.contains(series); }
  // Adds the samples with from <= time <= to: prompt ones ascending, after those `out` holds; stamped ones in no order.
  void Read(SeriesNumber series, int64_t from, int64_t to, StoredSamples& out) const;
  // Adds an entry to `copy`, which holds at least what the series has within the range.
  void Copy(SeriesNumber series, int64_t from, int64_t to, MemoryCopy& copy) const;

  // For who copies many series: some ahead, then a few ahead.
  void PrefetchFar(SeriesNumber series) const { tails_.PrefetchLine(series); }
  void PrefetchNear(SeriesNumber series) const { tails_.PrefetchRest(series); }

  // What the allocator adds and vectors have to spare is not known here.
  uint64_t memory_bytes() const;
  uint64_t stamped_samples() const { return stamped_samples_; }

 private:
  struct Stamped {
    std::vector<StampedSample> samples;
    size_t fold_at = 64;    // when so many, the dominated ones go
    bool ascending = true;  // by time
  };

  static void CopyRange(const Stamped& stamped, int64_t from, int64_t to, std::vector<StampedSample>& out);

  TailStore tails_;
  std::unordered_map<SeriesNumber, Stamped> stamped_;
  uint64_t stamped_samples_ = 0;
  int64_t min_ms_ = INT64_MAX;
  int64_t max_ms_ = INT64_MIN;
};

}  // namespace rhizome::series
