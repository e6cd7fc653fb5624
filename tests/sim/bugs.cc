#include "bugs.h"

#include <algorithm>
#include <array>
#include <utility>

namespace rhizome::sim {

using fabric::Bug;

namespace {

struct Entry {
  Bug bug;
  std::string_view name;
  uint64_t suite_seed;
};

// When the product or the simulator has changed, the tests go on from these seeds until one shows the bug: move it
// then.
constexpr std::array<Entry, fabric::kBugCount> kEntries{{
    {Bug::kVersionFromClockOnly, "version_from_clock_only", 1},
    {Bug::kCountUnansweredWrite, "count_unanswered_write", 2},
    {Bug::kCountHintAsWrite, "count_hint_as_write", 66},
    {Bug::kSkipReadWriteBack, "skip_read_write_back", 122},
    {Bug::kReadFromOne, "read_from_one", 2},
    {Bug::kMajorityIsHalf, "majority_is_half", 1},
    {Bug::kNewVersionOnRetry, "new_version_on_retry", 635},
    {Bug::kMixEpochs, "mix_epochs", 11601},
    {Bug::kSearchIgnoresTombstones, "search_ignores_tombstones", 2},
    {Bug::kRepeatAsNew, "repeat_as_new", 1},
    {Bug::kWriteBackDropsStamp, "write_back_drops_stamp", 1},
    {Bug::kAcknowledgeBeforeSync, "acknowledge_before_sync", 68},
    {Bug::kMergeByArrival, "merge_by_arrival", 5},
    {Bug::kForgetTombstone, "forget_tombstone", 1},
    {Bug::kIgnoreEpoch, "ignore_epoch", 1287},
    {Bug::kCheckEpochOnlyBefore, "check_epoch_only_before", 5019},
    {Bug::kMoveWithoutJointQuorum, "move_without_joint_quorum", 305},
    {Bug::kCutOverBeforeCopied, "cut_over_before_copied", 7},
    {Bug::kCopyFromOneOwner, "copy_from_one_owner", 530},
    {Bug::kKeepDataAcrossRejoin, "keep_data_across_rejoin", 970},
    {Bug::kReuseMemberNumber, "reuse_member_number", 30},
    {Bug::kCollectTombstonesEarly, "collect_tombstones_early", 3},
    {Bug::kRepairDropsTombstones, "repair_drops_tombstones", 1},
    {Bug::kRepairDropsStamp, "repair_drops_stamp", 1},
    {Bug::kCopyForgetsRequests, "copy_forgets_requests", 119},
    {Bug::kRepairOneLeaf, "repair_one_leaf", 6},
    {Bug::kVoteBeforeRebuilt, "vote_before_rebuilt", 412},
    {Bug::kRebuildAtOldEpoch, "rebuild_at_old_epoch", 2973},
    {Bug::kApplyToParentOnly, "apply_to_parent_only", 6},
    {Bug::kCompleteBeforeFilled, "complete_before_filled", 6},
    {Bug::kParentAnswersForever, "parent_answers_forever", 6},
    {Bug::kNewVersionOnReroute, "new_version_on_reroute", 144},
    {Bug::kBlindLease, "blind_lease", 6639},
    {Bug::kIgnoreCompareAndSwap, "ignore_compare_and_swap", 1},
}};

const Entry* EntryOf(Bug bug) {
  const auto found =
      std::find_if(kEntries.begin(), kEntries.end(), [bug](const Entry& entry) { return entry.bug == bug; });
  return found == kEntries.end() ? nullptr : &*found;
}

// How many seeds from `first` on it takes until one fails; 0: more than `max`.
uint64_t SeedsNeeded(SimulationOptions run, uint64_t first, uint64_t max, BugHunt& hunt) {
  for (uint64_t n = 0; n < max; ++n) {
    run.seed = first + n;
    const SimulationOutcome outcome = Simulate(run);
    if (outcome.failure.empty()) continue;
    if (hunt.first_reason.empty()) {
      hunt.first_reason = outcome.failure;
      hunt.first_seed = run.seed;
    }
    return n + 1;
  }
  return 0;
}

}  // namespace

std::string_view BugName(Bug bug) {
  const Entry* const entry = EntryOf(bug);
  return entry == nullptr ? "none" : entry->name;
}

std::optional<Bug> BugOf(std::string_view name) {
  const auto found =
      std::find_if(kEntries.begin(), kEntries.end(), [name](const Entry& entry) { return entry.name == name; });
  return found == kEntries.end() ? std::nullopt : std::optional(found->bug);
}

std::vector<Bug> AllBugs() {
  std::vector<Bug> bugs;
  for (const Entry& entry : kEntries) bugs.push_back(entry.bug);
  return bugs;
}

uint64_t SuiteSeed(Bug bug) {
  const Entry* const entry = EntryOf(bug);
  return entry == nullptr ? 1 : entry->suite_seed;
}

BugHunt Hunt(Bug bug, const SimulationOptions& options, const HuntLimits& limits) {
  const Planting planted(bug);
  BugHunt hunt;
  hunt.bug = bug;
  hunt.starts = limits.starts;
  hunt.caught = SeedsNeeded(options, SuiteSeed(bug), kSuiteSeedsMax, hunt) > 0;
  // Starts lie so far apart that no seed is used twice.
  for (uint32_t start = 0; start < limits.starts; ++start) {
    const uint64_t first = limits.first_seed + uint64_t{start} * 1'000'000;
    const uint64_t needed = SeedsNeeded(options, first, limits.seeds_max, hunt);
    if (needed > 0) hunt.seeds_needed.push_back(needed);
  }
  std::sort(hunt.seeds_needed.begin(), hunt.seeds_needed.end());
  return hunt;
}

}  // namespace rhizome::sim
