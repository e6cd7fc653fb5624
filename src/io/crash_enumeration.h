// Crash enumeration: replays a recorded trace up to each of its operations and tries what a power loss right there
// could leave, after Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014), section 3.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "io/sim_disk.h"

namespace rhizome::io {

struct CrashEnumerationOptions {
  // Up to so many states per crash point are tried exhaustively; beyond, nothing kept, everything kept, and a sample.
  uint64_t states_per_point_max = 64;
  uint64_t seed = 1;
  // Crash points are this many operations apart; more than 1 samples a long trace.
  size_t operations_per_point = 1;
  // Weaker than the model of io/sim_state.h: for foreign code that relies on a journal keeping directory operations
  // in order, as RocksDB does between its MANIFEST and CURRENT.
  bool directory_operations_in_order = false;
};

struct CrashPoint {
  size_t operations_done = 0;  // of the trace
  uint64_t mark = 0;           // last SimDisk::Mark before the crash, 0 when none
  bool exhaustive = false;     // all states of this point are tried
  std::string after;           // the last operation done, for messages
};

struct CrashEnumerationCounts {
  uint64_t points = 0;
  uint64_t exhaustive_points = 0;
  uint64_t states = 0;
};

// Calls `visit` with a disk in each crash state. The visitor may use the disk as it likes.
CrashEnumerationCounts EnumerateCrashStates(const SimTrace& trace, const CrashEnumerationOptions& options,
                                            const std::function<void(SimDisk&, const CrashPoint&)>& visit);

}  // namespace rhizome::io
