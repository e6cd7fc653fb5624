// ClusterOperations: the operator's view of a cluster, from one of its members or gateways.
//
// What it decides stands on ClusterControls: what there is to see, and the changes there are, each one compare-and-swap
// in coordination. The member's own are in member_controls.h. Thread-safe as far as the controls are, which outlive it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cluster/cluster_status.h"
#include "cluster/operations.h"
#include "fabric/member.h"

namespace rhizome::cluster {

class ClusterControls {
 public:
  virtual ~ClusterControls() = default;
  // What is known now; asks every node. Coordination is not asked: what is known of it is a second old at most.
  virtual Result<ClusterView> View() = 0;
  virtual Status SetMemberState(fabric::MemberNumber member, fabric::MemberState state) = 0;
  virtual Status SetFactor(const std::string& collection, uint32_t factor) = 0;
  virtual Status Reshard(const std::string& collection, uint32_t partitions) = 0;
  virtual Status CancelReshard(const std::string& collection) = 0;
  // Every member compares its replicas now; a failure in place of one that does not answer.
  using Scheduled = std::map<fabric::MemberNumber, Result<fabric::RepairRequest::Reply>>;
  virtual Result<Scheduled> CompareNow() = 0;
  // What every replica holds; asks every owner of every shard.
  virtual Result<fabric::Member::Digests> Digests() = 0;
  // Members that are not as they should be, for people, as seen a moment ago. Asks nobody and never blocks.
  virtual std::vector<std::string> Troubles() = 0;
  // How long coordination has been out of reach; -1: it is not. Asks nobody and never blocks.
  virtual int64_t FrozenMs() = 0;
};

class ClusterOperations final : public Operations {
 public:
  explicit ClusterOperations(ClusterControls& controls) : controls_(controls) {}

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
  std::vector<std::string> Notices() override;

 private:
  Result<Resharding> ReshardingOf(const std::string& collection);

  ClusterControls& controls_;
};

}  // namespace rhizome::cluster
