// PayloadIndex: which slots' payloads satisfy a filter, answered from an inverted index over every field.
//
// Invariants: the answer equals Matches() on each slot's payload (up to collisions of 128-bit content hashes of
// strings). Slots never added, and those a merge dropped as dead, count as empty payloads; dead slots that no merge
// has met yet still answer with their payload. Callers intersect with the live slots.
//
// Log-structured: Add() goes to memory; Freeze() at a checkpoint, WriteSegment() and Merge() in the background;
// Open() maps the files that a manifest of the caller names. Files are written by nobody else and never changed;
// the caller removes those no manifest names.
//
// Thread-safety: one thread calls Add and Freeze, one thread calls WriteSegment and Merge, any number the const
// functions. A reader sees every Add that returned before it started.
#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <vector>

#include "engines/vector/attribute_parts.h"
#include "engines/vector/attribute_segment.h"
#include "engines/vector/filter.h"
#include "engines/vector/payload_index_memory.h"
#include "engines/vector/payload_index_segment.h"

namespace rhizome::vector {

class PayloadIndex {
 public:
  PayloadIndex() = default;
  PayloadIndex(const PayloadIndex&) = delete;
  PayloadIndex& operator=(const PayloadIndex&) = delete;

  // Maps the named segments, in any order. Corruption names the file; FailedPrecondition when they overlap.
  static Result<std::unique_ptr<PayloadIndex>> Open(io::Disk& disk, const std::string& directory,
                                                    const std::vector<std::string>& names);

  // FailedPrecondition unless `slot` is above every slot added before. A payload that is no object is an empty one.
  Status Add(Slot slot, const boost::json::value& payload);
  // One above the highest slot added.
  Slot end_slot() const;

  // Bounds on how many of [0, slot_count) satisfy the filter, dead slots included; reads no posting list.
  Cardinality EstimateCardinality(const Filter& filter, Slot slot_count) const;
  // Exactly those slots; a set of size `slot_count`.
  SlotSet Evaluate(const Filter& filter, Slot slot_count) const;

  // What was added so far becomes immutable and waits for WriteSegment(); microseconds.
  void Freeze() { parts_.Freeze(); }
  // Writes everything frozen as one segment and answers from it from then on; durable when it returns. NotFound
  // when nothing is frozen.
  Result<SegmentInfo> WriteSegment(io::Disk& disk, const std::string& directory, const std::string& name);

  std::vector<SegmentInfo> Segments() const;
  // The names Merge() should be called with; empty when there is nothing worth merging.
  std::vector<std::string> MergePlan() const { return PlanMerge(Segments()); }
  // Merges neighbouring segments into `name`, leaving out slots that are not in `live` (slots above its size are
  // kept); durable when it returns. InvalidArgument when `inputs` are not neighbours of this index.
  Result<SegmentInfo> Merge(io::Disk& disk, const std::string& directory, const std::vector<std::string>& inputs,
                            const std::string& name, const SlotSet& live);

 private:
  AttributeParts<MemoryPayloadPart, PayloadSegment> parts_;
};

}  // namespace rhizome::vector
