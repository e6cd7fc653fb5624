// What GraphEngine is asked and answers. Plain values; those of several shards are united by engines/graph/unite.h.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/version.h"
#include "format/graph.h"

namespace rhizome::graph {

using format::EntityId;
using format::FactId;
using format::GraphOrigin;

// Which facts count: those valid at `as_of_ms` (valid time; nullopt: at any time), as they were known at the end of
// the millisecond `known_at_ms` (transaction time; nullopt: now).
struct Times {
  std::optional<int64_t> as_of_ms = std::nullopt;
  std::optional<int64_t> known_at_ms = std::nullopt;
};

struct EntityName {
  EntityId id;
  std::string name;  // normalised
  bool operator==(const EntityName&) const = default;
};

// What live documents and clients' facts say of an entity, in numbers.
struct EntityStatistics {
  std::string name;                                          // normalised; "": nobody names it here
  uint64_t documents = 0;                                    // that mention it or have a fact about it
  uint64_t origins = 0;                                      // documents and clients' facts
  uint64_t mentions = 0;                                     // in all chunks
  uint64_t facts = 0;                                        // with it at either end
  std::vector<std::pair<std::string, uint64_t>> types = {};  // ascending by name; votes: mentions, at least 1 an origin
  uint64_t titles = 0;                                       // documents that are about it (format::kAboutChunk)
  // The type with most votes, of equal ones the smallest; "": none.
  std::string Type() const;
  bool operator==(const EntityStatistics&) const = default;
};

template <typename T>
struct Versioned {
  Version version;  // Version{}: never set
  T value{};
  bool operator==(const Versioned&) const = default;
};

// What one node counted.
struct Access {
  uint32_t node = 0;
  uint64_t count = 0;
  int64_t last_ms = 0;
  auto operator<=>(const Access&) const = default;
};

struct Entity {
  EntityId id;
  EntityStatistics statistics;
  std::string surface;               // as its strongest origin writes it
  std::vector<std::string> aliases;  // ascending
  Versioned<std::string> description;
  Versioned<float> importance;
  Versioned<bool> critical;
  Versioned<format::EntityState> state;
  std::vector<Access> accesses;  // ascending by node
  bool operator==(const Entity&) const = default;
};

// A name or an alias, and whose it is.
struct NameEntry {
  std::string name;  // normalised
  EntityId entity;
  bool alias = false;
  auto operator<=>(const NameEntry&) const = default;
};
struct NamePage {
  std::vector<NameEntry> entries;  // ascending
  std::string next;                // pass as `after`; "": the end
};

// Where a fact stands among those of an entity; the order of FactPage. Strongest origins first: by the weight of
// their strongest fact about the entity, then by its mentions; one origin's facts follow each other, by weight.
// Comparable between shards.
struct FactPlace {
  std::string origin;   // rank and key of the origin
  uint32_t number = 0;  // among the origin's facts about the entity
  std::strong_ordering operator<=>(const FactPlace&) const = default;
  std::string Encode() const;
  // InvalidArgument (field "after").
  static Result<FactPlace> Decode(const std::string& text);
};

struct FoundFact {
  FactId id;
  GraphOrigin origin;  // provenance, with `chunks` of it
  std::vector<uint32_t> chunks;
  EntityName source;
  EntityName target;
  std::string type;
  float weight = 1;
  float confidence = 1;
  int64_t valid_from = format::kAlways;
  int64_t valid_until = format::kForever;               // a closure included
  int64_t asserted_until = format::kForever;            // as its origin says
  Version recorded_at;                                  // of the record that says so
  std::optional<Version> superseded_at = std::nullopt;  // when a newer record of the origin replaced that one
  std::optional<Version> closed_at = std::nullopt;      // of the closure
  std::optional<FactId> superseded_by = std::nullopt;
  std::optional<Version> opened_at = std::nullopt;  // somebody said by hand that nothing ends it but its origin
  bool by_conflict = false;                         // what ended it is a conflict (engines/graph/conflicts.h)
  FactPlace place = {};
  bool operator==(const FoundFact&) const = default;
};

enum class Direction : uint8_t { kBoth, kOut, kIn };

struct FactQuery {
  EntityId entity;
  Direction direction = Direction::kBoth;
  std::vector<std::string> types = {};  // empty: all
  Times times = {};
  uint32_t limit = 100;
  std::string after = {};      // FactPage::next of the page before
  uint32_t rows_max = 10'000;  // origins looked at before a page ends early
};

struct FactPage {
  std::vector<FoundFact> facts;  // in the order of their places
  std::string next;              // "": the end. A page may be short, even empty, and not be the last
};

struct ChunkId {
  format::PointId document;
  uint32_t chunk = 0;
  auto operator<=>(const ChunkId&) const = default;
};

struct Passage {
  ChunkId chunk;
  uint32_t count = 0;  // of mentions
  std::string rank;    // smaller: stronger, comparable between shards
  bool operator==(const Passage&) const = default;
};

// One step from many entities and chunks at once.
struct NeighbourQuery {
  std::vector<EntityId> entities = {};
  std::vector<ChunkId> chunks = {};
  uint32_t passages_max = 64;  // of each entity
  uint32_t facts_max = 32;     // of each entity
  Times times = {};
  uint32_t rows_max = 4096;  // origins looked at for each entity, when `times` leave little
  bool titles_only = false;  // passages only of documents that are about the entity; of a hub, among its strongest
};

struct EntityNeighbours {
  EntityId entity;
  uint64_t documents = 0;         // for inverse document frequency; of now, whatever `times` say
  std::vector<Passage> passages;  // strongest origins first, then by chunk
  std::vector<FoundFact> facts;   // in the order of their places
  bool more_passages = false;     // or there may be more, behind rows_max
  bool more_facts = false;
};

struct MentionedEntity {
  EntityName entity;
  std::string type;
  uint32_t count = 0;      // in this chunk
  uint64_t documents = 0;  // that name it; of now, as are the next two
  uint64_t titles = 0;     // that are about it
  bool one_type = false;   // nobody gives it another type
  void Take(const EntityStatistics& statistics);
  bool operator==(const MentionedEntity&) const = default;
};

struct ChunkNeighbours {
  ChunkId chunk;
  std::vector<MentionedEntity> entities;  // ascending by name
};

// In the order of the query.
struct Neighbours {
  std::vector<EntityNeighbours> entities;
  std::vector<ChunkNeighbours> chunks;
};

// An edge between two entities that are one.
struct MergeEdge {
  EntityId a;  // the smaller
  EntityId b;
  Version version;
  format::MergeCause cause = format::MergeCause::kHand;
  bool operator==(const MergeEdge&) const = default;
};

struct EventPage {
  std::vector<format::PutEvent> events;  // newest first
  std::string next;                      // pass as `after`; "": the end
};

// Numbers of one shard.
struct Counts {
  uint64_t documents = 0;
  uint64_t client_facts = 0;
  uint64_t facts = 0;     // live, of both kinds of origin
  uint64_t entities = 0;  // that an origin here names
  uint64_t closures = 0;
  bool operator==(const Counts&) const = default;
};

}  // namespace rhizome::graph
