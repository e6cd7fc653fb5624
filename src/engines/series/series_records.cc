#include "engines/series/series_records.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "engines/series/compaction.h"
#include "engines/series/sample_order.h"
#include "format/series_record.h"

namespace rhizome::series {

using format::LabelsView;
using format::SeriesBatch;

namespace {

// Samples of one are so near to each other that one version makes all of them prompt.
constexpr int64_t kSpanMs = 2 * kPromptMs;

// Within reach of every sample of the span that ends at `max_ms`, and not after now where no sample is further ahead
// than a prompt one may be.
Version VersionFor(int64_t max_ms) {
  const int64_t wall_ms = std::max<int64_t>(max_ms - kPromptMs, 0);
  return {std::max<uint64_t>(static_cast<uint64_t>(wall_ms) << 16, 1), 0};
}

bool Ascends(const Samples& samples) {
  return std::adjacent_find(samples.times.begin(), samples.times.end(), std::greater_equal<>()) == samples.times.end();
}

bool SameBits(const Samples& a, const Samples& b) {
  const auto bits = [](double x, double y) { return std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(y); };
  return a.times == b.times && std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(), bits);
}

void Sort(Samples& samples) {
  std::vector<Sample> all(samples.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = {samples.times[i], samples.values[i]};
  SortAndResolve(all);
  samples.clear();
  for (const Sample& sample : all) {
    samples.times.push_back(sample.time_ms);
    samples.values.push_back(sample.value);
  }
}

}  // namespace

void RecordBuilder::AddPrompt(LabelsView labels, const Samples& prompt) {
  for (size_t first = 0, end = 0; first < prompt.size(); first = end) {
    const int64_t slot = use_ == For::kAnswer ? 0 : SlotOf(prompt.times[first], kSpanMs);
    end = prompt.size();
    if (use_ == For::kApply) {
      for (end = first + 1; end < prompt.size() && SlotOf(prompt.times[end], kSpanMs) == slot;) ++end;
    }
    Span& span = prompt_[slot];
    span.batch.AddRun(span.batch.SeriesOf(labels), std::span(prompt.times).subspan(first, end - first),
                      std::span(prompt.values).subspan(first, end - first));
    span.max_ms = std::max(span.max_ms, prompt.times[end - 1]);
  }
}

void RecordBuilder::Add(LabelsView labels, const StoredSamples& samples) {
  AddPrompt(labels, samples.prompt);
  for (const StampedSample& sample : samples.stamped) {
    format::SeriesBatchBuilder& batch = stamped_[sample.stamp];
    batch.Add(batch.SeriesOf(labels), sample.time_ms, sample.value);
  }
  samples_ += samples.prompt.size() + samples.stamped.size();
}

size_t RecordBuilder::bytes_max() const {
  size_t bytes = 0;
  for (const auto& [slot, span] : prompt_) bytes += span.batch.encoded_bytes_max();
  for (const auto& [stamp, batch] : stamped_) bytes += batch.encoded_bytes_max();
  return bytes;
}

std::vector<std::string> RecordBuilder::Take() {
  std::vector<std::string> records;
  for (const auto& [slot, span] : prompt_) {
    records.push_back(span.batch.Encode(use_ == For::kAnswer ? Version{} : VersionFor(span.max_ms)));
  }
  for (const auto& [stamp, batch] : stamped_) records.push_back(batch.Encode({stamp, 0}));
  prompt_.clear();
  stamped_.clear();
  samples_ = 0;
  return records;
}

Status SampleUnion::Add(std::string_view record) {
  if (format::SeriesRecordKindOf(record) == format::SeriesRecordKind::kDeletion) {
    ASSIGN_OR_RETURN(Deletion deletion, DecodeDeletion(record));
    if (std::find(deletions_.begin(), deletions_.end(), deletion) == deletions_.end()) {
      deletions_.push_back(std::move(deletion));
    }
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const SeriesBatch batch, SeriesBatch::Decode(record));
  return AddBatch(batch);
}

StoredSamples& SampleUnion::Of(LabelsView labels) {
  const auto [place, fresh] = places_.try_emplace(std::string(labels.bytes()), series_.size());
  if (fresh) series_.push_back({place->first, {}});
  return series_[place->second].samples;
}

// Most often the replicas hold the same.
void SampleUnion::AddRun(Samples& run, Samples& to) {
  if (run.size() == 0) return;
  if (!Ascends(run)) Sort(run);
  if (to.size() == 0) {
    std::swap(run, to);
  } else if (!SameBits(run, to)) {
    Samples all;
    MergeResolved(to, run, all);
    to = std::move(all);
  }
}

Status SampleUnion::AddBatch(const SeriesBatch& batch) {
  const uint64_t stamp = batch.version().time;
  Samples prompt;
  batch.ForEachRun([&](uint32_t series, size_t first, size_t rows) {
    StoredSamples& samples = Of(batch.LabelsOf(series));
    prompt.clear();
    for (size_t row = first; row < first + rows; ++row) {
      const int64_t time_ms = batch.TimeAt(row);
      if (stamp != 0 && !IsPrompt(time_ms, StampMs(stamp))) {
        samples.stamped.push_back({time_ms, batch.ValueAt(row), stamp});
      } else {
        prompt.times.push_back(time_ms);
        prompt.values.push_back(batch.ValueAt(row));
      }
    }
    AddRun(prompt, samples.prompt);
  });
  samples_ += batch.sample_count();
  return Status::Ok();
}

Status SampleUnion::ForEach(const Each& each) {
  DeletionSet deletions;
  for (const Deletion& deletion : deletions_) RETURN_IF_ERROR(deletions.Add(deletion, 0).status());
  std::vector<size_t> order(series_.size());
  std::iota(order.begin(), order.end(), 0);
  const auto labels_of = [this](size_t i) { return LabelsView::Trusted(series_[i].labels); };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return labels_of(a) < labels_of(b); });
  std::vector<Hiding> hidings;
  for (const size_t i : order) {
    StoredSamples& samples = series_[i].samples;
    KeepUndominated(samples.stamped);
    deletions.FindHidings(labels_of(i), hidings);
    Hide(hidings, samples.prompt);
    Hide(hidings, samples.stamped);
    RETURN_IF_ERROR(each(labels_of(i), samples));
  }
  return Status::Ok();
}

std::vector<std::string> SampleUnion::Join() {
  std::vector<std::string> records;
  for (const Deletion& deletion : deletions_) records.push_back(EncodeDeletion(deletion));
  RecordBuilder builder(RecordBuilder::For::kApply);
  for (Series& series : series_) {
    KeepUndominated(series.samples.stamped);
    builder.Add(LabelsView::Trusted(series.labels), series.samples);
  }
  for (std::string& record : builder.Take()) records.push_back(std::move(record));
  return records;
}

}  // namespace rhizome::series
