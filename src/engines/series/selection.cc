#include "engines/series/selection.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "engines/series/sample_order.h"

namespace rhizome::series {

Selection::Selection(int64_t from_ms, int64_t to_ms, std::shared_ptr<const DeletionSet> deletions)
    : from_ms_(from_ms), to_ms_(to_ms), deletions_(std::move(deletions)) {}

void Selection::AddBlock(std::shared_ptr<const Block> block, const SeriesSet& series) {
  BlockSource source;
  source.places.resize(series.cardinality());
  if (source.places.empty()) return;
  series.toUint32Array(source.places.data());
  source.block = std::move(block);
  Load(source);
  sources_.push_back(std::move(source));
}

void Selection::SetMemory(Memory memory) {
  CHECK(memory_order_.empty());
  memory_ = std::move(memory);
  CHECK(memory_.copy.size() == 0 || memory_.copy.size() == memory_.series_.size());
  memory_order_.resize(memory_.series_.size());
  std::iota(memory_order_.begin(), memory_order_.end(), 0);
  const auto labels = [&](uint32_t i) {
    const Memory::Series& series = memory_.series_[i];
    return format::LabelsView::Trusted(std::string_view(memory_.bytes_).substr(series.at, series.size));
  };
  std::sort(memory_order_.begin(), memory_order_.end(), [&](uint32_t a, uint32_t b) { return labels(a) < labels(b); });
}

void Selection::Load(BlockSource& source) {
  if (source.at < source.places.size()) source.block->LabelsOf(source.places[source.at], source.labels);
}

format::LabelsView Selection::MemoryLabels() const {
  const Memory::Series& series = memory_.series_[memory_order_[memory_at_]];
  return format::LabelsView::Trusted(std::string_view(memory_.bytes_).substr(series.at, series.size));
}

bool Selection::FindNext() {
  bool found = false;
  format::LabelsView least;
  const auto offer = [&](format::LabelsView labels) {
    if (found && (labels == least || least < labels)) return;
    least = labels;
    found = true;
  };
  for (const BlockSource& source : sources_) {
    if (source.at < source.places.size()) offer(format::LabelsView::Trusted(source.labels));
  }
  if (memory_at_ < memory_order_.size()) offer(MemoryLabels());
  if (found) labels_.assign(least.bytes());
  return found;
}

Result<bool> Selection::Next() {
  if (from_ms_ > to_ms_) return false;
  while (FindNext()) {
    RETURN_IF_ERROR(Collect());
    hidings_.clear();
    if (deletions_ != nullptr && !deletions_->empty()) deletions_->FindHidings(labels(), hidings_);
    Hide(hidings_, stored_.prompt);
    Hide(hidings_, stored_.stamped);
    if (stored_.prompt.size() + stored_.stamped.size() == 0) continue;
    shown_ = &stored_.prompt;
    if (!stored_.stamped.empty()) {
      KeepUndominated(stored_.stamped);
      merged_.clear();
      MergeStamped(stored_.prompt, stored_.stamped, merged_);
      shown_ = &merged_;
    }
    return true;
  }
  return false;
}

Status Selection::Collect() {
  stored_.clear();
  for (BlockSource& source : sources_) {
    if (source.at == source.places.size() || source.labels != labels_) continue;
    const bool after = stored_.prompt.size() == 0 || stored_.prompt.times.back() < source.block->info().min_time;
    if (!after) part_.clear();
    RETURN_IF_ERROR(source.block->Read(source.places[source.at], from_ms_, to_ms_, after ? stored_ : part_));
    if (!after) Take(part_);
    ++source.at;
    Load(source);
  }
  if (memory_at_ == memory_order_.size() || MemoryLabels().bytes() != labels_) return Status::Ok();
  const uint32_t i = memory_order_[memory_at_++];
  const SeriesNumber number = memory_.series_[i].number;
  if (memory_.frozen != nullptr && number < memory_.frozen->series_count()) {
    part_.clear();
    memory_.frozen->Read(number, from_ms_, to_ms_, part_);
    Take(part_);
  }
  if (memory_.copy.size() > 0) {
    part_.clear();
    memory_.copy.Read(i, from_ms_, to_ms_, part_);
    Take(part_);
  }
  return Status::Ok();
}

// Unites `part` with what there is.
void Selection::Take(StoredSamples& part) {
  stored_.stamped.insert(stored_.stamped.end(), part.stamped.begin(), part.stamped.end());
  Samples& all = stored_.prompt;
  if (part.prompt.size() == 0) return;
  if (all.size() == 0) {
    std::swap(all, part.prompt);
  } else if (all.times.back() < part.prompt.times.front()) {
    all.times.insert(all.times.end(), part.prompt.times.begin(), part.prompt.times.end());
    all.values.insert(all.values.end(), part.prompt.values.begin(), part.prompt.values.end());
  } else {
    merged_.clear();
    MergeResolved(all, part.prompt, merged_);
    std::swap(all, merged_);
  }
}

}  // namespace rhizome::series
