#include "engines/series/series_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "base/check.h"

namespace rhizome::series {
namespace {

constexpr size_t kSlotsMin = 64;
constexpr size_t kGroup = 16;  // lookups under way together

void Prefetch(const void* at) {
  __builtin_prefetch(at);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

SeriesTable::SeriesTable() : slots_(kSlotsMin) {}

SeriesNumber SeriesTable::Lookup(format::LabelsView labels, uint32_t tag) const {
  const size_t mask = slots_.size() - 1;
  for (size_t at = tag & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.series == kNoSeries) return kNoSeries;
    if (slot.tag == tag && LabelsOf(slot.series) == labels) return slot.series;
  }
}

SeriesNumber SeriesTable::Find(format::LabelsView labels) const { return Lookup(labels, TagOf(labels)); }

void SeriesTable::FindAll(std::span<const format::LabelsView> labels, std::span<SeriesNumber> numbers) const {
  CHECK(labels.size() == numbers.size());
  const size_t mask = slots_.size() - 1;
  std::array<uint32_t, kGroup> tags;
  for (size_t start = 0; start < labels.size(); start += kGroup) {
    const size_t count = std::min(kGroup, labels.size() - start);
    for (size_t i = 0; i < count; ++i) {
      tags[i] = TagOf(labels[start + i]);
      Prefetch(&slots_[tags[i] & mask]);
    }
    for (size_t i = 0; i < count; ++i) {
      const Slot& slot = slots_[tags[i] & mask];
      if (slot.series != kNoSeries) Prefetch(&entries_[slot.series]);
    }
    for (size_t i = 0; i < count; ++i) {
      const Slot& slot = slots_[tags[i] & mask];
      if (slot.series != kNoSeries) Prefetch(entries_[slot.series].bytes.get());
    }
    for (size_t i = 0; i < count; ++i) numbers[start + i] = Lookup(labels[start + i], tags[i]);
  }
}

SeriesNumber SeriesTable::FindOrAdd(format::LabelsView labels) {
  const uint32_t tag = TagOf(labels);
  if (const SeriesNumber found = Lookup(labels, tag); found != kNoSeries) return found;
  SeriesNumber series = 0;
  if (free_.empty()) {
    CHECK(entries_.size() < kNoSeries);
    series = static_cast<SeriesNumber>(entries_.size());
    entries_.emplace_back();
  } else {
    series = free_.back();
    free_.pop_back();
  }
  const std::string_view bytes = labels.bytes();
  Entry& entry = entries_[series];
  // One more byte than needed: the set of no labels has bytes too.
  entry.bytes = std::make_unique_for_overwrite<char[]>(bytes.size() + 1);
  if (!bytes.empty()) std::memcpy(entry.bytes.get(), bytes.data(), bytes.size());
  entry.size = static_cast<uint32_t>(bytes.size());
  entry.tag = tag;
  label_bytes_ += bytes.size() + 1;
  if (++size_ > slots_.size() / 4 * 3) {
    Grow();
  } else {
    Place(tag, series);
  }
  index_.Add(series, LabelsOf(series));
  return series;
}

void SeriesTable::Place(uint32_t tag, SeriesNumber series) {
  const size_t mask = slots_.size() - 1;
  size_t at = tag & mask;
  while (slots_[at].series != kNoSeries) at = (at + 1) & mask;
  slots_[at] = {tag, series};
}

void SeriesTable::Grow() {
  slots_.assign(slots_.size() * 2, Slot{});
  for (SeriesNumber series = 0; series < entries_.size(); ++series) {
    if (Has(series)) Place(entries_[series].tag, series);
  }
}

void SeriesTable::Remove(SeriesNumber series) {
  CHECK(Has(series));
  index_.Remove(series, LabelsOf(series));
  const size_t mask = slots_.size() - 1;
  size_t hole = entries_[series].tag & mask;
  while (slots_[hole].series != series) hole = (hole + 1) & mask;
  // Those behind it move up unless they would come to stand before their place (Knuth, TAOCP 3, 6.4, algorithm R).
  for (size_t at = (hole + 1) & mask; slots_[at].series != kNoSeries; at = (at + 1) & mask) {
    const size_t home = slots_[at].tag & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = {};
  label_bytes_ -= entries_[series].size + 1;
  entries_[series] = {};
  free_.push_back(series);
  --size_;
}

format::LabelsView SeriesTable::LabelsOf(SeriesNumber series) const {
  const Entry& entry = entries_[series];
  return format::LabelsView::Trusted({entry.bytes.get(), entry.size});
}

uint64_t SeriesTable::memory_bytes() const {
  return slots_.capacity() * sizeof(Slot) + entries_.capacity() * sizeof(Entry) +
         free_.capacity() * sizeof(SeriesNumber) + label_bytes_ + index_.memory_bytes();
}

}  // namespace rhizome::series
