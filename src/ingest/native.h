// The native route: a body that is a series batch already (docs/formats/series_batch.md) and is passed on as it is.
//
// Everything is checked that a reader behind would rely on. The dictionaries of batches that were sound are remembered:
// a sender that names the same series again has them compared byte for byte instead of read. Memory for that is
// bounded; what was not used longest goes first. One thread.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/taken.h"

namespace rhizome::ingest {

struct NativeBatch {
  std::optional<std::string> batch;  // without the series that may not be stored; nothing when the body is to be used
  Taken taken;
};

class NativeDecoder {
 public:
  static constexpr size_t kMemoryMax = 64 << 20;

  explicit NativeDecoder(Limits limits, size_t memory_max = kMemoryMax) : limits_(limits), memory_max_(memory_max) {}

  // InvalidArgument (field "body") for what is no series batch. The version a sender wrote means nothing: whoever
  // accepts the batch stamps it.
  Result<NativeBatch> Decode(std::string_view body);

  uint64_t dictionaries_known() const { return known_.size(); }
  uint64_t dictionaries_read() const { return read_; }  // that were not known

 private:
  struct Known {
    std::string bytes;  // a batch of the dictionary without rows
    std::list<format::SeriesBatch::DictionaryId>::iterator turn;
  };

  const Known* Find(const format::SeriesBatch::DictionaryId& id);
  void Remember(const format::SeriesBatch& batch);
  // Keeps the rows of sound series only.
  std::string Sifted(const format::SeriesBatch& batch, const std::vector<bool>& sound, Taken& taken) const;

  const Limits limits_;
  const size_t memory_max_;
  std::map<format::SeriesBatch::DictionaryId, Known> known_;
  std::list<format::SeriesBatch::DictionaryId> turns_;  // last used first
  size_t memory_ = 0;
  uint64_t read_ = 0;
};

}  // namespace rhizome::ingest
