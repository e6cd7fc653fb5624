#include "metrics_client/batch.h"

#include <utility>

namespace rhizome::metrics_client {
namespace {

using format::LabelPair;
using format::LabelsView;

// At most, of a row: value, time, index; and of a series that is new in the batch, beside its labels: an end, a count.
constexpr size_t kRowBytes = sizeof(double) + sizeof(int64_t) + sizeof(uint32_t);
constexpr size_t kSeriesBytes = 2 * sizeof(uint32_t);

Status CheckNames(LabelsView labels) {
  if (labels.metric_name().empty()) {
    return Status::InvalidArgument(std::string(format::kMetricNameLabel), "a series needs a metric's name");
  }
  for (const LabelPair& label : labels) {
    if (label.name == format::kMetricNameLabel) {
      if (format::IsMetricName(label.value)) continue;
      return Status::InvalidArgument(std::string(label.name), "a metric's name is of letters, digits, _ and :");
    }
    if (format::IsLabelName(label.name)) continue;
    return Status::InvalidArgument(std::string(label.name), "a label's name is of letters, digits and _");
  }
  return Status::Ok();
}

}  // namespace

Result<SeriesId> Batch::Series(std::span<const LabelPair> labels) {
  ASSIGN_OR_RETURN(const format::Labels set, format::Labels::FromPairs(labels));
  RETURN_IF_ERROR(CheckNames(set));
  const auto [at, added] = known_.try_emplace(std::string(set.bytes()), static_cast<SeriesId>(label_sets_.size()));
  if (added) {
    label_sets_.push_back(at->first);
    place_.push_back(kAbsent);
  }
  return at->second;
}

Result<SeriesId> Batch::Series(std::string_view metric, std::span<const LabelPair> labels) {
  std::vector<LabelPair> all(labels.begin(), labels.end());
  all.push_back({format::kMetricNameLabel, metric});
  return Series(all);
}

bool Batch::Add(SeriesId series, int64_t time_ms, double value) {
  CHECK(series < place_.size());
  uint32_t& place = place_[series];
  const bool is_first = place == kAbsent;
  const size_t row_bytes = kRowBytes + (is_first ? kSeriesBytes + label_sets_[series].size() : 0);
  const size_t bytes = format::kSeriesBatchHeaderBytes + rows_.sample_count() * kRowBytes +
                       rows_.series_count() * kSeriesBytes + rows_.dictionary_bytes();
  if (bytes + row_bytes > bytes_max_ || rows_.sample_count() == kSamplesMax) return false;
  if (is_first) {
    place = rows_.AppendSeries(LabelsView::Trusted(label_sets_[series]));
    present_.push_back(series);
  }
  rows_.Add(place, time_ms, value);
  return true;
}

EncodedBatch Batch::Take() {
  EncodedBatch batch{rows_.Encode(), rows_.sample_count()};
  rows_.Clear();
  for (const SeriesId series : present_) place_[series] = kAbsent;
  present_.clear();
  return batch;
}

}  // namespace rhizome::metrics_client
