// The insides of GraphIndex, shared by its source files only.
#pragma once

#include <algorithm>

#include "engines/vector/graph_index.h"
#include "engines/vector/graph_link.h"
#include "engines/vector/graph_store.h"

namespace rhizome::vector {

// Vectors whose mean becomes the codec's centre; until as many have come, searches scan the float vectors.
inline constexpr Slot kCentreSlots = 1024;

// Running estimates of what a search costs, for the planner. Relaxed: a lost update does not matter.
struct SearchCosts {
  std::atomic<float> scan_ns_per_slot{12};
  std::atomic<float> walk_ns_per_ef{900};

  static void Observe(std::atomic<float>& estimate, double sample) {
    const float old = estimate.load(std::memory_order_relaxed);
    // A thread that was switched away measures the machine's load, not the search.
    const float bounded = std::min(static_cast<float>(sample), 4 * old);
    estimate.store(old + (bounded - old) / 32, std::memory_order_relaxed);
  }
};

struct GraphIndex::State {
  explicit State(const GraphOptions& opts) : options(opts) {}

  // Sets the codec and encodes every vector that came before it. Writer only.
  void FixCentre();
  // Codec and linker for a known centre.
  void AdoptCentre(std::vector<float> centre);

  const GraphOptions options;
  GraphStore store;
  // Pieces of `store.vectors` that are files; they go before the address range they lie in.
  std::vector<std::unique_ptr<io::Mapping>> mappings;
  // Set once, before `coded` turns true with release; read after loading it with acquire.
  std::unique_ptr<Codec> codec;
  std::unique_ptr<GraphLinker> linker;
  std::atomic<bool> coded{false};

  // Repair's round. Its thread only.
  Slot repair_cursor = 0;
  Slot repair_round_dead = 0;
  std::atomic<Slot> repaired_dead{0};

  // Rows' change counters at the last save, per (level, chunk). Save's thread only.
  std::array<std::vector<uint32_t>, kLevels> saved_changes;
  // The saved state those counters belong to.
  uint64_t saved_sequence = 0;

  mutable SearchCosts costs;
};

// Checks what Create and Open are given.
Status CheckGraphOptions(const GraphOptions& options);

}  // namespace rhizome::vector
