// Build: from the knowledge graph as it is to a book of communities, from the book before where there is one: only
// entities whose neighbourhood changed move, and only communities whose members or sources changed are summarised anew.
//
// The graph is read as a whole each time (entity_graph.h says in what portions); it is moving and summarising that
// follow the change. Deterministic for what the graph says and the book before. Not for a thread that others wait for.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/status.h"
#include "communities/book.h"
#include "communities/summary.h"
#include "leiden/hierarchy.h"

namespace rhizome::communities {

// What a build is at, for others to look at meanwhile.
struct Progress {
  enum class Phase : uint8_t { kNone, kReading, kDividing, kSummarising, kWriting };
  std::atomic<Phase> phase{Phase::kNone};
  std::atomic<uint64_t> done{0};
  std::atomic<uint64_t> total{0};  // 0: not known
};
std::string_view PhaseName(Progress::Phase phase);

struct BuildOptions {
  leiden::HierarchyOptions hierarchy;
  // From this share of changed entities on all is divided afresh, which is then as fast and better.
  double afresh_share = 0.25;
  std::function<bool()> cancelled = nullptr;  // true ends it with Cancelled
};

// What it cost.
struct BuildFigures {
  uint64_t entities = 0;
  uint64_t edges = 0;
  uint64_t changed = 0;     // entities that were looked at first; all of them when divided afresh
  uint64_t summarised = 0;  // communities
};

// The mark of a graph: another one whenever something was written to it.
uint64_t MarkOf(const shard::GraphShards& graph);

// `before` may be null. built_ms and collection are the caller's to fill in.
Result<Book> BuildBook(const Source& source, const Book* before, const BuildOptions& options, Progress& progress,
                       BuildFigures& figures);

}  // namespace rhizome::communities
