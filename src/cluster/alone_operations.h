// AloneOperations: the operator's view of a server that runs alone: one node, one copy of everything, nothing to move.
// What needs other nodes is refused with FailedPrecondition, which says how to form a cluster.
//
// Thread-safe. `database` outlives it.
#pragma once

#include <string>

#include "cluster/database.h"
#include "cluster/operations.h"

namespace rhizome::cluster {

class AloneOperations final : public Operations {
 public:
  // `self`: what the server calls itself and where it listens.
  AloneOperations(Database& database, NodeAddress self) : database_(database), self_(std::move(self)) {}

  Result<ClusterStatus> Status() override;
  Result<ClusterHealth> Health() override;
  Result<ClusterSharding> Sharding() override;
  Result<NodeChange> AddNode(const NodeAddress& node) override;
  Result<NodeChange> RemoveNode(const std::string& id, bool force) override;
  Result<RebalanceReport> Rebalance() override;
  Result<RepairReport> Repair() override;
  Result<ClusterComparison> Compare() override;
  rhizome::Status SetFactor(const std::string& collection, uint32_t factor) override;
  Result<Resharding> Reshard(const std::string& collection, uint32_t partitions) override;
  Result<Resharding> CancelReshard(const std::string& collection) override;
  std::vector<std::string> Notices() override { return {}; }

 private:
  NodeStatus Node();

  Database& database_;
  const NodeAddress self_;
};

}  // namespace rhizome::cluster
