// What operators are shown, worked out from what one member knows at one moment. Pure functions of a ClusterView:
// the same answer wherever they run, and testable on topologies made by hand.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "cluster/operations.h"
#include "fabric/balance.h"
#include "fabric/message.h"
#include "fabric/peers.h"
#include "fabric/topology.h"

namespace rhizome::cluster {

struct ClusterView {
  fabric::Topology topology;
  fabric::MemberNumber self = 0;  // 0: a gateway
  // First-hand, of all but itself.
  std::map<fabric::MemberNumber, fabric::PeerView> peers;
  // What those that answered say of themselves.
  std::map<fabric::MemberNumber, fabric::StatusRequest::Reply> reports;
  int64_t frozen_ms = -1;  // how long coordination has been out of this member's reach; -1: it is not
  uint32_t default_factor = 1;
  int64_t wall_ms = 0;              // when this was so
  fabric::BalanceSettings balance;  // the leader's, as far as all nodes are set alike
};

ClusterStatus StatusOf(const ClusterView& view);
ClusterHealth HealthOf(const ClusterView& view);
ClusterSharding ShardingOf(const ClusterView& view);

// The member an operator means, by name or number, among those that have not gone. NotFound; FailedPrecondition when
// two have the name.
Result<const fabric::MemberRecord*> FindMember(const fabric::Topology& topology, const std::string& id);

// Whether enough members remain for every collection's factor without this one. FailedPrecondition with the counts.
rhizome::Status CheckRemoval(const fabric::Topology& topology, fabric::MemberNumber leaving);
// Whether a collection can have so many replicas. FailedPrecondition with the counts.
rhizome::Status CheckFactor(const fabric::Topology& topology, uint32_t factor);

// Whether a member that stands at this address is the one that is meant; InvalidArgument names "host" or "port".
rhizome::Status CheckAddress(const fabric::MemberRecord& member, const NodeAddress& meant);

NodeStatus NodeOf(const ClusterView& view, const fabric::MemberRecord& member);
std::string_view MemberStateName(fabric::MemberState state);

}  // namespace rhizome::cluster
