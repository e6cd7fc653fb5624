// Batch: samples on their way to a server, as a series batch (docs/formats/series_batch.md).
//
// Series are registered once and named by a number from then on; they stay when the samples are taken. A batch holds
// the label sets of those series only that have samples in it, in the order in which they got their first. Who adds in
// the same order each time sends the same dictionary each time, which a server compares instead of reading it.
//
// Bounded: a batch that would encode to more than its limit takes nothing more until it is taken. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "format/labels.h"
#include "format/series_batch.h"

namespace rhizome::metrics_client {

using SeriesId = uint32_t;

// A body for the server's native route.
struct EncodedBatch {
  std::string bytes;
  uint64_t samples = 0;
};

class Batch {
 public:
  static constexpr size_t kBytesMax = 32 << 20;  // what servers take at once unless they are told otherwise
  static constexpr size_t kSamplesMax = 1'000'000;

  explicit Batch(size_t bytes_max = kBytesMax) : bytes_max_(bytes_max) {}

  // The number of the series, the same each time; it holds for this object. InvalidArgument, whose field is the label,
  // for what a server would refuse: no metric's name, a name outside of the classic alphabet, a name twice, text that
  // is not UTF-8. A label with an empty value is the same as none.
  Result<SeriesId> Series(std::span<const format::LabelPair> labels);
  Result<SeriesId> Series(std::string_view metric, std::span<const format::LabelPair> labels);

  // False, and nothing added, when the batch is full: take it first. `series` came from Series.
  [[nodiscard]] bool Add(SeriesId series, int64_t time_ms, double value);

  // What was added since the last time; the series stay.
  EncodedBatch Take();

  size_t series_count() const { return label_sets_.size(); }
  size_t sample_count() const { return rows_.sample_count(); }
  bool empty() const { return rows_.empty(); }

 private:
  static constexpr uint32_t kAbsent = UINT32_MAX;

  const size_t bytes_max_;
  std::unordered_map<std::string, SeriesId> known_;  // by canonical bytes
  std::vector<std::string_view> label_sets_;         // the keys of known_, by number
  std::vector<uint32_t> place_;                      // of a series in rows_, by number
  std::vector<SeriesId> present_;                    // the series in rows_
  format::SeriesBatchBuilder rows_;
};

}  // namespace rhizome::metrics_client
