// What the engine writes to disk: checkpoints and compactions.
#include <algorithm>

#include "base/check.h"
#include "engines/series/engine.h"
#include "engines/series/sample_order.h"

namespace rhizome::series {
namespace {

constexpr size_t kWritersMax = 8;       // blocks written side by side
constexpr size_t kLooksPerPass = 1024;  // series looked at under the lock at a time

// The part of `all`, which ascends by time, within the partition.
StoredSamples CutTo(const Partition& partition, const StoredSamples& all) {
  StoredSamples part;
  const auto& times = all.prompt.times;
  const auto begin = std::lower_bound(times.begin(), times.end(), partition.first_ms) - times.begin();
  const auto end = std::upper_bound(times.begin() + begin, times.end(), partition.last_ms) - times.begin();
  part.prompt.times.assign(times.begin() + begin, times.begin() + end);
  part.prompt.values.assign(all.prompt.values.begin() + begin, all.prompt.values.begin() + end);
  for (const StampedSample& sample : all.stamped) {
    if (sample.time_ms >= partition.first_ms && sample.time_ms <= partition.last_ms) part.stamped.push_back(sample);
  }
  return part;
}

// Nothing with a stamp up to the settled one can come any more, so what time and stamp are up to it every later
// deletion hides alike whether it is stamped or not.
void MakePrompt(const Settled& settled, StoredSamples& samples) {
  Samples released;
  std::vector<StampedSample> kept;
  for (const StampedSample& sample : samples.stamped) {
    if (sample.stamp > settled.stamp || sample.time_ms > StampMs(settled.stamp)) {
      kept.push_back(sample);
    } else if (released.size() > 0 && released.times.back() == sample.time_ms) {
      released.values.back() = Prevailing(released.values.back(), sample.value);
    } else {
      released.times.push_back(sample.time_ms);
      released.values.push_back(sample.value);
    }
  }
  if (released.size() == 0) return;
  Samples all;
  MergeResolved(samples.prompt, released, all);
  samples.prompt = std::move(all);
  samples.stamped = std::move(kept);
}

// What a block gets of a series: its samples, as few of them stamped as need be. `room` is for those that change.
const StoredSamples& Released(const Selection& selection, const Settled& settled, StoredSamples& room) {
  if (selection.touched() || selection.stored().stamped.empty()) return selection.stored();
  room = selection.stored();
  MakePrompt(settled, room);
  return room;
}

}  // namespace

// The files of one checkpoint or compaction until it is published; removed unless it is.
class SeriesEngine::FilesUnderWay {
 public:
  explicit FilesUnderWay(SeriesEngine& engine) : engine_(engine) {}
  FilesUnderWay(const FilesUnderWay&) = delete;
  FilesUnderWay& operator=(const FilesUnderWay&) = delete;
  ~FilesUnderWay() {
    if (!names_.empty()) engine_.Abandon(names_);
  }

  Result<std::unique_ptr<BlockWriter>> Create(const Partition& partition, uint64_t deletions_lsn) {
    const std::string name = "block." + std::to_string(engine_.sequence_.fetch_add(1) + 1);
    names_.push_back(name);
    ASSIGN_OR_RETURN(auto writer, BlockWriter::Create(engine_.disk_, engine_.PathOf(name), partition, deletions_lsn));
    writers_.push_back({name, writer.get()});
    return writer;
  }
  // A writer without samples leaves no block.
  Status Finish(BlockWriter& writer) {
    const auto at = std::find_if(writers_.begin(), writers_.end(), [&](const auto& w) { return w.second == &writer; });
    CHECK(at != writers_.end());
    const std::string name = at->first;
    writers_.erase(at);
    if (writer.samples() == 0) return Status::Ok();
    RETURN_IF_ERROR(writer.Finish().status());
    ASSIGN_OR_RETURN(auto block, Block::Open(engine_.disk_, engine_.PathOf(name)));
    blocks_.push_back({name, std::move(block)});
    return Status::Ok();
  }
  // Those with samples are the caller's now.
  Blocks Take() {
    for (const NamedBlock& block : blocks_) std::erase(names_, block.name);
    return std::move(blocks_);
  }

