// BlockWriter: makes the file of one block (block.h), series by series in the order of their labels.
//
// Chunks go to the file as they come, the index stays in memory until Finish: about 60 bytes for each series. A file
// that was not finished is garbage, which its owner removes.
// One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "engines/series/block.h"
#include "format/labels.h"

namespace rhizome::series {

class BlockWriter {
 public:
  static constexpr size_t kChunkSamples = 960;  // at most, of one chunk here

  // `path` must not exist.
  static Result<std::unique_ptr<BlockWriter>> Create(io::Disk& disk, const std::string& path, Partition partition,
                                                     uint64_t deletions_lsn);

  // `labels` come after those before. All times lie within the partition; prompt samples ascend, stamped ones are as
  // KeepUndominated leaves them. A series without samples is left out.
  Status Add(format::LabelsView labels, const StoredSamples& samples);
  // Returns once the bytes are durable; the directory's entry is the caller's to sync. At least one series.
  Result<BlockInfo> Finish();

  uint64_t samples() const { return info_.samples; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return Checksum(text); }
  };
  struct Row {
    uint32_t pairs = 0;     // first of its pairs in row_pairs_
    uint32_t chunks = 0;    // first byte of its chunks' entries in row_chunks_
    uint64_t first_at = 0;  // of its first chunk, in the file
  };

  BlockWriter(std::unique_ptr<io::File> file, Partition partition, uint64_t deletions_lsn);
  void AddChunks(const Samples& samples);
  void AddStampedChunks(std::vector<StampedSample> stamped);
  void AddChunk(std::span<const int64_t> times, std::string_view bytes, bool stamped);
  Status Flush(size_t above);
  // The pairs in order; replaces the numbers in row_pairs_ by places in it.
  std::vector<std::string_view> SortPairs();
  std::vector<std::string> MakePostings() const;
  std::vector<std::string> MakeSeries() const;

  const std::unique_ptr<io::File> file_;
  BlockInfo info_;
  uint64_t chunk_bytes_ = 0;  // written or buffered
  std::string buffer_;
  std::string last_labels_;
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> pairs_;  // canonical bytes → number
  std::vector<Row> rows_;
  std::vector<uint32_t> row_pairs_;
  std::string row_chunks_;
  int64_t last_min_ = 0;
  ChunkEncoder encoder_;
  std::string chunk_;
};

}  // namespace rhizome::series
