#include "sim_store.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "fabric/planted.h"

namespace rhizome::sim {

using fabric::Bug;
using fabric::Planted;
using fabric::ShardNumber;

namespace {

const std::string kCataloguePath = "catalogue";

std::string LogPath(uint32_t generation) { return "log." + std::to_string(generation); }

wal::LogOptions LogOptionsFor(SimLoop& loop) {
  return {.segment_bytes = 8 << 10,
          .record_bytes_max = 1 << 20,
          .queue_bytes_max = 16 << 20,
          .background_thread = false,
          .clock = &loop};
}

// Chooses what power loss leaves; or, for a killed process, that everything stays.
class KeepAll final : public io::CrashChooser {
 public:
  uint64_t Choose(uint64_t count) override { return count - 1; }
};

}  // namespace

void ContentAudit::Saw(const format::Operation& operation) {
  format::Operation bare = operation;
  bare.version = {};
  const uint64_t content = Checksum(format::EncodeBatch({&bare, 1}));
  const auto [known, fresh] = contents_.try_emplace({operation.Key(), operation.version}, content);
  if (!fresh && known->second != content) {
    world_.Fail(fmt::format("version {}.{}.{} of {} has two contents", operation.version.time >> 16,
                            operation.version.time & 0xffff, operation.version.node, operation.id().ToString()));
  }
  if (operation.request || IsTombstone(operation)) return;
  const auto [sent, first] = versions_.try_emplace(content, operation.version);
  if (!first && sent->second != operation.version) {
    world_.Fail(fmt::format("a write of {} that was sent once has two versions", operation.id().ToString()));
  }
}

SimStore::SimStore(World& world, SimLoop& loop, Place place, Random random)
    : world_(world), loop_(loop), place_(std::move(place)), random_(random), self_(std::make_shared<SimStore*>(this)) {}

SimStore::~SimStore() { CHECK(abandoned_); }

Status SimStore::Recover() {
  ASSIGN_OR_RETURN(const bool known, place_.disk.Exists(kCataloguePath));
  if (known) {
    ASSIGN_OR_RETURN(const std::string bytes, io::ReadWholeFile(place_.disk, kCataloguePath));
    ASSIGN_OR_RETURN(catalogue_, StoreCatalogue::Decode(bytes));
  }
  RETURN_IF_ERROR(OpenLog());
  return Replay();
}

Status SimStore::OpenLog() {
  const auto open = [this] {
    return wal::Log::Open(place_.disk, LogPath(catalogue_.log_generation), LogOptionsFor(loop_));
  };
  ASSIGN_OR_RETURN(log_, open());
  if (log_->damage().empty()) return Status::Ok();
  // Nobody knows which replicas the lost records were of, so none that this log served can be trusted.
  const std::string damage = log_->damage().ToString();
  for (auto& [shard, replica] : catalogue_.replicas) {
    if (replica.damage.empty()) {
      world_.Note("damage", fmt::format("{} shard {}", place_.name, shard));
      replica.damage = damage;
      ++damages_found_;
    }
  }
  const std::string old = LogPath(catalogue_.log_generation++);
  RETURN_IF_ERROR(WriteCatalogue());
  log_.reset();
  RETURN_IF_ERROR(io::RemoveTree(place_.disk, old));
  ASSIGN_OR_RETURN(log_, open());
  return Status::Ok();
}

Status SimStore::Replay() {
  for (const auto& [shard, replica] : catalogue_.replicas) {
    if (!replica.damage.empty()) continue;
    if (replica.series) {
      samples_[replica.stream];
    } else {
      registers_[replica.stream];
    }
  }
  return log_->Read(0, [this](const wal::LogRecord& record) -> Status {
    const auto samples = samples_.find(record.stream);
    if (samples != samples_.end()) return samples->second.Merge(std::string(record.payload));
    const auto registers = registers_.find(record.stream);
    if (registers == registers_.end()) return Status::Ok();  // of a replica that was dropped
    ASSIGN_OR_RETURN(const format::OperationBatch batch, format::DecodeOperationBatch(record.payload));
    registers->second.Merge(batch);
    return Status::Ok();
  });
}

Status SimStore::WriteCatalogue() { return io::WriteFileAtomically(place_.disk, kCataloguePath, catalogue_.Encode()); }

Status SimStore::KeepIdentity(std::string identity) {
  catalogue_.identity = std::move(identity);
  return WriteCatalogue();
}

void SimStore::Abandon() {
  CHECK(!abandoned_);
  const bool cut_short = working_ && !work_.empty() && log_ != nullptr && log_->write_status().ok();
  abandoned_ = true;  // from here on nobody hears of what the disk did
  if (cut_short && random_.Chance(0.6)) {
    // The first calls of any work: a write, which may leave a part, or the sync behind it.
    if (random_.Chance(0.7)) place_.disk.FailOperation(random_.Below(2), io::SimFault::kIoError);
    (void)work_.front().run().ok();
  }
  work_.clear();
  if (random_.Chance(0.4)) {
    KeepAll keep;
    place_.disk.Crash(keep);
  } else {
    place_.disk.Crash(*io::RandomChooser(random_.Next()));
  }
  log_.reset();
}

int64_t SimStore::LatencyNs() {
  int64_t latency_ns = random_.Between(100'000, 800'000);
  if (place_.pace.slow_until_ns > world_.NowNs()) latency_ns += random_.Between(0, place_.pace.slow_by_ns);
  return latency_ns;
}

Task<Status> SimStore::OnDisk(std::function<Status()> work) {
  const auto done = loop_.Expect<bool>();
  if (!loop_.stopping()) {
    work_.push_back({std::move(work), [done](const Status& status) {
                       done.Set(status.ok() ? Result<bool>(true) : Result<bool>(status));
                     }});
    StartDiskWork();
  }
  const Result<bool> result = co_await done;
  co_return result.status();
}

void SimStore::StartDiskWork() {
  if (working_ || work_.empty() || abandoned_) return;
  working_ = true;
  world_.In(LatencyNs(), [weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock(); self && !(*self)->abandoned_) (*self)->RunDiskWork();
  });
}

