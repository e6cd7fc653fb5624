// GraphEngine: the state of one shard of a knowledge graph: what documents and clients say of entities and how these
// relate, in valid time and in transaction time (docs/graph.md; the rows: docs/formats/graph_rows.md).
//
// The state is a join-semilattice of registers: the highest version wins, tombstones included, and values that a newer
// one replaced stay as history. So applying operations is commutative, associative and idempotent, and replicas that
// have seen the same set are equal. The shard is a part of the documents, not of the entities: everything a document
// says is here and goes with it, and a read of an entity asks all shards and unites (engines/graph/unite.h).
//
// All of it is in the node's database, indices included, each batch in one write with the LSN it brings the shard to;
// the database is as durable as it was last flushed, and the log is the truth.
//
// Threads: Apply, Retry, CollectTombstones and CollectHistory run one at a time. Reads run beside them and each other
// and see whole batches. A read answers Corruption when a row is damaged.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "engines/graph/rows.h"
#include "engines/graph/statistics_book.h"
#include "engines/graph/types.h"
#include "format/graph.h"
#include "format/register.h"
#include "kv/store.h"

namespace rhizome::graph {

struct EngineOptions {
  uint32_t shard = 0;                    // prefix of this shard's keys in the database
  uint32_t history_max = 32;             // replaced values kept of each register; the same on every replica
  uint32_t statistics_cached = 1 << 18;  // entities whose numbers the writer remembers, about 200 bytes each
};

class GraphEngine {
 public:
  // `store` outlives it. Corruption when the shard's state row is damaged or of an unknown format.
  static Result<std::unique_ptr<GraphEngine>> Open(kv::Store& store, EngineOptions options);
  ~GraphEngine();
  GraphEngine(const GraphEngine&) = delete;
  GraphEngine& operator=(const GraphEngine&) = delete;

  // Brings the state to `lsn`; what the batch wrote is visible on return. An LSN that the state holds already does
  // nothing. After a failure the engine takes no more writes (ReadOnly) and has to be reopened; after NoSpace from the
  // database Retry may finish it instead.
  Status Apply(uint64_t lsn, std::span<const format::GraphOperation> operations) EXCLUDES(apply_mutex_);
  // Finishes an Apply that the database had no room for. NoSpace: not yet. ReadOnly: it failed otherwise.
  Status Retry() EXCLUDES(apply_mutex_);
  uint64_t applied_lsn() const { return applied_lsn_.load(); }
  // The log may be cut up to and with it.
  uint64_t checkpoint_lsn() const { return checkpoint_lsn_.load(); }
  // The highest version ever applied, for the clock.
  Version max_version() const EXCLUDES(apply_mutex_);
  // Flushes the database, which makes everything applied when called durable there.
  Status Checkpoint() EXCLUDES(apply_mutex_);

  // --- reads (engine_read.cc, engine_entities.cc) ---
  // Waits for a batch under way.
  Counts counts() const EXCLUDES(apply_mutex_);
  // In the order of `ids`; all zero where nothing here names one.
  Result<std::vector<EntityStatistics>> Statistics(std::span<const EntityId> ids) const;
  // With properties, aliases, accesses; nullopt where this shard knows nothing of one. With `known_at_ms` properties,
  // and numbers by reading all of an entity's origins; aliases and accesses are of now.
  Result<std::vector<std::optional<Entity>>> Entities(std::span<const EntityId> ids,
                                                      std::optional<int64_t> known_at_ms = std::nullopt) const;
  // Names and aliases that begin with `prefix` (normalised), ascending behind `after` ("": from the start); of now.
  Result<NamePage> NamesFrom(const std::string& prefix, const std::string& after, uint32_t limit) const;
  // Whose name or alias this is, ascending.
  Result<std::vector<NameEntry>> FindName(const std::string& name) const;
  // Facts at an entity, strongest origins first. Reads as many origins as the page needs, however many there are.
  // InvalidArgument names "limit" or "after".
  Result<FactPage> Facts(const FactQuery& query) const;
  // The fact with its provenance, as known at `times`; nullopt when it is not there or not valid then.
  Result<std::optional<FoundFact>> FindFact(const FactId& id, const Times& times) const;
  // Passages and facts of entities, entities of chunks. InvalidArgument names "entities" or "chunks" (too many).
  Result<Neighbours> FindNeighbours(const NeighbourQuery& query) const;
  // The derivation that a document or a client's fact has now, or had.
  Result<std::optional<format::Derivation>> FindDerivation(const GraphOrigin& origin,
                                                           std::optional<int64_t> known_at_ms = std::nullopt) const;
  // Active merges at any of `ids`, ascending; engines/graph/classes.h makes classes of them.
  Result<std::vector<MergeEdge>> MergesAt(std::span<const EntityId> ids,
                                          std::optional<int64_t> known_at_ms = std::nullopt) const;