 private:
  SeriesEngine& engine_;
  std::vector<std::string> names_;
  std::vector<std::pair<std::string, const BlockWriter*>> writers_;
  Blocks blocks_;
};

bool SeriesEngine::Freeze() {
  size_t series = 0;
  {
    const ReadPass pass(memory_);
    if (frozen_ != nullptr) return true;
    series = table_.size();
  }
  // Made before anyone has to wait.
  auto fresh = std::make_unique<Generation>(series);
  const MutexLock lock(apply_mutex_);
  {
    const ReadPass pass(memory_);
    series = active_->series_count();
  }
  while (fresh->series_count() < series) fresh->AddSeries();
  const WritePass pass(memory_);
  ++memory_epoch_;
  frozen_ = std::shared_ptr<const Generation>(std::move(active_));
  active_ = std::move(fresh);
  frozen_slots_.swap(active_slots_);
  active_slots_.clear();
  frozen_lsn_ = applied_lsn_.load();
  return false;
}

std::vector<Partition> SeriesEngine::FrozenPartitions() const {
  const ReadPass pass(memory_);
  std::vector<Partition> partitions;
  if (frozen_slots_.empty()) return partitions;
  const CompactionOptions& options = options_.compaction;
  const int64_t widest = options.multiples.empty() ? 1 : options.multiples.back();
  for (const int64_t slot : frozen_slots_) {
    // What a backfill brings goes to large blocks at once.
    const bool old = frozen_slots_.size() > kWritersMax && slot < *frozen_slots_.rbegin() - widest;
    int64_t time = 0;
    if (__builtin_mul_overflow(slot, options.partition_ms, &time)) time = INT64_MIN;
    const Partition partition = PartitionOf(time, old ? options.partition_ms * widest : options.partition_ms);
    if (!partitions.empty() && partition.first_ms <= partitions.back().last_ms) continue;  // in the wide one before
    partitions.push_back(partition);
  }
  return partitions;
}

Status SeriesEngine::Checkpoint() {
  const MutexLock lock(checkpoint_mutex_);
  std::shared_ptr<const Generation> flushed;
  for (bool left_over = true; left_over;) {
    {
      const ReadPass pass(memory_);
      if (frozen_ == nullptr && applied_lsn_.load() == checkpoint_lsn_.load()) return Status::Ok();
    }
    left_over = Freeze();
    FilesUnderWay files(*this);
    const std::vector<Partition> partitions = FrozenPartitions();
    for (size_t at = 0; at < partitions.size(); at += kWritersMax) {
      RETURN_IF_ERROR(Flush(std::span(partitions).subspan(at, std::min(kWritersMax, partitions.size() - at)), files));
    }
    Change change;
    {
      const ReadPass pass(memory_);
      change.checkpoint_lsn = frozen_lsn_;
      flushed = frozen_;
    }
    change.added = files.Take();
    RETURN_IF_ERROR(Commit(std::move(change)));
  }
  ForgetIdleSeries(*flushed);
  return Status::Ok();
}

void SeriesEngine::SetRanks(std::span<const SeriesNumber> in_order, uint64_t epoch) {
  std::vector<uint32_t> ranks;
  for (uint32_t place = 0; place < in_order.size(); ++place) {
    if (in_order[place] >= ranks.size()) ranks.resize(in_order[place] + size_t{1}, Selection::kUnranked);
    ranks[in_order[place]] = place;
  }
  const WritePass pass(memory_);
  if (epoch != memory_epoch_ || in_order.size() < ranked_) return;  // numbers may have been given again
  ranks_.swap(ranks);
  ranked_ = in_order.size();
}

void SeriesEngine::Unrank(SeriesNumber series) {
  if (RankOf(series) == Selection::kUnranked) return;
  ranks_[series] = Selection::kUnranked;
  --ranked_;
}

void SeriesEngine::RankSeries() {
  constexpr size_t kNewMin = 256;  // fewer are sorted by who selects them
  constexpr size_t kNewShare = 8;  // and less than this part of all
  uint64_t epoch = 0;
  SeriesNumber count = 0;
  {
    const ReadPass pass(memory_);
    const size_t unranked = table_.size() - ranked_;
    if (unranked < kNewMin || unranked < table_.size() / kNewShare) return;
    epoch = memory_epoch_;
    count = static_cast<SeriesNumber>(active_->series_count());
  }
  Selection::Memory memory;
  for (SeriesNumber first = 0; first < count; first += kLooksPerPass) {
    const ReadPass pass(memory_);
    if (epoch != memory_epoch_) return;
    for (SeriesNumber i = first; i < std::min<uint64_t>(count, uint64_t{first} + kLooksPerPass); ++i) {
      if (table_.Has(i)) memory.Add(table_.LabelsOf(i), i, RankOf(i));
    }
  }
  Selection selection(INT64_MIN, INT64_MAX, nullptr);
  selection.SetMemory(std::move(memory));
  SetRanks(selection.MemoryOrder(), epoch);
}

Selection::Memory SeriesEngine::FrozenSeries() const {
  Selection::Memory memory;
  {
    const ReadPass pass(memory_);
    memory.frozen = frozen_;
  }
  // Series are removed by checkpoints only, so none goes while this one runs.
  const auto count = static_cast<SeriesNumber>(memory.frozen->series_count());
  for (SeriesNumber first = 0; first < count; first += kLooksPerPass) {
    const ReadPass pass(memory_);
    for (SeriesNumber i = first; i < std::min<uint64_t>(count, uint64_t{first} + kLooksPerPass); ++i) {
      if (!memory.frozen->IsEmpty(i)) memory.Add(table_.LabelsOf(i), i, RankOf(i));
    }
  }
  return memory;
}

Status SeriesEngine::Flush(std::span<const Partition> partitions, FilesUnderWay& files) {
  const Rules rules = RulesNow();
  std::vector<std::unique_ptr<BlockWriter>> writers;
  for (const Partition& partition : partitions) {
    ASSIGN_OR_RETURN(auto writer, files.Create(partition, rules.deletions_lsn));
    writers.push_back(std::move(writer));
  }
  Selection selection(std::max(rules.horizon_ms, partitions.front().first_ms), partitions.back().last_ms,
                      rules.deletions);
  selection.SetMemory(FrozenSeries());
  uint64_t read = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, selection.Next());
    if (!more) break;
    StoredSamples settled;
    const StoredSamples& samples = Released(selection, rules.settled, settled);
    read += samples.prompt.size() + samples.stamped.size();
    for (size_t i = 0; i < partitions.size(); ++i) {
      const bool all = partitions.size() == 1;
      RETURN_IF_ERROR(writers[i]->Add(selection.labels(), all ? samples : CutTo(partitions[i], samples)));
    }
  }
  for (const auto& writer : writers) {
    read -= writer->samples();
    RETURN_IF_ERROR(files.Finish(*writer));
  }
  CHECK(read == 0);  // every sample has a partition
  return Status::Ok();
}

