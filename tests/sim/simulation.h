// Simulation: one seed's run: the cluster boots, clients load it while faults strike, then everything heals, and the
// cluster has to come to rest and to hold what it promised.
//
// Deterministic: the same options give the same outcome and the same trace hash.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "cluster.h"
#include "fault_player.h"
#include "faults.h"
#include "sample_load.h"
#include "workload.h"

namespace rhizome::sim {

struct SimulationOptions {
  uint64_t seed = 1;
  Profile profile;
  uint64_t operations_max = UINT64_MAX;
  // Which of the drawn faults happen; nullopt: all.
  std::optional<std::vector<size_t>> keep;
  bool trace = false;
};

struct SimulationOutcome {
  std::string failure;  // "": every promise was kept
  uint64_t trace_hash = 0;
  int64_t virtual_ns = 0;
  uint64_t events = 0;
  uint64_t messages = 0;
  uint64_t lives = 0;
  uint64_t placement_changes = 0;
  Tally tally;
  std::array<uint64_t, kFaultKinds> faults{};
  uint64_t faults_skipped = 0;
  uint64_t writes_checked = 0;  // with a certain fate, looked for in the end
  uint64_t writes_lost = 0;
  uint64_t histories = 0;
  uint64_t histories_undecided = 0;
  SampleTally samples;
};

SimulationOutcome Simulate(const SimulationOptions& options);

}  // namespace rhizome::sim
