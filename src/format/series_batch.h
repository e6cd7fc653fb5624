// SeriesBatch: samples of many series in columns; what a sender of the native route posts and what the wire, the log
// and replay carry unchanged (docs/formats/series_batch.md).
//
// A batch is a dictionary of label sets and rows of (index of a set, time, value). Values and times lie as arrays of
// fixed size, so a decoded batch is a view: nothing is copied and nothing allocated. Values are 64 bits that nobody
// looks at; NaN payloads and stale markers come through. Times are milliseconds since 1970 UTC, any int64. Rows stand
// in the order in which they were added, which means nothing: what a series holds is a set of samples. The dictionary
// may name one set twice, and sets without rows.
//
// The version in the header is whoever accepted the batch's, stamped without touching the rest; zero before that.
//
// Decode takes any bytes and allocates nothing but the message of a failure. Thread-safety: a SeriesBatch is a view of
// constant bytes, which outlive it; a builder belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "format/labels.h"
#include "format/packed_array.h"

namespace rhizome::format {

inline constexpr uint8_t kSeriesBatchKind = 0x10;  // the first byte; operation batches begin with 1 to 3
inline constexpr uint8_t kSeriesRowsKind = 0x11;   // rows whose dictionary is elsewhere (series_dictionary.h)
inline constexpr size_t kSeriesBatchHeaderBytes = 64;

// Which series a row belongs to.
enum class SeriesForm : uint8_t {
  kRounds = 0,   // row i: series i mod series_count; all series once, again and again
  kRuns = 1,     // a count per series; rows of one series stand together, in the order of the dictionary
  kIndices = 2,  // an index per row
};
enum class TimeForm : uint8_t {
  kEach = 0,      // an i64 per row
  kOffsets = 1,   // a u32 per row, from one base
  kPerRound = 2,  // an i64 per round, of kRounds only
};

class SeriesBatch {
 public:
  using DictionaryId = std::pair<uint64_t, uint64_t>;

  SeriesBatch() = default;  // without rows and bytes
  // Corruption unless every length, index and checksum holds and every label set is canonical. `known` is a batch that
  // Decode accepted: where its dictionary is the same, byte for byte, the label sets are not looked at again.
  static Result<SeriesBatch> Decode(std::string_view bytes, const SeriesBatch* known = nullptr);
  // What a batch that begins with these bytes would call its dictionary, checked in no way; nothing when they are short
  // or of another kind.
  static std::optional<DictionaryId> DictionaryIdOf(std::string_view bytes);
  // Likewise how many samples it would have.
  static std::optional<uint64_t> SampleCountOf(std::string_view bytes);
  // Bytes that Decode accepted, here or behind a checksum of ours.
  static SeriesBatch Trusted(std::string_view bytes);
  // The same for rows whose dictionary is that of `dictionary`, whose bytes outlive this too.
  static Result<SeriesBatch> DecodeRows(std::string_view rows, const SeriesBatch& dictionary);
  static SeriesBatch TrustedRows(std::string_view rows, const SeriesBatch& dictionary);

  // Of rows, without the dictionary.
  std::string_view bytes() const { return bytes_; }
  bool is_rows() const { return !bytes_.empty() && static_cast<uint8_t>(bytes_[0]) == kSeriesRowsKind; }
  size_t series_count() const { return label_ends_.size(); }
  size_t sample_count() const { return values_.size(); }
  SeriesForm series_form() const { return series_form_; }
  TimeForm time_form() const { return time_form_; }
  Version version() const;
  // XXH3-128 of the dictionary: what to look a known one up by.
  DictionaryId dictionary_id() const { return dictionary_id_; }
  bool HasDictionaryOf(const SeriesBatch& other) const;
  // Where each label set ends, then the label sets: what dictionary_id is of.
  std::string_view DictionaryBytes() const { return dictionary_bytes_; }

  LabelsView LabelsOf(uint32_t series) const {
    const size_t from = series == 0 ? 0 : label_ends_[series - 1];
    return LabelsView::Trusted(dictionary_.substr(from, label_ends_[series] - from));
  }

  double ValueAt(size_t row) const { return values_[row]; }
  int64_t TimeAt(size_t row) const {
    switch (time_form_) {
      case TimeForm::kEach: return times_[row];
      case TimeForm::kOffsets: return base_time_ + offsets_[row];
      default: return times_[row / series_count()];
    }
  }
  const PackedArray<double>& values() const { return values_; }
  // The rows from `first` on, as many as `to` takes; they are there.
  void CopyValues(size_t first, std::span<double> to) const { values_.CopyTo(first, to); }
  void CopyTimes(size_t first, std::span<int64_t> to) const;

  // each(series, time_ms, value) for all rows in their order.
  template <typename Each>
  void ForEachRow(Each&& each) const;
  // each(series, first row, rows) for the stretches of rows of one series, in their order; none is empty.
  template <typename Each>
  void ForEachRun(Each&& each) const;

 private:
  friend class SeriesBatchSplit;
  friend class DictionarySplit;

  // Of rows, `dictionary` is set.
  Status Open(std::string_view bytes, const SeriesBatch* dictionary);
  Status OpenForms(const char* head);
  void TakeDictionary(std::string_view bytes, size_t series);
  Status CheckRows() const;
  Status CheckDictionary() const;
  template <typename SeriesOfRow, typename Each>
  void EachRowOf(SeriesOfRow&& series_of_row, Each&& each) const;

