// TailStore: the newest samples of many series in memory.
//
// What an append costs is cache misses, so a series has one line of 64 bytes: where it stands and its last one to four
// samples. When the line is full its four go to a spill block, at 64 samples all of them become a chunk behind the
// series' other chunks. A batch is appended with the lines of later rows under way. What comes late (not after the
// series' last sample) is put aside and folded into the chunks when it has become much.
//
// What a series holds is a set: the samples it was ever given, of each time the one that counts (sample_order.h). Read
// gives that set whatever the order of arrival, repetitions included. Nothing is refused here: whoever limits lateness
// does so before the log.
//
// Ownership: the store owns everything it hands out copies of. Thread-safety: one writer and no reader beside it, or
// many readers; the engine sees to that.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engines/series/chunk.h"
#include "engines/series/series_number.h"

namespace rhizome::series {

struct TailRow {
  SeriesNumber series = 0;
  Sample sample;
};

// What some series of a store held at one moment, their chunks as they are. Constant once filled.
class TailCopy {
 public:
  // As TailStore::Read; `i` counts the calls of Copy.
  void Read(size_t i, int64_t from, int64_t to, Samples& out) const;

 private:
  friend class TailStore;
  struct End {
    size_t chunks = 0;
    size_t unsealed = 0;
    size_t late = 0;
  };
  std::vector<End> ends_;
  std::string chunks_;  // each behind its length as a u16
  Samples unsealed_;
  std::vector<Sample> late_;
};

class TailStore {
 public:
  static constexpr size_t kSealAt = 64;      // samples of a chunk that grew here
  static constexpr size_t kLateFoldAt = 64;  // late samples of a series that are folded into its chunks

  TailStore() = default;
  TailStore(const TailStore&) = delete;
  TailStore& operator=(const TailStore&) = delete;

  // One more series, empty.
  SeriesNumber AddSeries();
  size_t series_count() const { return lines_.size(); }

  // Every row's series exists.
  void Append(std::span<const TailRow> rows);

  // Appends the series' samples with from <= time <= to, ascending.
  void Read(SeriesNumber series, int64_t from, int64_t to, Samples& out) const;
  // Adds an entry to `copy` with at least the samples within the range. Costs about as much as copying them.
  void Copy(SeriesNumber series, int64_t from, int64_t to, TailCopy& copy) const;
  // For who copies many: what Copy looks at first, and what that leads to.
  void PrefetchLine(SeriesNumber series) const;
  void PrefetchRest(SeriesNumber series) const;
  bool IsEmpty(SeriesNumber series) const { return lines_[series].held == 0; }
  // Removes the samples with time < `end` and appends them to `out`, ascending.
  void Take(SeriesNumber series, int64_t end, Samples& out);

  // All memory held for series and samples; the allocator's own overhead is not known here.
  uint64_t memory_bytes() const;
  uint64_t late_samples() const { return late_samples_; }  // put aside now

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr size_t kLineSamples = 4;
  static constexpr size_t kSpillSamples = 12;
  static constexpr size_t kSpillsPerSlab = 4096;

  struct alignas(64) Line {
    int64_t base = 0;        // offsets are from here
    uint32_t spill = kNone;  // the newest spill block
    uint8_t held = 0;        // samples in this line; at least one unless the series is empty
    uint8_t spilled = 0;     // samples in spill blocks
    bool late = false;       // whether late_ has some
    uint32_t offsets[kLineSamples] = {};
    double values[kLineSamples] = {};
  };
  static_assert(sizeof(Line) == 64);

  struct Spill {
    uint32_t before = kNone;  // the block filled before this one
    uint32_t offsets[kSpillSamples] = {};
    double values[kSpillSamples] = {};
  };

  // Chunks one after another, each behind its length as a u16, in order of time.
  struct Sealed {
    std::unique_ptr<char[]> bytes;
    uint32_t size = 0;
  };

  void AppendOne(SeriesNumber series, const Sample& sample);
  // The line is full: makes room in it.
  void MakeRoom(SeriesNumber series);
  void Seal(SeriesNumber series);
  void AppendLate(SeriesNumber series, const Sample& sample);
  void FoldLate(SeriesNumber series);
  void AddChunks(SeriesNumber series, const Samples& samples);
  void AddChunk(SeriesNumber series, std::span<const int64_t> times, std::span<const double> values);
  // Forgets all samples of the series.
  void Clear(SeriesNumber series);

  // Samples of spill blocks and line, ascending: all from `from` on, and perhaps some before.
  void ReadUnsealed(SeriesNumber series, int64_t from, Samples& out) const;
  // Those and the chunks that may have samples within the range.
  void ReadInOrder(SeriesNumber series, int64_t from, int64_t to, Samples& out) const;

  Spill& SpillAt(uint32_t index) const { return slabs_[index / kSpillsPerSlab][index % kSpillsPerSlab]; }
  uint32_t NewSpill();

  std::vector<Line> lines_;
  std::vector<Sealed> sealed_;
  std::vector<std::unique_ptr<Spill[]>> slabs_;
  uint32_t next_spill_ = 0;  // never used so far
  uint32_t free_spill_ = kNone;
  std::unordered_map<SeriesNumber, std::vector<Sample>> late_;
  uint64_t late_samples_ = 0;
  uint64_t sealed_bytes_ = 0;
  ChunkEncoder encoder_;
  std::string chunk_;
  Samples scratch_;
};

}  // namespace rhizome::series
