// SeriesEngine: the state of one shard of a metrics store: labelled series of samples, the newest in memory, the others
// in blocks on disk, and what has been deleted.
//
// The state is a join-semilattice (docs/decisions/0021-deletes-of-samples.md): a batch adds samples to a set, of each
// series and time one counts, a deletion adds a hide, the horizon only rises. So batches and deletions may come in any
// order and again, in any interleaving with checkpoints, compactions and restarts, and answers are the same. All of it
// is derived from the log: after Open, replay starts behind checkpoint_lsn(); what is there already changes nothing.
// Nothing is refused here: who limits lateness or series does so before the log (admission.h).
//
// Threads. Apply and Delete have one caller at a time; Checkpoint, Compact, SetHorizon and Settle may run beside them
// and each other, and wait only for their own kind. Select may run beside everything, and sees all that was applied
// before it began. It copies what memory holds of its series, still compressed, under a lock (about a microsecond for
// each series, and a tenth for each value that a regular expression is tried on), then decodes without one. Up to
// kSeriesPerPass series are of one moment, so that it sees whole batches; of more the lock is let go in between, so
// that a writer waits for one pass of a reader at most and a reader for one batch. Neither waits for a checkpoint or a
// compaction, which hold the lock only to begin and to publish.
//
// Durable: what Checkpoint and Compact publish is synced before its name is. A failure of either leaves the state as it
// was and the engine usable; what was written in vain goes with the next that succeeds or at Open.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "base/version.h"
#include "engines/series/block_writer.h"
#include "engines/series/compaction.h"
#include "engines/series/dictionary_cache.h"
#include "engines/series/manifest.h"
#include "engines/series/selection.h"
#include "engines/series/series_table.h"
#include "engines/series/turnstile.h"
#include "format/matcher.h"
#include "format/series_batch.h"
#include "io/disk.h"

namespace rhizome::series {

struct EngineOptions {
  std::string directory;  // exists, and is the engine's alone
  CompactionOptions compaction;
};

struct EngineCounts {
  uint64_t series = 0;         // in memory: those that were written to since the checkpoint before the last one
  uint64_t label_pairs = 0;    // of those
  int64_t min_ms = INT64_MAX;  // of all samples kept, hidden ones included; above max_ms when there are none
  int64_t max_ms = INT64_MIN;
  uint64_t sample_bytes = 0;  // of memory, for the samples that no checkpoint has written yet
  uint64_t blocks = 0;
  uint64_t block_samples = 0;
  uint64_t block_bytes = 0;
  int64_t block_min_ms = INT64_MAX;  // of the samples in blocks; without any the least is the greater
  int64_t block_max_ms = INT64_MIN;
  uint64_t deletions = 0;
};

class SeriesEngine {
 public:
  static constexpr size_t kSeriesPerPass = 4'096;
  // Replicas are compared window by window (exchange.h): of fixed length, beginning at its multiples.
  static constexpr int64_t kWindowMs = 2 * 3'600'000;

  // Opens what the directory holds, an empty state when nothing. `disk` outlives the engine. Corruption names the file.
  static Result<std::unique_ptr<SeriesEngine>> Open(io::Disk& disk, EngineOptions options);
  SeriesEngine(const SeriesEngine&) = delete;
  SeriesEngine& operator=(const SeriesEngine&) = delete;

  // Brings the state to `lsn`; nothing happens where it is there already. The batch's version is set. `dictionary`,
  // when not null, is where the batch has its label sets.
  void Apply(uint64_t lsn, const format::SeriesBatch& batch,
             const std::shared_ptr<const format::SeriesDictionary>& dictionary = nullptr)
      EXCLUDES(apply_mutex_, memory_);
  // InvalidArgument, before anything changed, for what DeletionSet::Add refuses.
  Status Delete(uint64_t lsn, const Deletion& deletion) EXCLUDES(apply_mutex_, memory_);
  uint64_t applied_lsn() const { return applied_lsn_.load(); }
  // The log may be cut up to and with it.
  uint64_t checkpoint_lsn() const { return checkpoint_lsn_.load(); }
  // The highest version ever applied, for the clock.
  Version max_version() const EXCLUDES(memory_);