void SimStore::RunDiskWork() {
  const DiskWork work = std::move(work_.front());
  work_.pop_front();
  const Status status = work.run();
  working_ = false;
  // What the disk has after a failed write or sync, only a recovery tells.
  if (status.code() == Code::kIoError) place_.on_stop();
  work.done(status);
  StartDiskWork();
}

Result<Registers*> SimStore::Usable(ShardNumber shard) {
  if (loop_.stopping()) return Status::Cancelled("the process is stopping");
  const auto replica = catalogue_.replicas.find(shard);
  if (replica == catalogue_.replicas.end()) return Status::NotFound("shard " + std::to_string(shard) + " is not here");
  if (!replica->second.damage.empty()) return Status::Corruption("the replica is damaged: " + replica->second.damage);
  if (replica->second.series) return Status::InvalidArgument("shard", "holds series");
  return &registers_.at(replica->second.stream);
}

Result<Samples*> SimStore::SamplesOf(ShardNumber shard) {
  const Status usable = Usable(shard).status();
  if (usable.ok()) return static_cast<Samples*>(nullptr);
  if (usable.code() != Code::kInvalidArgument) return usable;
  return &samples_.at(catalogue_.replicas.at(shard).stream);
}

void SimStore::Merge(uint32_t stream, const format::OperationBatch& batch) {
  registers_.at(stream).Merge(batch);
  for (const format::Operation& operation : batch.operations) place_.audit.Saw(operation);
}

Task<Status> SimStore::Apply(ShardNumber shard, std::string batch) {
  const Result<Samples*> samples = SamplesOf(shard);
  if (!samples.ok()) co_return samples.status();
  const uint32_t stream = catalogue_.replicas.at(shard).stream;
  if (*samples != nullptr) {
    const Status sound = Samples().Merge(batch);
    if (!sound.ok()) co_return sound;
    auto merge = [this, stream, batch] { CHECK(samples_.at(stream).Merge(batch).ok()); };
    co_return co_await Append(shard, batch, std::move(merge));
  }
  const Result<format::OperationBatch> decoded = format::DecodeOperationBatch(batch);
  if (!decoded.ok()) co_return decoded.status();
  auto merge = [this, stream, operations = *decoded] { Merge(stream, operations); };
  co_return co_await Append(shard, std::move(batch), std::move(merge));
}

