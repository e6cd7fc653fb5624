// GraphIndex: nearest-neighbour search over vectors that keep arriving and leaving.
//
// A navigable graph over 8-bit codes (codec.h) whose answers are scored exactly with the float vectors. Slots are
// appended in order and are searchable at once: those not yet linked into the graph ("pending") are scanned. The
// owner decides when Absorb links them and when Repair mends the neighbourhoods of removed slots.
//
// The graph is HNSW's (Malkov & Yashunin, TPAMI 2020) with a structural twist: the slots of level l are one of
// every 32^l, chosen by a fixed hash inside each block, so every level is a flat array and no entry point needs
// keeping. A search scans the smallest level that has at most 128 slots and descends from the best of them.
//
// Thread-safety: Search, Score, Vector and the counters from any thread at any time. Append and Remove from one
// thread at a time ("the writer"); Absorb, Repair and Save from one thread at a time each, beside the writer and
// the readers. Readers take no lock and never wait.
// Errors: InvalidArgument for a vector of the wrong length, not finite, too large, or zero under cosine;
// ResourceExhausted at capacity. After an error nothing has changed.
// Ownership: everything is in memory of its own, except that vectors opened from disk stay mapped files.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engines/vector/codec.h"
#include "engines/vector/slot.h"
#include "io/disk.h"

namespace rhizome::vector {

struct GraphOptions {
  size_t dimension = 0;  // 1 … 4096
  Metric metric = Metric::kCosine;
  Slot degree = 32;  // neighbours kept per slot, 4 … 128
  Slot ef_construction = 200;
  Slot capacity = Slot{1} << 24;  // slots at most; address space is reserved for them, memory only as used
};

struct GraphSearch {
  size_t k = 10;
  // Candidates kept while searching: more is slower and finds more. 0 lets the index choose by k and size.
  size_t ef = 0;
  // Slots that may answer; null for all. Slots beyond its size may not.
  const SlotSet* filter = nullptr;
  // Full scan of the float vectors: the reference answer.
  bool exact = false;
};

// One file of a saved index, relative to its directory.
struct SavedFile {
  std::string name;
  uint64_t size = 0;
  uint64_t checksum = 0;  // of the whole file
  friend bool operator==(const SavedFile&, const SavedFile&) = default;
};

// What the owner's manifest keeps of a saved index.
struct SavedGraph {
  std::vector<SavedFile> files;
  Slot slots = 0;
  Slot linked = 0;
  uint64_t sequence = 0;  // of the save; new files are named by it
  friend bool operator==(const SavedGraph&, const SavedGraph&) = default;
};

// What an index of this dimension and metric takes as a vector or a query; `field` names it in the error.
Status ValidateVector(std::span<const float> vector, size_t dimension, Metric metric, std::string_view field);

class GraphIndex {
 public:
  static Result<std::unique_ptr<GraphIndex>> Create(const GraphOptions& options);
  // Takes up a saved index without rebuilding it: vectors are mapped, codes and graph are read. `dead` says which
  // of the slots are removed. Corruption when a file is not what was saved (sizes, headers, all bytes but those of
  // the mapped vectors, which Verify checks); nothing in a damaged file can make a search read out of bounds.
  static Result<std::unique_ptr<GraphIndex>> Open(const GraphOptions& options, io::Disk& disk,
                                                  const std::string& directory, const SavedGraph& saved,
                                                  const SlotSet& dead);
  ~GraphIndex();

  // Stores `vector` as the next slot; searches that start later see it. Under cosine it is brought to length one;
  // what has been brought there once is stored bit for bit, so that copies of it are equal.
  Result<Slot> Append(std::span<const float> vector);
  // `slot` answers no search that starts later. Idempotent. InvalidArgument for a slot never given out.
  Status Remove(Slot slot);

  // Links up to `limit` pending slots with `threads` threads; returns how many. Until about a thousand vectors have
  // come there is no graph to link into, and nothing is done: searches scan.
  Slot Absorb(Slot limit, int threads = 1);
  // Looks at up to `limit` slots and gives those with removed neighbours new ones; returns how many it looked at,
  // 0 once a whole round has found nothing left to mend.
  Slot Repair(Slot limit);

  // The best `k` live slots that pass the filter, best first, scored exactly (see ScoredSlot).
  Result<std::vector<ScoredSlot>> Search(std::span<const float> query, const GraphSearch& search) const;
  // ValidateVector with this index's options.
  Status Validate(std::span<const float> vector, std::string_view field) const;
  // Exact score of one slot; `query` must be valid.
  float Score(std::span<const float> query, Slot slot) const;
  // As stored: normalised under cosine. Valid while the index lives.
  std::span<const float> Vector(Slot slot) const;

  Slot size() const;        // slots given out
  Slot live() const;        // of them not removed
  Slot linked() const;      // slots below are in the graph
  Slot pending() const;     // slots the next Absorb can link
  Slot unrepaired() const;  // removed slots that other slots may still point to
  bool IsLive(Slot slot) const;
  const GraphOptions& options() const;
  // Memory per slot: vector, code, facts and neighbours of all levels.
  double BytesPerVector() const;

  // Writes what `previous` (the last saved state in the same directory, or empty) does not have yet; writers and
  // readers go on. Returns once every file and the directory are durable. Files of `previous` that are not in the
  // result may be removed once the owner's manifest names the result. On failure the new files may exist.
  // Slots from `slots` on, which came while the owner was busy, are left out.
  Result<SavedGraph> Save(io::Disk& disk, const std::string& directory, const SavedGraph& previous, Slot slots);
  // Reads every byte of the saved files: Corruption names the first damaged one.
  static Status Verify(io::Disk& disk, const std::string& directory, const SavedGraph& saved);

 private:
  struct State;
  explicit GraphIndex(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rhizome::vector
