// MemoryPayloadPart: the growing end of a payload index.
//
// Thread-safety: one writer; readers and the writer exclude each other outside, until the part is frozen and
// everybody only reads.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "engines/vector/payload_index_part.h"

namespace rhizome::vector {

class MemoryPayloadPart final : public PayloadPart {
 public:
  struct Element {
    uint32_t parent = kNoElement;
    uint32_t path = 0;
    Slot slot = kNoSlot;
  };

  // `slot` is above every slot added before.
  void Add(Slot slot, const boost::json::value& payload);
  bool empty() const { return first_ == end_; }
  uint64_t documents() const { return documents_; }

  Slot first_slot() const override { return first_; }
  Slot end_slot() const override { return end_; }
  uint32_t element_count() const override { return static_cast<uint32_t>(elements_.size()); }
  std::optional<uint32_t> FindPath(std::string_view path) const override;
  void Collect(const ListKey& low, const ListKey& high, BitRange& into) const override;
  ListSizes SizesBetween(const ListKey& low, const ListKey& high) const override;
  uint32_t ElementParent(uint32_t element) const override { return elements_[element].parent; }
  uint32_t ElementPath(uint32_t element) const override { return elements_[element].path; }
  Slot ElementSlot(uint32_t element) const override { return elements_[element].slot; }

  // For the segment writer.
  const std::map<ListKey, std::vector<uint32_t>>& lists() const { return lists_; }
  const std::vector<std::string>& paths() const { return paths_; }

 private:
  // Where the walk through a payload stands.
  struct Place {
    Slot slot;
    uint32_t element;  // innermost object, kNoElement for the root
  };

  void AddMembers(const Place& place, const boost::json::object& object, std::string& path, bool root);
  void AddValue(const Place& place, const boost::json::value& value, std::string& path);
  void AddScalar(const Place& place, const boost::json::value& value, uint32_t path);
  void AddExists(const Place& place, uint32_t path);
  void Put(const ListKey& key, uint32_t number);
  uint32_t PathNumber(const std::string& path);

  Slot first_ = 0;
  Slot end_ = 0;
  uint64_t documents_ = 0;
  std::vector<Element> elements_;
  std::vector<std::string> paths_;
  std::unordered_map<std::string, uint32_t> path_numbers_;
  std::map<ListKey, std::vector<uint32_t>> lists_;
};

}  // namespace rhizome::vector
