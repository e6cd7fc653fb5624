// Node: one process's collections on one data directory: the Database of a machine alone.
//
// THE write path is Node::Write → Shard::Write (docs/write_path.md); THE read path is Node::Search → Shard::Query
// (docs/read_path.md). A Node owns the directory's lock, the log, the database, the catalogue and every shard.
//
// Thread-safe. Every call may block on disk; callers bring their own threads. Its one replica of everything satisfies
// every level of consistency.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/version.h"
#include "cluster/database.h"
#include "cluster/replica.h"

namespace rhizome::io {
class Disk;
}
namespace rhizome::shard {
class GraphShards;
class SeriesShard;
class SeriesShards;
class Shard;
}  // namespace rhizome::shard

namespace rhizome::cluster {

struct NodeOptions {
  std::string data_dir;
  uint64_t checkpoint_log_bytes = 64ULL << 20;  // log written since the last checkpoint that triggers the next
  uint32_t index_threads = 0;                   // 0: one per core
  uint64_t memtable_bytes = 32ULL << 20;
  // Of the metrics store; the number of shards counts when it is made and never again.
  uint32_t series_shards = 4;
  int64_t series_retention_ms = 0;  // 0: nothing is too old
  uint64_t series_max = 1'000'000;  // in memory
};

struct NodeState;

class Node final : public Database {
 public:
  // Recovers everything: snapshots, then the log's tail. `disk` outlives the node. FailedPrecondition when
  // another process holds the directory. Damage does not fail Open: the node comes up read-only and says why.
  static Result<std::unique_ptr<Node>> Open(io::Disk& disk, NodeOptions options);
  ~Node() override;  // closes: checkpoints what is dirty, so that the next start replays nothing

  CollectionDefaults Defaults() override { return {}; }
  Result<CollectionInfo> CreateCollection(const CollectionSpec& spec) override;
  Result<CollectionSpec> GetSpec(const std::string& name) override;
  Result<CollectionInfo> GetCollection(const std::string& name) override;
  Result<std::vector<CollectionInfo>> ListCollections() override;
  Status DropCollection(const std::string& name) override;

  Status Write(const std::string& collection, std::vector<format::Operation> operations,
               const WriteOptions& options = {}) override;

  Result<SearchResponse> Search(const SearchRequest& request, const ReadOptions& options = {}) override;
  Result<std::vector<std::optional<StoredPointView>>> Get(const std::string& collection,
                                                          std::span<const format::PointId> ids, bool with_vector,
                                                          const ReadOptions& options = {}) override;
  Result<ScrollResponse> Scroll(const ScrollRequest& request, const ReadOptions& options = {}) override;
  Result<uint64_t> Count(const std::string& collection, const vector::Filter* filter,
                         const ReadOptions& options = {}) override;
  Result<std::optional<format::StoredDocument>> GetDocument(const std::string& collection, const format::PointId& id,
                                                            const ReadOptions& options = {}) override;
  Result<std::optional<format::PointId>> FindContent(const std::string& collection,
                                                     std::pair<uint64_t, uint64_t> content_hash,
                                                     const ReadOptions& options = {}) override;

  // Replicas of a cluster's shards, kept beside whole collections: of each one copy, written by Shard::Merge and read
  // through its engine. What they mean for one another is the cluster's business.
  //
  // An empty replica, or the one that is there. Durable on return. InvalidArgument; AlreadyExists when the shard's
  // number is another's; Corruption when it is there and damaged: drop it first.
  Status AddReplica(const ReplicaSpec& spec);
  // Notes, durably, that the replica added for `since` is complete. NotFound when it is not the one.
  Status MarkReplicaComplete(uint32_t shard, uint64_t since);
  // Removes the replica and all it holds, damaged or not. Durable on return. NotFound.
  Status DropReplica(uint32_t shard);
  // May be held as long as the node lives; after a drop it takes no writes. NotFound; Corruption when it is damaged.
  // Its number() is that of its stream in this node's log.
  Result<std::shared_ptr<shard::Shard>> Replica(uint32_t shard);
  // The same for a replica of series. Each refuses the other's kind with InvalidArgument.
  Result<std::shared_ptr<shard::SeriesShard>> SeriesReplica(uint32_t shard);
  std::vector<ReplicaInfo> Replicas();  // by shard
  // A few bytes made durable where everything else is: tells how the disk is.
  Status ProbeDisk();
  // What versions of this node's writes come from.
  HybridClock& versions();

  // The metrics store of this directory, null when there is none yet; may be held as long as the node lives.
  // Corruption when it is damaged.
  Result<std::shared_ptr<shard::SeriesShards>> Series();
  // The same, made if there is none: from then on the directory is not for versions that know no metrics.
  Result<std::shared_ptr<shard::SeriesShards>> MakeSeries();
  // The knowledge graph of a collection, null when it has none yet; may be held as long as the node lives, and answers
  // NotFound to writes once the collection is dropped. NotFound: there is no such collection; Corruption when the graph
  // is damaged.
  Result<std::shared_ptr<shard::GraphShards>> Graph(const std::string& collection);
  // The same, made if there is none: from then on the directory is not for versions that know no graphs.
  Result<std::shared_ptr<shard::GraphShards>> MakeGraph(const std::string& collection);
  // A new collection that has a graph from the beginning: both are there, or neither, whatever fails and whenever the
  // process dies. Errors as of CreateCollection.
  Result<CollectionInfo> CreateWithGraph(const CollectionSpec& spec);
  // OK, or why nothing can be written here.
  Status WriteStatus();

  std::vector<ShardInfo> Shards() override;
  std::map<std::string, double> Stats() override;
  std::string ReadOnlyReason() override;
  // Writes snapshots of every dirty shard and cuts the log.
  Status Checkpoint();

 private:
  friend class NodeRegisters;
  explicit Node(std::unique_ptr<NodeState> state);
  Result<CollectionInfo> Create(const CollectionSpec& spec, bool with_graph);
  std::unique_ptr<NodeState> state_;
};

}  // namespace rhizome::cluster
