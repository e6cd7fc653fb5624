// MoveWatch: where shards are and how far their moves are, from the record in coordination and from the new owner
// itself: faster and surer than what operators are shown.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "coordination/etcd.h"
#include "fabric/message.h"
#include "fleet.h"
#include "rpc/client.h"

namespace rhizome::chaos {

// In the order that a move goes through them.
enum class MoveStep { kRecorded, kCopying, kCopied, kCutOver };
std::string MoveStepName(MoveStep step);

class MoveWatch {
 public:
  explicit MoveWatch(Fleet& fleet);

  struct Move {
    fabric::ShardNumber shard = 0;
    MoveStep step = MoveStep::kRecorded;
    size_t source = 0;  // nodes of the fleet
    size_t target = 0;
  };
  struct View {
    std::map<fabric::ShardNumber, fabric::Placement> placements;
    std::map<fabric::MemberNumber, size_t> nodes;  // of the fleet
    size_t leader = 0;                             // the fleet's size for none
  };

  Result<View> Look();
  // Replicas by shard and node, once what is under way has ended.
  Result<std::map<fabric::ShardNumber, std::set<size_t>>> Owners();
  // Waits until some move that gives a shard a new owner is at this step; how far a move is, is asked of its target.
  std::optional<Move> Await(MoveStep step, int64_t timeout_ms);

 private:
  std::optional<Move> FindMove(const View& view, MoveStep step);
  fabric::ProgressRequest::Reply ProgressAt(size_t node, const fabric::Placement& placement);

  Fleet& fleet_;
  std::unique_ptr<coordination::Etcd> coordination_;
  std::unique_ptr<rpc::Client> client_;
  std::map<fabric::ShardNumber, Move> under_way_;  // as last seen, to notice that one has cut over
};

}  // namespace rhizome::chaos
