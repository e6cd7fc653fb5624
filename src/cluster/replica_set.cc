#include "cluster/replica_set.h"

#include <spdlog/spdlog.h>

#include <chrono>

#include "cluster/node_state.h"

namespace rhizome::cluster {
namespace {

// What the device says is no damage: it may pass, and the node deals with it as a whole.
bool IsDamage(const Status& failure) {
  switch (failure.code()) {
    case Code::kCorruption:
    case Code::kNotFound:
    case Code::kInvalidArgument:
    case Code::kFailedPrecondition: return true;
    default: return false;
  }
}

Status Damaged(uint32_t shard, const std::string& damage) {
  return Status::Corruption("the replica of shard " + std::to_string(shard) + " is damaged: " + damage);
}

Status Gone(uint32_t shard) { return Status::NotFound("there is no replica of shard " + std::to_string(shard)); }

}  // namespace

Status ReplicaSet::Replica::write_status() const {
  if (series != nullptr) return series->write_status();
  return shard == nullptr ? Status::Ok() : shard->write_status();
}

void ReplicaSet::Replica::Stop(const Status& reason) const {
  if (shard != nullptr) shard->Stop(reason);
  if (series != nullptr) series->Stop(reason);
}

Status ReplicaSet::Open() {
  MutexLock change(change_mutex_);
  for (const ReplicaEntry& entry : state_.catalogue->Replicas()) RETURN_IF_ERROR(OpenReplica(entry));
  return Status::Ok();
}

Status ReplicaSet::OpenReplica(const ReplicaEntry& entry) {
  Replica replica{entry, nullptr, nullptr, ""};
  const std::string directory = state_.ReplicaDirectory(entry.stream);
  Status status;
  if (entry.spec.kind == ReplicaKind::kSeries) {
    auto opened = state_.OpenSeriesReplica(entry.stream, directory);
    status = opened.status();
    if (opened.ok()) replica.series = std::move(opened).value();
  } else {
    auto opened = state_.OpenShard(entry.stream, directory, entry.spec.spec);
    status = opened.status();
    if (opened.ok()) replica.shard = std::move(opened).value();
  }
  if (!status.ok()) {
    if (!IsDamage(status)) return status;
    replica.damage = status.ToString();
    spdlog::error("replica of shard {}: {}", entry.spec.shard, replica.damage);
  }
  WriterLock lock(mutex_);
  replicas_[entry.spec.shard] = std::move(replica);
  return Status::Ok();
}

Status ReplicaSet::Add(const ReplicaSpec& spec) {
  RETURN_IF_ERROR(state_.WriteStatus());
  MutexLock change(change_mutex_);
  const bool series = spec.kind == ReplicaKind::kSeries;
  RETURN_IF_ERROR(state_.Mark(series ? NodeState::Content::kSeriesReplicas : NodeState::Content::kReplicas));
  // From its entry on, a folder of series without a manifest is damage.
  const auto prepare = [&](uint32_t stream) {
    return series ? state_.MakeSeriesReplica(state_.ReplicaDirectory(stream)) : Status::Ok();
  };
  ASSIGN_OR_RETURN(const ReplicaEntry entry, state_.catalogue->AddReplica(spec, state_.clock.WallMs(), prepare));
  {
    ReaderLock lock(mutex_);
    const auto it = replicas_.find(spec.shard);
    if (it != replicas_.end()) {
      const std::string damage = DamageOf(it->second);
      return damage.empty() ? Status::Ok() : Damaged(spec.shard, damage);
    }
  }
  return OpenReplica(entry);
}

Status ReplicaSet::Drop(uint32_t shard) {
  RETURN_IF_ERROR(state_.WriteStatus());
  ASSIGN_OR_RETURN(const uint32_t stream, Forget(shard));
  // Nobody waits for the room.
  state_.RemoveRest(stream, state_.ReplicaDirectory(stream), std::chrono::milliseconds(5));
  return Status::Ok();
}

Result<uint32_t> ReplicaSet::Forget(uint32_t shard) {
  MutexLock change(change_mutex_);
  ASSIGN_OR_RETURN(const ReplicaEntry entry, state_.catalogue->FindReplica(shard));
  MutexLock checkpoint_lock(state_.checkpoint_mutex);
  Replica stopped;
  {
    // If this goes wrong on its way, what it holds is not whole any more.
    WriterLock lock(mutex_);
    const auto it = replicas_.find(shard);
    if (it != replicas_.end()) {
      it->second.damage = "it is being dropped";
      stopped = it->second;
    }
  }
  stopped.Stop(Gone(shard));
  RETURN_IF_ERROR(state_.catalogue->RemoveReplica(shard));
  WriterLock lock(mutex_);
  replicas_.erase(shard);
  return entry.stream;
}

Status ReplicaSet::MarkComplete(uint32_t shard, uint64_t since) {
  MutexLock change(change_mutex_);
  RETURN_IF_ERROR(state_.catalogue->CompleteReplica(shard, since));
  WriterLock lock(mutex_);
  const auto it = replicas_.find(shard);
  if (it != replicas_.end()) it->second.entry.spec.complete = true;
  return Status::Ok();
}

Result<const ReplicaSet::Replica*> ReplicaSet::FindUsable(uint32_t shard) const {
  const auto it = replicas_.find(shard);
  if (it == replicas_.end()) return Gone(shard);
  const std::string damage = DamageOf(it->second);
  if (!damage.empty()) return Damaged(shard, damage);
  return &it->second;
}

Result<std::shared_ptr<shard::Shard>> ReplicaSet::Find(uint32_t shard) const {
  ReaderLock lock(mutex_);
  ASSIGN_OR_RETURN(const Replica* const replica, FindUsable(shard));
  if (replica->shard == nullptr) return Status::InvalidArgument("shard", std::to_string(shard) + " holds series");
  return replica->shard;
}

Result<std::shared_ptr<shard::SeriesShard>> ReplicaSet::FindSeries(uint32_t shard) const {
  ReaderLock lock(mutex_);
  ASSIGN_OR_RETURN(const Replica* const replica, FindUsable(shard));
  if (replica->series == nullptr) return Status::InvalidArgument("shard", std::to_string(shard) + " holds points");
  return replica->series;
}

std::string ReplicaSet::DamageOf(const Replica& replica) const {
  return replica.damage.empty() ? damage_of_all_ : replica.damage;
}

std::vector<ReplicaInfo> ReplicaSet::List() const {
  ReaderLock lock(mutex_);
  std::vector<ReplicaInfo> infos;
  for (const auto& [number, replica] : replicas_) {
    ReplicaInfo info{replica.entry.spec, replica.entry.created_ms, DamageOf(replica), "", 0, 0};
    Status status = replica.write_status();
    if (status.ok()) status = state_.log->write_status();  // which all replicas share
    if (info.damage.empty() && !status.ok()) info.refusal = status.ToString();
    if (info.damage.empty() && replica.shard != nullptr) {
      info.points = replica.shard->engine().points();
      info.documents = replica.shard->engine().documents();
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

std::vector<std::shared_ptr<shard::Shard>> ReplicaSet::Shards() const {
  ReaderLock lock(mutex_);
  std::vector<std::shared_ptr<shard::Shard>> shards;
  for (const auto& [number, replica] : replicas_) {
    if (DamageOf(replica).empty() && replica.shard != nullptr) shards.push_back(replica.shard);
  }
  return shards;
}

std::vector<std::shared_ptr<shard::SeriesShard>> ReplicaSet::SeriesShards() const {
  ReaderLock lock(mutex_);
  std::vector<std::shared_ptr<shard::SeriesShard>> shards;
  for (const auto& [number, replica] : replicas_) {
    if (DamageOf(replica).empty() && replica.series != nullptr) shards.push_back(replica.series);
  }
  return shards;
}

std::vector<ShardInfo> ReplicaSet::ShardInfos() const {
  ReaderLock lock(mutex_);
  std::vector<ShardInfo> infos;
  for (const auto& [number, replica] : replicas_) {
    const CollectionSpec& spec = replica.entry.spec.spec;
    const std::string damage = DamageOf(replica);
    ShardInfo about;
    if (damage.empty()) about = replica.series != nullptr ? InfoOf(*replica.series) : InfoOf(*replica.shard);
    infos.push_back(std::move(about));
    ShardInfo& info = infos.back();
    info.shard = number;
    info.collection = spec.name;
    info.partition = replica.entry.spec.partition;
    if (damage.empty()) continue;
    info.state = "damaged";
    info.detail = damage;
  }
  return infos;
}

bool ReplicaSet::Isolate(uint32_t stream, const Status& failure) {
  if (!IsDamage(failure)) return false;
  Replica stopped;
  {
    WriterLock lock(mutex_);
    for (auto& [number, replica] : replicas_) {
      if (replica.entry.stream != stream) continue;
      spdlog::error("replica of shard {}: {}", number, failure.ToString());
      replica.damage = failure.ToString();
      stopped = replica;
    }
  }
  if (!stopped.opened()) return false;
  stopped.Stop(Status::Corruption("the replica is damaged: " + failure.ToString()));
  return true;
}

void ReplicaSet::CondemnAll(const std::string& reason) {
  WriterLock lock(mutex_);
  damage_of_all_ = reason;
}

}  // namespace rhizome::cluster
