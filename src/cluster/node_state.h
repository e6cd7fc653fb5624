// NodeState: what a node owns and how it comes up, checkpoints and goes down. Internal to cluster.
//
// Order of construction is order of need: directory lock, database, log, catalogue, shards, metrics, replay.
// Thread-safe after Open.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/version.h"
#include "cluster/catalogue.h"
#include "cluster/collection.h"
#include "cluster/node.h"
#include "cluster/replica_set.h"
#include "io/disk.h"
#include "kv/rocks_file_system.h"
#include "kv/store.h"
#include "shard/checkpoint_pace.h"
#include "shard/graph_shards.h"
#include "shard/series_shards.h"
#include "wal/log.h"

namespace rhizome::cluster {

class Housekeeper;

// What the shard says of itself; whose it is, is for the caller to fill in.
ShardInfo InfoOf(const shard::Shard& shard);
ShardInfo InfoOf(const shard::SeriesShard& shard);

struct NodeState {
  NodeState(io::Disk& disk_in, NodeOptions options_in);
  ~NodeState();

  Status Open();
  // Damage found by Open, or why the log or a shard refuses writes; "" while all is well.
  std::string ReadOnlyReason() const EXCLUDES(mutex);
  Status WriteStatus() const EXCLUDES(mutex);

  Result<std::shared_ptr<Collection>> OpenCollection(const CatalogueEntry& entry) EXCLUDES(mutex);
  Status DropCollection(const std::string& name) EXCLUDES(mutex);
  Result<std::shared_ptr<Collection>> Find(const std::string& name) const EXCLUDES(mutex);
  std::vector<std::shared_ptr<Collection>> Collections() const EXCLUDES(mutex);
  // Every shard that is not damaged, of collections and replicas.
  std::vector<std::shared_ptr<shard::Shard>> OpenShards() const EXCLUDES(mutex);

  // Snapshots of every dirty shard, then cuts the log to what some shard still needs.
  Status Checkpoint() EXCLUDES(mutex, checkpoint_mutex);
  // Compacts one shard, if it still takes writes.
  Status Compact(shard::Shard& shard) EXCLUDES(checkpoint_mutex);
  // Of the metrics of a server alone and of replicas.
  struct SampleBytes {
    uint64_t logged = 0;  // since they were opened
    uint64_t memory = 0;
  };
  SampleBytes MeasureSamples() const EXCLUDES(mutex);
  // What was written since the last checkpoint began.
  shard::SinceCheckpoint Unwritten() const EXCLUDES(mutex);
  std::map<std::string, double> Stats() const EXCLUDES(mutex);

  std::string ShardDirectory(const CatalogueEntry& entry, uint32_t partition) const;
  std::string ReplicaDirectory(uint32_t stream) const;
  Result<std::unique_ptr<shard::Shard>> OpenShard(uint32_t stream, const std::string& directory,
                                                  const CollectionSpec& spec);
  // A replica of series: its folder with nothing in it; what the folder holds, Corruption without a manifest.
  Status MakeSeriesReplica(const std::string& directory);
  Result<std::unique_ptr<shard::SeriesShard>> OpenSeriesReplica(uint32_t stream, const std::string& directory);
  // Retention and compaction of all of those; true: there may be more to do.
  Result<bool> KeepUpSeriesReplicas();
  // From here on the directory is not for versions that do not know such content.
  // The order is that of the formats that came with them.
  enum class Content : uint8_t { kReplicas = 2, kMetrics = 3, kSeriesReplicas = 4, kGraphs = 5 };
  Status Mark(Content content);
  Result<std::shared_ptr<shard::SeriesShards>> Series() const EXCLUDES(mutex);
  Result<std::shared_ptr<shard::SeriesShards>> MakeSeries() EXCLUDES(mutex, create_mutex);
  Status OpenSeries(const StreamsEntry& entry) EXCLUDES(mutex);
  // The knowledge graph of a collection; null while it has none. NotFound: there is no such collection.
  Result<std::shared_ptr<shard::GraphShards>> Graph(const std::string& collection) const EXCLUDES(mutex);
  Result<std::shared_ptr<shard::GraphShards>> MakeGraph(const std::string& collection) EXCLUDES(mutex, create_mutex);
  Status OpenGraph(const Uuid& collection, const StreamsEntry& entry) EXCLUDES(mutex);
  std::vector<std::shared_ptr<shard::GraphShards>> Graphs() const EXCLUDES(mutex);
  std::string SeriesDirectory() const { return options.data_dir + "/metrics"; }
  Result<Partition> OpenPartition(const CatalogueEntry& entry, uint32_t partition);
  // What collections and replicas whose drop was interrupted have left.
  Status RemoveOrphans();
  // The rows and files of a dropped shard, now if possible; pauses between steps leave room for others. Readers that
  // still hold it keep what they have mapped.
  void RemoveRest(uint32_t stream, const std::string& directory, std::chrono::milliseconds pause);
  Status ReplayLog();
  // Damage if the log has lost what `reader` had applied.
  void CheckLogReaches(wal::Lsn reached, const std::string& reader) EXCLUDES(mutex);
  void NoteDamage(const std::string& what) EXCLUDES(mutex);
  // As NoteDamage; replicas may have lost acknowledged writes too.
  void NoteLogDamage(const std::string& what) EXCLUDES(mutex);
  Result<uint32_t> NodeNumber();

  // Constant after Open.
  io::Disk& disk;
  const NodeOptions options;
  Clock& clock;
  std::shared_ptr<void> directory_lock;
  std::unique_ptr<rocksdb::Env> env;  // the database's files are on `disk` too
  std::unique_ptr<kv::Store> store;
  std::unique_ptr<wal::Log> log;
  std::unique_ptr<Catalogue> catalogue;
  std::unique_ptr<HybridClock> versions;
  ReplicaSet replicas{*this};

  mutable SharedMutex mutex;
  std::map<std::string, std::shared_ptr<Collection>> collections GUARDED_BY(mutex);
  std::string damage GUARDED_BY(mutex);
  std::shared_ptr<shard::SeriesShards> series GUARDED_BY(mutex);  // null while there is none
  Status series_damage GUARDED_BY(mutex);
  // By the id of their collection; of a damaged one there is the reason.
  std::map<Uuid, std::shared_ptr<shard::GraphShards>> graphs GUARDED_BY(mutex);
  std::map<Uuid, Status> graph_damage GUARDED_BY(mutex);

  Mutex create_mutex;  // a collection, or the metrics store, is recorded and opened as one step
  mutable Mutex checkpoint_mutex;
  std::atomic<uint64_t> checkpointed_bytes{0};
  std::atomic<uint64_t> checkpointed_sample_bytes{0};
  std::atomic<uint64_t> sample_memory_least{0};  // right after the last checkpoint
  std::atomic<uint64_t> checkpoints{0};
  std::atomic<uint64_t> compactions{0};

  std::unique_ptr<shard::SeriesUpkeep> series_upkeep;  // of replicas
  std::unique_ptr<Housekeeper> housekeeper;            // last: stops before anything it looks after goes
};

}  // namespace rhizome::cluster
