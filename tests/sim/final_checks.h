// What must hold once everything has healed and the cluster rests. Each answers with the first thing that does not
// hold, "" when all does.
#pragma once

#include <string>

#include "cluster.h"
#include "workload.h"

namespace rhizome::sim {

// Every machine serves; every shard has as many live owners as it should and no move under way; all owners hold
// the same registers and no tombstone; nobody holds what it does not own. What is not so yet may become so.
std::string NotAtRest(Cluster& cluster);

struct HistoryReport {
  std::string failure;
  uint64_t histories = 0;
  uint64_t undecided = 0;
  uint64_t writes_checked = 0;
  uint64_t writes_lost = 0;
};
struct Circumstances {
  bool lost_any_disk = false;
  bool all_heard_of_moves = true;  // nobody was cut off from coordination
};
// What clients saw, the final reads included.
HistoryReport CheckHistories(const Workload& workload, const Circumstances& circumstances);

}  // namespace rhizome::sim
