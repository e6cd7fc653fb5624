// The flags of `sim`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "fabric/planted.h"
#include "simulation.h"

namespace rhizome::sim {

struct CommandLine {
  uint64_t first_seed = 1;
  uint64_t last_seed = 1;
  SimulationOptions options;
  fabric::Bug bug = fabric::Bug::kNone;
  bool all_bugs = false;
  bool suite = false;        // seeds from where the ordinary tests begin to look for `bug`
  uint32_t starts = 3;       // of each search for a bug
  uint64_t seeds_max = 400;  // of each search for a bug
  bool must_fail = false;    // success is that some seed fails
  bool twice = false;        // each seed is run twice and must give the same hash
  bool json = false;
  bool shrink = true;
  bool help = false;
  std::string report;  // the page whose table is rewritten
  std::string commit;  // named in the report
};

inline constexpr const char* kUsage =
    R"(sim: the cluster layer under simulated faults

  --seed N | --seeds A..B   which runs (1)
  --seconds T               of load in each, virtual (as the seed says)
  --members N               machines with data (5)
  --calm                    without faults
  --planted NAME            with one bug on purpose; --must-fail: some seed has to catch it; --suite: seeds from
                            where the ordinary tests begin to look for it
  --planted-all             hunts every planted bug: as the ordinary tests do, and by --starts K searches of
                            --seeds-max N seeds each that know nothing of it
  --keep I,J,…              only these of the drawn faults ("-": none)
  --operations N            at most, of all clients
  --twice                   each seed twice; the trace hashes must agree
  --trace                   prints what happens
  --no-shrink               does not look for the least failing schedule
  --json                    one object instead of a table
  --report FILE --commit C  rewrites the generated section of FILE
)";

// InvalidArgument names the flag.
Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);
// The flags that repeat this run.
std::string Replay(const SimulationOptions& options, fabric::Bug bug);

}  // namespace rhizome::sim
