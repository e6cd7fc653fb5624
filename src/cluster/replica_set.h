// ReplicaSet: the replicas of a cluster's shards on this node. Internal to cluster.
//
// A replica has its number in the cluster, by which it is asked for, and a stream number of this node, under which the
// log, the database and its folder keep it. Streams are never given twice: whatever a dropped replica has left behind
// cannot reach one that is added later, under the same number or another.
//
// Damage stays with its replica: peers have the same data, so it is dropped and copied anew instead of making the whole
// node read-only. Only a damaged log, in which every replica may have lost acknowledged writes, damages them all.
//
// Thread-safe after Open.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "cluster/catalogue.h"
#include "cluster/replica.h"
#include "shard/series_shard.h"
#include "shard/shard.h"

namespace rhizome::cluster {

struct NodeState;

class ReplicaSet {
 public:
  // `state` owns the set.
  explicit ReplicaSet(NodeState& state) : state_(state) {}

  // Opens every replica of the catalogue.
  Status Open() EXCLUDES(mutex_, change_mutex_);
  // Durable on return; nothing happens if it is there already. AlreadyExists if the number is another's.
  Status Add(const ReplicaSpec& spec) EXCLUDES(mutex_, change_mutex_);
  // Removes it and all it holds, damaged or not; durable on return. NotFound.
  Status Drop(uint32_t shard) EXCLUDES(mutex_, change_mutex_);
  // Notes, durably, that the replica added for `since` is complete. NotFound when it is not the one.
  Status MarkComplete(uint32_t shard, uint64_t since) EXCLUDES(mutex_, change_mutex_);
  // Usable as long as it is held, also after a drop: then it takes no writes. NotFound; Corruption if it is damaged.
  // InvalidArgument for one of the other kind.
  Result<std::shared_ptr<shard::Shard>> Find(uint32_t shard) const EXCLUDES(mutex_);
  Result<std::shared_ptr<shard::SeriesShard>> FindSeries(uint32_t shard) const EXCLUDES(mutex_);

  std::vector<ReplicaInfo> List() const EXCLUDES(mutex_);
  // Those that are not damaged.
  std::vector<std::shared_ptr<shard::Shard>> Shards() const EXCLUDES(mutex_);
  std::vector<std::shared_ptr<shard::SeriesShard>> SeriesShards() const EXCLUDES(mutex_);
  std::vector<ShardInfo> ShardInfos() const EXCLUDES(mutex_);

  // If `failure` is damage to the replica with this stream, the replica counts as damaged from now on: true. False: it
  // is no damage, or not a replica's.
  bool Isolate(uint32_t stream, const Status& failure) EXCLUDES(mutex_);
  // All count as damaged from now on.
  void CondemnAll(const std::string& reason) EXCLUDES(mutex_);

 private:
  struct Replica {
    ReplicaEntry entry;
    // Of the two the one of its kind; null: never opened.
    std::shared_ptr<shard::Shard> shard;
    std::shared_ptr<shard::SeriesShard> series;
    std::string damage;

    Status write_status() const;
    void Stop(const Status& reason) const;
    bool opened() const { return shard != nullptr || series != nullptr; }
  };
  // Sound, or why it cannot be used.
  Result<const Replica*> FindUsable(uint32_t shard) const REQUIRES_SHARED(mutex_);

  Status OpenReplica(const ReplicaEntry& entry) EXCLUDES(mutex_);
  // Durably without its rows and files; its stream. NotFound.
  Result<uint32_t> Forget(uint32_t shard) EXCLUDES(mutex_, change_mutex_);
  std::string DamageOf(const Replica& replica) const REQUIRES_SHARED(mutex_);

  NodeState& state_;
  Mutex change_mutex_;  // one replica is added or dropped at a time
  mutable SharedMutex mutex_;
  std::map<uint32_t, Replica> replicas_ GUARDED_BY(mutex_);
  std::string damage_of_all_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::cluster
