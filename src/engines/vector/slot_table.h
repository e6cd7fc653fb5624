// SlotTable: which point each slot holds, which slot is each point's newest, and which slots are live.
//
// The engine's authority on versions: a point's newest slot keeps the version of its last upsert or delete, and stays
// known after a delete, so that an older write arriving later loses. Slots are given out in order and never reused.
//
// Threads: one writer at a time; any number of readers. What the writer changed is seen by readers only from
// Publish() on, all of it at once: a batch of operations appears whole. Owned by the engine.
#pragma once

#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_set.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/status.h"
#include "base/version.h"
#include "engines/vector/slot.h"
#include "format/point.h"

namespace rhizome::vector {

// An array that grows at the end and never moves what it holds, so that readers need no lock. One writer; an element
// is complete before size() counts it. At most kBlocks × kBlockLength elements.
template <typename T>
class StableArray {
 public:
  static constexpr size_t kBlockLength = 8192;
  static constexpr size_t kBlocks = 65536;

  StableArray() : blocks_(std::make_unique<Blocks>()) {}

  size_t size() const { return size_.load(std::memory_order_acquire); }
  const T& operator[](size_t i) const { return (*blocks_)[i / kBlockLength][i % kBlockLength]; }
  T& operator[](size_t i) { return (*blocks_)[i / kBlockLength][i % kBlockLength]; }

  void Append(T value) {
    const size_t i = size_.load(std::memory_order_relaxed);
    CHECK(i < kBlocks * kBlockLength);
    auto& block = (*blocks_)[i / kBlockLength];
    if (block == nullptr) block = std::make_unique<T[]>(kBlockLength);
    block[i % kBlockLength] = std::move(value);
    size_.store(i + 1, std::memory_order_release);
  }

 private:
  using Blocks = std::array<std::unique_ptr<T[]>, kBlocks>;
  std::unique_ptr<Blocks> blocks_;
  std::atomic<size_t> size_{0};
};

class SlotTable {
 public:
  struct Newest {
    Slot slot = kNoSlot;
    Version version;
    bool live = false;
  };

  SlotTable();

  // --- the writer ---
  // What this batch and all before it left for `id`; nullopt when it was never seen.
  std::optional<Newest> FindUnpublished(const format::PointId& id) const;
  // Gives `id` the next slot, live, and kills its previous one. A point may have no vector.
  Slot Append(const format::PointId& id, Version version, bool has_vector = true) EXCLUDES(map_mutex_);
  // Kills the slot of `id` and remembers the delete's version. `id` must have been seen.
  void Kill(const format::PointId& id, Version version);
  // Slots that Append and Kill have ended since the last Publish.
  const std::vector<Slot>& killed() const { return killed_; }
  void Publish() EXCLUDES(live_mutex_);

  // --- readers ---
  Slot size() const { return static_cast<Slot>(entries_.size()); }  // dead ones included
  const format::PointId& IdOf(Slot slot) const { return entries_[slot].id; }
  Version VersionOf(Slot slot) const { return entries_[slot].version.load(); }
  bool HasVector(Slot slot) const { return entries_[slot].has_vector; }
  // The live slot of `id` in `live`, whatever was written since; kNoSlot when there is none.
  Slot Find(const format::PointId& id, const SlotSet& live) const EXCLUDES(map_mutex_);
  // The live slots as of the last Publish; never changes under the reader.
  std::shared_ptr<const SlotSet> Live() const EXCLUDES(live_mutex_);

  // --- snapshots; the writer stands still ---
  // docs/formats/slot_table.md
  std::string Encode() const;
  // Into an empty table. Corruption when the bytes are not what Encode wrote.
  Status Load(std::string_view bytes) EXCLUDES(map_mutex_, live_mutex_);

 private:
  // A version that a delete may raise while readers look: two words that only the writer changes.
  class AtomicVersion {
   public:
    AtomicVersion() = default;
    explicit AtomicVersion(Version version) : time_(version.time), node_(version.node) {}
    AtomicVersion(const AtomicVersion& other) : AtomicVersion(other.load()) {}
    AtomicVersion& operator=(const AtomicVersion& other) {
      store(other.load());
      return *this;
    }
    Version load() const { return {time_.load(std::memory_order_acquire), node_.load(std::memory_order_acquire)}; }
    void store(Version version) {
      node_.store(version.node, std::memory_order_release);
      time_.store(version.time, std::memory_order_release);
    }

   private:
    std::atomic<uint64_t> time_{0};
    std::atomic<uint32_t> node_{0};
  };
  struct Entry {
    format::PointId id;
    AtomicVersion version;
    bool has_vector = true;
    Slot previous = kNoSlot;  // the slot of the same id before this one, for readers of an older view
  };
  // The map holds slots only and looks their ids up: an id is stored once.
  struct HashById {
    using is_transparent = void;
    const SlotTable* table;
    size_t operator()(Slot slot) const { return (*this)(table->entries_[slot].id); }
    size_t operator()(const format::PointId& id) const;
  };
  struct EqualById {
    using is_transparent = void;
    const SlotTable* table;
    bool operator()(Slot a, Slot b) const { return table->entries_[a].id == table->entries_[b].id; }
    bool operator()(Slot a, const format::PointId& b) const { return table->entries_[a].id == b; }
    bool operator()(const format::PointId& a, Slot b) const { return table->entries_[b].id == a; }
  };
  using Map = boost::unordered_flat_set<Slot, HashById, EqualById>;

  void End(Slot slot);

  StableArray<Entry> entries_;
  SlotSet unpublished_live_;  // the writer's
  std::vector<Slot> killed_;  // the writer's
  bool dirty_ = false;        // the writer's
  mutable SharedMutex map_mutex_;
  Map newest_;  // changed under map_mutex_ by the writer alone, which therefore reads it without
  mutable Mutex live_mutex_;
  std::shared_ptr<const SlotSet> live_ GUARDED_BY(live_mutex_);
};

}  // namespace rhizome::vector