Task<Status> SimStore::Append(ShardNumber shard, std::string batch, std::function<void()> merge) {
  if (log_->write_status().code() == Code::kNoSpace) (void)log_->TryResume().ok();  // the append tells how it went
  const auto done = loop_.Expect<bool>();
  const uint32_t stream = catalogue_.replicas.at(shard).stream;
  if (Planted(Bug::kAcknowledgeBeforeSync)) {
    merge();
    done.Set(true);
  }
  const wal::LogEntry entry{stream, batch};
  log_->AppendAsync({&entry, 1}, [this, done, stream, shard, merge = std::move(merge)](Result<wal::Lsn> lsn) {
    if (abandoned_) return;
    if (!lsn.ok()) {
      done.Set(Result<bool>(lsn.status()));
    } else if (!registers_.contains(stream) && !samples_.contains(stream)) {
      done.Set(Result<bool>(Status::NotFound("the replica was dropped meanwhile")));
    } else {
      merge();
      ++batches_durable_;
      world_.Note("durable", fmt::format("{} shard {} lsn {}", place_.name, shard, *lsn));
      done.Set(true);
    }
  });
  QueueFlush();
  const Result<bool> durable = co_await done;
  co_return durable.status();
}

void SimStore::QueueFlush() {
  if (flush_queued_) return;
  flush_queued_ = true;
  work_.push_back({[this] { return FlushLog(); }, [](const Status&) {}});  // each append hears for itself
  StartDiskWork();
}

// One group: everything appended since the last one, with one sync.
Status SimStore::FlushLog() {
  flush_queued_ = false;
  return log_->Flush();
}

Task<Result<fabric::VersionsRequest::Reply>> SimStore::Versions(ShardNumber shard, std::vector<std::string> keys,
                                                                std::string request) {
  const Result<Samples*> samples = SamplesOf(shard);
  if (samples.ok() && *samples != nullptr) {
    const std::vector<Version> highest(keys.size(), (*samples)->max_version());
    co_return fabric::VersionsRequest::Reply{highest, std::vector<bool>(keys.size()), std::nullopt, 0};
  }
  const Result<Registers*> usable = Usable(shard);
  if (!usable.ok()) co_return usable.status();
  co_return (*usable)->Versions(keys, request);
}

Task<Result<fabric::ReadRequest::Reply>> SimStore::Read(ShardNumber shard, std::vector<std::string> keys) {
  const Result<Registers*> usable = Usable(shard);
  if (!usable.ok()) co_return usable.status();
  co_return (*usable)->Read(keys);
}

Task<Result<std::string>> SimStore::Query(std::vector<ShardNumber> shards, std::string) {
  std::vector<format::RegisterVersion> live;
  std::set<uint64_t> values;
  bool series = false;
  for (const ShardNumber shard : shards) {
    const Result<Samples*> samples = SamplesOf(shard);
    if (samples.ok() && *samples != nullptr) {
      series = true;
      values.merge((*samples)->Values());
      continue;
    }
    const Result<Registers*> usable = Usable(shard);
    if (!usable.ok()) co_return usable.status();
    for (auto& entry : (*usable)->Live()) live.push_back(std::move(entry));
  }
  co_return series ? EncodeValues(values) : format::EncodeRegisterVersions(live);
}

Task<Result<format::RangeDigest>> SimStore::Digest(ShardNumber shard, uint32_t bits, std::optional<Version> below) {
  const Result<Samples*> samples = SamplesOf(shard);
  if (samples.ok() && *samples != nullptr) co_return (*samples)->Digest(bits, below);
  const Result<Registers*> usable = Usable(shard);
  if (!usable.ok()) co_return usable.status();
  co_return (*usable)->Digest(bits, below);
}

Task<Result<format::InventoryPage>> SimStore::Inventory(fabric::InventoryRequest request) {
  const Result<Registers*> usable = Usable(request.target.shard);
  if (!usable.ok()) co_return usable.status();
  co_return (*usable)->Inventory(request);
}

// As the engine's: a later replay may bring a tombstone back, which costs its place only.
Task<Status> SimStore::Collect(ShardNumber shard, Version below) {
  const Result<Registers*> usable = Usable(shard);
  if (!usable.ok()) co_return usable.status();
  (*usable)->Collect(below);
  world_.Note("collect", fmt::format("{} shard {}", place_.name, shard));
  co_return Status::Ok();
}

Task<Result<format::RequestPage>> SimStore::Requests(ShardNumber shard, std::string after, uint32_t limit) {
  const Result<Samples*> samples = SamplesOf(shard);
  if (samples.ok() && *samples != nullptr) co_return format::RequestPage{};
  const Result<Registers*> usable = Usable(shard);
  if (!usable.ok()) co_return usable.status();
  co_return (*usable)->Requests(after, limit);
}

