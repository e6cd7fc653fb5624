// Leader: the one member that changes placements. It plans (balance.h), starts moves, finishes those whose new owners
// have copied everything, and takes back those whose new owners are gone.
//
// Leadership is a key in coordination on the member's lease; its create revision is the epoch. It is for liveness and
// order only: every change is a compare-and-swap on the placement's mod revision, so two leaders at once do no harm,
// and a new one goes on from what is written, because a move's whole state is its placement.
//
// On the loop.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "fabric/balance.h"
#include "fabric/caller.h"
#include "fabric/directory.h"

namespace rhizome::fabric {

class Leader {
 public:
  Leader(Caller& caller, Directory& directory, Truth& truth, const Settings& settings, MemberNumber self);

  // Campaigns and leads until the loop stops. `lease` is asked before each campaign: 0 while this member has none.
  Task<void> Run(std::function<coordination::LeaseId()> lease);
  bool leading() const { return leading_; }
  // What the last round found; empty on members that do not lead.
  const BalanceReport& report() const { return report_; }

 private:
  Task<void> Campaign(coordination::LeaseId lease);
  Task<void> Lead();
  Task<void> FinishMove(Kept<Placement> placement);
  Task<bool> Complete(Placement placement);
  // Whether who would be a new owner answers here and has lately made a write durable.
  Task<bool> AreThere(std::vector<MemberNumber> newcomers);
  Task<void> EndReshardings();
  Task<bool> Filled(CollectionRecord collection);
  // Who wanted to leave and holds nothing any more has left.
  Task<void> RetireDrained();
  // Compare-and-swap of one placement, only while this member leads.
  Task<Status> Put(ShardNumber shard, int64_t mod_revision, Placement placement);
  void NoteAbsent(const Topology& topology);
  std::map<MemberNumber, int64_t> AbsentMs() const;

  Caller& caller_;
  Directory& directory_;
  Truth& truth_;
  const Settings& settings_;
  const MemberNumber self_;
  bool leading_ = false;
  int64_t epoch_ = 0;                                // of the last claim that was won; 0: none
  coordination::LeaseId unknown_claim_ = 0;          // the lease of a claim whose outcome is not known
  std::map<MemberNumber, int64_t> absent_since_ns_;  // as seen while following and leading
  std::set<MemberNumber> drained_;                   // leaving members that held nothing at the last look
  BalanceReport report_;
};

}  // namespace rhizome::fabric
