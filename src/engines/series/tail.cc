#include "engines/series/tail.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "base/check.h"
#include "engines/series/sample_order.h"
#include "format/coding.h"

namespace rhizome::series {
namespace {

// How many rows ahead a line is fetched, and a spill block once its line is here.
constexpr size_t kLineAhead = 24;
constexpr size_t kSpillAhead = 8;
constexpr size_t kLengthBytes = 2;
constexpr size_t kFoldedChunkSamples = 480;

void Prefetch(const void* at) {
  __builtin_prefetch(at);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

void Push(Samples& samples, int64_t time, double value) {
  samples.times.push_back(time);
  samples.values.push_back(value);
}

// Appends the part of `all` within the range.
void CopyRange(const Samples& all, int64_t from, int64_t to, Samples& out) {
  const auto begin = std::lower_bound(all.times.begin(), all.times.end(), from) - all.times.begin();
  const auto end = std::upper_bound(all.times.begin() + begin, all.times.end(), to) - all.times.begin();
  out.times.insert(out.times.end(), all.times.begin() + begin, all.times.begin() + end);
  out.values.insert(out.values.end(), all.values.begin() + begin, all.values.begin() + end);
}

// Appends the samples within the range of those in order and those put aside.
void MergeLate(const Samples& in_order, std::span<const Sample> late, int64_t from, int64_t to, Samples& out) {
  if (late.empty()) return CopyRange(in_order, from, to, out);
  std::vector<Sample> sorted(late.begin(), late.end());
  SortAndResolve(sorted);
  Samples aside;
  for (const Sample& sample : sorted) Push(aside, sample.time_ms, sample.value);
  Samples merged;
  MergeResolved(in_order, aside, merged);
  CopyRange(merged, from, to, out);
}

// Those of our chunks that may have samples within the range, each with its length before it.
template <typename Visit>
void VisitChunks(std::string_view chunks, int64_t from, int64_t to, Visit visit) {
  while (!chunks.empty()) {
    const size_t length = kLengthBytes + format::LoadFixed<uint16_t>(chunks.data());
    const auto info = ReadChunkInfo(chunks.substr(kLengthBytes, length - kLengthBytes));
    CHECK(info.ok());  // our own memory
    if (info->max_time >= from && info->min_time <= to) visit(chunks.substr(0, length));
    chunks.remove_prefix(length);
  }
}

}  // namespace

SeriesNumber TailStore::AddSeries() {
  CHECK(lines_.size() < kNone);
  lines_.emplace_back();
  sealed_.emplace_back();
  return static_cast<SeriesNumber>(lines_.size() - 1);
}

void TailStore::Append(std::span<const TailRow> rows) {
  const auto fetch_line = [&](size_t i) {
    CHECK(rows[i].series < lines_.size());
    __builtin_prefetch(&lines_[rows[i].series], 1);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  };
  for (size_t i = 0; i < std::min(kLineAhead, rows.size()); ++i) fetch_line(i);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + kLineAhead < rows.size()) fetch_line(i + kLineAhead);
    if (i + kSpillAhead < rows.size()) {
      const Line& line = lines_[rows[i + kSpillAhead].series];
      if (line.held == kLineSamples && line.spill != kNone) {
        const Spill& spill = SpillAt(line.spill);
        const size_t at = line.spilled % kSpillSamples;
        __builtin_prefetch(&spill.offsets[at], 1);
        __builtin_prefetch(&spill.values[at], 1);
      }
    }
    AppendOne(rows[i].series, rows[i].sample);
  }
}

void TailStore::AppendOne(SeriesNumber series, const Sample& sample) {
  Line& line = lines_[series];
  if (line.held > 0) {
    const size_t newest = line.held - 1;
    const int64_t last = line.base + line.offsets[newest];
    if (sample.time_ms == last) {
      line.values[newest] = Prevailing(line.values[newest], sample.value);
      return;
    }
    if (sample.time_ms < last) return AppendLate(series, sample);
    if (line.held == kLineSamples) MakeRoom(series);
  }
  // Offsets are of 32 bits: 49 days.
  if (static_cast<uint64_t>(sample.time_ms) - static_cast<uint64_t>(line.base) > UINT32_MAX) Seal(series);
  if (line.held == 0 && line.spilled == 0) line.base = sample.time_ms;
  line.offsets[line.held] =
      static_cast<uint32_t>(static_cast<uint64_t>(sample.time_ms) - static_cast<uint64_t>(line.base));
  line.values[line.held++] = sample.value;
}

void TailStore::MakeRoom(SeriesNumber series) {
  Line& line = lines_[series];
  if (line.spilled + line.held >= kSealAt) return Seal(series);
  if (line.spilled % kSpillSamples == 0) {
    const uint32_t fresh = NewSpill();
    SpillAt(fresh).before = line.spill;
    line.spill = fresh;
  }
  Spill& spill = SpillAt(line.spill);
  const size_t at = line.spilled % kSpillSamples;
  std::copy_n(line.offsets, kLineSamples, spill.offsets + at);
  std::copy_n(line.values, kLineSamples, spill.values + at);
  line.spilled = static_cast<uint8_t>(line.spilled + kLineSamples);
  line.held = 0;
}

