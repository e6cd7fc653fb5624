// GraphEngine::Reading: one read of a graph shard at one moment: the database as it was when the read began, and of
// that what was known at a given time.
//
// Not thread-safe. The engine outlives it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engines/graph/engine.h"
#include "engines/graph/rows.h"
#include "format/graph_key.h"
#include "kv/store.h"

namespace rhizome::graph {

class GraphEngine::Reading {
 public:
  Reading(const GraphEngine& engine, std::optional<int64_t> known_at_ms);

  // The value of a register that counts.
  struct Seen {
    Version version;
    std::optional<Version> replaced_at;
    std::string value;
  };
  Result<std::optional<Seen>> See(const std::string& key) const;

  // An origin with what it says; closures of its facts are read when one is asked for.
  struct Origin {
    GraphOrigin id;
    Version version;
    std::optional<Version> replaced_at;
    format::Derivation derivation;
    std::vector<EntityId> entities;                                               // ids, as derivation.entities
    using Closures = std::map<uint64_t, std::pair<Version, format::PutClosure>>;  // by FactId::fact
    std::optional<Closures> closures;
  };
  // nullptr: not there at that time. Corruption for a key that is no origin's.
  Result<std::shared_ptr<Origin>> OriginAt(const std::string& key);
  // The fact, closed if it is; nullopt when it is not valid at `as_of_ms`.
  Result<std::optional<FoundFact>> FactOf(Origin& origin, uint32_t position, std::optional<int64_t> as_of_ms) const;

  bool now() const { return !bound_; }
  const kv::Snapshot& snapshot() const { return snapshot_; }
  kv::Cursor Scan(Table table, const std::string& prefix, const std::string& from = {}) const;
  Result<std::vector<std::optional<std::string>>> MultiGet(Table table, std::span<const std::string> keys) const;
  Result<std::vector<StatisticsRow>> Statistics(std::span<const EntityId> ids) const;

 private:
  Result<Origin::Closures> ReadClosures(const GraphOrigin& origin) const;

  const GraphEngine& engine_;
  const std::optional<Version> bound_;  // nothing newer is seen
  const kv::Snapshot snapshot_;
  std::unordered_map<std::string, std::shared_ptr<Origin>> origins_;  // null: not there
};

// The postings of one entity, strongest origins first, of what is and, known at a time, of what was.
class PostingStream {
 public:
  // Starts at the first place (rank and origin) that is not before `from`. `row` is the entity's.
  PostingStream(GraphEngine::Reading& reading, const EntityId& entity, const StatisticsRow& row,
                const std::string& from = {});
  static Result<PostingStream> Open(GraphEngine::Reading& reading, const EntityId& entity,
                                    const std::string& from = {});

  bool Valid() const { return damage_.ok() && source_ != Source::kNone; }
  Status status() const;
  void Next();
  // Rank and origin.
  std::string_view place() const;
  std::string_view origin_key() const { return place().substr(kRankBytes); }
  bool has_facts() const { return !place().starts_with(kNoFacts); }
  Result<Posting> posting() const;
  // Whether this is what was known; an origin that says something else at that time has its own posting.
  Result<bool> Counts(GraphEngine::Reading& reading) const;

 private:
  void Choose();

  enum class Source : uint8_t { kNone, kOnly, kPosted, kReplaced };
  bool now_;
  std::string only_place_, only_posting_;  // of an entity with one origin
  std::optional<kv::Cursor> posted_;       // of one with several
  std::optional<kv::Cursor> replaced_;
  Source source_ = Source::kNone;  // of the next one
  Status damage_;
};

}  // namespace rhizome::graph
