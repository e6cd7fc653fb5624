// EntityClasses: which entities are one, from the merge edges of all shards. Union-find; the smallest id of a class is
// its root and stands for all of them, so merging A into B and B into A is the same. An edge that is taken back
// separates what only it held together.
//
//   EntityClasses classes;
//   for (std::vector<EntityId> ask = ids; !ask.empty();) {   // until nobody new turns up
//     for (each shard) classes.Add(shard.MergesAt(ask));
//     ask = classes.TakeUnasked();
//   }
//
// Not thread-safe. Bounded: beyond `entities_max` entities it takes no more edges and says so.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "engines/graph/types.h"

namespace rhizome::graph {

class EntityClasses {
 public:
  explicit EntityClasses(size_t entities_max = 100'000) : entities_max_(entities_max) {}

  // `asked`: the entities whose edges these are.
  void Add(std::span<const EntityId> asked, std::span<const MergeEdge> edges);
  // Entities that turned up in edges and were not asked for yet, ascending.
  std::vector<EntityId> TakeUnasked();
  // An id that no edge names is its own root.
  EntityId RootOf(const EntityId& id) const;
  // Ascending, the root first; at least `id` itself.
  std::vector<EntityId> MembersOf(const EntityId& id) const;
  // Whether edges were left out.
  bool truncated() const { return truncated_; }

 private:
  const size_t entities_max_;
  std::unordered_map<EntityId, EntityId, format::EntityIdHash> parents_;
  std::map<EntityId, std::set<EntityId>> members_;  // by root
  std::set<EntityId> asked_;
  std::set<EntityId> unasked_;
  bool truncated_ = false;
};

}  // namespace rhizome::graph
