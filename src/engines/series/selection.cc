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
  memory_order_ = memory_.Sort();
}

std::vector<uint32_t> Selection::Memory::Sort() const {
  std::vector<uint32_t> order(series_.size());
  std::iota(order.begin(), order.end(), 0);
  const auto by_labels = [&](uint32_t a, uint32_t b) { return LabelsOf(a) < LabelsOf(b); };
  // Ranks are compared a hundred times faster than labels, and most series have one.
  const auto unranked =
      std::partition(order.begin(), order.end(), [&](uint32_t i) { return series_[i].rank != kUnranked; });
  std::sort(order.begin(), unranked, [&](uint32_t a, uint32_t b) { return series_[a].rank < series_[b].rank; });
  std::sort(unranked, order.end(), by_labels);
  std::inplace_merge(order.begin(), unranked, order.end(), by_labels);
  return order;
}

std::vector<SeriesNumber> Selection::MemoryOrder() const {
  std::vector<SeriesNumber> numbers;
  numbers.reserve(memory_order_.size());
  for (const uint32_t i : memory_order_) numbers.push_back(memory_.series_[i].number);
  return numbers;
}

void Selection::Load(BlockSource& source) {
  if (source.at < source.places.size()) source.block->LabelsOf(source.places[source.at], source.labels);
}

Result<bool> Selection::Next() {
  while (FindNext()) {
    ASSIGN_OR_RETURN(const bool some, Collect());
    Advance();
    if (!some) continue;
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

Result<bool> Selection::NextPresent() {
  bool present = false;
  while (!present && FindNext()) {
    present = IsSurelyPresent();
    if (!present) {
      ASSIGN_OR_RETURN(present, Collect());
    }
    Advance();
  }
  return present;
}

void Selection::SkipTo(format::LabelsView last) {
  const auto behind = [&](uint32_t i) { return !(last < memory_.LabelsOf(i)); };
  memory_at_ = static_cast<size_t>(std::partition_point(memory_order_.begin(), memory_order_.end(), behind) -
                                   memory_order_.begin());
  for (BlockSource& source : sources_) {
    std::string labels;
    const auto passed = [&](uint32_t place) {
      source.block->LabelsOf(place, labels);
      return !(last < format::LabelsView::Trusted(labels));
    };
    source.at = static_cast<size_t>(std::partition_point(source.places.begin(), source.places.end(), passed) -
                                    source.places.begin());
    Load(source);
  }
}

bool Selection::FindNext() {
  if (from_ms_ > to_ms_) return false;
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
  if (!found) return false;
  labels_.assign(least.bytes());
  hidings_.clear();
  if (deletions_ != nullptr && !deletions_->empty()) deletions_->FindHidings(labels(), hidings_);
  return true;
}

bool Selection::IsSurelyPresent() const {
  return hidings_.empty() && std::any_of(sources_.begin(), sources_.end(), [&](const BlockSource& source) {
           return IsAt(source) &&
                  source.block->PresenceOf(source.places[source.at], from_ms_, to_ms_) == Presence::kSome;
         });
}

void Selection::Advance() {
  if (MemoryIsAt()) ++memory_at_;
  for (BlockSource& source : sources_) {
    if (!IsAt(source)) continue;
    ++source.at;
    Load(source);
  }
}

Result<bool> Selection::Collect() {
  stored_.clear();
  for (const BlockSource& source : sources_) {
    if (!IsAt(source)) continue;
    const bool after = stored_.prompt.size() == 0 || stored_.prompt.times.back() < source.block->info().min_time;
    if (!after) part_.clear();
    RETURN_IF_ERROR(source.block->Read(source.places[source.at], from_ms_, to_ms_, after ? stored_ : part_));
    if (!after) Take(part_);
  }
  if (MemoryIsAt()) {
    const uint32_t i = memory_order_[memory_at_];
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
  }
  Hide(hidings_, stored_.prompt);
  Hide(hidings_, stored_.stamped);
  return stored_.prompt.size() + stored_.stamped.size() > 0;
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
