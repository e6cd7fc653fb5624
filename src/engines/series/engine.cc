#include "engines/series/engine.h"

#include <algorithm>
#include <unordered_set>

#include "base/check.h"

namespace rhizome::series {
namespace {

constexpr std::string_view kBlockPrefix = "block.";
constexpr size_t kNewSeriesPerPass = 256;  // added while readers wait

}  // namespace

SeriesEngine::SeriesEngine(io::Disk& disk, EngineOptions options)
    : disk_(disk),
      options_(std::move(options)),
      active_(std::make_unique<Generation>()),
      blocks_(std::make_shared<Blocks>()),
      deletions_(std::make_shared<DeletionSet>()) {}

Result<std::unique_ptr<SeriesEngine>> SeriesEngine::Open(io::Disk& disk, EngineOptions options) {
  std::unique_ptr<SeriesEngine> engine(new SeriesEngine(disk, std::move(options)));
  RETURN_IF_ERROR(engine->Load());
  return engine;
}

Status SeriesEngine::Load() {
  const std::string path = PathOf(kManifestName);
  ASSIGN_OR_RETURN(const bool exists, disk_.Exists(path));
  if (!exists) {
    // The first manifest comes before the first block, so that blocks are never mistaken for garbage.
    ASSIGN_OR_RETURN(const std::vector<std::string> present, disk_.List(options_.directory));
    for (const std::string& name : present) {
      if (name.starts_with(kBlockPrefix)) return Status::Corruption(PathOf(name) + ": a block without a manifest");
    }
    return io::WriteFileAtomically(disk_, path, EncodeManifest({}));
  }
  ASSIGN_OR_RETURN(const std::string bytes, io::ReadWholeFile(disk_, path));
  auto decoded = DecodeManifest(bytes);
  if (!decoded.ok()) return decoded.status().Annotate(path);
  Manifest manifest = std::move(decoded).value();
  auto blocks = std::make_shared<Blocks>();
  for (const std::string& name : manifest.blocks) {
    auto block = Block::Open(disk_, PathOf(name));
    if (block.status().code() == Code::kNotFound) {
      return Status::Corruption(PathOf(name) + ": the manifest names it and it is not there");
    }
    if (!block.ok()) return block.status();
    blocks->push_back({name, std::move(block).value()});
  }
  RETURN_IF_ERROR(RemoveUnnamed(manifest));
  applied_lsn_ = manifest.lsn;
  checkpoint_lsn_ = manifest.lsn;
  sequence_ = manifest.sequence;
  const WritePass pass(memory_);
  blocks_ = std::move(blocks);
  deletions_ = std::make_shared<DeletionSet>(std::move(manifest.deletions));
  horizon_ms_ = manifest.horizon_ms;
  settled_ = manifest.settled;
  max_version_ = manifest.max_version;
  return Status::Ok();
}

Status SeriesEngine::RemoveUnnamed(const Manifest& manifest) const {
  std::set<std::string, std::less<>> named(manifest.blocks.begin(), manifest.blocks.end());
  named.emplace(kManifestName);
  ASSIGN_OR_RETURN(const std::vector<std::string> present, disk_.List(options_.directory));
  for (const std::string& name : present) {
    if (!named.contains(name)) RETURN_IF_ERROR(disk_.Remove(PathOf(name)));
  }
  return Status::Ok();
}

SeriesNumber SeriesEngine::AddSeries(format::LabelsView labels) {
  const SeriesNumber series = table_.FindOrAdd(labels);
  while (active_->series_count() <= series) active_->AddSeries();
  return series;
}

void SeriesEngine::FindSeries(const format::SeriesBatch& batch,
                              const std::shared_ptr<const format::SeriesDictionary>& dictionary) {
  if (const auto* const known = dictionaries_.Find(batch); known != nullptr) {
    rows_.numbers = *known;
    return;
  }
  const auto count = static_cast<uint32_t>(batch.series_count());
  rows_.labels.resize(count);
  rows_.numbers.resize(count);
  for (uint32_t i = 0; i < count; ++i) rows_.labels[i] = batch.LabelsOf(i);
  {
    const ReadPass pass(memory_);
    table_.FindAll(rows_.labels, rows_.numbers);
  }
  // Series are removed only under apply_mutex_, so what was found stays. New ones show nothing yet, so readers
  // may come in between.
  for (uint32_t i = 0; i < count;) {
    if (rows_.numbers[i] != SeriesTable::kNoSeries) {
      ++i;
      continue;
    }
    const WritePass pass(memory_);
    for (size_t added = 0; i < count && added < kNewSeriesPerPass; ++i) {
      if (rows_.numbers[i] != SeriesTable::kNoSeries) continue;
      rows_.numbers[i] = AddSeries(rows_.labels[i]);
      ++added;
    }
  }
  dictionaries_.Add(batch, dictionary, rows_.numbers);
}

void SeriesEngine::Rows::Split(const format::SeriesBatch& batch, int64_t partition_ms) {
  prompt.clear();
  stamped.clear();
  slots.clear();
  min_ms = INT64_MAX;
  max_ms = INT64_MIN;
  const uint64_t stamp = batch.version().time;
  const int64_t written_ms = batch.version().WallMs();
  Partition last{1, 0};  // of the slot noted last
  batch.ForEachRow([&](uint32_t i, int64_t time_ms, double value) {
    if (time_ms < last.first_ms || time_ms > last.last_ms) {
      last = PartitionOf(time_ms, partition_ms);
      slots.insert(SlotOf(time_ms, partition_ms));
    }
    min_ms = std::min(min_ms, time_ms);
    max_ms = std::max(max_ms, time_ms);
    if (IsPrompt(time_ms, written_ms)) {
      prompt.push_back({numbers[i], {time_ms, value}});
    } else {
      stamped.push_back({numbers[i], {time_ms, value, stamp}});
    }
  });
}

void SeriesEngine::Apply(uint64_t lsn, const format::SeriesBatch& batch,
                         const std::shared_ptr<const format::SeriesDictionary>& dictionary) {
  const MutexLock lock(apply_mutex_);
  if (lsn <= applied_lsn_.load()) return;
  FindSeries(batch, dictionary);
  rows_.Split(batch, options_.compaction.partition_ms);
  const WritePass pass(memory_);
  active_->Widen(rows_.min_ms, rows_.max_ms);
  active_->Append(rows_.prompt);
  active_->Append(rows_.stamped);
  ++last_change_;
  for (const int64_t slot : rows_.slots) NoteChange(slot);
  active_slots_.merge(rows_.slots);
  max_version_ = std::max(max_version_, batch.version());
  applied_lsn_ = lsn;
}

Status SeriesEngine::Delete(uint64_t lsn, const Deletion& deletion) {
  const MutexLock lock(apply_mutex_);
  if (lsn <= applied_lsn_.load()) return Status::Ok();
  const WritePass pass(memory_);
  auto after = std::make_shared<DeletionSet>(*deletions_);
  RETURN_IF_ERROR(after->Add(deletion, lsn).status());
  deletions_ = std::move(after);
  change_of_all_ = ++last_change_;
  max_version_ = std::max(max_version_, Version{deletion.stamp, 0});
  applied_lsn_ = lsn;
  return Status::Ok();
}

void SeriesEngine::NoteChange(int64_t slot) {
  for (const int64_t window : WindowsOf(slot)) changes_[window] = last_change_;
}

std::vector<int64_t> SeriesEngine::WindowsOf(int64_t slot) const {
  const int64_t length_ms = options_.compaction.partition_ms;
  int64_t first_ms = 0;
  if (__builtin_mul_overflow(slot, length_ms, &first_ms)) first_ms = INT64_MIN;
  const Partition partition = PartitionOf(first_ms, length_ms);
  std::vector<int64_t> windows;
  for (int64_t i = SlotOf(partition.first_ms, kWindowMs); i <= SlotOf(partition.last_ms, kWindowMs); ++i) {
    windows.push_back(i);
  }
  return windows;
}

std::vector<SeriesEngine::WindowChange> SeriesEngine::Windows() const {
  const ReadPass pass(memory_);
  std::set<int64_t> present;
  for (const std::set<int64_t>* slots : {&active_slots_, &frozen_slots_}) {
    for (const int64_t slot : *slots) {
      for (const int64_t window : WindowsOf(slot)) present.insert(window);
    }
  }
  for (const NamedBlock& block : *blocks_) {
    const BlockInfo& info = block.block->info();
    for (int64_t i = SlotOf(info.min_time, kWindowMs); i <= SlotOf(info.max_time, kWindowMs); ++i) present.insert(i);
  }
  std::vector<WindowChange> windows;
  for (const int64_t window : present) {
    const auto changed = changes_.find(window);
    windows.push_back({window, std::max(change_of_all_, changed == changes_.end() ? 0 : changed->second)});
  }
  return windows;
}

std::shared_ptr<const DeletionSet> SeriesEngine::deletions() const {
  const ReadPass pass(memory_);
  return deletions_;
}

int64_t SeriesEngine::horizon_ms() const {
  const ReadPass pass(memory_);
  return horizon_ms_;
}

Version SeriesEngine::max_version() const {
  const ReadPass pass(memory_);
  return max_version_;
}

uint64_t SeriesEngine::CountSeries(std::string_view name, std::string_view value) const {
  const ReadPass pass(memory_);
  return table_.index().CountWith(name, value);
}

std::vector<bool> SeriesEngine::KnowsSeries(std::span<const format::LabelsView> labels) const {
  std::vector<SeriesNumber> numbers(labels.size());
  {
    const ReadPass pass(memory_);
    table_.FindAll(labels, numbers);
  }
  std::vector<bool> known(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) known[i] = numbers[i] != SeriesTable::kNoSeries;
  return known;
}

uint64_t SeriesEngine::CountNewSeries(const format::SeriesBatch& batch) const {
  std::vector<format::LabelsView> labels(batch.series_count());
  for (uint32_t i = 0; i < labels.size(); ++i) labels[i] = batch.LabelsOf(i);
  const std::vector<bool> known = KnowsSeries(labels);
  std::unordered_set<std::string_view> fresh;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!known[i]) fresh.insert(labels[i].bytes());
  }
  return fresh.size();
}

