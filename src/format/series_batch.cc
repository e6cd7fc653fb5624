#include "format/series_batch.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "format/coding.h"
#include "format/identity.h"
#include "format/series_batch_layout.h"

namespace rhizome::format {

using namespace series_batch_layout;

namespace {

constexpr int64_t kBaseTimeMax = INT64_MAX - int64_t{UINT32_MAX};

Status Bad(std::string_view what) { return Status::Corruption("series batch: " + std::string(what)); }

template <typename T>
void PutArray(std::string& out, std::span<const T> values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

template <typename T>
PackedArray<T> TakeArray(std::string_view& rest, size_t count) {
  const PackedArray<T> array(rest.substr(0, count * sizeof(T)));
  rest.remove_prefix(count * sizeof(T));
  return array;
}

}  // namespace

Status SeriesBatch::OpenForms(const char* head) {
  const auto series_form = static_cast<uint8_t>(head[kSeriesFormAt]);
  const auto time_form = static_cast<uint8_t>(head[kTimeFormAt]);
  if (series_form > 2 || time_form > 2 || head[kZeroAt] != 0) return Bad("of an unknown form");
  series_form_ = static_cast<SeriesForm>(series_form);
  time_form_ = static_cast<TimeForm>(time_form);
  base_time_ = LoadFixed<int64_t>(head + kBaseTimeAt);
  if (time_form_ == TimeForm::kPerRound && series_form_ != SeriesForm::kRounds) {
    return Bad("times per round without rounds");
  }
  if (time_form_ != TimeForm::kOffsets && base_time_ != 0) return Bad("a base without offsets");
  if (base_time_ > kBaseTimeMax) return Bad("its base is too late");
  return Status::Ok();
}

void SeriesBatch::TakeDictionary(std::string_view bytes, size_t series) {
  dictionary_bytes_ = bytes;
  label_ends_ = TakeArray<uint32_t>(bytes, series);
  dictionary_ = bytes;
}

// Reads the header and lays the arrays out; every length is checked before it is used.
Status SeriesBatch::Open(std::string_view bytes, const SeriesBatch* dictionary) {
  if (bytes.size() < kSeriesBatchHeaderBytes) return Bad("shorter than its header");
  const char* head = bytes.data();
  const uint8_t kind = dictionary == nullptr ? kSeriesBatchKind : kSeriesRowsKind;
  if (static_cast<uint8_t>(head[0]) != kind) return Bad("of another kind or version");
  if (LoadFixed<uint32_t>(head + kHeaderHashAt) != HeaderHash(bytes)) return Bad("its header has a wrong checksum");
  RETURN_IF_ERROR(OpenForms(head));
  const uint64_t series = LoadFixed<uint32_t>(head + kSeriesAt), samples = LoadFixed<uint32_t>(head + kSamplesAt);
  const uint64_t label_bytes = LoadFixed<uint32_t>(head + kLabelBytesAt);
  if (samples > 0 && series == 0) return Bad("samples without series");
  const bool rounds = series_form_ == SeriesForm::kRounds;
  if (rounds && series > 0 && samples % series != 0) return Bad("its last round is not whole");
  if (dictionary != nullptr && (label_bytes != 0 || series != dictionary->series_count())) {
    return Bad("rows of another dictionary");
  }

  const uint64_t times = time_form_ == TimeForm::kPerRound ? (series > 0 ? samples / series : 0) : samples;
  const uint64_t time_bytes = times * (time_form_ == TimeForm::kOffsets ? sizeof(uint32_t) : sizeof(int64_t));
  const uint64_t numbers = rounds ? 0 : series_form_ == SeriesForm::kRuns ? series : samples;
  const uint64_t dictionary_bytes = dictionary == nullptr ? series * sizeof(uint32_t) + label_bytes : 0;
  const uint64_t total = kSeriesBatchHeaderBytes + samples * sizeof(double) + time_bytes + numbers * sizeof(uint32_t) +
                         dictionary_bytes;  // below 2^38
  if (bytes.size() != total) return Bad("its length is not what its header says");

  bytes_ = bytes;
  std::string_view rest = bytes.substr(kSeriesBatchHeaderBytes);
  values_ = TakeArray<double>(rest, samples);
  if (time_form_ == TimeForm::kOffsets) {
    offsets_ = TakeArray<uint32_t>(rest, times);
  } else {
    times_ = TakeArray<int64_t>(rest, times);
  }
  series_ = TakeArray<uint32_t>(rest, numbers);
  TakeDictionary(dictionary == nullptr ? rest : dictionary->dictionary_bytes_, series);
  dictionary_id_ = dictionary == nullptr ? DictionaryIdOf(bytes).value_or(DictionaryId()) : dictionary->dictionary_id_;
  return Status::Ok();
}

Status SeriesBatch::CheckRows() const {
  const size_t behind = is_rows() ? 0 : dictionary_bytes_.size();
  const std::string_view rows =
      bytes_.substr(kSeriesBatchHeaderBytes, bytes_.size() - kSeriesBatchHeaderBytes - behind);
  if (Checksum(rows) != LoadFixed<uint64_t>(bytes_.data() + kRowsHashAt)) return Bad("its rows have a wrong checksum");
  if (series_form_ == SeriesForm::kRuns) {
    uint64_t sum = 0;
    for (size_t i = 0; i < series_.size(); ++i) sum += series_[i];
    if (sum != sample_count()) return Bad("its runs do not add up to its samples");
  } else if (series_form_ == SeriesForm::kIndices && !series_.empty()) {
    uint32_t greatest = 0;
    for (size_t i = 0; i < series_.size(); ++i) greatest = std::max(greatest, series_[i]);
    if (greatest >= series_count()) return Bad("a row of a series that is not there");
  }
  return Status::Ok();
}

Status SeriesBatch::CheckDictionary() const {
  if (ContentHash(dictionary_bytes_) != dictionary_id()) return Bad("its dictionary has a wrong checksum");
  uint32_t before = 0;
  for (size_t i = 0; i < label_ends_.size(); ++i) {
    const uint32_t end = label_ends_[i];
    if (end <= before || end > dictionary_.size()) return Bad("an empty label set, or one beyond the dictionary");
    if (const auto labels = LabelsView::Check(dictionary_.substr(before, end - before)); !labels.ok()) {
      return labels.status().Annotate("series batch: series " + std::to_string(i));
    }
    before = end;
  }
  if (before != dictionary_.size()) return Bad("bytes behind its last label set");
  return Status::Ok();
}

Result<SeriesBatch> SeriesBatch::Decode(std::string_view bytes, const SeriesBatch* known) {
  SeriesBatch batch;
  RETURN_IF_ERROR(batch.Open(bytes, nullptr));
  RETURN_IF_ERROR(batch.CheckRows());
  if (known == nullptr || !batch.HasDictionaryOf(*known)) RETURN_IF_ERROR(batch.CheckDictionary());
  return batch;
}

bool SeriesBatch::HasDictionaryOf(const SeriesBatch& other) const {
  return dictionary_id() == other.dictionary_id() && series_count() == other.series_count() &&
         (dictionary_bytes_.data() == other.dictionary_bytes_.data() || dictionary_bytes_ == other.dictionary_bytes_);
}

SeriesBatch SeriesBatch::Trusted(std::string_view bytes) {
  SeriesBatch batch;
  const Status opened = batch.Open(bytes, nullptr);
  CHECK(opened.ok());
  return batch;
}

Result<SeriesBatch> SeriesBatch::DecodeRows(std::string_view rows, const SeriesBatch& dictionary) {
  SeriesBatch batch;
  RETURN_IF_ERROR(batch.Open(rows, &dictionary));
  RETURN_IF_ERROR(batch.CheckRows());
  return batch;
}

SeriesBatch SeriesBatch::TrustedRows(std::string_view rows, const SeriesBatch& dictionary) {
  SeriesBatch batch;
  const Status opened = batch.Open(rows, &dictionary);
  CHECK(opened.ok());
  return batch;
}

std::optional<SeriesBatch::DictionaryId> SeriesBatch::DictionaryIdOf(std::string_view bytes) {
  if (bytes.size() < kSeriesBatchHeaderBytes || static_cast<uint8_t>(bytes[0]) != kSeriesBatchKind) return std::nullopt;
  return DictionaryId{LoadFixed<uint64_t>(bytes.data() + kDictionaryIdAt),
                      LoadFixed<uint64_t>(bytes.data() + kDictionaryIdAt + sizeof(uint64_t))};
}

std::optional<uint64_t> SeriesBatch::SampleCountOf(std::string_view bytes) {
  if (bytes.size() < kSeriesBatchHeaderBytes || static_cast<uint8_t>(bytes[0]) != kSeriesBatchKind) return std::nullopt;
  return LoadFixed<uint32_t>(bytes.data() + kSamplesAt);
}

Version SeriesBatch::version() const {
  if (bytes_.empty()) return {};
  return {LoadFixed<uint64_t>(bytes_.data() + kVersionAt),
          LoadFixed<uint32_t>(bytes_.data() + kVersionAt + sizeof(uint64_t))};
}

void SeriesBatch::CopyTimes(size_t first, std::span<int64_t> to) const {
  if (time_form_ == TimeForm::kEach) return times_.CopyTo(first, to);
  CHECK(first <= sample_count() && to.size() <= sample_count() - first);
  for (size_t i = 0; i < to.size(); ++i) to[i] = TimeAt(first + i);
}

void StampVersion(std::string& batch, Version version) {
  CHECK(batch.size() >= kSeriesBatchHeaderBytes);
  StoreFixed(batch.data() + kVersionAt, version.time);
  StoreFixed(batch.data() + kVersionAt + sizeof(uint64_t), version.node);
  StoreFixed(batch.data() + kHeaderHashAt, HeaderHash(batch));
}

uint32_t SeriesBatchBuilder::AppendSeries(LabelsView labels) {
  CHECK(!labels.empty());
  const std::string_view bytes = labels.bytes();
  std::memcpy(LabelRoom(bytes.size()), bytes.data(), bytes.size());
  return AppendWritten(bytes.size());
}

LabelsView SeriesBatchBuilder::LabelsOf(uint32_t series) const {
  const size_t from = series == 0 ? 0 : label_ends_[series - 1];
  return LabelsView::Trusted(std::string_view(dictionary_).substr(from, label_ends_[series] - from));
}

uint32_t SeriesBatchBuilder::SeriesOf(LabelsView labels) {
  IndexAll();
  const uint64_t hash = labels.Hash();
  for (size_t at = hash;; ++at) {
    const uint32_t held = slots_[at & (slots_.size() - 1)];
    if (held == 0) break;
    if (hashes_[held - 1] == hash && LabelsOf(held - 1) == labels) return held - 1;
  }
  const uint32_t series = AppendSeries(labels);
  hashes_.push_back(hash);
  Place(series);
  return series;
}

// Knows all series and has room for one more.
void SeriesBatchBuilder::IndexAll() {
  const size_t known = hashes_.size();
  for (auto i = static_cast<uint32_t>(known); i < series_count(); ++i) hashes_.push_back(LabelsOf(i).Hash());
  if ((series_count() + 1) * 2 > slots_.size()) {
    slots_.assign(std::bit_ceil(std::max<size_t>(64, (series_count() + 1) * 4)), 0);
    for (uint32_t i = 0; i < series_count(); ++i) Place(i);
  } else {
    for (auto i = static_cast<uint32_t>(known); i < series_count(); ++i) Place(i);
  }
}

void SeriesBatchBuilder::Place(uint32_t series) {
  size_t at = hashes_[series] & (slots_.size() - 1);
  while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = series + 1;
}

void SeriesBatchBuilder::AddRun(uint32_t series, std::span<const int64_t> times_ms, std::span<const double> values) {
  CHECK(times_ms.size() == values.size());
  series_.insert(series_.end(), values.size(), series);
  times_.insert(times_.end(), times_ms.begin(), times_ms.end());
  values_.insert(values_.end(), values.begin(), values.end());
}

size_t SeriesBatchBuilder::encoded_bytes_max() const {
  return kSeriesBatchHeaderBytes + sample_count() * (sizeof(double) + sizeof(int64_t) + sizeof(uint32_t)) +
         series_count() * 2 * sizeof(uint32_t) + dictionary_used_;
}

void SeriesBatchBuilder::Clear() {
  dictionary_used_ = 0;
  label_ends_.clear();
  series_.clear();
  times_.clear();
  values_.clear();
  if (!hashes_.empty()) std::fill(slots_.begin(), slots_.end(), 0);
  hashes_.clear();
}

SeriesForm SeriesBatchBuilder::FormOfSeries() const {
  if (series_.empty()) return SeriesForm::kRuns;
  const auto count = static_cast<uint32_t>(series_count());
  bool rounds = series_.size() % count == 0, ascend = true;
  uint32_t expected = 0;
  for (size_t i = 0; i < series_.size() && (rounds || ascend); ++i) {
    rounds = rounds && series_[i] == expected;
    ascend = ascend && (i == 0 || series_[i] >= series_[i - 1]);
    if (++expected == count) expected = 0;
  }
  if (rounds) return SeriesForm::kRounds;
  return ascend && count <= series_.size() ? SeriesForm::kRuns : SeriesForm::kIndices;
}

TimeForm SeriesBatchBuilder::FormOfTimes(SeriesForm form) const {
  if (times_.empty()) return TimeForm::kEach;
  const size_t count = series_count();
  if (form == SeriesForm::kRounds && count > 1) {
    bool shared = true;
    for (size_t i = 0; i < times_.size() && shared; i += count) {
      for (size_t j = 1; j < count && shared; ++j) shared = times_[i + j] == times_[i];
    }
    if (shared) return TimeForm::kPerRound;
  }
  const auto [least, greatest] = std::minmax_element(times_.begin(), times_.end());
  const uint64_t range = static_cast<uint64_t>(*greatest) - static_cast<uint64_t>(*least);
  return range <= UINT32_MAX && *least <= kBaseTimeMax ? TimeForm::kOffsets : TimeForm::kEach;
}

std::string SeriesBatchBuilder::Encode(Version version) const {
  std::string out;
  Encode(out, version);
  return out;
}

void SeriesBatchBuilder::Encode(std::string& out, Version version) const {
  CHECK(dictionary_used_ <= UINT32_MAX && sample_count() <= UINT32_MAX);
  const SeriesForm series_form = FormOfSeries();
  const TimeForm time_form = FormOfTimes(series_form);
  const int64_t base = time_form == TimeForm::kOffsets ? *std::min_element(times_.begin(), times_.end()) : 0;
  const size_t start = out.size();
  out.reserve(start + encoded_bytes_max());
  PutU8(out, kSeriesBatchKind);
  PutU8(out, static_cast<uint8_t>(series_form));
  PutU8(out, static_cast<uint8_t>(time_form));
  PutU8(out, 0);
  PutU32(out, static_cast<uint32_t>(series_count()));
  PutU32(out, static_cast<uint32_t>(sample_count()));
  PutU32(out, static_cast<uint32_t>(dictionary_used_));
  PutI64(out, base);
  out.append(kSeriesBatchHeaderBytes - kDictionaryIdAt, '\0');  // filled below

  const size_t rows_at = out.size();
  PutArray<double>(out, values_);
  if (time_form == TimeForm::kEach) {
    PutArray<int64_t>(out, times_);
  } else if (time_form == TimeForm::kOffsets) {
    for (const int64_t time : times_) PutU32(out, static_cast<uint32_t>(time - base));
  } else {
    for (size_t i = 0; i < times_.size(); i += series_count()) PutI64(out, times_[i]);
  }
  if (series_form == SeriesForm::kIndices) {
    PutArray<uint32_t>(out, series_);
  } else if (series_form == SeriesForm::kRuns) {
    std::vector<uint32_t> counts(series_count());
    for (const uint32_t series : series_) ++counts[series];
    PutArray<uint32_t>(out, counts);
  }
  const size_t dictionary_at = out.size();
  PutArray<uint32_t>(out, label_ends_);
  out.append(dictionary_, 0, dictionary_used_);

  const std::string_view written(out);
  const auto [high, low] = ContentHash(written.substr(dictionary_at));
  char* head = out.data() + start;
  StoreFixed(head + kDictionaryIdAt, high);
  StoreFixed(head + kDictionaryIdAt + sizeof(uint64_t), low);
  StoreFixed(head + kRowsHashAt, Checksum(written.substr(rows_at, dictionary_at - rows_at)));
  StoreFixed(head + kVersionAt, version.time);
  StoreFixed(head + kVersionAt + sizeof(uint64_t), version.node);
  StoreFixed(head + kHeaderHashAt, HeaderHash(written.substr(start)));
}

}  // namespace rhizome::format
