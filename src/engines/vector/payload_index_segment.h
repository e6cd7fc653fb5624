// PayloadSegment: a sealed part of a payload index, answered from the bytes of its file (docs/formats/attributes.md).
//
// The file's checksum is verified on opening. Every offset read from the bytes is checked again where it is used, so
// that bytes with a valid checksum but a wrong structure give wrong answers at worst, never an access outside.
// Thread-safety: immutable.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engines/vector/attribute_segment.h"
#include "engines/vector/payload_index_memory.h"
#include "engines/vector/payload_index_part.h"

namespace rhizome::vector {

class PayloadSegment final : public PayloadPart {
 public:
  // One posting list in the table of lists, in the order of its path, list and value.
  struct ListEntry {
    uint32_t path;
    uint8_t list;
    uint8_t value_kind;
    uint16_t form;  // 0: sorted 32-bit numbers; 1: a 64-bit base and the words of a bitmap from there
    uint64_t a;
    uint64_t b;
    uint64_t start;   // numbers in all lists before this one
    uint64_t offset;  // of the list in the section of postings

    ListKey Key() const { return {path, static_cast<ListKind>(list), {static_cast<ValueKind>(value_kind), a, b}}; }
  };
  static_assert(sizeof(ListEntry) == 40);
  enum Section : size_t { kPostings, kLists, kPathEnds, kPathBytes, kElementTable, kSectionCount };

  static Result<std::shared_ptr<const PayloadSegment>> Open(io::Disk& disk, const std::string& directory,
                                                            const std::string& name);
  static Result<std::shared_ptr<const PayloadSegment>> FromFile(std::unique_ptr<SegmentFile> file, std::string name);

  SegmentInfo info() const;
  Slot first_slot() const override { return file_->summary().first_slot; }
  Slot end_slot() const override { return file_->summary().end_slot; }
  uint32_t element_count() const override { return static_cast<uint32_t>(elements_.size()); }
  std::optional<uint32_t> FindPath(std::string_view path) const override;
  void Collect(const ListKey& low, const ListKey& high, BitRange& into) const override;
  ListSizes SizesBetween(const ListKey& low, const ListKey& high) const override;
  uint32_t ElementParent(uint32_t element) const override { return elements_[element].parent; }
  uint32_t ElementPath(uint32_t element) const override { return elements_[element].path; }
  Slot ElementSlot(uint32_t element) const override { return elements_[element].slot; }

  // For the segment writer. Lists and paths are numbered in their order.
  size_t path_count() const { return path_ends_.size(); }
  std::string_view Path(size_t number) const;
  size_t list_count() const { return lists_.size() - 1; }
  ListKey KeyOf(size_t list) const { return lists_[list].Key(); }
  void AppendNumbers(size_t list, std::vector<uint32_t>& numbers) const;

 private:
  PayloadSegment(std::unique_ptr<SegmentFile> file, std::string name);
  Status Check() const;
  // The lists with low <= key <= high, as positions in lists_.
  std::pair<size_t, size_t> Between(const ListKey& low, const ListKey& high) const;
  // A list's bytes; empty when its place is damaged.
  std::string_view Bytes(size_t list) const;

  const std::unique_ptr<SegmentFile> file_;
  const std::string name_;
  std::span<const ListEntry> lists_;  // with one more at the end that only closes the last
  std::span<const uint32_t> path_ends_;
  std::span<const MemoryPayloadPart::Element> elements_;
};

// Where a segment goes.
struct SegmentPlace {
  io::Disk& disk;
  const std::string& directory;
  const std::string& name;
};

// Writes the parts, ascending in slots, as one segment; durable when it returns.
Status WritePayloadSegment(const SegmentPlace& place, std::span<const std::shared_ptr<const MemoryPayloadPart>> parts);

// The same from segments, leaving out slots below live.size() that are not in it. ResourceExhausted when the result
// would have more elements than 32 bits count.
Status MergePayloadSegments(const SegmentPlace& place, std::span<const std::shared_ptr<const PayloadSegment>> parts,
                            const SlotSet& live);

}  // namespace rhizome::vector
