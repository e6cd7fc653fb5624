// LoggedDictionaries: which dictionaries of label sets a shard's stream of the log holds, so that records name them
// instead of repeating them (docs/decisions/0041-a-dictionary-is-logged-once.md).
//
// A record without samples defines a dictionary; rows behind it name its version. What may be named is forgotten when a
// checkpoint begins (an era ends), so that after a few records nothing behind the checkpoint names what is before it;
// until that is sure the log is kept from the oldest definition that a replay could need: KeepFrom.
//
// Thread-safe. Replay comes before everything else.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/mutex.h"
#include "base/status.h"
#include "base/version.h"
#include "format/series_dictionary.h"
#include "wal/log.h"

namespace rhizome::shard {

class LoggedDictionaries {
 public:
  static constexpr wal::Lsn kNone = UINT64_MAX;

  // By what name rows may refer to the dictionary; nothing: it has to be defined first.
  std::optional<format::DictionaryName> Find(const format::SeriesDictionary& dictionary) const EXCLUDES(mutex_);
  // The record at `lsn`, of this version, defines it durably.
  void Note(const format::SeriesDictionary& dictionary, Version version, wal::Lsn lsn) EXCLUDES(mutex_);

  // A checkpoint begins: what was noted may not be named any more, by records that get their place from now on.
  void BeginEra() EXCLUDES(mutex_);
  // The checkpoint is done. `named_until`: the last record that may name what was noted before BeginEra.
  void EndEra(wal::Lsn named_until, wal::Lsn checkpoint_lsn) EXCLUDES(mutex_);
  // The log may not be cut at or behind it.
  wal::Lsn KeepFrom() const EXCLUDES(mutex_);

  // What the log says, record by record, from its oldest on.
  void ReplayDefinition(const format::SeriesBatch& definition, wal::Lsn lsn) EXCLUDES(mutex_);
  // Of rows that a replay applies. Corruption when the log does not hold it.
  Result<std::shared_ptr<const format::SeriesDictionary>> ReplayName(format::DictionaryName name, wal::Lsn lsn)
      EXCLUDES(mutex_);

 private:
  struct Defined {
    std::shared_ptr<const format::SeriesDictionary> dictionary;
    wal::Lsn lsn = 0;
  };

  mutable Mutex mutex_;
  std::unordered_map<uint64_t, format::DictionaryName> names_ GUARDED_BY(mutex_);  // by the dictionary's number
  wal::Lsn oldest_ GUARDED_BY(mutex_) = kNone;                                     // definition among names_
  wal::Lsn oldest_before_ GUARDED_BY(mutex_) = kNone;                              // of earlier eras, while needed
  std::map<format::DictionaryName, Defined> replayed_ GUARDED_BY(mutex_);
  wal::Lsn replayed_until_ GUARDED_BY(mutex_) = 0;  // the last record of a replay that named one
};

}  // namespace rhizome::shard
