// NodeStore: fabric's ReplicaStore over a Node: its blocking calls run on threads of their own and end on the loop.
//
// Lanes keep one kind of work from starving another: writes (many at once, because the log syncs them as a group), keys
// (versions and registers, which writes and key reads wait for), queries, and background work. Each lane's queue is
// bounded; a full one is ResourceExhausted, and so is what has waited in one for longer than its asker does: carrying
// it out would only delay what is still waited for. Background work waits for as long as it takes.
//
// On the loop. `node` outlives it. The destructor waits for what is under way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/worker_pool.h"
#include "cluster/node.h"
#include "cluster/outstanding.h"
#include "fabric/ports.h"

namespace rhizome::cluster {

struct NodeStoreOptions {
  uint32_t write_threads = 32;
  uint32_t key_threads = 4;
  uint32_t query_threads = 0;  // 0: one per core, at least two
  uint32_t background_threads = 2;
  uint32_t queue_len_max = 4'096;     // of each lane
  int64_t queue_wait_ms_max = 2'000;  // as long as members wait for each other (fabric::Settings::call_timeout_ms)
};

class NodeStore final : public fabric::ReplicaStore {
 public:
  NodeStore(fabric::Loop& loop, Node& node, NodeStoreOptions options);

  Task<Status> Apply(fabric::ShardNumber shard, std::string batch) override;
  Task<Result<fabric::VersionsRequest::Reply>> Versions(fabric::ShardNumber shard, std::vector<std::string> keys,
                                                        std::string request) override;
  Task<Result<fabric::ReadRequest::Reply>> Read(fabric::ShardNumber shard, std::vector<std::string> keys) override;
  Task<Result<std::string>> Query(std::vector<fabric::ShardNumber> shards, std::string query) override;
  Task<Result<format::RangeDigest>> Digest(fabric::ShardNumber shard, uint32_t bits,
                                           std::optional<Version> below) override;
  Task<Result<format::InventoryPage>> Inventory(fabric::InventoryRequest request) override;
  Task<Status> Collect(fabric::ShardNumber shard, Version below) override;
  Task<Result<format::RequestPage>> Requests(fabric::ShardNumber shard, std::string after, uint32_t limit) override;
  Task<Result<fabric::ScanRequest::Reply>> Scan(fabric::ScanRequest request) override;
  Task<Result<std::vector<std::string>>> Join(fabric::ShardNumber shard, std::vector<std::string> records) override;
  Task<Status> Probe() override;
  Task<Status> Open(fabric::ShardSpec spec) override;
  Task<Status> MarkComplete(fabric::ShardNumber shard, uint64_t since) override;
  Task<Status> Drop(fabric::ShardNumber shard) override;
  std::vector<Held> List() override;

  void CancelAll() { outstanding_.CancelAll(); }
  // How busy the threads are that clients wait for, 0 to 1000.
  uint32_t LoadPermille() const;

 private:
  template <typename R>
  Task<R> Run(WorkerPool& lane, std::function<R()> call);

  Node& node_;
  const NodeStoreOptions options_;
  const uint32_t query_threads_;
  Outstanding outstanding_;
  WorkerPool writes_;
  WorkerPool keys_;
  WorkerPool queries_;
  WorkerPool background_;
};

}  // namespace rhizome::cluster
