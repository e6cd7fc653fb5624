// What many runs showed together, for people, for programs, and for docs/reliability.md.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bugs.h"
#include "simulation.h"

namespace rhizome::sim {

struct Sum {
  uint64_t runs = 0;
  uint64_t failures = 0;
  int64_t virtual_ns = 0;
  uint64_t events = 0;
  uint64_t messages = 0;
  uint64_t lives = 0;
  uint64_t placement_changes = 0;
  Tally tally;
  std::array<uint64_t, kFaultKinds> faults{};
  uint64_t writes_checked = 0;
  uint64_t writes_lost = 0;
  uint64_t histories = 0;
  uint64_t histories_undecided = 0;

  void Add(const SimulationOutcome& outcome);
};

// "12 crash, 3 pause".
std::string FaultsText(const std::array<uint64_t, kFaultKinds>& faults);
std::string TableOf(const Sum& sum);
std::string JsonOf(const Sum& sum);
std::string TableOf(const std::vector<BugHunt>& hunts);
std::string JsonOf(const std::vector<BugHunt>& hunts);

// Rewrites what stands between the page's two marks. NotFound when it has none.
Status RewriteReport(const std::string& path, const std::string& section);
// The section: both tables, the machine, the commit, the flags that make it again.
std::string ReportSection(const Sum& sum, const std::vector<BugHunt>& hunts, const std::string& seeds,
                          const std::string& commit, uint64_t seeds_max);

}  // namespace rhizome::sim