  // The series that satisfy every matcher and show a sample with from <= time <= to.
  std::unique_ptr<Selection> Select(std::span<const format::Matcher> matchers, int64_t from, int64_t to) const
      EXCLUDES(memory_);
  // Those series; at most `limit` of them, 0: all.
  Result<std::vector<format::Labels>> ListSeries(std::span<const format::Matcher> matchers, int64_t from, int64_t to,
                                                 size_t limit = 0) const EXCLUDES(memory_);
  // Of those series: their label names; the values of one label. Sorted, unique.
  Result<std::vector<std::string>> LabelNames(std::span<const format::Matcher> matchers, int64_t from, int64_t to) const
      EXCLUDES(memory_);
  Result<std::vector<std::string>> LabelValues(std::string_view name, std::span<const format::Matcher> matchers,
                                               int64_t from, int64_t to) const EXCLUDES(memory_);
  // How many series in memory have this value of the label; "": how many lack the label.
  uint64_t CountSeries(std::string_view name, std::string_view value) const EXCLUDES(memory_);
  // Of each, whether memory knows a series of these labels.
  std::vector<bool> KnowsSeries(std::span<const format::LabelsView> labels) const EXCLUDES(memory_);
  // How many series of the batch memory does not know, each counted once.
  uint64_t CountNewSeries(const format::SeriesBatch& batch) const EXCLUDES(memory_);
  EngineCounts counts() const EXCLUDES(memory_);
  // The windows that may hold samples, ascending. The change is another one after anything that could change what is
  // read of the window; what is asked for after this shows at least that much.
  struct WindowChange {
    int64_t window = 0;  // times from window * kWindowMs on
    uint64_t change = 0;
  };
  std::vector<WindowChange> Windows() const EXCLUDES(memory_);
  std::shared_ptr<const DeletionSet> deletions() const EXCLUDES(memory_);
  int64_t horizon_ms() const EXCLUDES(memory_);
  // Of the series in memory, at most `top` of each. Walks the index, and a writer waits meanwhile.
  Cardinalities MeasureCardinalities(size_t top) const EXCLUDES(memory_);
  // All memory for samples, series and their index. Walks the index, and a writer waits meanwhile.
  uint64_t MeasureMemory() const EXCLUDES(memory_);

  // Writes what memory holds to blocks and publishes them with the LSN applied when called.
  Status Checkpoint() EXCLUDES(apply_mutex_, checkpoint_mutex_, memory_);
  // Merges blocks where that pays or a deletion asks for it (PlanCompaction); false: there was nothing to do.
  Result<bool> Compact() EXCLUDES(apply_mutex_, compact_mutex_, memory_);
  // Hides samples from before, for ever; blocks that have no others go.
  Status SetHorizon(int64_t horizon_ms) EXCLUDES(apply_mutex_, memory_);
  // Notes the order of the series' labels once many are new, so that selections need not find it again and again.
  void RankSeries() EXCLUDES(memory_);
  // No batch and no deletion of a stamp up to this one will come that has not come: deletions may be forgotten once
  // they are worked into all blocks. Durable with the next checkpoint or compaction.
  void Settle(uint64_t stamp) EXCLUDES(memory_);
  // Reads every block against its checksums. Corruption names the file.
  Status Verify() const EXCLUDES(memory_);

 private:
  struct NamedBlock {
    std::string name;
    std::shared_ptr<const Block> block;
  };
  using Blocks = std::vector<NamedBlock>;  // ascending by partition
  class FilesUnderWay;
  // What reading and rewriting samples have to heed, of one moment.
  struct Rules {
    std::shared_ptr<const DeletionSet> deletions;
    uint64_t deletions_lsn = 0;  // all up to it are among them
    int64_t horizon_ms = INT64_MIN;
    Settled settled;
  };
  // A batch on its way to memory.
  struct Rows {
    std::vector<format::LabelsView> labels;
    std::vector<SeriesNumber> numbers;  // of labels
    std::vector<TailRow> prompt;
    std::vector<StampedRow> stamped;
    std::set<int64_t> slots;  // of partition length, those the rows are in
    int64_t min_ms = INT64_MAX;
    int64_t max_ms = INT64_MIN;

    // Fills all but the first two.
    void Split(const format::SeriesBatch& batch, int64_t partition_ms);
  };
  Rules RulesNow() const EXCLUDES(memory_);
  // What the state on disk becomes.
  struct Change {
    Blocks added;
    std::set<std::string> removed;
    std::optional<uint64_t> checkpoint_lsn;  // of a checkpoint: what was set aside is in blocks
  };

  SeriesEngine(io::Disk& disk, EngineOptions options);
  Status Load();
  Status RemoveUnnamed(const Manifest& manifest) const;
  // Publishes, on disk and then in memory. After a failure the added files may or may not be named.
  Status Commit(Change change) EXCLUDES(manifest_mutex_, memory_);
  // Removes members that are settled and worked into all of `blocks`.
  static void ForgetSettled(Manifest& manifest, const Blocks& blocks);
  // Whether the deletion came after the block was written and concerns it.
  static bool Awaits(const Block& block, const DeletionSet::Member& member);
  void RemoveGarbage() REQUIRES(manifest_mutex_);

