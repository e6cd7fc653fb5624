// SeriesTable: which number a set of labels has in one engine, and back, and the index over them.
//
// Found by the 128-bit fingerprint of the canonical bytes, of which a slot keeps 32 bits; the bytes themselves decide,
// so two sets whose fingerprints agree are still two series. A lookup costs two cache misses, which FindAll overlaps
// over a batch. Numbers of removed series are given again, so they mean something within this process only.
// Thread-safety: one writer and no reader beside it, or many readers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engines/series/postings.h"
#include "format/labels.h"

namespace rhizome::series {

class SeriesTable {
 public:
  static constexpr SeriesNumber kNoSeries = UINT32_MAX;

  SeriesTable();

  // kNoSeries when there is none.
  SeriesNumber Find(format::LabelsView labels) const;
  // numbers[i] of labels[i]; both as long.
  void FindAll(std::span<const format::LabelsView> labels, std::span<SeriesNumber> numbers) const;
  // Its number, a new one when there is none. At most UINT32_MAX - 1 series; who limits them does so before.
  SeriesNumber FindOrAdd(format::LabelsView labels);
  // `series` exists. Its number may be given again.
  void Remove(SeriesNumber series);

  // Valid until `series` is removed.
  format::LabelsView LabelsOf(SeriesNumber series) const;
  // For who asks for the labels of many: some ahead, then a few ahead.
  void PrefetchFar(SeriesNumber series) const { __builtin_prefetch(&entries_[series]); }
  void PrefetchNear(SeriesNumber series) const { __builtin_prefetch(entries_[series].bytes.get()); }
  bool Has(SeriesNumber series) const { return series < entries_.size() && entries_[series].bytes != nullptr; }
  size_t size() const { return size_; }
  const PostingsIndex& index() const { return index_; }
  // Of the table and the index; walks the index.
  uint64_t memory_bytes() const;

 private:
  struct Slot {
    uint32_t tag = 0;  // of the fingerprint; its low bits are where the slot should be
    SeriesNumber series = kNoSeries;
  };
  struct Entry {
    std::unique_ptr<char[]> bytes;  // null: removed
    uint32_t size = 0;
    uint32_t tag = 0;
  };

  static uint32_t TagOf(format::LabelsView labels) { return static_cast<uint32_t>(labels.Fingerprint().second); }
  SeriesNumber Lookup(format::LabelsView labels, uint32_t tag) const;
  void Place(uint32_t tag, SeriesNumber series);
  void Grow();

  std::vector<Slot> slots_;  // a power of two, at most three quarters used
  std::vector<Entry> entries_;
  std::vector<SeriesNumber> free_;
  size_t size_ = 0;
  uint64_t label_bytes_ = 0;
  PostingsIndex index_;
};

}  // namespace rhizome::series
