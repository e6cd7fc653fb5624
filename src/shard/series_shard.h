// SeriesShard: one part of a metrics store: its stream in the node's log and its engine. Write is THE write path of one
// shard of samples; reads go straight to engine().
//
// What the log carries are batches (docs/formats/series_batch.md), with the bytes they came in and a version of ours in
// their headers, and deletions (docs/formats/series_deletion.md). Versions rise with the places in the log, and records
// are applied in that order (log_order.h), so no version comes late: the engine may settle all it has seen.
//
// A replica of a shard of a cluster takes records that have their versions already (Merge), in any order: nothing of it
// is settled, and what differs between replicas is compared by digests().
//
// Rows of a dictionary that comes again and again are logged without it (logged_dictionaries.h).
//
// Thread-safe. Replay only before the first write.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "base/version.h"
#include "engines/series/admission.h"
#include "engines/series/engine.h"
#include "engines/series/exchange.h"
#include "format/series_dictionary.h"
#include "shard/log_order.h"
#include "shard/logged_dictionaries.h"
#include "wal/log.h"

namespace rhizome::shard {

// What a shard refuses before the log.
struct SeriesLimits {
  series::TimeWindow window;
  uint64_t series_max = UINT64_MAX;  // in memory, about: requests that come at once may each pass
};

// A batch between its place in the log and its acknowledgement. Every one begun must be finished.
struct PendingSamples {
  LogOrder::Place place;
  std::string batch;
  std::shared_ptr<const format::SeriesDictionary> dictionary;  // of rows; null: the batch has its own
  std::optional<Version> defined;                              // the version of its definition, when that is new
};

// What is left of a batch, and why the rest is not.
struct Sifted {
  static constexpr size_t kReasonsMax = 8;
  std::string batch;  // "" when nothing is left
  uint64_t kept = 0;
  uint64_t dropped = 0;
  std::vector<Status> reasons;  // the first few
};

class SeriesShard {
 public:
  // `log` and the clocks outlive the shard; `wall` tells what is late.
  struct Parts {
    wal::Log& log;
    Clock& wall;
    HybridClock& versions;
  };
  SeriesShard(uint32_t stream, std::unique_ptr<series::SeriesEngine> engine, const Parts& parts, SeriesLimits limits);

  uint32_t stream() const { return order_.stream(); }
  const series::SeriesEngine& engine() const { return *engine_; }
  series::SeriesEngine& engine() { return *engine_; }

  // Applies one record of the log unless the checkpoint holds it already. Corruption for what is neither a batch nor a
  // deletion.
  Status Replay(const wal::LogRecord& record);

  // Everything that can be refused is refused here, before the log: InvalidArgument (field "samples[7]") for a time
  // outside of the window, ResourceExhausted (field "series") for too many new series, TooLarge for a record, else why
  // nothing is taken now. No more than `room` series may be new, whatever the shard's own limit leaves.
  Status Check(const format::SeriesBatch& batch, uint64_t room = UINT64_MAX) const;
  // The samples that Check would not refuse for their times or their series.
  Sifted Sift(const format::SeriesBatch& batch, uint64_t room = UINT64_MAX) const;
  // Gives the batch, which has passed Check, a version and a place in the log.
  PendingSamples Begin(std::string batch);
  // The same for rows, which have passed Check with their dictionary.
  PendingSamples Begin(std::string rows, std::shared_ptr<const format::SeriesDictionary> dictionary);
  // Returns once it is durable and visible. IoError: unknown whether it will be after a restart; any other error: it is
  // not in the log.
  Status Finish(PendingSamples pending);
  // Check, Begin and Finish for bytes from anywhere; Corruption when they are no batch. A batch without samples is
  // done.
  Status Write(std::string batch);
  // Hides what series that satisfy every matcher have within the range and was written before. InvalidArgument names
  // "matchers" or "to". Returns as Finish does.
  Status Delete(std::vector<format::Matcher> matchers, int64_t from_ms, int64_t to_ms);

  // Takes a record as others hold it, version and all, whatever its times. Returns as Finish does. Corruption for what
  // is no record; InvalidArgument names "version" when it has none.
  Status Merge(std::string record);
  // What this replica holds, to be compared with others'.
  series::Digests& digests() { return digests_; }
  // Writes what memory holds to blocks; the log may then be cut up to UnneededLsn.
  Status Checkpoint();
  // Lets go what is older than the horizon, when there is one, and merges blocks where that pays; true: there may be
  // more to do.
  Result<bool> Upkeep(std::optional<int64_t> horizon_ms) EXCLUDES(upkeep_mutex_);
  // Refuses writes and upkeep from now on with `reason`, and waits for those under way.
  void Stop(Status reason) EXCLUDES(upkeep_mutex_);

  // Of batches that were given a place in the log since the shard was opened.
  uint64_t logged_bytes() const { return logged_bytes_; }
  // Of all samples here, those that deletions hide included.
  series::TimeExtent times() const;
  // The log holds nothing this shard needs up to and with this LSN.
  wal::Lsn UnneededLsn();
  bool dirty() const { return engine_->applied_lsn() > engine_->checkpoint_lsn(); }
  // OK, or why writes are refused.
  Status write_status() const { return order_.write_status(); }

 private:
  Status Apply(wal::Lsn lsn, const format::SeriesBatch& batch,
               const std::shared_ptr<const format::SeriesDictionary>& dictionary = nullptr);
  Status ReplayRows(const wal::LogRecord& record);
  // For new series, at most `room`.
  uint64_t RoomWithin(uint64_t room) const;

  // Constant after construction.
  const std::unique_ptr<series::SeriesEngine> engine_;
  Clock& wall_;
  HybridClock& versions_;
  const SeriesLimits limits_;

  series::Digests digests_;
  Mutex upkeep_mutex_;
  bool stopped_ GUARDED_BY(upkeep_mutex_) = false;

  LoggedDictionaries dictionaries_;
  LogOrder order_;
  std::atomic<uint64_t> logged_bytes_{0};
  // Of what was applied since the shard was opened.
  std::atomic<int64_t> min_ms_{INT64_MAX};
  std::atomic<int64_t> max_ms_{INT64_MIN};
};

}  // namespace rhizome::shard
