// The native route: a body that is a series batch already (docs/formats/series_batch.md) and is passed on as it is, or
// rows of a dictionary that came before.
//
// Everything is checked that a reader behind would rely on. Dictionaries of batches that were sound are remembered
// under a name that only this server gives, at random: a sender that was told the name sends rows alone from then on;
// one that sends the label sets again has them compared byte for byte instead of read. Memory for that is bounded; what
// was not used longest goes first, and its name with it.
//
// Thread-safe.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "format/series_dictionary.h"
#include "ingest/taken.h"

namespace rhizome::ingest {

struct NativeBatch {
  std::optional<std::string> batch;  // without the series that may not be stored; nothing when the body is to be used
  Taken taken;
  // Of a body all of whose series may be stored: its dictionary as it is remembered, and by what name; null when it is
  // too large for that.
  std::shared_ptr<const format::SeriesDictionary> dictionary;
  format::DictionaryName name;
  bool repeated = false;     // the dictionary was known
  format::SeriesBatch view;  // of the body and, of rows, of `dictionary`
};

class NativeDecoder {
 public:
  static constexpr size_t kMemoryMax = 256 << 20;

  explicit NativeDecoder(Limits limits, size_t memory_max = kMemoryMax) : limits_(limits), memory_max_(memory_max) {}

  // InvalidArgument (field "body") for what is no series batch; FailedPrecondition for rows of a dictionary that is
  // not known: send the batch whole. The version a sender wrote means nothing: whoever accepts the batch stamps it.
  Result<NativeBatch> Decode(std::string_view body) EXCLUDES(mutex_);

  uint64_t dictionaries_known() const EXCLUDES(mutex_);
  uint64_t dictionaries_read() const EXCLUDES(mutex_);  // that were not known

 private:
  using Dictionary = std::shared_ptr<const format::SeriesDictionary>;
  using DictionaryId = format::SeriesBatch::DictionaryId;
  struct Known {
    Dictionary dictionary;
    format::DictionaryName name;
    std::list<DictionaryId>::iterator turn;
  };
  struct Named {
    Dictionary dictionary;  // null: there is none
    format::DictionaryName name;
  };

  Named FindById(const DictionaryId& id) EXCLUDES(mutex_);
  Named FindByName(format::DictionaryName name) EXCLUDES(mutex_);
  Named Use(std::map<DictionaryId, Known>::iterator at) REQUIRES(mutex_);
  Named Remember(const format::SeriesBatch& batch) EXCLUDES(mutex_);
  void ForgetOldest() REQUIRES(mutex_);
  Result<NativeBatch> DecodeRows(std::string_view body, format::DictionaryName name);
  Status CheckCount(const format::SeriesBatch& batch) const;
  // Which series may be stored; the others' samples are for Sifted to drop.
  std::vector<bool> CheckAll(const format::SeriesBatch& batch, Taken& taken) const;
  // Keeps the rows of sound series only.
  std::string Sifted(const format::SeriesBatch& batch, const std::vector<bool>& sound, Taken& taken) const;

  const Limits limits_;
  const size_t memory_max_;
  mutable Mutex mutex_;
  std::map<DictionaryId, Known> known_ GUARDED_BY(mutex_);
  std::map<format::DictionaryName, DictionaryId> names_ GUARDED_BY(mutex_);
  std::list<DictionaryId> turns_ GUARDED_BY(mutex_);  // last used first
  size_t memory_ GUARDED_BY(mutex_) = 0;
  uint64_t read_ GUARDED_BY(mutex_) = 0;
};

}  // namespace rhizome::ingest