void TailStore::Seal(SeriesNumber series) {
  scratch_.clear();
  ReadUnsealed(series, INT64_MIN, scratch_);
  if (scratch_.size() > 0) AddChunk(series, scratch_.times, scratch_.values);
  Line& line = lines_[series];
  while (line.spill != kNone) {
    Spill& spill = SpillAt(line.spill);
    const uint32_t before = spill.before;
    spill.before = free_spill_;
    free_spill_ = line.spill;
    line.spill = before;
  }
  line.held = 0;
  line.spilled = 0;
}

uint32_t TailStore::NewSpill() {
  if (free_spill_ != kNone) {
    const uint32_t index = free_spill_;
    free_spill_ = SpillAt(index).before;
    return index;
  }
  if (next_spill_ % kSpillsPerSlab == 0) slabs_.push_back(std::make_unique<Spill[]>(kSpillsPerSlab));
  CHECK(next_spill_ < kNone);
  return next_spill_++;
}

void TailStore::AddChunk(SeriesNumber series, std::span<const int64_t> times, std::span<const double> values) {
  chunk_.clear();
  encoder_.Encode(times, values, chunk_);
  CHECK(chunk_.size() <= UINT16_MAX);
  Sealed& sealed = sealed_[series];
  const uint32_t size = sealed.size + static_cast<uint32_t>(kLengthBytes + chunk_.size());
  auto bytes = std::make_unique_for_overwrite<char[]>(size);
  if (sealed.size > 0) std::memcpy(bytes.get(), sealed.bytes.get(), sealed.size);
  format::StoreFixed(bytes.get() + sealed.size, static_cast<uint16_t>(chunk_.size()));
  std::memcpy(bytes.get() + sealed.size + kLengthBytes, chunk_.data(), chunk_.size());
  sealed_bytes_ += size - sealed.size;
  sealed.bytes = std::move(bytes);
  sealed.size = size;
}

void TailStore::AddChunks(SeriesNumber series, const Samples& samples) {
  for (size_t at = 0; at < samples.size(); at += kFoldedChunkSamples) {
    const size_t count = std::min(kFoldedChunkSamples, samples.size() - at);
    AddChunk(series, std::span(samples.times).subspan(at, count), std::span(samples.values).subspan(at, count));
  }
}

void TailStore::AppendLate(SeriesNumber series, const Sample& sample) {
  lines_[series].late = true;
  std::vector<Sample>& late = late_[series];
  late.push_back(sample);
  ++late_samples_;
  if (late.size() >= kLateFoldAt) FoldLate(series);
}

// Everything becomes chunks but the newest sample, which the line keeps: what follows it is in order.
void TailStore::FoldLate(SeriesNumber series) {
  Samples all;
  Read(series, INT64_MIN, INT64_MAX, all);
  const Sample newest{all.times.back(), all.values.back()};
  all.times.pop_back();
  all.values.pop_back();
  Clear(series);
  AddChunks(series, all);
  AppendOne(series, newest);
}

void TailStore::Clear(SeriesNumber series) {
  Line& line = lines_[series];
  if (line.late) {
    const auto found = late_.find(series);
    late_samples_ -= found->second.size();
    late_.erase(found);
  }
  Seal(series);  // gives the spill blocks back
  sealed_bytes_ -= sealed_[series].size;
  sealed_[series] = {};
  line = {};
}

void TailStore::ReadUnsealed(SeriesNumber series, int64_t from, Samples& out) const {
  const Line& line = lines_[series];
  std::array<const Spill*, kSealAt / kSpillSamples + 1> blocks;  // the latest first
  size_t count = 0;
  // Every block is a cache miss, and what is before one that begins early enough is not asked for.
  bool reached = line.held > 0 && line.base + line.offsets[0] <= from;
  for (uint32_t index = line.spill; index != kNone && !reached; index = SpillAt(index).before) {
    blocks[count++] = &SpillAt(index);
    reached = line.base + blocks[count - 1]->offsets[0] <= from;
  }
  const size_t all_blocks = (line.spilled + kSpillSamples - 1) / kSpillSamples;
  const size_t skipped = (all_blocks - count) * kSpillSamples;
  const size_t spilled = count == 0 ? 0 : line.spilled - skipped;
  size_t at = out.size();
  out.times.resize(at + spilled + line.held);
  out.values.resize(at + spilled + line.held);
  const auto add = [&](const uint32_t* offsets, const double* values, size_t samples) {
    for (size_t i = 0; i < samples; ++i, ++at) {
      out.times[at] = line.base + offsets[i];
      out.values[at] = values[i];
    }
  };
  for (size_t left = spilled; count > 0; --count) {
    const size_t samples = std::min(left, kSpillSamples);
    add(blocks[count - 1]->offsets, blocks[count - 1]->values, samples);
    left -= samples;
  }
  add(line.offsets, line.values, line.held);
}

