// DictionarySplits: to which shards the series of dictionaries belong that come again and again, found once for each.
//
// Bounded in bytes; what was not used longest goes first. Thread-safe.
#pragma once

#include <list>
#include <memory>
#include <unordered_map>

#include "base/mutex.h"
#include "format/series_dictionary.h"
#include "shard/series_shards.h"

namespace rhizome::metrics {

class DictionarySplits {
 public:
  explicit DictionarySplits(size_t bytes_max = size_t{256} << 20) : bytes_max_(bytes_max) {}

  std::shared_ptr<const format::DictionarySplit> Of(const format::SeriesDictionary& dictionary,
                                                    const shard::SeriesShards& shards) EXCLUDES(mutex_);
  size_t bytes() const EXCLUDES(mutex_);

 private:
  struct Entry {
    uint64_t number = 0;  // the dictionary's
    std::shared_ptr<const format::DictionarySplit> split;
  };
  using Entries = std::list<Entry>;

  const size_t bytes_max_;
  mutable Mutex mutex_;
  Entries entries_ GUARDED_BY(mutex_);  // the one used last in front
  std::unordered_map<uint64_t, Entries::iterator> by_number_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace rhizome::metrics
