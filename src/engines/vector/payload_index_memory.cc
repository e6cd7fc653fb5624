#include "engines/vector/payload_index_memory.h"

#include <algorithm>
#include <boost/json.hpp>

namespace rhizome::vector {
namespace {
// Lists looked at before an estimate settles for rough bounds.
constexpr size_t kListsCountedMax = 1024;
}  // namespace

void MemoryPayloadPart::Add(Slot slot, const boost::json::value& payload) {
  if (empty()) first_ = slot;
  end_ = slot + 1;
  ++documents_;
  if (!payload.is_object()) return;
  std::string path;
  AddMembers({slot, kNoElement}, payload.get_object(), path, true);
}

void MemoryPayloadPart::AddMembers(const Place& place, const boost::json::object& object, std::string& path,
                                   bool root) {
  const size_t length = path.size();
  for (const boost::json::key_value_pair& member : object) {
    if (!root) path += '.';
    path += std::string_view(member.key());
    AddValue(place, member.value(), path);
    path.resize(length);
  }
}

void MemoryPayloadPart::AddValue(const Place& place, const boost::json::value& value, std::string& path) {
  if (value.is_array()) {
    for (const boost::json::value& item : value.get_array()) AddValue(place, item, path);
    return;
  }
  const uint32_t number = PathNumber(path);
  if (!value.is_object()) return AddScalar(place, value, number);
  AddExists(place, number);
  const auto element = static_cast<uint32_t>(elements_.size());
  elements_.push_back({place.element, number, place.slot});
  Put({number, ListKind::kElements, {}}, element);
  AddMembers({place.slot, element}, value.get_object(), path, false);
}

void MemoryPayloadPart::AddScalar(const Place& place, const boost::json::value& value, uint32_t path) {
  const auto put = [&](const ValueKey& key) {
    Put({path, ListKind::kSlotValue, key}, place.slot);
    if (place.element != kNoElement) Put({path, ListKind::kElementValue, key}, place.element);
  };
  put(*ScalarKey(value));
  if (value.is_string()) {
    if (const auto instant = InstantKey(value.get_string())) put(*instant);
  }
  if (!value.is_null()) AddExists(place, path);
}

void MemoryPayloadPart::AddExists(const Place& place, uint32_t path) {
  Put({path, ListKind::kSlotExists, {}}, place.slot);
  if (place.element != kNoElement) Put({path, ListKind::kElementExists, {}}, place.element);
}

void MemoryPayloadPart::Put(const ListKey& key, uint32_t number) {
  std::vector<uint32_t>& list = lists_[key];
  if (list.empty() || list.back() < number) return list.push_back(number);
  // An object met before the one just entered can come back: {"a": {"b": {"c": 1}, "b.c": 1}}.
  const auto at = std::ranges::lower_bound(list, number);
  if (*at != number) list.insert(at, number);
}

uint32_t MemoryPayloadPart::PathNumber(const std::string& path) {
  const auto [at, added] = path_numbers_.try_emplace(path, static_cast<uint32_t>(paths_.size()));
  if (added) paths_.push_back(path);
  return at->second;
}

std::optional<uint32_t> MemoryPayloadPart::FindPath(std::string_view path) const {
  const auto at = path_numbers_.find(std::string(path));
  if (at == path_numbers_.end()) return std::nullopt;
  return at->second;
}

void MemoryPayloadPart::Collect(const ListKey& low, const ListKey& high, BitRange& into) const {
  for (auto at = lists_.lower_bound(low); at != lists_.end() && at->first <= high; ++at) {
    for (const uint32_t number : at->second) into.Add(number);
  }
}

ListSizes MemoryPayloadPart::SizesBetween(const ListKey& low, const ListKey& high) const {
  ListSizes sizes;
  size_t counted = 0;
  for (auto at = lists_.lower_bound(low); at != lists_.end() && at->first <= high; ++at) {
    sizes.lists = std::min<uint64_t>(2, sizes.lists + 1);
    sizes.total += at->second.size();
    sizes.largest = std::max<uint64_t>(sizes.largest, at->second.size());
    if (++counted == kListsCountedMax) {
      const bool elements = low.list >= ListKind::kElementExists;
      sizes.total = std::max<uint64_t>(sizes.total, elements ? element_count() : end_ - first_);
      break;
    }
  }
  return sizes;
}

}  // namespace rhizome::vector
