#include "metrics/dictionary_splits.h"

#include <vector>

namespace rhizome::metrics {
namespace {

std::shared_ptr<const format::DictionarySplit> Make(const format::SeriesDictionary& dictionary,
                                                    const shard::SeriesShards& shards) {
  const format::SeriesBatch& batch = dictionary.batch();
  std::vector<uint32_t> shard_of_series(batch.series_count());
  for (uint32_t i = 0; i < shard_of_series.size(); ++i) shard_of_series[i] = shards.ShardOf(batch.LabelsOf(i));
  return std::make_shared<const format::DictionarySplit>(dictionary, shard_of_series, shards.size());
}

}  // namespace

std::shared_ptr<const format::DictionarySplit> DictionarySplits::Of(const format::SeriesDictionary& dictionary,
                                                                    const shard::SeriesShards& shards) {
  {
    const MutexLock lock(mutex_);
    if (const auto at = by_number_.find(dictionary.number()); at != by_number_.end()) {
      entries_.splice(entries_.begin(), entries_, at->second);
      return at->second->split;
    }
  }
  auto split = Make(dictionary, shards);  // two threads may; one's is kept
  const MutexLock lock(mutex_);
  if (split->bytes() > bytes_max_ || by_number_.contains(dictionary.number())) return split;
  while (bytes_ + split->bytes() > bytes_max_) {
    bytes_ -= entries_.back().split->bytes();
    by_number_.erase(entries_.back().number);
    entries_.pop_back();
  }
  bytes_ += split->bytes();
  entries_.push_front({dictionary.number(), split});
  by_number_[dictionary.number()] = entries_.begin();
  return split;
}

size_t DictionarySplits::bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace rhizome::metrics
