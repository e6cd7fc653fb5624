#include "engines/vector/graph_link.h"

#include "engines/vector/traversal.h"

namespace rhizome::vector {
namespace {

// Scratch of selection, separate from the walk's.
struct SelectScratch {
  CodedQuery slot_query;  // the slot whose row is chosen
  CodedQuery pick_query;  // the candidate being judged
  std::vector<uint32_t> chosen;
  std::vector<int32_t> dots;
  std::vector<uint32_t> ids;
};

SelectScratch& Scratch() {
  thread_local SelectScratch scratch;
  return scratch;
}

}  // namespace

bool GraphLinker::SameCode(Slot a, Slot b) const {
  const CodeFacts &x = store_.facts(a), &y = store_.facts(b);
  return x.scale == y.scale && x.bias == y.bias && std::memcmp(store_.code(a), store_.code(b), store_.stride) == 0;
}

void GraphLinker::CollectPool(Slot slot, std::vector<Pick>& picks) const {
  const SearchScratch& scratch = ThreadScratch();
  picks.clear();
  const float constant = scratch.query.constant;
  for (size_t i = 0; i < scratch.pool.size(); ++i) {
    const Slot other = scratch.pool[i].slot();
    if (other == slot || store_.IsDead(other)) continue;
    picks.push_back({scratch.pool[i].distance + constant, other});
  }
}

void GraphLinker::Select(Slot slot, std::vector<Pick>& picks) {
  static const CodeKernels& kernels = BestCodeKernels();
  SelectScratch& scratch = Scratch();
  // Twins are all equally near and would crowd out the way to everything else.
  const size_t twins_max = store_.degree / 4;
  size_t twins = 0, kept = 0;
  scratch.chosen.clear();
  scratch.dots.resize(store_.degree);
  for (size_t i = 0; i < picks.size() && kept < store_.degree; ++i) {
    Pick pick = picks[i];
    pick.twin = SameCode(slot, pick.slot);
    if (pick.twin) {
      if (twins == twins_max) continue;
      ++twins;
      picks[kept++] = pick;
      continue;
    }
    bool redundant = false;
    const size_t chosen = scratch.chosen.size();
    if (chosen > 0) {
      codec_.PrepareCode(store_.code(pick.slot), store_.facts(pick.slot), scratch.pick_query);
      const CodedQuery& query = scratch.pick_query;
      for (size_t begin = 0; begin < chosen && !redundant; begin += 8) {
        const size_t count = std::min<size_t>(8, chosen - begin);
        kernels.dot_rows(query.codes, store_.codes.as<uint8_t>(), store_.stride, &scratch.chosen[begin], count,
                         scratch.dots.data());
        for (size_t j = 0; j < count; ++j) {
          const CodeFacts& facts = store_.facts(scratch.chosen[begin + j]);
          if ((query.Distance(facts, scratch.dots[j]) + query.constant) * slack_ < pick.distance) redundant = true;
        }
      }
    }
    if (redundant) continue;
    scratch.chosen.push_back(pick.slot);
    picks[kept++] = pick;
  }
  picks.resize(kept);
}

void GraphLinker::MeasurePicks(Slot slot, std::vector<Pick>& picks) {
  static const CodeKernels& kernels = BestCodeKernels();
  SelectScratch& scratch = Scratch();
  codec_.PrepareCode(store_.code(slot), store_.facts(slot), scratch.slot_query);
  scratch.ids.clear();
  for (const Pick& pick : picks) scratch.ids.push_back(pick.slot);
  scratch.dots.resize(std::max<size_t>(scratch.dots.size(), picks.size()));
  kernels.dot_rows(scratch.slot_query.codes, store_.codes.as<uint8_t>(), store_.stride, scratch.ids.data(),
                   picks.size(), scratch.dots.data());
  for (size_t i = 0; i < picks.size(); ++i) {
    picks[i].distance =
        scratch.slot_query.Distance(store_.facts(picks[i].slot), scratch.dots[i]) + scratch.slot_query.constant;
  }
}

void GraphLinker::LinkBack(unsigned level, Slot slot, Slot neighbour, float distance) {
  thread_local std::vector<uint32_t> ids;
  thread_local std::vector<Pick> picks;
  ids.resize(store_.degree + 1);
  MutexLock lock(store_.RowLock(level, neighbour));
  Slot count = store_.Neighbours(level, neighbour, kNoSlot, ids.data());
  for (Slot i = 0; i < count; ++i) {
    if (ids[i] == slot) return;
  }
  if (count < store_.degree) {
    ids[count++] = slot;
    store_.WriteRow(level, neighbour, {ids.data(), count});
    return;
  }
  picks.clear();
  const bool twin = SameCode(slot, neighbour);
  Slot twins = 0, evicted = kNoSlot;
  for (Slot i = 0; i < count; ++i) {
    picks.push_back({0, ids[i]});
    // Among twins the newcomer always gets in, for an older one picked at random: links among thousands of equal
    // vectors then stay a random graph, which is connected.
    if (twin && SameCode(ids[i], neighbour) && (slot * 0x9E3779B1u >> 8) % ++twins == 0) evicted = i;
  }
  if (twin && twins >= store_.degree / 4) {
    ids[evicted] = slot;
    store_.WriteRow(level, neighbour, {ids.data(), count});
    return;
  }
  MeasurePicks(neighbour, picks);
  picks.push_back({distance, slot});
  std::sort(picks.begin(), picks.end(), [](const Pick& a, const Pick& b) { return a.distance < b.distance; });
  Select(neighbour, picks);
  for (size_t i = 0; i < picks.size(); ++i) ids[i] = picks[i].slot;
  store_.WriteRow(level, neighbour, {ids.data(), picks.size()});
}

void GraphLinker::Link(Slot slot, Slot entry_bound, Slot bound) {
  thread_local std::vector<Pick> picks;
  std::vector<uint32_t> ids;
  SearchScratch& scratch = ThreadScratch();
  codec_.PrepareCode(store_.code(slot), store_.facts(slot), scratch.query);
  const unsigned top = GraphStore::TopLevel(entry_bound);
  for (unsigned level = LevelOf(slot) + 1; level-- > 0;) {
    Descend(store_, scratch, entry_bound, level, ef_construction_);
    if (level >= top) {
      // Few enough to have been compared all.
      scratch.pool.Reset(ef_construction_);
      scratch.pool.SeedFrom(scratch.seeds, ef_construction_);
    } else {
      Walk(store_, scratch, bound, level, ef_construction_);
    }
    CollectPool(slot, picks);
    Select(slot, picks);
    ids.clear();
    for (const Pick& pick : picks) ids.push_back(pick.slot);
    {
      MutexLock lock(store_.RowLock(level, slot));
      // Others may have linked to this slot, and so back to it, while it was being linked.
      std::vector<uint32_t> present(store_.degree);
      const Slot count = store_.Neighbours(level, slot, kNoSlot, present.data());
      for (Slot i = 0; i < count && ids.size() < store_.degree; ++i) {
        if (std::find(ids.begin(), ids.end(), present[i]) == ids.end()) ids.push_back(present[i]);
      }
      store_.WriteRow(level, slot, ids);
    }
    for (const Pick& pick : picks) LinkBack(level, slot, pick.slot, pick.distance);
  }
}

void GraphLinker::AddLiveNeighbours(unsigned level, Slot slot, Slot bound, std::vector<Pick>& picks) const {
  std::vector<uint32_t> near(store_.degree), far(store_.degree);
  const auto add = [&](Slot id) {
    const bool known = std::any_of(picks.begin(), picks.end(), [&](const Pick& pick) { return pick.slot == id; });
    if (id != slot && !store_.IsDead(id) && !known) picks.push_back({0, id});
  };
  const Slot direct = store_.Neighbours(level, slot, bound, near.data());
  for (Slot i = 0; i < direct; ++i) {
    add(near[i]);
    if (!store_.IsDead(near[i])) continue;
    const Slot indirect = store_.Neighbours(level, near[i], bound, far.data());
    for (Slot j = 0; j < indirect; ++j) add(far[j]);
  }
}

bool GraphLinker::MendLevel(unsigned level, Slot slot, Slot bound) {
  thread_local std::vector<Pick> picks;
  std::vector<uint32_t> ids(store_.degree);
  const auto any_dead = [&](Slot count) {
    return std::any_of(ids.begin(), ids.begin() + count, [&](Slot id) { return store_.IsDead(id); });
  };
  if (!any_dead(store_.Neighbours(level, slot, bound, ids.data()))) return false;

  // A search finds what the removed neighbours led to even when whole neighbourhoods are gone.
  SearchScratch& scratch = ThreadScratch();
  codec_.PrepareCode(store_.code(slot), store_.facts(slot), scratch.query);
  Descend(store_, scratch, bound, level, ef_construction_);
  if (level < GraphStore::TopLevel(bound)) {
    Walk(store_, scratch, bound, level, ef_construction_);
  } else {
    scratch.pool.Reset(ef_construction_);
    scratch.pool.SeedFrom(scratch.seeds, ef_construction_);
  }
  CollectPool(slot, picks);

  {
    MutexLock lock(store_.RowLock(level, slot));
    AddLiveNeighbours(level, slot, bound, picks);
    MeasurePicks(slot, picks);
    std::sort(picks.begin(), picks.end(), [](const Pick& a, const Pick& b) { return a.distance < b.distance; });
    Select(slot, picks);
    ids.clear();
    for (const Pick& pick : picks) ids.push_back(pick.slot);
    store_.WriteRow(level, slot, ids);
  }
  // The removed showed the way to this slot too; without new links back it would slowly become unreachable.
  if (!store_.IsDead(slot)) {
    for (const Pick& pick : picks) LinkBack(level, slot, pick.slot, pick.distance);
  }
  return true;
}

bool GraphLinker::Mend(Slot slot, Slot bound) {
  const unsigned levels = LevelOf(slot);
  // A removed slot answers nothing, but those of the upper levels still show the way.
  if (store_.IsDead(slot) && levels == 0) return false;
  bool mended = false;
  for (unsigned level = 0; level <= levels; ++level) mended = MendLevel(level, slot, bound) || mended;
  return mended;
}

}  // namespace rhizome::vector
