#include "engines/series/generation.h"

#include <algorithm>

namespace rhizome::series {
namespace {

void CopyMatching(std::span<const StampedSample> samples, int64_t from, int64_t to, std::vector<StampedSample>& out) {
  std::copy_if(samples.begin(), samples.end(), std::back_inserter(out),
               [&](const StampedSample& sample) { return sample.time_ms >= from && sample.time_ms <= to; });
}

// The same of samples that ascend.
void CopyAscending(std::span<const StampedSample> samples, int64_t from, int64_t to, std::vector<StampedSample>& out) {
  const auto begin = std::partition_point(samples.begin(), samples.end(),
                                          [&](const StampedSample& sample) { return sample.time_ms < from; });
  const auto end =
      std::partition_point(begin, samples.end(), [&](const StampedSample& sample) { return sample.time_ms <= to; });
  out.insert(out.end(), begin, end);
}

}  // namespace

void Generation::Append(std::span<const StampedRow> rows) {
  for (const StampedRow& row : rows) {
    Stamped& stamped = stamped_[row.series];
    stamped.ascending &= stamped.samples.empty() || stamped.samples.back().time_ms <= row.sample.time_ms;
    stamped.samples.push_back(row.sample);
    ++stamped_samples_;
    if (stamped.samples.size() < stamped.fold_at) continue;
    stamped_samples_ -= stamped.samples.size();
    KeepUndominated(stamped.samples);
    stamped.ascending = true;
    stamped_samples_ += stamped.samples.size();
    stamped.fold_at = std::max<size_t>(64, stamped.samples.size() * 2);
  }
}

void Generation::CopyRange(const Stamped& stamped, int64_t from, int64_t to, std::vector<StampedSample>& out) {
  if (stamped.ascending) {
    CopyAscending(stamped.samples, from, to, out);
  } else {
    CopyMatching(stamped.samples, from, to, out);
  }
}

void Generation::Read(SeriesNumber series, int64_t from, int64_t to, StoredSamples& out) const {
  tails_.Read(series, from, to, out.prompt);
  if (const auto found = stamped_.find(series); found != stamped_.end()) {
    CopyRange(found->second, from, to, out.stamped);
  }
}

void Generation::Copy(SeriesNumber series, int64_t from, int64_t to, MemoryCopy& copy) const {
  tails_.Copy(series, from, to, copy.tails_);
  if (const auto found = stamped_.find(series); found != stamped_.end()) {
    CopyRange(found->second, from, to, copy.stamped_);
  }
  copy.stamped_ends_.push_back(copy.stamped_.size());
}

void MemoryCopy::Read(size_t i, int64_t from, int64_t to, StoredSamples& out) const {
  tails_.Read(i, from, to, out.prompt);
  const size_t begin = i == 0 ? 0 : stamped_ends_[i - 1];
  CopyMatching(std::span(stamped_).subspan(begin, stamped_ends_[i] - begin), from, to, out.stamped);
}

uint64_t Generation::memory_bytes() const {
  return tails_.memory_bytes() + stamped_.bucket_count() * sizeof(void*) +
         stamped_.size() * (sizeof(void*) + sizeof(std::pair<SeriesNumber, Stamped>)) +
         stamped_samples_ * sizeof(StampedSample);
}

}  // namespace rhizome::series
