// DictionaryCache: the series numbers of label sets that came before. A sender repeats its dictionary batch after
// batch; comparing its bytes costs a tenth of looking each set up.
//
// Keeps the batches used last, up to a number of bytes. Numbers hold until a series is removed from the table: whoever
// removes one calls Clear. One thread.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <vector>

#include "engines/series/series_number.h"
#include "format/series_batch.h"

namespace rhizome::series {

class DictionaryCache {
 public:
  explicit DictionaryCache(size_t bytes_max = size_t{64} << 20) : bytes_max_(bytes_max) {}

  // The numbers of the batch's label sets, in their order; null when they are not known. Until the next call.
  const std::vector<SeriesNumber>* Find(const format::SeriesBatch& batch);
  void Add(const format::SeriesBatch& batch, std::span<const SeriesNumber> numbers);
  void Clear();

  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string bytes;
    format::SeriesBatch batch;  // a view of them
    std::vector<SeriesNumber> numbers;
  };
  static size_t BytesOf(const Entry& entry) { return entry.bytes.size() + entry.numbers.size() * sizeof(SeriesNumber); }

  const size_t bytes_max_;
  size_t bytes_ = 0;
  std::list<Entry> entries_;  // the one used last in front
};

}  // namespace rhizome::series
