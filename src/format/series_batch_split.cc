// Splitting a batch: each part's columns are gathered row by row from the batch's own, in the batch's own forms, and
// written once. Building each part anew from its rows takes two to four times as
// long.
#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "format/coding.h"
#include "format/series_batch.h"
#include "format/series_batch_layout.h"

namespace rhizome::format {

using namespace series_batch_layout;

class SeriesBatchSplit {
 public:
  SeriesBatchSplit(const SeriesBatch& batch, std::span<const uint32_t> part_of_series, size_t parts)
      : batch_(batch), place_(batch.series_count()), parts_(parts) {
    FindSeries(part_of_series);
    FindRows(part_of_series);
  }

  std::vector<std::string> Encode() {
    std::vector<std::string> out(parts_.size());
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (!parts_[i].rows.empty()) out[i] = Encode(parts_[i]);
    }
    return out;
  }

 private:
  struct Part {
    std::vector<uint32_t> series;  // of the batch, those with rows
    std::vector<uint32_t> rows;    // of the batch
    size_t label_bytes = 0;
  };

  bool HasForm(SeriesForm form) const { return batch_.series_form() == form; }

  void FindSeries(std::span<const uint32_t> part_of_series) {
    // Rounds have rows of each.
    std::vector<bool> has_rows(place_.size(), HasForm(SeriesForm::kRounds));
    for (size_t i = 0; i < batch_.series_.size(); ++i) {
      if (HasForm(SeriesForm::kIndices)) {
        has_rows[batch_.series_[i]] = true;
      } else {
        has_rows[i] = batch_.series_[i] > 0;
      }
    }
    for (uint32_t series = 0; series < place_.size(); ++series) {
      if (!has_rows[series]) continue;
      Part& part = parts_.at(part_of_series[series]);
      place_[series] = static_cast<uint32_t>(part.series.size());
      part.series.push_back(series);
      part.label_bytes += batch_.LabelsOf(series).bytes().size();
    }
  }

  void FindRows(std::span<const uint32_t> part_of_series) {
    const auto samples = static_cast<uint32_t>(batch_.sample_count());
    if (HasForm(SeriesForm::kRounds)) {
      const auto count = static_cast<uint32_t>(place_.size());
      for (Part& part : parts_) part.rows.reserve(part.series.size() * (samples / count));
      for (uint32_t first = 0; first < samples; first += count) {
        for (Part& part : parts_) {
          for (const uint32_t series : part.series) part.rows.push_back(first + series);
        }
      }
    } else if (HasForm(SeriesForm::kRuns)) {
      uint32_t row = 0;
      for (uint32_t series = 0; series < place_.size(); ++series) {
        std::vector<uint32_t>& rows = parts_[part_of_series[series]].rows;
        for (const uint32_t end = row + batch_.series_[series]; row < end; ++row) rows.push_back(row);
      }
    } else {
      for (uint32_t row = 0; row < samples; ++row) parts_[part_of_series[batch_.series_[row]]].rows.push_back(row);
    }
  }

  size_t EncodedBytesMax(const Part& part) const {
    return kSeriesBatchHeaderBytes + part.rows.size() * (sizeof(double) + sizeof(int64_t) + sizeof(uint32_t)) +
           part.series.size() * 2 * sizeof(uint32_t) + part.label_bytes;
  }

  // A column of of(number) for each of the numbers.
  template <typename T, typename Of>
  void PutColumn(std::string& out, std::span<const uint32_t> numbers, const Of& of) {
    const size_t bytes = numbers.size() * sizeof(T);
    if (column_bytes_ < bytes) {
      column_ = std::make_unique_for_overwrite<char[]>(bytes);
      column_bytes_ = bytes;
    }
    char* to = column_.get();
    for (const uint32_t number : numbers) {
      StoreFixed<T>(to, of(number));
      to += sizeof(T);
    }
    out.append(column_.get(), bytes);
  }

  std::string Encode(const Part& part) {
    std::string out;
    out.reserve(EncodedBytesMax(part));
    out.append(batch_.bytes(), 0, kSeriesBatchHeaderBytes);  // kind, forms, base and version are the batch's
    const std::span<const uint32_t> rows(part.rows), series(part.series);
    PutColumn<double>(out, rows, [&](uint32_t row) { return batch_.values_[row]; });
    if (batch_.time_form() == TimeForm::kEach) {
      PutColumn<int64_t>(out, rows, [&](uint32_t row) { return batch_.times_[row]; });
    } else if (batch_.time_form() == TimeForm::kOffsets) {
      PutColumn<uint32_t>(out, rows, [&](uint32_t row) { return batch_.offsets_[row]; });
    } else {
      for (size_t i = 0; i < batch_.times_.size(); ++i) PutI64(out, batch_.times_[i]);
    }
    if (HasForm(SeriesForm::kRuns)) {
      PutColumn<uint32_t>(out, series, [&](uint32_t number) { return batch_.series_[number]; });
    } else if (HasForm(SeriesForm::kIndices)) {
      PutColumn<uint32_t>(out, rows, [&](uint32_t row) { return place_[batch_.series_[row]]; });
    }
    const size_t dictionary_at = out.size();
    uint32_t end = 0;
    PutColumn<uint32_t>(out, series, [&](uint32_t number) {
      return end += static_cast<uint32_t>(batch_.LabelsOf(number).bytes().size());
    });
    for (const uint32_t number : series) out.append(batch_.LabelsOf(number).bytes());
    PutHeader(part, dictionary_at, out);
    return out;
  }

  static void PutHeader(const Part& part, size_t dictionary_at, std::string& out) {
    const std::string_view written(out);
    const auto [high, low] = ContentHash(written.substr(dictionary_at));
    const std::string_view rows = written.substr(kSeriesBatchHeaderBytes, dictionary_at - kSeriesBatchHeaderBytes);
    char* const head = out.data();
    StoreFixed(head + kSeriesAt, static_cast<uint32_t>(part.series.size()));
    StoreFixed(head + kSamplesAt, static_cast<uint32_t>(part.rows.size()));
    StoreFixed(head + kLabelBytesAt, static_cast<uint32_t>(part.label_bytes));
    StoreFixed(head + kDictionaryIdAt, high);
    StoreFixed(head + kDictionaryIdAt + sizeof(uint64_t), low);
    StoreFixed(head + kRowsHashAt, Checksum(rows));
    StoreFixed(head + kHeaderHashAt, HeaderHash(out));
  }

  const SeriesBatch& batch_;
  std::vector<uint32_t> place_;  // of a series in its part
  std::vector<Part> parts_;
  std::unique_ptr<char[]> column_;
  size_t column_bytes_ = 0;
};

std::vector<std::string> SplitSeriesBatch(const SeriesBatch& batch, std::span<const uint32_t> part_of_series,
                                          size_t parts) {
  CHECK(part_of_series.size() == batch.series_count());
  std::vector<std::string> out(parts);
  if (batch.sample_count() == 0) return out;
  const auto other = std::adjacent_find(part_of_series.begin(), part_of_series.end(), std::not_equal_to<>());
  if (other == part_of_series.end()) {
    out.at(part_of_series[0]) = batch.bytes();
    return out;
  }
  return SeriesBatchSplit(batch, part_of_series, parts).Encode();
}

}  // namespace rhizome::format