EngineCounts SeriesEngine::counts() const {
  EngineCounts counts;
  const ReadPass pass(memory_);
  counts.series = table_.size();
  counts.label_pairs = table_.index().pairs();
  counts.sample_bytes = SampleBytes();
  const auto widen = [&](int64_t min_ms, int64_t max_ms) {
    counts.min_ms = std::min(counts.min_ms, min_ms);
    counts.max_ms = std::max(counts.max_ms, max_ms);
  };
  widen(active_->min_ms(), active_->max_ms());
  if (frozen_ != nullptr) widen(frozen_->min_ms(), frozen_->max_ms());
  counts.blocks = blocks_->size();
  for (const NamedBlock& block : *blocks_) {
    widen(block.block->info().min_time, block.block->info().max_time);
    counts.block_samples += block.block->info().samples;
    counts.block_bytes += block.block->info().bytes;
    counts.block_min_ms = std::min(counts.block_min_ms, block.block->info().min_time);
    counts.block_max_ms = std::max(counts.block_max_ms, block.block->info().max_time);
  }
  counts.deletions = deletions_->members().size();
  return counts;
}

Cardinalities SeriesEngine::MeasureCardinalities(size_t top) const {
  const ReadPass pass(memory_);
  return table_.index().MeasureCardinalities(top);
}

