// Shrink: the least of a failing run that still fails: faults are taken away by halves and then one by one (Zeller and
// Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 2002), then operations.
#pragma once

#include <cstdint>
#include <string>

#include "simulation.h"

namespace rhizome::sim {

struct Shrunk {
  SimulationOptions options;
  std::string failure;  // of the least run; need not be that of the first
  uint64_t runs = 0;
};

// `options` must fail. At most `runs_max` runs are made.
Shrunk Shrink(const SimulationOptions& options, uint64_t runs_max);

}  // namespace rhizome::sim
