#include "engines/series/dictionary_cache.h"

namespace rhizome::series {

const std::vector<SeriesNumber>* DictionaryCache::Find(const format::SeriesBatch& batch) {
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    // The id tells most apart; the bytes decide.
    if (at->batch.dictionary_id() != batch.dictionary_id() || !at->batch.HasDictionaryOf(batch)) continue;
    entries_.splice(entries_.begin(), entries_, at);
    return &entries_.front().numbers;
  }
  return nullptr;
}

void DictionaryCache::Add(const format::SeriesBatch& batch, std::span<const SeriesNumber> numbers) {
  const size_t bytes = batch.bytes().size() + numbers.size_bytes();
  // Not for the dictionary that would put all others out.
  if (bytes > bytes_max_ / 2) return;
  while (bytes_ + bytes > bytes_max_) {
    bytes_ -= BytesOf(entries_.back());
    entries_.pop_back();
  }
  Entry& entry = entries_.emplace_front();
  entry.bytes = batch.bytes();
  entry.batch = format::SeriesBatch::Trusted(entry.bytes);
  entry.numbers.assign(numbers.begin(), numbers.end());
  bytes_ += bytes;
}

void DictionaryCache::Clear() {
  entries_.clear();
  bytes_ = 0;
}

}  // namespace rhizome::series