uint64_t SeriesEngine::SampleBytes() const {
  return active_->memory_bytes() + (frozen_ != nullptr ? frozen_->memory_bytes() : 0);
}

uint64_t SeriesEngine::MeasureMemory() const {
  const ReadPass pass(memory_);
  return table_.memory_bytes() + SampleBytes() + ranks_.capacity() * sizeof(uint32_t);
}

SeriesEngine::Rules SeriesEngine::RulesNow() const {
  const ReadPass pass(memory_);
  return {deletions_, applied_lsn_.load(), horizon_ms_, settled_};
}

void SeriesEngine::Settle(uint64_t stamp) {
  const WritePass pass(memory_);
  if (stamp > settled_.stamp) settled_ = {stamp, applied_lsn_.load()};
}

Status SeriesEngine::SetHorizon(int64_t horizon_ms) {
  Change change;
  {
    const WritePass pass(memory_);
    if (horizon_ms <= horizon_ms_) return Status::Ok();
    horizon_ms_ = horizon_ms;
    for (const NamedBlock& block : *blocks_) {
      if (block.block->info().max_time < horizon_ms) change.removed.insert(block.name);
    }
  }
  return change.removed.empty() ? Status::Ok() : Commit(std::move(change));
}

Status SeriesEngine::Commit(Change change) {
  const MutexLock lock(manifest_mutex_);
  Manifest manifest;
  auto blocks = std::make_shared<Blocks>(std::move(change.added));
  const size_t added = blocks->size();
  {
    const ReadPass pass(memory_);
    for (const NamedBlock& block : *blocks_) {
      if (!change.removed.contains(block.name)) blocks->push_back(block);
    }
    manifest.deletions = *deletions_;
    manifest.horizon_ms = horizon_ms_;
    manifest.settled = settled_;
    manifest.max_version = max_version_;
  }
  manifest.sequence = sequence_.load();
  manifest.lsn = change.checkpoint_lsn.value_or(checkpoint_lsn_.load());
  ForgetSettled(manifest, *blocks);
  std::vector<std::string> names;
  for (size_t i = 0; i < added; ++i) names.push_back((*blocks)[i].name);
  std::sort(blocks->begin(), blocks->end(), [](const NamedBlock& a, const NamedBlock& b) {
    return a.block->info().partition != b.block->info().partition
               ? a.block->info().partition < b.block->info().partition
               : a.name < b.name;
  });
  for (const NamedBlock& block : *blocks) manifest.blocks.push_back(block.name);
  const Status written = [&]() -> Status {
    RETURN_IF_ERROR(disk_.SyncDirectory(options_.directory));
    return io::WriteFileAtomically(disk_, PathOf(kManifestName), EncodeManifest(manifest));
  }();
  if (!written.ok()) {
    doubtful_.insert(doubtful_.end(), names.begin(), names.end());
    return written;
  }
  std::shared_ptr<const Generation> flushed;  // to be taken apart when nobody waits
  {
    const WritePass pass(memory_);
    blocks_ = std::move(blocks);
    if (change.checkpoint_lsn) flushed.swap(frozen_);
    auto deletions = std::make_shared<DeletionSet>(*deletions_);
    // Those that came since stay.
    deletions->RemoveIf([&](const DeletionSet::Member& member) {
      return member.lsn <= manifest.lsn && !manifest.deletions.Contains(member.deletion);
    });
    deletions_ = std::move(deletions);
  }
  checkpoint_lsn_ = manifest.lsn;
  garbage_.insert(garbage_.end(), doubtful_.begin(), doubtful_.end());
  garbage_.insert(garbage_.end(), change.removed.begin(), change.removed.end());
  doubtful_.clear();
  RemoveGarbage();
  return Status::Ok();
}

void SeriesEngine::RemoveGarbage() {
  // What cannot be removed now is tried again after the next commit, and by Open.
  std::erase_if(garbage_, [&](const std::string& name) {
    const Status removed = disk_.Remove(PathOf(name));
    return removed.ok() || removed.code() == Code::kNotFound;
  });
}

void SeriesEngine::Abandon(const std::vector<std::string>& names) {
  const MutexLock lock(manifest_mutex_);
  garbage_.insert(garbage_.end(), names.begin(), names.end());
  RemoveGarbage();
}

}  // namespace rhizome::series
