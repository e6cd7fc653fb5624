// GraphStore: the flat arrays of the graph index and the rules by which threads share them.
//
// Publication: the writer fills a slot's vector, code, facts and empty neighbour rows, then raises `count` with
// release; whoever loads `count` with acquire may read everything below it. Neighbour ids are read relaxed and are
// used only when they are below a bound loaded that way, so a reader can never meet a slot whose data it must not
// see, and a damaged or half-updated row can only cost recall. Rows are written under a striped lock.
#pragma once

#include <array>
#include <atomic>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "engines/vector/codec.h"
#include "engines/vector/region.h"
#include "engines/vector/slot.h"

namespace rhizome::vector {

inline constexpr unsigned kLevelShift = 5;  // one of 32 slots of a level is in the next
inline constexpr unsigned kLevels = 5;      // level 0 holds all
inline constexpr Slot kScanRows = 128;      // a level this small is scanned instead of searched
// Slots per file and per dirty mark.
inline constexpr Slot kChunkSlots = 16384;

// The level-0 slot that stands for row `row` of `level`: its block's member picked by a fixed hash.
Slot Representative(unsigned level, Slot row);
// Highest level `slot` belongs to.
unsigned LevelOf(Slot slot);

class GraphStore {
 public:
  // Reserves address space; call once before anything else.
  Status Reserve(size_t dimension, Slot degree, Slot capacity);
  // Makes room for slots [0, slots).
  Status Commit(Slot slots);
  // Empties the neighbour rows that `slot` is the first to need, on all levels.
  void ClearRows(Slot slot);

  float* vector(Slot slot) const { return vectors.as<float>() + size_t{slot} * dimension; }
  uint8_t* code(Slot slot) const { return codes.as<uint8_t>() + size_t{slot} * stride; }
  const CodeFacts& facts(Slot slot) const { return facts_region.as<CodeFacts>()[slot]; }
  uint32_t* row(unsigned level, Slot slot) const {
    return rows[level].as<uint32_t>() + size_t{slot >> (kLevelShift * level)} * degree;
  }
  // Ids below `bound` in the row of `slot`, into `out` (room for `degree`); returns how many.
  Slot Neighbours(unsigned level, Slot slot, Slot bound, uint32_t* out) const;
  // Replaces the row; its lock must be held. Marks the chunk for the next save.
  void WriteRow(unsigned level, Slot slot, std::span<const uint32_t> ids);
  Mutex& RowLock(unsigned level, Slot slot);

  bool IsDead(Slot slot) const {
    return (std::atomic_ref<uint64_t>(dead.as<uint64_t>()[slot >> 6]).load(std::memory_order_relaxed) >> (slot & 63) &
            1) != 0;
  }
  // Returns false when it was dead already.
  bool MarkDead(Slot slot);
  // Smallest level to scan for entries when the graph has `bound` slots.
  static unsigned TopLevel(Slot bound);

  // Constant after Reserve.
  size_t dimension = 0;
  size_t stride = 0;
  Slot degree = 0;
  Slot capacity = 0;

  Region vectors, codes, facts_region, dead;
  std::array<Region, kLevels> rows;
  std::atomic<Slot> count{0};
  std::atomic<Slot> linked{0};
  std::atomic<Slot> dead_count{0};
  // One counter per (level, chunk of rows): rises with each change.
  std::array<std::vector<std::atomic<uint32_t>>, kLevels> changes;

 private:
  static constexpr size_t kLocks = 1024;
  std::array<Mutex, kLocks> locks_;
};

}  // namespace rhizome::vector
