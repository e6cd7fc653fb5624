// Answers the vector engine's questions (query_codec.h) from shards of this process, several at once where threads are
// free. Blocks; the calling thread does its share. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/worker_pool.h"
#include "cluster/query_codec.h"
#include "shard/shard.h"

namespace rhizome::cluster {

struct AskedShard {
  uint32_t number = 0;  // in the cluster
  std::shared_ptr<const shard::Shard> shard;
};

// The encoded answer of all shards together, or the first failure, naming its shard. `pool` may be the one this runs
// on.
Result<std::string> AnswerQuery(const std::vector<AskedShard>& shards, const VectorQuery& query, WorkerPool& pool);

}  // namespace rhizome::cluster
