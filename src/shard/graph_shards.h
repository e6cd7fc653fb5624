// GraphShards: the knowledge graph of one memory on one node: its shards side by side, writes sent to where their
// registers belong, reads asked of all and united. A document's derivation is in the shard its id names
// (format/graph_key.h); what is said of an entity is wherever documents say it.
//
// A write that concerns several shards is not one step: each shard's part is. Thread-safe. The database, the log and
// the clock outlive it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "engines/graph/types.h"
#include "kv/store.h"
#include "shard/graph_shard.h"

namespace rhizome::shard {

class GraphShards {
 public:
  static constexpr uint32_t kShardsMax = 64;

  struct Place {
    kv::Store& store;
    uint32_t first_stream = 0;  // shard i has stream `first_stream` + i
    uint32_t count = 0;
  };
  // Empty where the database holds nothing of them yet. Corruption as GraphEngine::Open.
  static Result<std::unique_ptr<GraphShards>> Open(const Place& place, wal::Log& log, HybridClock& clock);

  uint32_t size() const { return static_cast<uint32_t>(shards_.size()); }
  GraphShard& at(size_t i) { return *shards_[i]; }
  const GraphShard& at(size_t i) const { return *shards_[i]; }
  // Null: the stream is another's.
  GraphShard* FindStream(uint32_t stream);

  // Returns once all of it is durable and visible. Everything that can be refused is refused before anything is
  // written; "operations[i]…" is the field at fault. After another error a part may be there.
  Status Write(std::vector<format::GraphOperation> operations);
  // Write for operations that have their versions already and keep them: repeating it changes nothing.
  Status Merge(std::vector<format::GraphOperation> operations);

  // As the functions of graph::GraphEngine, over all shards.
  graph::Counts counts() const;
  Result<std::vector<graph::EntityStatistics>> Statistics(std::span<const graph::EntityId> ids) const;
  Result<std::vector<std::optional<graph::Entity>>> Entities(std::span<const graph::EntityId> ids,
                                                             std::optional<int64_t> known_at_ms = std::nullopt) const;
  Result<graph::NamePage> NamesFrom(const std::string& prefix, const std::string& after, uint32_t limit) const;
  // Whose name or alias this is, ascending, once each.
  Result<std::vector<graph::NameEntry>> FindName(const std::string& name) const;
  Result<graph::FactPage> Facts(const graph::FactQuery& query) const;
  Result<std::optional<graph::FoundFact>> FindFact(const graph::FactId& id, const graph::Times& times) const;
  // With the numbers of all shards in the entities that chunks mention.
  Result<graph::Neighbours> FindNeighbours(const graph::NeighbourQuery& query) const;
  // False: nobody ever merged anything here.
  Result<bool> HasMerges() const;
  // Of one document or client's fact, which one shard has.
  Result<std::optional<format::Derivation>> FindDerivation(const graph::GraphOrigin& origin,
                                                           std::optional<int64_t> known_at_ms = std::nullopt) const;

  // Active merges at any of `ids`, ascending, once each.
  Result<std::vector<graph::MergeEdge>> MergesAt(std::span<const graph::EntityId> ids,
                                                 std::optional<int64_t> known_at_ms = std::nullopt) const;

  // Newest first, behind `after`; of all entities or of one.
  Result<graph::EventPage> Events(const std::optional<graph::EntityId>& entity, const std::string& after,
                                  uint32_t limit) const;
  // Removes what is kept of entities themselves (properties, aliases, merges, events, access counts) of those of `ids`
  // that no document and no client's fact names any more. Doing it again changes nothing. Returns how many registers
  // went.
  Result<uint64_t> ForgetUnnamed(std::span<const graph::EntityId> ids);

  bool dirty() const;
  // Makes what was applied durable in the database.
  Status Checkpoint();
  // The log holds nothing that any of them needs up to and with this LSN.
  wal::Lsn UnneededLsn();
  // OK, or why one of them refuses writes.
  Status write_status() const;
  // Refuses writes from now on and waits for those under way.
  void Stop(const Status& reason);

 private:
  GraphShards() = default;
  Status Route(std::vector<format::GraphOperation> operations, Stamp stamp);

  std::vector<std::unique_ptr<GraphShard>> shards_;  // constant after Open
};

}  // namespace rhizome::shard
