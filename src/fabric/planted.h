// Bugs on purpose: mistakes that a replicated store is known to be made with, each behind a switch that exists only in
// the library the simulator links (RHIZOME_PLANTED). They measure the simulator: a suite that cannot catch them would
// not catch a real one. In the product Planted() is a constant false and leaves no code behind.
#pragma once

#include <cstdint>

namespace rhizome::fabric {

enum class Bug : uint8_t {
  kNone = 0,
  // Writing and reading.
  kVersionFromClockOnly,     // a quorum write skips the round that asks the majority for versions
  kCountUnansweredWrite,     // a write counts members that were sent it, not those that answered
  kCountHintAsWrite,         // a hint kept for an absent owner counts toward the level
  kSkipReadWriteBack,        // a quorum read answers without making its answer a majority's
  kReadFromOne,              // a quorum read asks one replica
  kMajorityIsHalf,           // half of an even owner set passes for a majority
  kNewVersionOnRetry,        // a write repeated after a timeout gets a new version
  kMixEpochs,                // a quorum search counts answers of different epochs together
  kSearchIgnoresTombstones,  // a quorum search trusts the candidates of whoever answers first
  kRepeatAsNew,              // a write whose idempotency key the owners remember is carried out all the same
  kWriteBackDropsStamp,      // what a quorum read writes back no longer says which request it is of
  // Replicas.
  kAcknowledgeBeforeSync,  // a replica answers before its log is durable
  kMergeByArrival,         // what arrives last wins, whatever its version
  kForgetTombstone,        // a delete of an absent register leaves nothing behind
  // Placement.
  kIgnoreEpoch,             // a replica serves whatever epoch it is asked for
  kCheckEpochOnlyBefore,    // an apply that straddles a new epoch is acknowledged under the old one
  kMoveWithoutJointQuorum,  // while a move is under way only the old owners decide
  kCutOverBeforeCopied,     // the leader cuts over without asking whether the new owner has everything
  kCopyFromOneOwner,        // a new owner copies from one old owner instead of a majority
  kKeepDataAcrossRejoin,    // a member that becomes owner again keeps what it had from before
  kReuseMemberNumber,       // a member that lost its disk comes back under its old number
  // Repair.
  kCollectTombstonesEarly,  // tombstones go without every replica's confirmation
  kRepairDropsTombstones,   // repair carries live registers only
  kRepairDropsStamp,        // repair carries registers without the requests they are of
  kRepairOneLeaf,           // repair stops after the first range that differs
  kCopyForgetsRequests,     // who copies a replica copies its registers only
  kVoteBeforeRebuilt,       // an owner whose replica was lost votes before it has been rebuilt
  kRebuildAtOldEpoch,       // and is rebuilt without an epoch that ends what its former self acknowledged
  // Resharding.
  kApplyToParentOnly,     // what is applied to a parent does not go to its children
  kCompleteBeforeFilled,  // a child counts as complete before it holds what its parent held
  kParentAnswersForever,  // an owner goes on to answer for a parent after its children have taken over
  kNewVersionOnReroute,   // a write that finds its shard split is sent on under a new version
  // Coordination.
  kBlindLease,            // whoever takes a lease writes its key whatever has become of it
  kIgnoreCompareAndSwap,  // the leader writes placements without comparing revisions
};
inline constexpr int kBugCount = 34;  // without kNone

#ifdef RHIZOME_PLANTED
// Which one is active in this process; the simulator's thread only.
extern Bug g_planted;
inline bool Planted(Bug bug) { return g_planted == bug; }
#else
constexpr bool Planted(Bug) { return false; }
#endif

}  // namespace rhizome::fabric
