#include "fabric/balance.h"

#include <fmt/format.h>

#include "base/check.h"
#include "fabric/chooser.h"
#include "fabric/layout.h"
#include "fabric/planner.h"

namespace rhizome::fabric {

namespace {

// Members that are gone, or not live and absent for longer than `after_ms`; 0: only those that are gone.
std::set<MemberNumber> Missing(const Topology& topology, const std::map<MemberNumber, int64_t>& absent_ms,
                               int64_t after_ms) {
  std::set<MemberNumber> missing;
  for (const auto& [number, kept] : topology.members) {
    const auto absent = absent_ms.find(number);
    const bool away =
        after_ms > 0 && !topology.live.contains(number) && absent != absent_ms.end() && absent->second > after_ms;
    if (away || kept.value.state == MemberState::kGone) missing.insert(number);
  }
  return missing;
}

void BlockOrphans(const Topology& topology, BalanceReport& report) {
  for (const auto& [shard, kept] : topology.placements) {
    if (topology.Collection(kept.value.collection) != nullptr) continue;
    report.blocked.push_back({shard, "its collection is not in the catalogue"});
  }
  std::sort(report.blocked.begin(), report.blocked.end(),
            [](const BlockedShard& a, const BlockedShard& b) { return a.shard < b.shard; });
}

}  // namespace

std::string_view ChangeCauseName(ChangeCause cause) {
  switch (cause) {
    case ChangeCause::kTakeBack: return "take_back";
    case ChangeCause::kReplaceLost: return "replace_lost";
    case ChangeCause::kUnderReplicated: return "under_replicated";
    case ChangeCause::kOverReplicated: return "over_replicated";
    case ChangeCause::kLeaving: return "leaving";
    case ChangeCause::kBalance: return "balance";
    case ChangeCause::kZones: return "zones";
  }
  return "unknown";
}

Result<BalanceReport> PlanChanges(const Topology& topology, const std::map<MemberNumber, int64_t>& absent_ms,
                                  const BalanceSettings& settings) {
  const std::set<MemberNumber> lost = Missing(topology, absent_ms, settings.replace_after_ms);
  Layout layout(topology, lost, settings.placement.epsilon);
  ASSIGN_OR_RETURN(const Chooser chooser, Chooser::Make(layout, settings.placement));
  Planner planner(topology, settings, layout, chooser);

  std::set<MemberNumber> unreachable = Missing(topology, absent_ms, settings.take_back_after_ms);
  unreachable.insert(lost.begin(), lost.end());
  planner.TakeBack(unreachable);
  planner.ReplaceLost();
  planner.AddMissing();
  planner.DropSuperfluous();
  planner.EmptyLeaving();
  // What still has to find a place changes the loads: to balance before would move shards twice.
  if (!planner.anything_waits() && !planner.passing_through()) EvenOut(planner);

  const bool under_way = planner.anything_under_way();
  BalanceReport report = planner.TakeReport();
  BlockOrphans(topology, report);
  // How a collection lies within even members is mended as far as single moves do, and is no complaint after that.
  const int64_t outside = layout.misloaded();
  if (under_way) {
    report.waiting += static_cast<uint64_t>(outside + layout.clustered() + 1) / 2;  // a move mends one end or both
  } else if (outside > 0) {
    report.uneven = fmt::format("{} shards are outside the bounds of their members, and no move would help", outside);
  }
  report.balanced = !under_way && report.waiting == 0 && report.blocked.empty() && report.uneven.empty();
  return report;
}

}  // namespace rhizome::fabric
