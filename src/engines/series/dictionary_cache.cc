#include "engines/series/dictionary_cache.h"

namespace rhizome::series {
namespace {

size_t BytesFor(const format::SeriesBatch& batch) {
  return format::kSeriesBatchHeaderBytes + batch.DictionaryBytes().size() + batch.series_count() * sizeof(SeriesNumber);
}

}  // namespace

const std::vector<SeriesNumber>* DictionaryCache::Find(const format::SeriesBatch& batch) {
  const auto found = by_key_.find(KeyOf(batch));
  // The key tells most apart; the bytes decide.
  if (found == by_key_.end() || !found->second->dictionary->batch().HasDictionaryOf(batch)) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &entries_.front().numbers;
}

void DictionaryCache::Add(const format::SeriesBatch& batch,
                          const std::shared_ptr<const format::SeriesDictionary>& dictionary,
                          std::span<const SeriesNumber> numbers) {
  const uint64_t key = KeyOf(batch);
  uint64_t& seen = seen_[key % seen_.size()];
  if (seen != key && dictionary == nullptr) {
    seen = key;
    return;
  }
  const size_t bytes = BytesFor(batch);
  // Not for the dictionary that would put all others out.
  if (bytes > bytes_max_ / 2) return;
  if (const auto same = by_key_.find(key); same != by_key_.end()) Drop(same->second);
  while (bytes_ + bytes > bytes_max_) Drop(std::prev(entries_.end()));
  Entry& entry = entries_.emplace_front();
  entry.dictionary = dictionary != nullptr ? dictionary : format::SeriesDictionary::Of(batch);
  entry.numbers.assign(numbers.begin(), numbers.end());
  by_key_[key] = entries_.begin();
  bytes_ += bytes;
}

void DictionaryCache::Drop(Entries::iterator entry) {
  bytes_ -= BytesFor(entry->dictionary->batch());
  by_key_.erase(KeyOf(entry->dictionary->batch()));
  entries_.erase(entry);
}

void DictionaryCache::Clear() {
  entries_.clear();
  by_key_.clear();
  bytes_ = 0;
}

}  // namespace rhizome::series
