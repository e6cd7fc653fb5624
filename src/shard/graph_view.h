// GraphView: a knowledge graph as it is to be read: entities that are merged are one, and of facts that contradict each
// other each holds in its interval (engines/graph/conflicts.h). THE place where an entity's name becomes what is asked
// for: whoever shows or walks the graph comes through here.
//
// A merge that names caused counts while both entities are named by somebody, one that an alias caused also only while
// somebody gives the alias, and to no other entity; so deleting the documents that caused it undoes it, at once. One
// made by hand counts until it is taken back.
//
// Holds nothing of its own: cheap to make. Thread-safe. What it is given outlives it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engines/graph/classes.h"
#include "engines/graph/conflicts.h"
#include "engines/graph/types.h"
#include "shard/graph_shards.h"

namespace rhizome::shard {

class GraphView {
 public:
  // Facts of one entity and relation that are looked at for conflicts; what is beyond is left as it says.
  static constexpr size_t kConflictFactsMax = 4096;

  GraphView(const GraphShards& graph,
            const graph::FunctionalRelations& functional = graph::FunctionalRelations::Default())
      : graph_(graph), functional_(functional) {}

  // The classes of `ids`, as known at a time.
  Result<graph::EntityClasses> Classes(std::span<const graph::EntityId> ids,
                                       std::optional<int64_t> known_at_ms = std::nullopt) const;
  // The merges that count at any of `ids`, ascending.
  Result<std::vector<graph::MergeEdge>> Merges(std::span<const graph::EntityId> ids,
                                               std::optional<int64_t> known_at_ms = std::nullopt) const;
  // The members of the class of the entity with this name (normalised), the root first; when nobody names it so, of
  // the one whose alias it is. Empty: nobody is called so, or several are.
  Result<std::vector<graph::EntityId>> Named(const std::string& name) const;

  // As GraphShards::Facts, of `query.entity` and all that it is merged with: one member's after another's, each in its
  // order. Facts between members are left out. A page may be short, even empty, and not be the last.
  Result<graph::FactPage> Facts(const graph::FactQuery& query) const;
  // With its interval after conflicts.
  Result<std::optional<graph::FoundFact>> FindFact(const graph::FactId& id, const graph::Times& times) const;
  // Puts the intervals of facts right that were found otherwise, known at the same time; leaves out those that are not
  // valid at `times.as_of_ms`.
  Status Resolve(std::vector<graph::FoundFact>& facts, const graph::Times& times) const;

 private:
  class Conflicts;  // of one read
  Result<bool> HasCause(const graph::MergeEdge& edge, const graph::EntityStatistics& a,
                        const graph::EntityStatistics& b) const;

  const GraphShards& graph_;
  const graph::FunctionalRelations& functional_;
};

}  // namespace rhizome::shard
