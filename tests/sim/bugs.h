// The planted bugs by name, and the search for the first seed that catches each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/planted.h"
#include "simulation.h"

namespace rhizome::sim {

std::string_view BugName(fabric::Bug bug);
std::optional<fabric::Bug> BugOf(std::string_view name);
// All but kNone.
std::vector<fabric::Bug> AllBugs();
// Where the ordinary tests begin to look for the bug, for kSuiteSeedsMax seeds: it showed there when last looked.
uint64_t SuiteSeed(fabric::Bug bug);
inline constexpr uint64_t kSuiteSeedsMax = 600;

// The active bug while it lives.
class Planting {
 public:
  explicit Planting(fabric::Bug bug) { fabric::g_planted = bug; }
  ~Planting() { fabric::g_planted = fabric::Bug::kNone; }
  Planting(const Planting&) = delete;
  Planting& operator=(const Planting&) = delete;
};

struct BugHunt {
  fabric::Bug bug = fabric::Bug::kNone;
  bool caught = false;                 // as the ordinary tests look for it
  std::vector<uint64_t> seeds_needed;  // of each start anywhere that met it, sorted
  uint32_t starts = 0;
  std::string first_reason;
  uint64_t first_seed = 0;

  uint64_t median() const { return seeds_needed.empty() ? 0 : seeds_needed[seeds_needed.size() / 2]; }
};

struct HuntLimits {
  uint64_t first_seed = 1;
  uint32_t starts = 3;       // independent searches that know nothing of the bug
  uint64_t seeds_max = 400;  // of one search
};
BugHunt Hunt(fabric::Bug bug, const SimulationOptions& options, const HuntLimits& limits);

}  // namespace rhizome::sim
