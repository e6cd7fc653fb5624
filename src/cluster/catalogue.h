// Catalogue: the collections of this data directory and the shards they are made of, their knowledge graphs, the
// replicas of a cluster's shards and the metrics store, kept in the node's database.
//
// A change is durable when the call returns; after a failure it may come to be at the next start. Shard numbers
// (streams of the log) are never given twice, whatever for, so records of a dropped collection or replica that are
// still in the log cannot reach another one. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "cluster/database.h"
#include "cluster/replica.h"
#include "kv/store.h"

namespace rhizome::cluster {

struct CatalogueEntry {
  CollectionSpec spec;
  Uuid id;
  int64_t created_ms = 0;
  uint32_t first_shard = 0;  // spec.shards numbers from here
};

struct ReplicaEntry {
  ReplicaSpec spec;
  int64_t created_ms = 0;
  uint32_t stream = 0;
};

// The metrics store of a server alone, or a collection's knowledge graph.
struct StreamsEntry {
  uint32_t first_stream = 0;
  uint32_t shards = 0;  // numbers from there
  int64_t created_ms = 0;
  bool operator==(const StreamsEntry&) const = default;
};

std::string EncodeStreams(const StreamsEntry& entry);
Result<StreamsEntry> DecodeStreams(std::string_view bytes);
std::string EncodeReplica(const ReplicaEntry& entry);
Result<ReplicaEntry> DecodeReplica(std::string_view bytes);
std::string EncodeEntry(const CatalogueEntry& entry);
Result<CatalogueEntry> DecodeEntry(std::string_view bytes);

class Catalogue {
 public:
  // Reads what `store` holds; Corruption when it cannot be understood.
  static Result<std::unique_ptr<Catalogue>> Open(kv::Store& store);

  // Reserves shard numbers and records the collection, with a graph if it is to have one: both or neither.
  // AlreadyExists.
  Result<CatalogueEntry> Add(const CollectionSpec& spec, int64_t now_ms, bool with_graph = false) EXCLUDES(mutex_);
  // With its graph. NotFound.
  Status Remove(const std::string& name) EXCLUDES(mutex_);
  std::vector<CatalogueEntry> List() const EXCLUDES(mutex_);

  // Reserves a stream and records the replica, or finds the one that is recorded. InvalidArgument names the field;
  // AlreadyExists when the shard's number is another's.
  // `prepare` is called with the stream before anything says that the replica is there.
  using Prepare = std::function<Status(uint32_t stream)>;
  Result<ReplicaEntry> AddReplica(const ReplicaSpec& spec, int64_t now_ms, const Prepare& prepare = {})
      EXCLUDES(mutex_);
  // NotFound.
  Status RemoveReplica(uint32_t shard) EXCLUDES(mutex_);
  // Notes that the replica added for `since` is complete. NotFound when it is not the one.
  Status CompleteReplica(uint32_t shard, uint64_t since) EXCLUDES(mutex_);
  Result<ReplicaEntry> FindReplica(uint32_t shard) const EXCLUDES(mutex_);
  std::vector<ReplicaEntry> Replicas() const EXCLUDES(mutex_);

  // Reserves streams for the metrics store and records it. AlreadyExists.
  Result<StreamsEntry> AddSeries(uint32_t shards, int64_t now_ms) EXCLUDES(mutex_);
  std::optional<StreamsEntry> Series() const EXCLUDES(mutex_);
  // Likewise for the graph of a collection, with as many shards as that has. NotFound.
  Result<StreamsEntry> AddGraph(const std::string& collection, int64_t now_ms) EXCLUDES(mutex_);
  // By the id of their collection.
  std::map<Uuid, StreamsEntry> Graphs() const EXCLUDES(mutex_);

 private:
  explicit Catalogue(kv::Store& store) : store_(store) {}

  Status Load() REQUIRES(mutex_);
  // Writes `batch` and that `count` more numbers are given; returns the first of them. They are spent even if it fails.
  Result<uint32_t> Reserve(uint32_t count, const std::function<void(uint32_t, kv::WriteBatch&)>& fill) REQUIRES(mutex_);

  kv::Store& store_;
  mutable Mutex mutex_;
  std::map<std::string, CatalogueEntry> entries_ GUARDED_BY(mutex_);
  std::map<uint32_t, ReplicaEntry> replicas_ GUARDED_BY(mutex_);
  std::optional<StreamsEntry> series_ GUARDED_BY(mutex_);
  std::map<Uuid, StreamsEntry> graphs_ GUARDED_BY(mutex_);
  uint32_t next_shard_ GUARDED_BY(mutex_) = 1;
};

}  // namespace rhizome::cluster
