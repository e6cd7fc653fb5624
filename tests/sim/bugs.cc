#include "bugs.h"

#include <algorithm>
#include <array>
#include <utility>

namespace rhizome::sim {

using fabric::Bug;

namespace {

constexpr std::array<std::pair<Bug, std::string_view>, fabric::kBugCount> kNames{{
    {Bug::kVersionFromClockOnly, "version_from_clock_only"},
    {Bug::kCountUnansweredWrite, "count_unanswered_write"},
    {Bug::kCountHintAsWrite, "count_hint_as_write"},
    {Bug::kSkipReadWriteBack, "skip_read_write_back"},
    {Bug::kReadFromOne, "read_from_one"},
    {Bug::kMajorityIsHalf, "majority_is_half"},
    {Bug::kNewVersionOnRetry, "new_version_on_retry"},
    {Bug::kMixEpochs, "mix_epochs"},
    {Bug::kSearchIgnoresTombstones, "search_ignores_tombstones"},
    {Bug::kRepeatAsNew, "repeat_as_new"},
    {Bug::kWriteBackDropsStamp, "write_back_drops_stamp"},
    {Bug::kAcknowledgeBeforeSync, "acknowledge_before_sync"},
    {Bug::kMergeByArrival, "merge_by_arrival"},
    {Bug::kForgetTombstone, "forget_tombstone"},
    {Bug::kIgnoreEpoch, "ignore_epoch"},
    {Bug::kCheckEpochOnlyBefore, "check_epoch_only_before"},
    {Bug::kMoveWithoutJointQuorum, "move_without_joint_quorum"},
    {Bug::kCutOverBeforeCopied, "cut_over_before_copied"},
    {Bug::kCopyFromOneOwner, "copy_from_one_owner"},
    {Bug::kKeepDataAcrossRejoin, "keep_data_across_rejoin"},
    {Bug::kReuseMemberNumber, "reuse_member_number"},
    {Bug::kCollectTombstonesEarly, "collect_tombstones_early"},
    {Bug::kRepairDropsTombstones, "repair_drops_tombstones"},
    {Bug::kRepairDropsStamp, "repair_drops_stamp"},
    {Bug::kCopyForgetsRequests, "copy_forgets_requests"},
    {Bug::kRepairOneLeaf, "repair_one_leaf"},
    {Bug::kVoteBeforeRebuilt, "vote_before_rebuilt"},
    {Bug::kRebuildAtOldEpoch, "rebuild_at_old_epoch"},
    {Bug::kApplyToParentOnly, "apply_to_parent_only"},
    {Bug::kCompleteBeforeFilled, "complete_before_filled"},
    {Bug::kParentAnswersForever, "parent_answers_forever"},
    {Bug::kNewVersionOnReroute, "new_version_on_reroute"},
    {Bug::kBlindLease, "blind_lease"},
    {Bug::kIgnoreCompareAndSwap, "ignore_compare_and_swap"},
}};

}  // namespace

std::string_view BugName(Bug bug) {
  const auto found =
      std::find_if(kNames.begin(), kNames.end(), [bug](const auto& entry) { return entry.first == bug; });
  return found == kNames.end() ? "none" : found->second;
}

std::optional<Bug> BugOf(std::string_view name) {
  const auto found =
      std::find_if(kNames.begin(), kNames.end(), [name](const auto& entry) { return entry.second == name; });
  return found == kNames.end() ? std::nullopt : std::optional(found->first);
}

std::vector<Bug> AllBugs() {
  std::vector<Bug> bugs;
  for (const auto& [bug, name] : kNames) bugs.push_back(bug);
  return bugs;
}

BugHunt Hunt(Bug bug, const SimulationOptions& options, const HuntLimits& limits) {
  const Planting planted(bug);
  BugHunt hunt;
  hunt.bug = bug;
  hunt.starts = limits.starts;
  // Starts lie so far apart that no seed is used twice.
  for (uint32_t start = 0; start < limits.starts; ++start) {
    SimulationOptions run = options;
    for (uint64_t n = 0; n < limits.seeds_max; ++n) {
      run.seed = limits.first_seed + uint64_t{start} * 1'000'000 + n;
      const SimulationOutcome outcome = Simulate(run);
      if (outcome.failure.empty()) continue;
      hunt.seeds_needed.push_back(n + 1);
      if (hunt.first_reason.empty()) {
        hunt.first_reason = outcome.failure;
        hunt.first_seed = run.seed;
      }
      break;
    }
  }
  std::sort(hunt.seeds_needed.begin(), hunt.seeds_needed.end());
  return hunt;
}

}  // namespace rhizome::sim
