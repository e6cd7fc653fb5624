#include "engines/vector/traversal.h"

#include <bit>

namespace rhizome::vector {
namespace {

// Seeds taken from one level to the next: a few, so that one bad region cannot trap the descent.
constexpr size_t kUpperWalk = 6;

inline void PrefetchLine(const void* address) { __builtin_prefetch(address, 0, 3); }

inline void PrefetchNextRow(const GraphStore& store, const CandidatePool& pool, unsigned level) {
  if (!pool.HasNext()) return;
  const uint32_t* row = store.row(level, pool.PeekNext().slot());
  for (Slot i = 0; i < store.degree; i += 16) PrefetchLine(row + i);
}

// The slots that stand for the rows of `level`, scanned into scratch.seeds.
void ScanLevel(const GraphStore& store, SearchScratch& scratch, Slot bound, unsigned level, size_t seeds) {
  scratch.seeds.Reset(seeds);
  const Slot rows = (bound + (Slot{1} << (kLevelShift * level)) - 1) >> (kLevelShift * level);
  size_t count = 0;
  const auto flush = [&] {
    VisitBatch(store, scratch, count, [&](Slot slot, float distance) { scratch.seeds.Insert(distance, slot); });
    count = 0;
  };
  for (Slot row = 0; row < rows; ++row) {
    const Slot slot = Representative(level, row);
    if (slot >= bound) continue;
    scratch.ids[count++] = slot;
    if (count == SearchScratch::kBatch) flush();
  }
  flush();
}

size_t GatherUnvisited(const GraphStore& store, SearchScratch& scratch, Slot bound, unsigned level, Slot from) {
  uint32_t* row = store.row(level, from);
  size_t count = 0;
  for (Slot i = 0; i < store.degree; ++i) {
    const uint32_t id = std::atomic_ref<uint32_t>(row[i]).load(std::memory_order_relaxed);
    if (id == kNoSlot) break;
    if (id >= bound || scratch.visited.TestAndSet(id)) continue;
    PrefetchLine(&store.facts(id));
    scratch.ids[count++] = id;
  }
  return count;
}

void StartFromSeeds(SearchScratch& scratch, Slot bound, size_t capacity, size_t seeds) {
  scratch.visited.Start(bound);
  scratch.pool.Reset(capacity);
  scratch.pool.SeedFrom(scratch.seeds, seeds);
  for (size_t i = 0; i < scratch.seeds.size(); ++i) scratch.visited.TestAndSet(scratch.seeds[i].slot());
}

// Allowed slots one or two steps from `from` into scratch.ids. Slots that may not answer are stepped over; where
// that finds hardly anything they become candidates themselves, so that a walk can cross a region without matches.
struct TwoHop {
  size_t matches = 0;
  size_t bridges = 0;  // after the matches
};

TwoHop GatherTwoHop(const GraphStore& store, SearchScratch& scratch, Slot bound, const AnswerMask& mask, Slot from) {
  constexpr size_t kEnough = 4;
  uint32_t near[128], far[128], closed[128];
  TwoHop found;
  size_t blocked = 0, met = 0;
  const Slot direct = store.Neighbours(0, from, bound, near);
  for (Slot i = 0; i < direct; ++i) {
    if (!mask.Allows(near[i])) {
      closed[blocked++] = near[i];
    } else if (++met, !scratch.visited.TestAndSet(near[i])) {
      scratch.ids[found.matches++] = near[i];
    }
  }
  for (size_t b = 0; b < blocked; ++b) PrefetchLine(store.row(0, closed[b]));
  for (size_t b = 0; b < blocked && found.matches + 2 * store.degree < SearchScratch::kBatch; ++b) {
    const Slot indirect = store.Neighbours(0, closed[b], bound, far);
    for (Slot i = 0; i < indirect; ++i) {
      if (scratch.visited.Test(far[i]) || !mask.Allows(far[i])) continue;
      ++met;
      scratch.visited.TestAndSet(far[i]);
      scratch.ids[found.matches++] = far[i];
    }
  }
  if (met >= kEnough) return found;
  for (size_t b = 0; b < blocked && found.matches + found.bridges < SearchScratch::kBatch; ++b) {
    if (!scratch.visited.TestAndSet(closed[b])) scratch.ids[found.matches + found.bridges++] = closed[b];
  }
  return found;
}

}  // namespace

SearchScratch& ThreadScratch() {
  thread_local SearchScratch scratch;
  return scratch;
}

void Descend(const GraphStore& store, SearchScratch& scratch, Slot bound, unsigned level, size_t seeds) {
  const unsigned top = std::max(GraphStore::TopLevel(bound), level);
  ScanLevel(store, scratch, bound, top, top == level ? seeds : kUpperWalk);
  for (unsigned current = top; current > level + 1;) {
    --current;
    Walk(store, scratch, bound, current, kUpperWalk);
    scratch.seeds.Reset(kUpperWalk);
    scratch.seeds.SeedFrom(scratch.pool, kUpperWalk);
  }
}

void Walk(const GraphStore& store, SearchScratch& scratch, Slot bound, unsigned level, size_t ef) {
  CandidatePool& pool = scratch.pool;
  StartFromSeeds(scratch, bound, ef, ef);
  while (pool.HasNext()) {
    const Slot from = pool.TakeNext();
    const size_t count = GatherUnvisited(store, scratch, bound, level, from);
    VisitBatch(store, scratch, count, [&](Slot slot, float distance) { pool.Insert(distance, slot); });
    PrefetchNextRow(store, pool, level);
  }
}

void WalkMasked(const GraphStore& store, SearchScratch& scratch, Slot bound, const AnswerMask& mask,
                const MaskedWalk& walk) {
  CandidatePool& pool = scratch.pool;
  CandidatePool& results = scratch.results;
  StartFromSeeds(scratch, bound, walk.frontier, walk.frontier);
  for (size_t i = 0; i < pool.size(); ++i) {
    if (mask.Allows(pool[i].slot())) results.Insert(pool[i].distance, pool[i].slot());
  }
  const auto visit = [&](Slot slot, float distance) {
    pool.Insert(distance, slot);
    if (mask.Allows(slot)) results.Insert(distance, slot);
  };
  while (pool.HasNext() && !(results.full() && pool.PeekNext().distance > results.Worst())) {
    const Slot from = pool.TakeNext();
    if (walk.two_hop) {
      const TwoHop found = GatherTwoHop(store, scratch, bound, mask, from);
      VisitBatch(store, scratch, found.matches + found.bridges, visit);
    } else {
      const size_t count = GatherUnvisited(store, scratch, bound, 0, from);
      VisitBatch(store, scratch, count, visit);
    }
    PrefetchNextRow(store, pool, 0);
  }
}

void ScanRange(const GraphStore& store, SearchScratch& scratch, const AnswerMask& mask, Slot begin, Slot end) {
  size_t count = 0;
  const auto flush = [&] {
    VisitBatch(store, scratch, count, [&](Slot slot, float distance) { scratch.results.Insert(distance, slot); });
    count = 0;
  };
  const auto add = [&](Slot slot) {
    if (store.IsDead(slot)) return;
    scratch.ids[count++] = slot;
    if (count == 64) flush();
  };
  if (mask.filter == nullptr) {
    for (Slot slot = begin; slot < end; ++slot) add(slot);
  } else {
    const Slot stop = std::min(end, mask.filter->size());
    for (Slot word = begin / 64; word * 64 < stop; ++word) {
      for (uint64_t bits = mask.filter->words()[word]; bits != 0; bits &= bits - 1) {
        const Slot slot = word * 64 + static_cast<Slot>(std::countr_zero(bits));
        if (slot >= begin && slot < stop) add(slot);
      }
    }
  }
  flush();
}

}  // namespace rhizome::vector
