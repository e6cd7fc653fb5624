// Whether all replicas of all shards hold the same registers, asked of each owner itself: the digests that repair
// compares, over the wire that nodes use.
#pragma once

#include <memory>
#include <string>

#include "fleet.h"
#include "rpc/client.h"

namespace rhizome::chaos {

struct Comparison {
  bool equal = false;
  std::string difference;  // the first
  uint64_t replicas = 0;   // asked and answered
};

class ReplicaCompare {
 public:
  explicit ReplicaCompare(Fleet& fleet);

  // At one moment: while writes go on, replicas differ by those. Equal only while no shard is moving and every replica
  // is whole.
  Comparison Compare();
  // Until they are equal; the seconds it took. DeadlineExceeded with the difference.
  Result<double> AwaitEqual(int64_t timeout_ms);

 private:
  Result<std::string> Digest(size_t node, uint32_t shard, uint64_t epoch);

  Fleet& fleet_;
  std::unique_ptr<rpc::Client> client_;
};

}  // namespace rhizome::chaos
