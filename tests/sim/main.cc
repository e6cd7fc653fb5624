// sim: runs seeds of the simulated cluster, hunts planted bugs, shrinks what fails. Exit status: 0 when all went as it
// should, 1 when not, 2 for wrong flags.
#include <fmt/format.h>

#include <cstdio>

#include "bugs.h"
#include "command_line.h"
#include "report.h"
#include "shrink.h"
#include "simulation.h"

namespace rhizome::sim {
namespace {

constexpr uint64_t kShrinkRunsMax = 300;

void PrintOutcome(const SimulationOptions& options, const SimulationOutcome& outcome) {
  fmt::print("seed {}  hash {:016x}  {:.1f} s  {} operations, {} failed, {} unknown  faults: {}\n", options.seed,
             outcome.trace_hash, static_cast<double>(outcome.virtual_ns) / kSecond, outcome.tally.operations,
             outcome.tally.failed, outcome.tally.unknown, FaultsText(outcome.faults));
}

void PrintFailure(const CommandLine& line, const SimulationOptions& options, const SimulationOutcome& outcome) {
  PrintOutcome(options, outcome);
  fmt::print("FAILED: {}\n", outcome.failure);
  if (!line.shrink) {
    fmt::print("again: sim {}\n", Replay(options, line.bug));
    return;
  }
  const Shrunk least = Shrink(options, kShrinkRunsMax);
  fmt::print("least, after {} runs: {}\n", least.runs, least.failure);
  const std::vector<Fault> faults = DrawPlan(options.seed, options.profile).faults;
  for (const size_t index : *least.options.keep) {
    if (index < faults.size()) fmt::print("  {}: {}\n", index, faults[index].ToString());
  }
  fmt::print("again: sim {}\n", Replay(least.options, line.bug));
}

// Runs one seed; false when it failed or, run twice, differed.
bool RunSeed(const CommandLine& line, uint64_t seed, Sum& sum) {
  SimulationOptions options = line.options;
  options.seed = seed;
  const SimulationOutcome outcome = Simulate(options);
  sum.Add(outcome);
  if (line.twice && Simulate(options).trace_hash != outcome.trace_hash) {
    fmt::print("seed {}: two runs differ\n", seed);
    return false;
  }
  const bool single = line.first_seed == line.last_seed;
  if (!outcome.failure.empty()) {
    if (!line.must_fail) PrintFailure(line, options, outcome);
    return false;
  }
  if (single && !line.json) PrintOutcome(options, outcome);
  return true;
}

std::vector<BugHunt> HuntAll(const CommandLine& line) {
  std::vector<BugHunt> hunts;
  for (const fabric::Bug bug : AllBugs()) {
    hunts.push_back(Hunt(bug, line.options, {line.first_seed, line.starts, line.seeds_max}));
    fmt::print(stderr, "{}: {}, from {} of {} starts, median {}\n", BugName(bug),
               hunts.back().caught ? "caught" : "not caught", hunts.back().seeds_needed.size(), line.starts,
               hunts.back().median());
  }
  return hunts;
}

bool AllCaught(const std::vector<BugHunt>& hunts) {
  for (const BugHunt& hunt : hunts) {
    if (!hunt.caught) return false;
  }
  return true;
}

int RunSeeds(const CommandLine& line) {
  const Planting planted(line.bug);
  Sum sum;
  bool good = true;
  for (uint64_t seed = line.first_seed; seed <= line.last_seed; ++seed) {
    good = RunSeed(line, seed, sum) && good;
    if (!good && line.must_fail) break;
  }
  if (line.json) {
    fmt::print("{}\n", JsonOf(sum));
  } else if (line.first_seed != line.last_seed) {
    fmt::print("{}", TableOf(sum));
  }
  if (!line.report.empty()) {
    const std::vector<BugHunt> hunts = HuntAll(line);
    const std::string seeds = fmt::format("{} to {}", line.first_seed, line.last_seed);
    const Status written = RewriteReport(line.report, ReportSection(sum, hunts, seeds, line.commit, line.seeds_max));
    if (!written.ok()) fmt::print(stderr, "{}\n", written.ToString());
    good = good && written.ok() && AllCaught(hunts);
  }
  return good != line.must_fail ? 0 : 1;
}

int Main(const std::vector<std::string>& arguments) {
  const Result<CommandLine> line = ParseCommandLine(arguments);
  if (!line.ok() || line->help) {
    fmt::print("{}{}{}", line.ok() ? "" : line.status().ToString(), line.ok() ? "" : "\n", kUsage);
    return line.ok() ? 0 : 2;
  }
  if (!line->all_bugs) return RunSeeds(*line);
  const std::vector<BugHunt> hunts = HuntAll(*line);
  fmt::print("{}\n", line->json ? JsonOf(hunts) : TableOf(hunts));
  return AllCaught(hunts) ? 0 : 1;
}

}  // namespace
}  // namespace rhizome::sim

int main(int argc, char** argv) { return rhizome::sim::Main({argv + 1, argv + argc}); }
