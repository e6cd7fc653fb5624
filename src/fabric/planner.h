// Planner: one round of the leader's planning. It keeps what has been decided so far: which shards have a change, who
// takes part in how many, what has to wait and what cannot be done. Balance.h says what for.
//
// For one round on one thread; refers to the topology and the layout it was given, and changes the layout.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fabric/balance.h"
#include "fabric/chooser.h"
#include "fabric/layout.h"

namespace rhizome::fabric {

struct Step {
  ShardIndex shard = 0;
  std::optional<MemberIndex> out;
  std::optional<MemberIndex> in;
  ChangeCause cause = ChangeCause::kBalance;
  std::string reason;
};

class Planner {
 public:
  Planner(const Topology& topology, const BalanceSettings& settings, Layout& layout, const Chooser& chooser);

  // The steps of repair, in this order.
  void TakeBack(const std::set<MemberNumber>& unreachable);
  void ReplaceLost();
  void AddMissing();
  void DropSuperfluous();
  void EmptyLeaving();

  // Decides a change if there is room for it; otherwise the shard waits.
  bool Begin(Step step);
  // Whether a shard may be changed for a better spread of load or zones: nothing else is the matter with it.
  bool Free(ShardIndex shard) const;
  bool Admits(MemberIndex member) const;
  bool exhausted() const { return under_way_ >= settings_.concurrent_moves; }
  void Wait(ShardIndex shard) { waiting_.insert(shard); }
  bool anything_waits() const { return !waiting_.empty(); }
  // A shard on its way through more owners than it wants: load says too little until it has ended.
  bool passing_through() const;
  bool anything_under_way() const { return under_way_ > 0 || !report_.changes.empty(); }

  Layout& layout() { return layout_; }
  const Chooser& chooser() const { return chooser_; }
  std::string Name(MemberIndex member) const;  // "member 4 (north-2)"

  // The report so far, without what only the end of the round can tell (uneven, balanced).
  BalanceReport TakeReport();

 private:
  static std::optional<MemberNumber> Hinders(const Placement& moving, const std::vector<MemberNumber>& in,
                                             const std::set<MemberNumber>& unreachable);
  void CountMoving();
  // Gives the place of `out`, or a new one, to the best member; false when nobody can take it, now or later.
  bool Give(ShardIndex shard, std::optional<MemberIndex> out, ChangeCause cause, const std::string& why);
  void ReplaceOne(ShardIndex shard, MemberIndex lost);
  MemberIndex Superfluous(ShardIndex shard) const;
  std::optional<MemberIndex> FirstOwner(ShardIndex shard, Standing standing) const;
  uint64_t LiveOwners(const std::vector<MemberNumber>& owners) const;
  // Whether its collection is being resharded: then its owners stay as they are until that is over.
  bool BeingSplit(ShardIndex shard) const;
  // Whether its owners can be changed now. It waits while it is being split, and is blocked unless a majority of its
  // owners is live.
  bool MayChange(ShardIndex shard);
  bool AnybodyStaysOutside(ShardIndex shard) const;
  void Block(ShardIndex shard, std::string reason) { blocked_.emplace(shard, std::move(reason)); }
  void Emit(const Step& step);
  uint64_t Wanted(ShardIndex shard) const;

  const Topology& topology_;
  const BalanceSettings& settings_;
  Layout& layout_;
  const Chooser& chooser_;
  uint32_t under_way_ = 0;
  std::set<ShardIndex> busy_;
  std::map<MemberIndex, uint32_t> moving_in_;
  std::map<MemberIndex, uint32_t> moving_out_;
  std::set<ShardIndex> waiting_;
  std::map<ShardIndex, std::string> blocked_;
  BalanceReport report_;
};

// Evening out (evening.cc): what the leader does once every shard has its replicas. First load, over everything and
// then within each collection; then the spread over zones. Begins what there is room for; shards that could be spread
// better and found no room wait.
//
// Ends, whatever is asked how often: no step makes the spread over zones worse, and each makes the first of these
// smaller that it changes: crowding of zones, shards outside their members' bounds, those outside the bounds of a
// collection, unevenness (layout.h, Cost).
void EvenOut(Planner& planner);

}  // namespace rhizome::fabric
