// Block: the samples of many series within one time partition, in an immutable file (docs/formats/series_block.md).
//
// Series stand in the order of their labels and are called by their place in it. A pair of a name and a value stands
// once in the file, has a number in the order of pairs, and a list of the series that have it; so matchers, label names
// and values are answered from the file's index alone. A file is read by mmap. Opening reads the index against its
// checksums and every offset in it, so that nothing later can reach outside; a chunk is checked whenever it is read.
//
// Immutable after Open; thread-safe. The mapping lives as long as the object, the file's name may go before.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engines/series/postings.h"
#include "engines/series/stamped.h"
#include "format/coding.h"
#include "format/matcher.h"
#include "io/disk.h"

namespace rhizome::series {

// The times from the first to the last, both included.
struct Partition {
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  auto operator<=>(const Partition&) const = default;
};

struct BlockInfo {
  Partition partition;
  int64_t min_time = 0;  // of its samples
  int64_t max_time = 0;
  uint64_t samples = 0;
  uint64_t bytes = 0;  // of the file
  uint32_t series = 0;
  // Whatever deletions the log had brought up to this LSN are worked in.
  uint64_t deletions_lsn = 0;
  friend bool operator==(const BlockInfo&, const BlockInfo&) = default;
};

// Samples of one series as they are kept: what came promptly and what is stamped, the latter in no order.
struct StoredSamples {
  Samples prompt;
  std::vector<StampedSample> stamped;
  void clear() {
    prompt.clear();
    stamped.clear();
  }
};

enum class Presence : uint8_t { kNone, kSome, kUnknown };

class Block {
 public:
  // NotFound, IoError, or Corruption for what no BlockWriter wrote.
  static Result<std::shared_ptr<const Block>> Open(io::Disk& disk, const std::string& path);
  // The same over bytes that outlive the block.
  static Result<std::shared_ptr<const Block>> View(std::string_view bytes);

  const BlockInfo& info() const { return info_; }
  // The series that satisfy every matcher; without matchers all.
  SeriesSet Select(std::span<const format::Matcher> matchers) const;
  // The canonical bytes of its labels, in place of what `bytes` held.
  void LabelsOf(uint32_t series, std::string& bytes) const;
  // Adds the samples with from <= time <= to; prompt ones must come after those `out` holds.
  Status Read(uint32_t series, int64_t from, int64_t to, StoredSamples& out) const;
  // Whether the series has samples within the range, as far as the index can tell.
  Presence PresenceOf(uint32_t series, int64_t from, int64_t to) const;
  // Reads everything against its checksums. Corruption says what is bad.
  Status Verify() const;

 private:
  struct Name {
    std::string_view name;
    uint32_t first = 0;  // of its pairs
    uint32_t end = 0;
  };
  struct ChunkRef {
    uint64_t at = 0;  // in chunks_
    uint64_t length = 0;
    bool stamped = false;
    int64_t min_time = 0;
    int64_t max_time = 0;
  };
  class SeriesEntry;

  explicit Block(std::string_view bytes) : bytes_(bytes) {}
  Status Parse();
  Status ParseFooter();
  Status CheckPairs();
  Status CheckPostings() const;
  Status CheckSeries() const;
  Status CheckChunks(SeriesEntry& entry, uint64_t& at, BlockInfo& seen) const;
  Status ReadChunk(const ChunkRef& chunk, StoredSamples& out) const;
  std::string_view Entry(std::string_view section, uint32_t index, uint32_t count) const;
  std::string_view PairBytes(uint32_t pair) const { return Entry(pairs_, pair, pair_count_); }
  std::string_view ValueOf(uint32_t pair) const;
  void AddPostings(uint32_t pair, SeriesSet& set) const;
  const Name* FindName(std::string_view name) const;
  void Unite(const Name& name, const format::Matcher& matcher, bool accepted, SeriesSet& set) const;
  // The first pair of `name` whose value is not less.
  uint32_t LowerBound(const Name& name, std::string_view value) const;

  // Constant after Open.
  std::unique_ptr<io::Mapping> mapping_;  // null for a View
  std::string_view bytes_;
  std::string_view chunks_;
  std::string_view pairs_;
  std::string_view postings_;
  std::string_view series_;
  uint32_t pair_count_ = 0;
  BlockInfo info_;
  std::vector<Name> names_;  // ascending
};

}  // namespace rhizome::series