  // The numbers of the batch's series, those of new ones made.
  void FindSeries(const format::SeriesBatch& batch, const std::shared_ptr<const format::SeriesDictionary>& dictionary)
      REQUIRES(apply_mutex_) EXCLUDES(memory_);
  SeriesNumber AddSeries(format::LabelsView labels) REQUIRES(memory_);
  void NoteChange(int64_t slot) REQUIRES(memory_);
  // Of a slot of partition length.
  std::vector<int64_t> WindowsOf(int64_t slot) const;
  // Sets memory aside for a checkpoint unless an earlier one's is still there; true: it is.
  bool Freeze() EXCLUDES(apply_mutex_, memory_);
  uint64_t SampleBytes() const REQUIRES_SHARED(memory_);
  uint32_t RankOf(SeriesNumber series) const REQUIRES_SHARED(memory_) {
    return series < ranks_.size() ? ranks_[series] : Selection::kUnranked;
  }
  // Nothing happens when memory was exchanged since `epoch`, or more are ranked already.
  void SetRanks(std::span<const SeriesNumber> in_order, uint64_t epoch) EXCLUDES(memory_);
  void Unrank(SeriesNumber series) REQUIRES(memory_);
  // Forgets the series of which neither `flushed` nor memory has samples.
  void ForgetIdleSeries(const Generation& flushed) EXCLUDES(apply_mutex_, memory_);
  std::vector<Partition> FrozenPartitions() const EXCLUDES(memory_);
  // Writes the frozen samples of a few neighbouring partitions.
  Status Flush(std::span<const Partition> partitions, FilesUnderWay& files) EXCLUDES(memory_);
  Selection::Memory FrozenSeries() const EXCLUDES(memory_);
  // Removes files that no manifest names or will name.
  void Abandon(const std::vector<std::string>& names) EXCLUDES(manifest_mutex_);
  Status Merge(const CompactionPlan& plan, const Blocks& blocks, FilesUnderWay& files) EXCLUDES(memory_);

  // Copies what memory holds of the series.
  void CopySeries(std::span<const SeriesNumber> numbers, int64_t from, int64_t to, Selection::Memory& memory) const
      REQUIRES_SHARED(memory_);
  // What a selection starts from.
  struct Start {
    Selection::Memory memory;
    std::shared_ptr<const Blocks> blocks;
    std::shared_ptr<const DeletionSet> deletions;
    int64_t from_ms = 0;
  };
  // False: memory was exchanged between two passes. `per_pass` series are copied in one.
  bool TryStart(std::span<const format::Matcher> matchers, int64_t from, int64_t to, size_t per_pass,
                Start& start) const EXCLUDES(memory_);

  std::string PathOf(std::string_view name) const { return options_.directory + "/" + std::string(name); }

  // Constant after construction.
  io::Disk& disk_;
  const EngineOptions options_;

  std::atomic<uint64_t> applied_lsn_{0};
  std::atomic<uint64_t> checkpoint_lsn_{0};
  std::atomic<uint64_t> sequence_{0};

  mutable Turnstile memory_;
  SeriesTable table_ GUARDED_BY(memory_);
  std::unique_ptr<Generation> active_ GUARDED_BY(memory_) PT_GUARDED_BY(memory_);
  // By number: the places that the last sorting gave. New series have none.
  std::vector<uint32_t> ranks_ GUARDED_BY(memory_);
  size_t ranked_ GUARDED_BY(memory_) = 0;               // series that have one
  std::set<int64_t> active_slots_ GUARDED_BY(memory_);  // of partition length, those with samples
  std::shared_ptr<const Generation> frozen_ GUARDED_BY(memory_);
  std::set<int64_t> frozen_slots_ GUARDED_BY(memory_);
  uint64_t frozen_lsn_ GUARDED_BY(memory_) = 0;
  uint64_t memory_epoch_ GUARDED_BY(memory_) = 0;  // rises when samples move or numbers may be given again
  std::shared_ptr<const Blocks> blocks_ GUARDED_BY(memory_);
  std::shared_ptr<const DeletionSet> deletions_ GUARDED_BY(memory_);
  int64_t horizon_ms_ GUARDED_BY(memory_) = INT64_MIN;
  Settled settled_ GUARDED_BY(memory_);
  uint64_t last_change_ GUARDED_BY(memory_) = 0;
  uint64_t change_of_all_ GUARDED_BY(memory_) = 0;           // the last one that touched every window
  std::map<int64_t, uint64_t> changes_ GUARDED_BY(memory_);  // by window, the last one since the engine was opened
  Version max_version_ GUARDED_BY(memory_);

  // Held in this order.
  Mutex checkpoint_mutex_;
  Mutex compact_mutex_;
  Mutex apply_mutex_;
  Mutex manifest_mutex_;
  std::vector<std::string> garbage_ GUARDED_BY(manifest_mutex_);   // files to remove
  std::vector<std::string> doubtful_ GUARDED_BY(manifest_mutex_);  // of failed commits: named on disk, perhaps
  DictionaryCache dictionaries_ GUARDED_BY(apply_mutex_);
  Rows rows_ GUARDED_BY(apply_mutex_);  // kept from one Apply to the next for its memory
};

}  // namespace rhizome::series
