#include "shrink.h"

#include <algorithm>
#include <numeric>

namespace rhizome::sim {

namespace {

class Reduction {
 public:
  Reduction(const SimulationOptions& options, uint64_t runs_max) : runs_max_(runs_max) {
    shrunk_.options = options;
    shrunk_.options.trace = false;
  }

  Shrunk Go() {
    const SimulationOutcome first = Simulate(shrunk_.options);
    shrunk_.failure = first.failure;
    DropFaults();
    DropOperations(first.tally.operations);
    DropFaults();
    return shrunk_;
  }

 private:
  bool StillFails(const SimulationOptions& options) {
    if (shrunk_.runs >= runs_max_) return false;
    ++shrunk_.runs;
    const SimulationOutcome outcome = Simulate(options);
    if (outcome.failure.empty()) return false;
    shrunk_.options = options;
    shrunk_.failure = outcome.failure;
    return true;
  }

  void DropFaults() {
    if (!shrunk_.options.keep) {
      std::vector<size_t> all(DrawPlan(shrunk_.options.seed, shrunk_.options.profile).faults.size());
      std::iota(all.begin(), all.end(), 0);
      shrunk_.options.keep = all;
    }
    for (size_t length = std::max<size_t>(1, shrunk_.options.keep->size() / 2); length > 0; length /= 2) {
      for (size_t at = 0; at < shrunk_.options.keep->size();) {
        SimulationOptions fewer = shrunk_.options;
        auto& keep = *fewer.keep;
        const size_t end = std::min(at + length, keep.size());
        keep.erase(keep.begin() + static_cast<ptrdiff_t>(at), keep.begin() + static_cast<ptrdiff_t>(end));
        if (!StillFails(fewer)) at = end;
      }
    }
  }

  void DropOperations(uint64_t performed) {
    uint64_t least = std::min(performed, shrunk_.options.operations_max);
    for (uint64_t step = std::max<uint64_t>(1, least / 2); step > 0; step /= 2) {
      SimulationOptions fewer = shrunk_.options;
      if (least <= step) continue;
      fewer.operations_max = least - step;
      if (StillFails(fewer)) least -= step;
    }
  }

  const uint64_t runs_max_;
  Shrunk shrunk_;
};

}  // namespace

Shrunk Shrink(const SimulationOptions& options, uint64_t runs_max) { return Reduction(options, runs_max).Go(); }

}  // namespace rhizome::sim
