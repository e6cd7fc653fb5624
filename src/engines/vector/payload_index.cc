#include "engines/vector/payload_index.h"

#include <algorithm>
#include <boost/json.hpp>

namespace rhizome::vector {
namespace {

// Puts `from` in the place of the slots [first, end) of `into`.
void CopySlots(const BitRange& from, Slot first, Slot end, SlotSet& into) {
  end = std::min(end, into.size());
  for (Slot slot = first & ~Slot{63}; slot < end; slot += 64) {
    uint64_t mask = ~uint64_t{0};
    if (slot < first) mask &= ~uint64_t{0} << (first - slot);
    if (end - slot < 64) mask &= (uint64_t{1} << (end - slot)) - 1;
    uint64_t& word = into.mutable_words()[slot / 64];
    word = (word & ~mask) | (from.words[(slot - from.base) / 64] & mask);
  }
}

// What one part says when only its slots below `slot_count` count.
Cardinality EstimateBelow(const PayloadPart& part, const Filter& filter, Slot slot_count) {
  Cardinality of = EstimateFilter(part, filter);
  if (part.end_slot() <= slot_count) return of;
  const double all = part.end_slot() - part.first_slot();
  const double kept = slot_count - part.first_slot();
  return {std::max(0.0, of.low - (all - kept)), std::min(of.high, kept), of.expected * kept / all};
}

}  // namespace

Result<std::unique_ptr<PayloadIndex>> PayloadIndex::Open(io::Disk& disk, const std::string& directory,
                                                         const std::vector<std::string>& names) {
  ASSIGN_OR_RETURN(auto segments, OpenSegments<PayloadSegment>(disk, directory, names));
  auto index = std::make_unique<PayloadIndex>();
  index->parts_.Start(std::move(segments));
  return index;
}

Status PayloadIndex::Add(Slot slot, const boost::json::value& payload) {
  if (slot == kNoSlot || slot < end_slot()) {
    return Status::FailedPrecondition("slot " + std::to_string(slot) + " is not above those added before");
  }
  parts_.Write([&](MemoryPayloadPart& growing) { growing.Add(slot, payload); });
  return Status::Ok();
}

Slot PayloadIndex::end_slot() const { return parts_.EndSlot(); }

Cardinality PayloadIndex::EstimateCardinality(const Filter& filter, Slot slot_count) const {
  Cardinality sum;
  double covered = 0;
  const auto add = [&](const PayloadPart& part) {
    if (part.first_slot() >= slot_count) return;
    const Cardinality of = EstimateBelow(part, filter, slot_count);
    sum = {sum.low + of.low, sum.high + of.high, sum.expected + of.expected};
    covered += std::min(part.end_slot(), slot_count) - part.first_slot();
  };
  const auto sealed = parts_.Read([&](const MemoryPayloadPart& growing, const auto&) {
    if (!growing.empty()) add(growing);
  });
  for (const auto& part : sealed->frozen) add(*part);
  for (const auto& part : sealed->segments) add(*part);
  if (Matches(filter, boost::json::object())) {
    const double empty = slot_count - covered;
    sum = {sum.low + empty, sum.high + empty, sum.expected + empty};
  }
  return sum;
}

SlotSet PayloadIndex::Evaluate(const Filter& filter, Slot slot_count) const {
  SlotSet found(slot_count, Matches(filter, boost::json::object()));
  const auto add = [&](const PayloadPart& part) {
    if (part.first_slot() >= slot_count) return;
    CopySlots(EvaluateFilter(part, filter), part.first_slot(), part.end_slot(), found);
  };
  const auto sealed = parts_.Read([&](const MemoryPayloadPart& growing, const auto&) {
    if (!growing.empty()) add(growing);
  });
  for (const auto& part : sealed->frozen) add(*part);
  for (const auto& part : sealed->segments) add(*part);
  return found;
}

Result<SegmentInfo> PayloadIndex::WriteSegment(io::Disk& disk, const std::string& directory, const std::string& name) {
  const auto sealed = parts_.Snapshot();
  if (sealed->frozen.empty()) return Status::NotFound("nothing is frozen");
  RETURN_IF_ERROR(WritePayloadSegment({disk, directory, name}, sealed->frozen));
  ASSIGN_OR_RETURN(auto segment, PayloadSegment::Open(disk, directory, name));
  SegmentInfo info = segment->info();
  parts_.ReplaceFrozen(sealed->frozen.size(), std::move(segment));
  return info;
}

std::vector<SegmentInfo> PayloadIndex::Segments() const {
  std::vector<SegmentInfo> infos;
  const auto sealed = parts_.Snapshot();  // keeps what the loop reads alive
  for (const auto& segment : sealed->segments) infos.push_back(segment->info());
  return infos;
}

Result<SegmentInfo> PayloadIndex::Merge(io::Disk& disk, const std::string& directory,
                                        const std::vector<std::string>& inputs, const std::string& name,
                                        const SlotSet& live) {
  const auto sealed = parts_.Snapshot();
  ASSIGN_OR_RETURN(const size_t first, FindNeighbours(sealed->segments, inputs));
  const std::span all(sealed->segments);
  RETURN_IF_ERROR(MergePayloadSegments({disk, directory, name}, all.subspan(first, inputs.size()), live));
  ASSIGN_OR_RETURN(auto segment, PayloadSegment::Open(disk, directory, name));
  SegmentInfo info = segment->info();
  parts_.ReplaceSegments(first, inputs.size(), std::move(segment));
  return info;
}

}  // namespace rhizome::vector