  std::string_view bytes_;
  SeriesForm series_form_ = SeriesForm::kRuns;
  TimeForm time_form_ = TimeForm::kEach;
  int64_t base_time_ = 0;
  PackedArray<double> values_;
  PackedArray<int64_t> times_;     // kEach, kPerRound
  PackedArray<uint32_t> offsets_;  // kOffsets
  PackedArray<uint32_t> series_;   // kRuns: rows of each series; kIndices: series of each row
  PackedArray<uint32_t> label_ends_;
  std::string_view dictionary_;  // label sets, one after another
  std::string_view dictionary_bytes_;
  DictionaryId dictionary_id_{};
};

// Writes `version` into the header of a batch that Decode accepted.
void StampVersion(std::string& batch, Version version);

// Part p gets the rows of the series with part_of_series[series] == p and the same version; one without rows is an
// empty string. A batch that belongs to one part as a whole comes back byte for byte. Parts are below `parts`, as many
// as there are series.
std::vector<std::string> SplitSeriesBatch(const SeriesBatch& batch, std::span<const uint32_t> part_of_series,
                                          size_t parts);

// Collects rows and encodes them in the forms that take least. Whoever fills one from input bounds it: a batch has less
// than 4 GiB of labels and 2^32 rows.
class SeriesBatchBuilder {
 public:
  // The index of the set, which is added if it is new.
  uint32_t SeriesOf(LabelsView labels);
  // Adds the set without looking whether it is there: cheaper, for senders that name each series once.
  uint32_t AppendSeries(LabelsView labels);
  // The same without a copy: room for a set of at most `bytes_max`, then the set that was written there, canonical and
  // not empty. Any other call makes the room void.
  char* LabelRoom(size_t bytes_max) {
    if (dictionary_.size() - dictionary_used_ < bytes_max) dictionary_.resize(2 * dictionary_.size() + bytes_max);
    return dictionary_.data() + dictionary_used_;
  }
  uint32_t AppendWritten(size_t bytes) {
    dictionary_used_ += bytes;
    label_ends_.push_back(static_cast<uint32_t>(dictionary_used_));
    return static_cast<uint32_t>(label_ends_.size() - 1);
  }
  // The series exists.
  void Add(uint32_t series, int64_t time_ms, double value) {
    series_.push_back(series);
    times_.push_back(time_ms);
    values_.push_back(value);
  }
  // As many times as values.
  void AddRun(uint32_t series, std::span<const int64_t> times_ms, std::span<const double> values);

  size_t series_count() const { return label_ends_.size(); }
  size_t sample_count() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  size_t dictionary_bytes() const { return dictionary_used_; }  // of all label sets
  // At least what Encode gives.
  size_t encoded_bytes_max() const;
  LabelsView LabelsOf(uint32_t series) const;
  // Forgets everything and keeps the memory.
  void Clear();

  std::string Encode(Version version = {}) const;
  // Appends.
  void Encode(std::string& out, Version version = {}) const;

 private:
  void IndexAll();
  void Place(uint32_t series);
  SeriesForm FormOfSeries() const;
  TimeForm FormOfTimes(SeriesForm form) const;

  std::string dictionary_;  // and room behind what is used
  size_t dictionary_used_ = 0;
  std::vector<uint32_t> label_ends_;
  std::vector<uint32_t> series_;
  std::vector<int64_t> times_;
  std::vector<double> values_;
  // For SeriesOf: a power of two slots of series + 1, at most half used; knows the first hashes_.size() series.
  std::vector<uint32_t> slots_;
  std::vector<uint64_t> hashes_;
};

template <typename SeriesOfRow, typename Each>
void SeriesBatch::EachRowOf(SeriesOfRow&& series_of_row, Each&& each) const {
  const size_t count = values_.size();
  if (time_form_ == TimeForm::kOffsets) {
    for (size_t i = 0; i < count; ++i) each(series_of_row(i), base_time_ + offsets_[i], values_[i]);
  } else {
    for (size_t i = 0; i < count; ++i) each(series_of_row(i), times_[i], values_[i]);
  }
}

template <typename Each>
void SeriesBatch::ForEachRow(Each&& each) const {
  const auto series = static_cast<uint32_t>(series_count());
  size_t row = 0;
  if (series_form_ == SeriesForm::kIndices) {
    EachRowOf([this](size_t i) { return series_[i]; }, each);
  } else if (series_form_ == SeriesForm::kRuns) {
    uint32_t current = 0;
    size_t end = series == 0 ? 0 : series_[0];
    EachRowOf(
        [&](size_t i) {
          while (i == end) end += series_[++current];
          return current;
        },
        each);
  } else if (time_form_ == TimeForm::kPerRound) {
    for (size_t round = 0; round < times_.size(); ++round) {
      const int64_t time = times_[round];
      for (uint32_t i = 0; i < series; ++i) each(i, time, values_[row++]);
    }
  } else {
    uint32_t next = 0;
    EachRowOf(
        [&](size_t) {
          const uint32_t current = next++;
          if (next == series) next = 0;
          return current;
        },
        each);
  }
}

template <typename Each>
void SeriesBatch::ForEachRun(Each&& each) const {
  if (series_form_ == SeriesForm::kRuns) {
    size_t first = 0;
    for (uint32_t i = 0; i < series_count(); ++i) {
      const size_t rows = series_[i];
      if (rows > 0) each(i, first, rows);
      first += rows;
    }
    return;
  }
  const bool indices = series_form_ == SeriesForm::kIndices;
  const auto series_of = [&](size_t row) {
    return indices ? series_[row] : static_cast<uint32_t>(row % series_count());
  };
  for (size_t first = 0, end = 0; first < sample_count(); first = end) {
    const uint32_t series = series_of(first);
    for (end = first + 1; end < sample_count() && series_of(end) == series;) ++end;
    each(series, first, end - first);
  }
}

}  // namespace rhizome::format