  // Newest first, behind `after` ("": from the newest), of all entities or of one. InvalidArgument names "after".
  Result<EventPage> Events(const std::optional<EntityId>& entity, const std::string& after, uint32_t limit) const;
  // Keys of what is kept of an entity itself, whoever names it: properties, aliases, merges, events, access counts.
  // Ascending; tombstones are left out.
  Result<std::vector<std::string>> RegistersOf(const EntityId& entity) const;
  // Drops an entity's access counts, which no operation deletes. Every replica must be told; what one still has comes
  // back and is dropped again.
  Status ForgetAccesses(const EntityId& entity) EXCLUDES(apply_mutex_);
  // False: no merge, active or taken back, is in this shard.
  Result<bool> HasMerges() const;

  // --- what replicas tell each other (engine_replica.cc); keys are those of format/graph_key.h ---
  // Tombstones included, in the order of `keys`. InvalidArgument names "keys[i]".
  Result<std::vector<format::RegisterVersion>> Versions(std::span<const std::string> keys) const;
  // The operation that recreates each register with its version, or each replaced value; nullopt: not there.
  Result<std::vector<std::optional<format::GraphOperation>>> ReadRegisters(std::span<const std::string> keys) const;
  // Up to `limit` registers and replaced values of the named leaves, in key order behind `after` ("": from the start).
  Result<format::InventoryPage> Inventory(const std::vector<uint32_t>& leaves, uint32_t bits, const std::string& after,
                                          uint32_t limit) const;
  // Of all of them, or of those with a version below `below`, by reading them.
  Result<format::RangeDigest> Digest(uint32_t bits, const std::optional<Version>& below) const;
  // Forgets deletes with a version below `below`, once every replica is known to have them.
  Status CollectTombstones(Version below) EXCLUDES(apply_mutex_);
  // Forgets values that were replaced at or before `below`, for ever: reads known at such a time no longer see them.
  // Every replica must be told.
  Status CollectHistory(Version below) EXCLUDES(apply_mutex_);

  // Removes all that a shard keeps in the database, in steps with `pause` between them, or all that shards other than
  // `kept` keep. After an error some of it is still there.
  static Status DropRows(kv::Store& store, uint32_t shard, std::chrono::milliseconds pause);
  static Status DropRowsExcept(kv::Store& store, const std::set<uint32_t>& kept);

  class Reading;  // one read at one moment (reading.h)

 private:
  class Writer;  // one batch on its way into the database (writer.h)
  struct Prepared {
    kv::WriteBatch rows;
    StateRow state;
  };

  GraphEngine(kv::Store& store, EngineOptions options);
  // Writes what is prepared and publishes it.
  Status Complete() REQUIRES(apply_mutex_);
  Status CheckWhole() const REQUIRES(apply_mutex_);
  using VisitRegister = std::function<bool(const format::RegisterVersion&)>;  // false: enough
  Status ScanRegisters(const std::string& after, const VisitRegister& visit) const;

  // Constant after construction.
  kv::Store& store_;
  const EngineOptions options_;
  const std::string prefix_;  // of all keys of this shard

  std::atomic<uint64_t> applied_lsn_{0};
  std::atomic<uint64_t> checkpoint_lsn_{0};

  mutable Mutex apply_mutex_;
  StateRow state_ GUARDED_BY(apply_mutex_);
  StatisticsBook book_ GUARDED_BY(apply_mutex_);
  // An Apply is under way or failed on its way.
  bool half_applied_ GUARDED_BY(apply_mutex_) = false;
  std::optional<Prepared> prepared_ GUARDED_BY(apply_mutex_);
};

}  // namespace rhizome::graph
