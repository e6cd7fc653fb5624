#include "format/series_dictionary.h"

#include <atomic>
#include <charconv>

#include "base/check.h"
#include "format/coding.h"
#include "format/series_batch_layout.h"

namespace rhizome::format {

using namespace series_batch_layout;

namespace {

constexpr size_t kDigits = 16;  // of each half of a name

uint64_t NextNumber() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

void PutHash(std::string& bytes) { StoreFixed(bytes.data() + kHeaderHashAt, HeaderHash(bytes)); }

// A batch of these label sets without rows.
std::string WithoutRows(const SeriesBatch& batch) {
  const SeriesBatch::DictionaryId id = batch.dictionary_id();
  std::string out(kSeriesBatchHeaderBytes, '\0');
  char* const head = out.data();
  head[0] = static_cast<char>(kSeriesBatchKind);
  const size_t ends = batch.series_count() * sizeof(uint32_t);
  StoreFixed(head + kSeriesAt, static_cast<uint32_t>(batch.series_count()));
  StoreFixed(head + kLabelBytesAt, static_cast<uint32_t>(batch.DictionaryBytes().size() - ends));
  StoreFixed(head + kDictionaryIdAt, id.first);
  StoreFixed(head + kDictionaryIdAt + sizeof(uint64_t), id.second);
  StoreFixed(head + kRowsHashAt, Checksum({}));
  PutHash(out);
  out.append(batch.DictionaryBytes());
  return out;
}

// A column of of(row) for each of the rows, and what is behind it.
template <typename T, typename Of>
char* PutColumn(char* to, std::span<const uint32_t> rows, const Of& of) {
  for (const uint32_t row : rows) {
    StoreFixed<T>(to, of(row));
    to += sizeof(T);
  }
  return to;
}

}  // namespace

std::string DictionaryName::ToString() const {
  std::string text;
  for (const uint64_t half : {high, low}) {
    for (size_t i = 0; i < kDigits; ++i) text += "0123456789abcdef"[half >> (60 - 4 * i) & 15];
  }
  return text;
}

std::optional<DictionaryName> DictionaryName::Parse(std::string_view text) {
  if (text.size() != 2 * kDigits) return std::nullopt;
  DictionaryName name;
  for (const auto& [half, at] : {std::pair(&name.high, size_t{0}), std::pair(&name.low, kDigits)}) {
    const char* const from = text.data() + at;
    const auto [end, error] = std::from_chars(from, from + kDigits, *half, 16);
    if (error != std::errc() || end != from + kDigits) return std::nullopt;
  }
  return name;
}

SeriesDictionary::SeriesDictionary(std::string bytes)
    : bytes_(std::move(bytes)), batch_(SeriesBatch::Trusted(bytes_)), number_(NextNumber()) {}

std::shared_ptr<const SeriesDictionary> SeriesDictionary::Of(const SeriesBatch& batch) {
  return std::shared_ptr<const SeriesDictionary>(new SeriesDictionary(WithoutRows(batch)));
}

std::string RowsOf(const SeriesBatch& batch, DictionaryName name) {
  const size_t behind = batch.is_rows() ? 0 : batch.DictionaryBytes().size();
  std::string rows(batch.bytes().substr(0, batch.bytes().size() - behind));
  rows[0] = static_cast<char>(kSeriesRowsKind);
  StoreFixed(rows.data() + kLabelBytesAt, uint32_t{0});
  StoreFixed(rows.data() + kVersionAt, uint64_t{0});
  StoreFixed(rows.data() + kVersionAt + sizeof(uint64_t), uint32_t{0});
  NameDictionary(rows, name);
  return rows;
}

std::string WholeOf(const SeriesBatch& batch) {
  if (!batch.is_rows()) return std::string(batch.bytes());
  std::string whole(batch.bytes());
  const std::string_view dictionary = batch.DictionaryBytes();
  whole.append(dictionary);
  whole[0] = static_cast<char>(kSeriesBatchKind);
  const size_t ends = batch.series_count() * sizeof(uint32_t);
  StoreFixed(whole.data() + kLabelBytesAt, static_cast<uint32_t>(dictionary.size() - ends));
  const SeriesBatch::DictionaryId id = batch.dictionary_id();
  NameDictionary(whole, {id.first, id.second});
  return whole;
}

std::optional<DictionaryName> DictionaryNameOf(std::string_view rows) {
  if (rows.size() < kSeriesBatchHeaderBytes || static_cast<uint8_t>(rows[0]) != kSeriesRowsKind) return std::nullopt;
  return DictionaryName{LoadFixed<uint64_t>(rows.data() + kDictionaryIdAt),
                        LoadFixed<uint64_t>(rows.data() + kDictionaryIdAt + sizeof(uint64_t))};
}

void NameDictionary(std::string& rows, DictionaryName name) {
  CHECK(rows.size() >= kSeriesBatchHeaderBytes);
  StoreFixed(rows.data() + kDictionaryIdAt, name.high);
  StoreFixed(rows.data() + kDictionaryIdAt + sizeof(uint64_t), name.low);
  PutHash(rows);
}

DictionarySplit::DictionarySplit(const SeriesDictionary& whole, std::span<const uint32_t> part_of_series, size_t parts)
    : part_of_series_(part_of_series.begin(), part_of_series.end()), place_(part_of_series.size()), parts_(parts) {
  const SeriesBatch& batch = whole.batch();
  CHECK(part_of_series.size() == batch.series_count());
  for (uint32_t i = 0; i < part_of_series.size(); ++i) {
    Part& part = parts_.at(part_of_series[i]);
    place_[i] = static_cast<uint32_t>(part.series.size());
    part.series.push_back(i);
  }
  for (Part& part : parts_) {
    if (part.series.empty()) continue;
    SeriesBatchBuilder builder;
    for (const uint32_t series : part.series) builder.AppendSeries(batch.LabelsOf(series));
    const std::string bytes = builder.Encode();
    part.dictionary = SeriesDictionary::Of(SeriesBatch::Trusted(bytes));
  }
}

size_t DictionarySplit::bytes() const {
  size_t bytes = sizeof(*this) + 2 * part_of_series_.size() * sizeof(uint32_t);
  for (const Part& part : parts_) {
    bytes += sizeof(Part) + part.series.size() * sizeof(uint32_t);
    if (part.dictionary != nullptr) bytes += part.dictionary->bytes().size();
  }
  return bytes;
}

std::vector<std::string> DictionarySplit::Split(const SeriesBatch& batch) const {
  CHECK(batch.series_count() == place_.size());
  std::vector<std::string> out(parts_.size());
  if (batch.sample_count() == 0) return out;
  // Of one round a part's rows are its series.
  const bool round = batch.series_form_ == SeriesForm::kRounds && batch.sample_count() == place_.size();
  std::vector<std::vector<uint32_t>> rows;
  if (!round) rows = FindRows(batch);
  for (size_t i = 0; i < parts_.size(); ++i) {
    const std::span<const uint32_t> of_part(round ? parts_[i].series : rows[i]);
    if (!of_part.empty()) out[i] = Encode(batch, parts_[i], of_part);
  }
  return out;
}

std::vector<std::vector<uint32_t>> DictionarySplit::FindRows(const SeriesBatch& batch) const {
  std::vector<std::vector<uint32_t>> rows(parts_.size());
  const auto samples = static_cast<uint32_t>(batch.sample_count());
  const auto count = static_cast<uint32_t>(place_.size());
  if (batch.series_form_ == SeriesForm::kRounds) {
    for (size_t i = 0; i < parts_.size(); ++i) {
      rows[i].reserve(parts_[i].series.size() * (samples / count));
      for (uint32_t first = 0; first < samples; first += count) {
        for (const uint32_t series : parts_[i].series) rows[i].push_back(first + series);
      }
    }
  } else if (batch.series_form_ == SeriesForm::kRuns) {
    uint32_t row = 0;
    for (uint32_t series = 0; series < count; ++series) {
      std::vector<uint32_t>& of_part = rows[part_of_series_[series]];
      for (const uint32_t end = row + batch.series_[series]; row < end; ++row) of_part.push_back(row);
    }
  } else {
    for (uint32_t row = 0; row < samples; ++row) rows[part_of_series_[batch.series_[row]]].push_back(row);
  }
  return rows;
}

std::string DictionarySplit::Encode(const SeriesBatch& batch, const Part& part, std::span<const uint32_t> rows) const {
  const TimeForm times = batch.time_form();
  const size_t rounds = times == TimeForm::kPerRound ? batch.times_.size() : 0;
  const size_t time_bytes = times == TimeForm::kEach      ? rows.size() * sizeof(int64_t)
                            : times == TimeForm::kOffsets ? rows.size() * sizeof(uint32_t)
                                                          : rounds * sizeof(int64_t);
  const size_t numbers = batch.series_form_ == SeriesForm::kRounds ? 0
                         : batch.series_form_ == SeriesForm::kRuns ? part.series.size()
                                                                   : rows.size();
  std::string out(kSeriesBatchHeaderBytes + rows.size() * sizeof(double) + time_bytes + numbers * sizeof(uint32_t),
                  '\0');
  char* const head = out.data();
  batch.bytes().copy(head, kSeriesBatchHeaderBytes);  // forms and base are the batch's
  char* to = head + kSeriesBatchHeaderBytes;
  to = PutColumn<double>(to, rows, [&](uint32_t row) { return batch.values_[row]; });
  if (times == TimeForm::kEach) {
    to = PutColumn<int64_t>(to, rows, [&](uint32_t row) { return batch.times_[row]; });
  } else if (times == TimeForm::kOffsets) {
    to = PutColumn<uint32_t>(to, rows, [&](uint32_t row) { return batch.offsets_[row]; });
  } else {
    for (size_t i = 0; i < rounds; ++i, to += sizeof(int64_t)) StoreFixed<int64_t>(to, batch.times_[i]);
  }
  if (batch.series_form_ == SeriesForm::kRuns) {
    to = PutColumn<uint32_t>(to, part.series, [&](uint32_t series) { return batch.series_[series]; });
  } else if (batch.series_form_ == SeriesForm::kIndices) {
    to = PutColumn<uint32_t>(to, rows, [&](uint32_t row) { return place_[batch.series_[row]]; });
  }
  CHECK(to == head + out.size());
  head[0] = static_cast<char>(kSeriesRowsKind);
  StoreFixed(head + kSeriesAt, static_cast<uint32_t>(part.series.size()));
  StoreFixed(head + kSamplesAt, static_cast<uint32_t>(rows.size()));
  StoreFixed(head + kLabelBytesAt, uint32_t{0});
  StoreFixed(head + kRowsHashAt, Checksum(std::string_view(out).substr(kSeriesBatchHeaderBytes)));
  StoreFixed(head + kVersionAt, uint64_t{0});
  StoreFixed(head + kVersionAt + sizeof(uint64_t), uint32_t{0});
  NameDictionary(out, {});
  return out;
}

}  // namespace rhizome::format
