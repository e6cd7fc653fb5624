// MemberControls: ClusterControls by way of this process's own member of the cluster: it asks all others by the
// messages they answer each other with, and changes coordination as they do.
//
// Thread-safe; blocks until every member has answered or a second has passed, half a minute for digests. `calls` and
// `member` outlive it.
#pragma once

#include <map>
#include <string>

#include "cluster/cluster_operations.h"
#include "cluster/loop_calls.h"
#include "fabric/member.h"

namespace rhizome::cluster {

class MemberControls final : public ClusterControls {
 public:
  // `default_factor` and `settings` as the cluster was given them.
  // `troubles`: as ClusterControls says, from any thread.
  using TroublesOf = std::function<std::vector<std::string>()>;
  MemberControls(LoopCalls& calls, fabric::Member& member, uint32_t default_factor, const fabric::Settings& settings,
                 TroublesOf troubles);

  Result<ClusterView> View() override;
  Status SetMemberState(fabric::MemberNumber member, fabric::MemberState state) override;
  Status SetFactor(const std::string& collection, uint32_t factor) override;
  Status Reshard(const std::string& collection, uint32_t partitions) override;
  Status CancelReshard(const std::string& collection) override;
  Result<Scheduled> CompareNow() override;
  Result<fabric::Member::Digests> Digests() override;
  std::vector<std::string> Troubles() override { return troubles_(); }
  int64_t FrozenMs() override;

 private:
  Task<Result<ClusterView>> Look();
  Task<Result<Scheduled>> Compare();
  Task<Result<fabric::Member::Digests>> AskDigests();

  LoopCalls& calls_;
  fabric::Member& member_;
  const uint32_t default_factor_;
  const fabric::BalanceSettings balance_;
  const TroublesOf troubles_;
};

}  // namespace rhizome::cluster