void TailStore::ReadInOrder(SeriesNumber series, int64_t from, int64_t to, Samples& out) const {
  const Sealed& sealed = sealed_[series];
  VisitChunks({sealed.bytes.get(), sealed.size}, from, to,
              [&](std::string_view chunk) { CHECK(DecodeChunk(chunk.substr(kLengthBytes), out).ok()); });
  ReadUnsealed(series, from, out);
}

void TailStore::Copy(SeriesNumber series, int64_t from, int64_t to, TailCopy& copy) const {
  CHECK(series < lines_.size());
  const Sealed& sealed = sealed_[series];
  VisitChunks({sealed.bytes.get(), sealed.size}, from, to, [&](std::string_view chunk) { copy.chunks_.append(chunk); });
  ReadUnsealed(series, from, copy.unsealed_);
  if (lines_[series].late) {
    const std::vector<Sample>& late = late_.at(series);
    copy.late_.insert(copy.late_.end(), late.begin(), late.end());
  }
  copy.ends_.push_back({copy.chunks_.size(), copy.unsealed_.size(), copy.late_.size()});
}

void TailStore::PrefetchLine(SeriesNumber series) const {
  Prefetch(&lines_[series]);
  Prefetch(&sealed_[series]);
}

void TailStore::PrefetchRest(SeriesNumber series) const {
  if (lines_[series].spill != kNone) {
    const char* const spill = reinterpret_cast<const char*>(&SpillAt(lines_[series].spill));
    for (size_t at = 0; at < sizeof(Spill); at += 64) Prefetch(spill + at);
  }
  Prefetch(sealed_[series].bytes.get());
}

void TailCopy::Read(size_t i, int64_t from, int64_t to, Samples& out) const {
  if (from > to) return;
  const End begin = i == 0 ? End{} : ends_[i - 1];
  const End& end = ends_[i];
  if (end.chunks == begin.chunks && end.late == begin.late) {
    const auto first = unsealed_.times.begin() + static_cast<ptrdiff_t>(begin.unsealed);
    const auto last = unsealed_.times.begin() + static_cast<ptrdiff_t>(end.unsealed);
    const auto low = std::lower_bound(first, last, from), high = std::upper_bound(low, last, to);
    out.times.insert(out.times.end(), low, high);
    const auto value = unsealed_.values.begin() + (low - unsealed_.times.begin());
    out.values.insert(out.values.end(), value, value + (high - low));
    return;
  }
  Samples in_order;
  VisitChunks(std::string_view(chunks_).substr(begin.chunks, end.chunks - begin.chunks), from, to,
              [&](std::string_view chunk) { CHECK(DecodeChunk(chunk.substr(kLengthBytes), in_order).ok()); });
  const auto add = [&](const auto& column, auto& wider) {
    wider.insert(wider.end(), column.begin() + static_cast<ptrdiff_t>(begin.unsealed),
                 column.begin() + static_cast<ptrdiff_t>(end.unsealed));
  };
  add(unsealed_.times, in_order.times);
  add(unsealed_.values, in_order.values);
  MergeLate(in_order, std::span(late_).subspan(begin.late, end.late - begin.late), from, to, out);
}

void TailStore::Read(SeriesNumber series, int64_t from, int64_t to, Samples& out) const {
  CHECK(series < lines_.size());
  if (from > to) return;
  Samples in_order;
  ReadInOrder(series, from, to, in_order);
  const auto late = lines_[series].late ? std::span<const Sample>(late_.at(series)) : std::span<const Sample>();
  MergeLate(in_order, late, from, to, out);
}

void TailStore::Take(SeriesNumber series, int64_t end, Samples& out) {
  Samples all;
  Read(series, INT64_MIN, INT64_MAX, all);
  const auto taken = std::lower_bound(all.times.begin(), all.times.end(), end) - all.times.begin();
  if (taken == 0) return;
  out.times.insert(out.times.end(), all.times.begin(), all.times.begin() + taken);
  out.values.insert(out.values.end(), all.values.begin(), all.values.begin() + taken);
  Clear(series);
  for (size_t i = static_cast<size_t>(taken); i < all.size(); ++i) AppendOne(series, {all.times[i], all.values[i]});
}

uint64_t TailStore::memory_bytes() const {
  // A map's node: link, key, vector.
  const uint64_t late = late_.size() * (sizeof(void*) + sizeof(std::pair<SeriesNumber, std::vector<Sample>>)) +
                        late_samples_ * sizeof(Sample) + late_.bucket_count() * sizeof(void*);
  return lines_.capacity() * sizeof(Line) + sealed_.capacity() * sizeof(Sealed) + sealed_bytes_ +
         slabs_.size() * kSpillsPerSlab * sizeof(Spill) + late;
}

}  // namespace rhizome::series
