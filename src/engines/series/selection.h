// Selection: some series and what they hold within a range of times, in the order of their labels, as of the moment it
// was made. It joins blocks and memory: of each time the sample that counts, and nothing that a deletion hides.
//
// It keeps alive what it reads, so that neither writes nor compaction nor the end of its engine disturb it; decoding
// happens as it is walked. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "engines/series/block.h"
#include "engines/series/deletion.h"
#include "engines/series/generation.h"
#include "format/labels.h"

namespace rhizome::series {

class Selection {
 public:
  static constexpr uint32_t kUnranked = UINT32_MAX;

  // Series of memory by their labels, copied under the engine's lock.
  class Memory {
   public:
    // For about so many more.
    void Reserve(size_t series) {
      constexpr size_t kLabelBytes = 192;
      series_.reserve(series_.size() + series);
      bytes_.reserve(bytes_.size() + series * kLabelBytes);
    }
    // `rank`: of two series with one, the lesser rank has the lesser labels.
    void Add(format::LabelsView labels, SeriesNumber number, uint32_t rank = kUnranked) {
      series_.push_back({bytes_.size(), labels.bytes().size(), number, rank});
      bytes_.append(labels.bytes());
    }
    // Entry i belongs to the series added i-th; empty: none is needed.
    MemoryCopy copy;
    std::shared_ptr<const Generation> frozen;  // read by number; may be null

   private:
    friend class Selection;
    struct Series {
      size_t at = 0;  // of its labels, in bytes_
      size_t size = 0;
      SeriesNumber number = 0;
      uint32_t rank = kUnranked;
    };
    format::LabelsView LabelsOf(uint32_t i) const {
      return format::LabelsView::Trusted(std::string_view(bytes_).substr(series_[i].at, series_[i].size));
    }
    // Places in series_, in the order of their labels.
    std::vector<uint32_t> Sort() const;

    std::string bytes_;
    std::vector<Series> series_;
  };

  // `deletions` may be null. A range that ends before it begins is empty.
  Selection(int64_t from_ms, int64_t to_ms, std::shared_ptr<const DeletionSet> deletions);
  void AddBlock(std::shared_ptr<const Block> block, const SeriesSet& series);
  // Once.
  void SetMemory(Memory memory);

  // The series of memory in the order of their labels.
  std::vector<SeriesNumber> MemoryOrder() const;

  // Moves to the next series that shows a sample; false: there are no more. Corruption names the block's fault.
  Result<bool> Next();
  // The same without samples(), which for most series saves reading any.
  Result<bool> NextPresent();
  // Before the first of those: the next series is the one behind these labels.
  void SkipTo(format::LabelsView labels);
  // Of the series, until the next call.
  format::LabelsView labels() const { return format::LabelsView::Trusted(labels_); }
  const Samples& samples() const { return *shown_; }
  // The same as they are kept: for who writes them on.
  const StoredSamples& stored() const { return stored_; }
  // Whether a deletion concerns the series.
  bool touched() const { return !hidings_.empty(); }

 private:
  struct BlockSource {
    std::shared_ptr<const Block> block;
    std::vector<uint32_t> places;
    size_t at = 0;
    std::string labels;  // of places[at]
  };

  void Load(BlockSource& source);
  format::LabelsView MemoryLabels() const { return memory_.LabelsOf(memory_order_[memory_at_]); }
  // The least labels of all sources to labels_; false when all are at their ends.
  bool FindNext();
  // The sources that have labels_.
  bool IsAt(const BlockSource& source) const { return source.at < source.places.size() && source.labels == labels_; }
  bool MemoryIsAt() const { return memory_at_ < memory_order_.size() && MemoryLabels().bytes() == labels_; }
  // Whether the index of some block says so, and no deletion can say otherwise.
  bool IsSurelyPresent() const;
  // What all sources hold of labels_ and no deletion hides. False: nothing.
  Result<bool> Collect();
  // Moves the sources on.
  void Advance();
  void Take(StoredSamples& part);

  const int64_t from_ms_;
  const int64_t to_ms_;
  const std::shared_ptr<const DeletionSet> deletions_;
  std::vector<BlockSource> sources_;
  Memory memory_;
  std::vector<uint32_t> memory_order_;
  size_t memory_at_ = 0;
  std::string labels_;
  StoredSamples stored_;
  StoredSamples part_;
  Samples merged_;
  const Samples* shown_ = &merged_;
  std::vector<Hiding> hidings_;
};

}  // namespace rhizome::series
