#include "engines/graph/classes.h"

#include <algorithm>

namespace rhizome::graph {

void EntityClasses::Add(std::span<const EntityId> asked, std::span<const MergeEdge> edges) {
  for (const EntityId& id : asked) {
    asked_.insert(id);
    unasked_.erase(id);
  }
  for (const MergeEdge& edge : edges) {
    const EntityId a = RootOf(edge.a), b = RootOf(edge.b);
    const size_t fresh = (parents_.contains(edge.a) ? 0 : 1) + (parents_.contains(edge.b) ? 0 : 1);
    if (parents_.size() + fresh > entities_max_) {
      truncated_ = true;
      continue;
    }
    for (const EntityId& end : {edge.a, edge.b}) {
      if (parents_.try_emplace(end, end).second) members_[end].insert(end);
      if (!asked_.contains(end)) unasked_.insert(end);
    }
    if (a == b) continue;
    const EntityId root = std::min(a, b), other = std::max(a, b);
    std::set<EntityId> moved = std::move(members_[other]);
    members_.erase(other);
    for (const EntityId& id : moved) parents_[id] = root;
    members_[root].merge(moved);
  }
}

std::vector<EntityId> EntityClasses::TakeUnasked() {
  std::vector<EntityId> ids(unasked_.begin(), unasked_.end());
  asked_.insert(ids.begin(), ids.end());
  unasked_.clear();
  return ids;
}

EntityId EntityClasses::RootOf(const EntityId& id) const {
  const auto found = parents_.find(id);
  return found == parents_.end() ? id : found->second;
}

std::vector<EntityId> EntityClasses::MembersOf(const EntityId& id) const {
  const auto found = members_.find(RootOf(id));
  if (found == members_.end()) return {id};
  return {found->second.begin(), found->second.end()};
}

}  // namespace rhizome::graph