void SeriesEngine::ForgetIdleSeries(const Generation& flushed) {
  const auto count = static_cast<SeriesNumber>(flushed.series_count());
  for (SeriesNumber first = 0; first < count; first += kLooksPerPass) {
    const MutexLock lock(apply_mutex_);
    const WritePass pass(memory_);
    for (SeriesNumber i = first; i < std::min<uint64_t>(count, uint64_t{first} + kLooksPerPass); ++i) {
      if (!flushed.IsEmpty(i) || !table_.Has(i) || !active_->IsEmpty(i)) continue;
      ++memory_epoch_;
      Unrank(i);
      table_.Remove(i);
      dictionaries_.Clear();
    }
  }
}

void SeriesEngine::ForgetSettled(Manifest& manifest, const Blocks& blocks) {
  const Settled& settled = manifest.settled;
  if (settled.lsn > manifest.lsn) return;
  manifest.deletions.RemoveIf([&](const DeletionSet::Member& member) {
    const Deletion& deletion = member.deletion;
    // A prompt sample may be of a time before the deletion and have been written so much later.
    const bool final = StampMs(deletion.stamp) + kPromptMs < StampMs(settled.stamp);
    return final && std::none_of(blocks.begin(), blocks.end(),
                                 [&](const NamedBlock& block) { return Awaits(*block.block, member); });
  });
}

bool SeriesEngine::Awaits(const Block& block, const DeletionSet::Member& member) {
  const BlockInfo& info = block.info();
  return info.deletions_lsn < member.lsn && info.min_time <= member.deletion.to_ms &&
         info.max_time >= member.deletion.from_ms && !block.Select(member.deletion.matchers).isEmpty();
}

Result<bool> SeriesEngine::Compact() {
  const MutexLock lock(compact_mutex_);
  std::shared_ptr<const Blocks> blocks;
  {
    const ReadPass pass(memory_);
    blocks = blocks_;
  }
  const Rules rules = RulesNow();
  std::vector<CompactionInput> inputs;
  int64_t newest_ms = INT64_MIN;
  for (const NamedBlock& block : *blocks) {
    const auto members = rules.deletions->members();
    const bool condemned =
        std::any_of(members.begin(), members.end(), [&](const auto& member) { return Awaits(*block.block, member); });
    inputs.push_back({block.block->info(), condemned});
    newest_ms = std::max(newest_ms, block.block->info().max_time);
  }
  const auto plan = PlanCompaction(inputs, options_.compaction, newest_ms);
  if (!plan) return false;
  FilesUnderWay files(*this);
  Change change;
  for (const size_t i : plan->inputs) change.removed.insert((*blocks)[i].name);
  RETURN_IF_ERROR(Merge(*plan, *blocks, files));
  change.added = files.Take();
  RETURN_IF_ERROR(Commit(std::move(change)));
  return true;
}

Status SeriesEngine::Merge(const CompactionPlan& plan, const Blocks& blocks, FilesUnderWay& files) {
  const Rules rules = RulesNow();
  Selection selection(rules.horizon_ms, INT64_MAX, rules.deletions);
  for (const size_t i : plan.inputs) selection.AddBlock(blocks[i].block, blocks[i].block->Select({}));
  ASSIGN_OR_RETURN(const auto writer, files.Create(plan.partition, rules.deletions_lsn));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, selection.Next());
    if (!more) break;
    StoredSamples settled;
    RETURN_IF_ERROR(writer->Add(selection.labels(), Released(selection, rules.settled, settled)));
  }
  return files.Finish(*writer);
}

}  // namespace rhizome::series
