#include "engines/vector/graph_store.h"

namespace rhizome::vector {
namespace {

// Part of the format: decides which slots the upper levels hold.
uint32_t Mix(uint32_t level, uint32_t row) {
  uint32_t h = row * 0x9E3779B1u + level * 0x85EBCA77u;
  h = (h ^ (h >> 16)) * 0x7FEB352Du;
  h = (h ^ (h >> 15)) * 0x846CA68Bu;
  return h ^ (h >> 16);
}

}  // namespace

Slot Representative(unsigned level, Slot row) {
  for (; level > 0; --level) row = (row << kLevelShift) | (Mix(level, row) & ((1u << kLevelShift) - 1));
  return row;
}

unsigned LevelOf(Slot slot) {
  unsigned level = 0;
  while (level + 1 < kLevels && Representative(level + 1, slot >> (kLevelShift * (level + 1))) == slot) ++level;
  return level;
}

Status GraphStore::Reserve(size_t dimension_in, Slot degree_in, Slot capacity_in) {
  dimension = dimension_in;
  stride = CodeStride(dimension);
  degree = degree_in;
  capacity = capacity_in;
  const size_t n = capacity;
  // A page more than the vectors take: a mapped file ends in a footer.
  ASSIGN_OR_RETURN(vectors, Region::Reserve(n * dimension * sizeof(float) + 4096));
  ASSIGN_OR_RETURN(codes, Region::Reserve(n * stride));
  ASSIGN_OR_RETURN(facts_region, Region::Reserve(n * sizeof(CodeFacts)));
  ASSIGN_OR_RETURN(dead, Region::Reserve(n / 8 + 8));
  for (unsigned level = 0; level < kLevels; ++level) {
    const size_t level_rows = (n >> (kLevelShift * level)) + 1;
    ASSIGN_OR_RETURN(rows[level], Region::Reserve(level_rows * degree * sizeof(uint32_t)));
    changes[level] = std::vector<std::atomic<uint32_t>>(level_rows / kChunkSlots + 1);
  }
  return Status::Ok();
}

Status GraphStore::Commit(Slot slots) {
  if (slots > capacity) return Status::ResourceExhausted("vector index is at its capacity");
  const size_t n = slots;
  RETURN_IF_ERROR(vectors.Commit(n * dimension * sizeof(float)));
  RETURN_IF_ERROR(codes.Commit(n * stride));
  RETURN_IF_ERROR(facts_region.Commit(n * sizeof(CodeFacts)));
  RETURN_IF_ERROR(dead.Commit(n / 8 + 8));
  for (unsigned level = 0; level < kLevels; ++level) {
    RETURN_IF_ERROR(rows[level].Commit(((n >> (kLevelShift * level)) + 1) * degree * sizeof(uint32_t)));
  }
  return Status::Ok();
}

void GraphStore::ClearRows(Slot slot) {
  for (unsigned level = 0; level < kLevels; ++level) {
    if ((slot & ((Slot{1} << (kLevelShift * level)) - 1)) != 0) break;
    uint32_t* ids = row(level, slot);
    for (Slot i = 0; i < degree; ++i) std::atomic_ref<uint32_t>(ids[i]).store(kNoSlot, std::memory_order_relaxed);
  }
}

Slot GraphStore::Neighbours(unsigned level, Slot slot, Slot bound, uint32_t* out) const {
  uint32_t* ids = row(level, slot);
  Slot found = 0;
  for (Slot i = 0; i < degree; ++i) {
    const uint32_t id = std::atomic_ref<uint32_t>(ids[i]).load(std::memory_order_relaxed);
    if (id == kNoSlot) break;
    out[found] = id;
    found += id < bound ? 1 : 0;
  }
  return found;
}

void GraphStore::WriteRow(unsigned level, Slot slot, std::span<const uint32_t> ids) {
  uint32_t* out = row(level, slot);
  for (Slot i = 0; i < degree; ++i) {
    const uint32_t id = i < ids.size() ? ids[i] : kNoSlot;
    std::atomic_ref<uint32_t>(out[i]).store(id, std::memory_order_relaxed);
  }
  changes[level][(slot >> (kLevelShift * level)) / kChunkSlots].fetch_add(1, std::memory_order_release);
}

Mutex& GraphStore::RowLock(unsigned level, Slot slot) {
  return locks_[Mix(level + 7, slot >> (kLevelShift * level)) % kLocks];
}

bool GraphStore::MarkDead(Slot slot) {
  const uint64_t bit = uint64_t{1} << (slot & 63);
  const uint64_t before =
      std::atomic_ref<uint64_t>(dead.as<uint64_t>()[slot >> 6]).fetch_or(bit, std::memory_order_relaxed);
  if ((before & bit) != 0) return false;
  dead_count.fetch_add(1, std::memory_order_relaxed);
  return true;
}

unsigned GraphStore::TopLevel(Slot bound) {
  unsigned level = 0;
  while (level + 1 < kLevels && (bound >> (kLevelShift * level)) > kScanRows) ++level;
  return level;
}

}  // namespace rhizome::vector
