// DictionaryCache: the series numbers of label sets that came before. A sender repeats its dictionary batch after
// batch; comparing its bytes costs a tenth of looking each set up.
//
// One that its batches share (SeriesDictionary) is kept itself, and known by where it lies. Of others a copy
// is kept: what is added is kept from the second time on, so that dictionaries that come once cost nothing; of those
// kept, the ones used last, up to a number of bytes. Numbers hold until a series is removed from the table: whoever
// removes one calls Clear. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "engines/series/series_number.h"
#include "format/series_dictionary.h"

namespace rhizome::series {

class DictionaryCache {
 public:
  explicit DictionaryCache(size_t bytes_max = size_t{64} << 20) : bytes_max_(bytes_max) {}

  // The numbers of the batch's label sets, in their order; null when they are not known. Until the next call.
  const std::vector<SeriesNumber>* Find(const format::SeriesBatch& batch);
  // Of what Find did not find. `dictionary` is the one that the batch shares with others, or null.
  void Add(const format::SeriesBatch& batch, const std::shared_ptr<const format::SeriesDictionary>& dictionary,
           std::span<const SeriesNumber> numbers);
  void Clear();

  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::shared_ptr<const format::SeriesDictionary> dictionary;
    std::vector<SeriesNumber> numbers;
  };
  using Entries = std::list<Entry>;

  // Of a dictionary's id, which is 128 bits of hash.
  static uint64_t KeyOf(const format::SeriesBatch& batch) { return batch.dictionary_id().second; }
  void Drop(Entries::iterator entry);

  const size_t bytes_max_;
  size_t bytes_ = 0;
  Entries entries_;  // the one used last in front
  std::unordered_map<uint64_t, Entries::iterator> by_key_;
  std::array<uint64_t, 1024> seen_{};  // keys that came, each at its own place; a later one takes it over
};

}  // namespace rhizome::series