Task<Result<fabric::ScanRequest::Reply>> SimStore::Scan(fabric::ScanRequest request) {
  const Result<Samples*> samples = SamplesOf(request.target.shard);
  if (!samples.ok()) co_return samples.status();
  if (*samples == nullptr) co_return Status::InvalidArgument("shard", "holds registers");
  co_return (*samples)->Scan(request);
}

// One by one, as they are kept.
Task<Result<std::vector<std::string>>> SimStore::Join(ShardNumber, std::vector<std::string> records) {
  Samples joined;
  for (const std::string& record : records) {
    const Status merged = joined.Merge(record);
    if (!merged.ok()) co_return merged;
  }
  co_return std::vector<std::string>(joined.all().begin(), joined.all().end());
}

Status SimStore::ChangeCatalogue(const std::function<void(StoreCatalogue&)>& change) {
  const StoreCatalogue before = catalogue_;
  change(catalogue_);
  Status written = WriteCatalogue();
  if (!written.ok()) catalogue_ = before;
  return written;
}

// Beside what is queued, and without a draw of its own: a probe changes no history but by what it tells.
Task<Status> SimStore::Probe() {
  const bool slow = place_.pace.slow_until_ns > world_.NowNs();
  const int64_t took_ns = 300'000 + (slow ? place_.pace.slow_by_ns / 2 : 0);
  co_return co_await fabric::Sleep(loop_, took_ns) ? Status::Ok() : Status::Cancelled("the process is stopping");
}

Task<Status> SimStore::Open(fabric::ShardSpec spec) {
  co_return co_await OnDisk([this, spec = std::move(spec)]() -> Status {
    if (catalogue_.replicas.contains(spec.shard)) return Status::AlreadyExists("the replica is there");
    const uint32_t stream = catalogue_.next_stream;
    const bool series = spec.collection.kind == fabric::ShardKind::kSeries;
    RETURN_IF_ERROR(ChangeCatalogue([&](StoreCatalogue& catalogue) {
      ++catalogue.next_stream;
      catalogue.replicas[spec.shard] = {spec.shard, spec.collection.id, spec.since, stream, spec.complete, series, ""};
    }));
    if (series) {
      samples_[stream];
    } else {
      registers_[stream];
    }
    world_.Note("open", fmt::format("{} shard {} since {}", place_.name, spec.shard, spec.since));
    return Status::Ok();
  });
}

Task<Status> SimStore::MarkComplete(ShardNumber shard, uint64_t since) {
  co_return co_await OnDisk([this, shard, since]() -> Status {
    const auto replica = catalogue_.replicas.find(shard);
    if (replica == catalogue_.replicas.end() || replica->second.since != since)
      return Status::NotFound("the replica is not here");
    RETURN_IF_ERROR(ChangeCatalogue([&](StoreCatalogue& catalogue) { catalogue.replicas[shard].complete = true; }));
    world_.Note("complete", fmt::format("{} shard {}", place_.name, shard));
    return Status::Ok();
  });
}

Task<Status> SimStore::Drop(ShardNumber shard) {
  co_return co_await OnDisk([this, shard]() -> Status {
    const auto replica = catalogue_.replicas.find(shard);
    if (replica == catalogue_.replicas.end()) return Status::NotFound("the replica is not here");
    const uint32_t stream = replica->second.stream;
    RETURN_IF_ERROR(ChangeCatalogue([&](StoreCatalogue& catalogue) { catalogue.replicas.erase(shard); }));
    registers_.erase(stream);
    samples_.erase(stream);
    world_.Note("drop", fmt::format("{} shard {}", place_.name, shard));
    return Status::Ok();
  });
}

std::vector<fabric::ReplicaStore::Held> SimStore::List() {
  std::vector<Held> held;
  for (const auto& [shard, replica] : catalogue_.replicas) {
    held.push_back({shard, replica.collection, replica.since, replica.complete, replica.damage});
  }
  return held;
}

const Registers* SimStore::Find(ShardNumber shard) const {
  const auto replica = catalogue_.replicas.find(shard);
  if (replica == catalogue_.replicas.end() || !replica->second.damage.empty()) return nullptr;
  return replica->second.series ? nullptr : &registers_.at(replica->second.stream);
}

const Samples* SimStore::FindSamples(ShardNumber shard) const {
  const auto replica = catalogue_.replicas.find(shard);
  if (replica == catalogue_.replicas.end() || !replica->second.damage.empty()) return nullptr;
  return replica->second.series ? &samples_.at(replica->second.stream) : nullptr;
}

}  // namespace rhizome::sim
