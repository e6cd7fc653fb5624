#include "shard/logged_dictionaries.h"

#include <algorithm>

namespace rhizome::shard {

using format::DictionaryName;
using format::SeriesDictionary;

std::optional<DictionaryName> LoggedDictionaries::Find(const SeriesDictionary& dictionary) const {
  const MutexLock lock(mutex_);
  const auto at = names_.find(dictionary.number());
  return at == names_.end() ? std::nullopt : std::optional(at->second);
}

void LoggedDictionaries::Note(const SeriesDictionary& dictionary, Version version, wal::Lsn lsn) {
  const MutexLock lock(mutex_);
  // Of two definitions under way at once the first stays.
  if (names_.try_emplace(dictionary.number(), DictionaryName::Of(version)).second) oldest_ = std::min(oldest_, lsn);
}

void LoggedDictionaries::BeginEra() {
  const MutexLock lock(mutex_);
  names_.clear();
  replayed_.clear();
  oldest_before_ = std::min(oldest_before_, oldest_);
  oldest_ = kNone;
}

void LoggedDictionaries::EndEra(wal::Lsn named_until, wal::Lsn checkpoint_lsn) {
  const MutexLock lock(mutex_);
  if (checkpoint_lsn >= std::max(named_until, replayed_until_)) oldest_before_ = kNone;
}

wal::Lsn LoggedDictionaries::KeepFrom() const {
  const MutexLock lock(mutex_);
  return std::min(oldest_, oldest_before_);
}

void LoggedDictionaries::ReplayDefinition(const format::SeriesBatch& definition, wal::Lsn lsn) {
  const MutexLock lock(mutex_);
  replayed_[DictionaryName::Of(definition.version())] = {SeriesDictionary::Of(definition), lsn};
}

Result<std::shared_ptr<const SeriesDictionary>> LoggedDictionaries::ReplayName(DictionaryName name, wal::Lsn lsn) {
  const MutexLock lock(mutex_);
  const auto at = replayed_.find(name);
  if (at == replayed_.end()) {
    return Status::Corruption("rows whose series the log does not hold, at LSN " + std::to_string(lsn));
  }
  oldest_before_ = std::min(oldest_before_, at->second.lsn);
  replayed_until_ = std::max(replayed_until_, lsn);
  return at->second.dictionary;
}

}  // namespace rhizome::shard
