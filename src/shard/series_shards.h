// SeriesShards: the shards of a node's metrics store, side by side in one folder, and the thread that looks after them.
//
// A series lives in one of them, chosen by the fingerprint of its labels, for ever: their number never changes. The
// thread merges blocks where that pays, works deletions in, and lets what is older than the retention go. Checkpoints
// are the caller's, because the log they free is shared with others; they may run beside everything.
//
// Thread-safe. The disk, the log and the clocks outlive it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/disk.h"
#include "shard/series_shard.h"
#include "shard/series_upkeep.h"

namespace rhizome::shard {

struct SeriesOptions {
  int64_t retention_ms = 0;              // samples older than this go; 0: none do
  int64_t future_ms = 600'000;           // how far ahead of now a sample may be
  uint64_t series_max = UINT64_MAX;      // in memory, of all shards together
  int64_t partition_ms = 2 * 3'600'000;  // of the smallest blocks
};

class SeriesShards {
 public:
  static constexpr uint32_t kShardsMax = 64;

  // Makes empty shards' folders under `directory`, durably; what is there already stays.
  static Status Create(io::Disk& disk, const std::string& directory, uint32_t count);
  // Opens what Create made; shard i has stream `first_stream` + i. Corruption names the file.
  struct Place {
    io::Disk& disk;
    std::string directory;
    uint32_t first_stream = 0;
    uint32_t count = 0;
  };
  static Result<std::unique_ptr<SeriesShards>> Open(const Place& place, const SeriesShard::Parts& parts,
                                                    const SeriesOptions& options);
  ~SeriesShards() = default;  // waits for a compaction under way
  SeriesShards(const SeriesShards&) = delete;
  SeriesShards& operator=(const SeriesShards&) = delete;

  size_t size() const { return shards_.size(); }
  SeriesShard& at(size_t i) { return *shards_[i]; }
  const SeriesShard& at(size_t i) const { return *shards_[i]; }
  // Where a series is.
  uint32_t ShardOf(format::LabelsView labels) const;
  // Null: the stream is another's.
  SeriesShard* FindStream(uint32_t stream);

  // Once, after replay: begins to look after the shards whenever `may_write` allows it.
  void StartUpkeep(std::function<bool()> may_write);
  // One round of that; true: there may be more to do.
  Result<bool> Upkeep();
  // Of batches in the log since Open, and of memory for samples that no checkpoint has written, all shards together.
  uint64_t logged_bytes() const;
  uint64_t sample_bytes() const;
  // Of every shard.
  Status Checkpoint();
  // The log holds nothing that any of them needs up to and with this LSN.
  wal::Lsn UnneededLsn();
  // OK, or why one of them refuses writes.
  Status write_status() const;

 private:
  SeriesShards(Clock& wall, const SeriesOptions& options) : wall_(wall), options_(options) {}

  // Constant after Open.
  Clock& wall_;
  const SeriesOptions options_;
  std::vector<std::unique_ptr<SeriesShard>> shards_;
  std::unique_ptr<SeriesUpkeep> upkeep_;  // last, so that it ends first
};

}  // namespace rhizome::shard
