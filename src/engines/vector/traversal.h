// Traversal: walks of the graph by code distance. Pure functions over a store and a scratch; the caller has
// prepared scratch.query. `bound` is a slot count loaded with acquire: nothing at or above it is touched.
#pragma once

#include "engines/vector/graph/search_scratch.h"
#include "engines/vector/graph_store.h"

namespace rhizome::vector {

// Which slots may answer. A walk passes through the others.
struct AnswerMask {
  const GraphStore* store = nullptr;
  const SlotSet* filter = nullptr;

  bool Allows(Slot slot) const { return !store->IsDead(slot) && (filter == nullptr || filter->Contains(slot)); }
};

// Distances of scratch.ids[0, count) into `visit(slot, distance)`.
template <typename Visit>
void VisitBatch(const GraphStore& store, SearchScratch& scratch, size_t count, Visit&& visit) {
  static const CodeKernels& kernels = BestCodeKernels();
  kernels.dot_rows(scratch.query.codes, store.codes.as<uint8_t>(), store.stride, scratch.ids, count, scratch.dots);
  for (size_t i = 0; i < count; ++i) {
    const Slot slot = scratch.ids[i];
    visit(slot, scratch.query.Distance(store.facts(slot), scratch.dots[i]));
  }
}

// Fills scratch.seeds with the nearest slots found on the levels above `level`: scans the smallest big enough one,
// then walks down. With `level` at or above the scanned one, the scan itself fills the seeds.
void Descend(const GraphStore& store, SearchScratch& scratch, Slot bound, unsigned level, size_t seeds);

// Best-first search of one level from scratch.seeds (HNSW, algorithm 2): leaves the `ef` nearest in scratch.pool.
void Walk(const GraphStore& store, SearchScratch& scratch, Slot bound, unsigned level, size_t ef);

struct MaskedWalk {
  size_t ef = 0;         // answers kept
  size_t frontier = 0;   // candidates kept, ≥ ef
  bool two_hop = false;  // step over slots that may not answer (ACORN-1: Patel et al., SIGMOD 2024, section 5.2)
};

// As Walk on level 0, but leaves the nearest allowed slots in scratch.results.
void WalkMasked(const GraphStore& store, SearchScratch& scratch, Slot bound, const AnswerMask& mask,
                const MaskedWalk& walk);

// Adds the allowed slots of [begin, end) to scratch.results.
void ScanRange(const GraphStore& store, SearchScratch& scratch, const AnswerMask& mask, Slot begin, Slot end);

}  // namespace rhizome::vector
