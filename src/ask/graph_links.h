// GraphLinks: a memory's knowledge graph as recall's walk sees it: passages are chunks of documents, entities are those
// of the graph. Read in batches, one for each step of the walk, at one time of transactions.
//
// A passage and an entity have numbers made of their ids, so the same in every question and process; what a number
// means is known once this has given or been given it. Two of the few thousand nodes of a walk that have the same
// 64-bit number are taken for one.
//
// A document that is about an entity is so in its first chunk; its other chunks lead to that entity, too. Entities that
// are one (merges) are walked as one: whoever reaches one of them reaches the passages of all. This is the one place
// where an entity's id becomes the ids that documents name (MembersOf).
//
// One question's; not thread-safe. The graph outlives it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "engines/graph/types.h"
#include "extract/extract.h"
#include "recall/recall.h"
#include "shard/graph_shards.h"

namespace rhizome::ask {

class GraphLinks {
 public:
  GraphLinks(const shard::GraphShards& graph, std::optional<int64_t> known_at_ms, const recall::WalkOptions& walk = {});

  const shard::GraphShards& graph() const { return graph_; }
  // Documents of the graph, whatever the time.
  uint64_t passages() const { return documents_; }
  static uint64_t NumberOf(const graph::ChunkId& chunk);
  uint64_t Know(const graph::ChunkId& chunk);
  // Null: never met.
  const graph::ChunkId* Find(uint64_t passage) const;

  // What a question's entities are here, under any of their names; those nobody names are left out. Ascending by
  // number.
  Result<std::vector<recall::Weighted>> QueryEntities(std::span<const extract::Entity> entities);
  // Of this, which must outlive it.
  recall::Expander expander();

  // All that are one with each of `ids`, itself included, in their order.
  Result<std::vector<std::vector<graph::EntityId>>> MembersOf(std::span<const graph::EntityId> ids) const;

 private:
  struct Met {
    graph::EntityId id;
    uint64_t documents = 0;
  };
  uint64_t Know(const graph::EntityId& id, uint64_t documents);
  Result<std::vector<std::vector<recall::EntityLink>>> FromPassages(std::span<const uint64_t> passages);
  Result<std::vector<std::vector<recall::PassageLink>>> FromEntities(std::span<const uint64_t> entities);
  std::vector<recall::EntityLink> LinksOf(const graph::ChunkNeighbours& own, const graph::ChunkNeighbours* about);
  void AddLinks(const graph::EntityNeighbours& found, std::vector<recall::PassageLink>& links);

  const shard::GraphShards& graph_;
  const std::optional<int64_t> known_at_ms_;
  const recall::WalkOptions walk_;
  const uint64_t documents_;
  std::unordered_map<uint64_t, graph::ChunkId> chunks_;
  std::unordered_map<uint64_t, Met> entities_;
};

}  // namespace rhizome::ask
