// Operations on a knowledge graph: what a gateway encodes once and the wire, the log and replay all carry unchanged
// (docs/formats/graph_batch.md; what they mean: docs/graph.md).
//
// Every operation writes one register, and per register the highest version wins. What a document says is one register,
// its derivation, so it appears, changes and goes as one. Access counts alone are no versioned registers: they merge by
// maximum.
//
// Encoding and decoding only: no I/O, no locks. Decoders take untrusted bytes and answer Corruption, never crash. They
// hold the form; limits and orders are held by ValidateGraphOperations (engines/graph/validation.h).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "format/entity_id.h"
#include "format/point.h"

namespace rhizome::format {

// Valid time is in milliseconds since 1970, [from, until): these say that it has no beginning or no end.
inline constexpr int64_t kAlways = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

// The number of a chunk that no document has: what is mentioned there is what the document is about.
inline constexpr uint32_t kAboutChunk = std::numeric_limits<uint32_t>::max();

// Where a fact comes from: a document's text, or a client that put it.
struct GraphOrigin {
  enum class Kind : uint8_t { kDocument = 1, kFact = 2 };
  Kind kind = Kind::kDocument;
  PointId id;

  auto operator<=>(const GraphOrigin&) const = default;
  // The first half of the ids of its facts, and the first bytes of its keys.
  uint64_t Hash() const;
};

// A fact keeps its id when its document is derived anew, as long as it says the same: who relates how to whom, from
// when. Weight, confidence, end and chunks may change.
struct FactId {
  uint64_t origin = 0;  // GraphOrigin::Hash
  uint64_t fact = 0;
  auto operator<=>(const FactId&) const = default;
  // 32 hexadecimal digits.
  std::string ToString() const;
  static std::optional<FactId> Parse(std::string_view text);
};

struct ChunkCount {
  uint32_t chunk = 0;  // number within the document
  uint32_t count = 0;  // of mentions, at least 1
  auto operator<=>(const ChunkCount&) const = default;
};

// What one document says of one entity.
struct DerivedEntity {
  std::string name;                       // normalised (format/entity_name.h)
  std::string surface;                    // as the document writes it; "": unknown
  std::string type;                       // "": unknown
  std::vector<std::string> aliases = {};  // normalised, ascending, other than the name
  std::vector<ChunkCount> mentions = {};  // chunks ascending; may be empty where a fact names it
  bool operator==(const DerivedEntity&) const = default;
};

struct DerivedFact {
  uint32_t source = 0;  // position in Derivation::entities, as is target
  uint32_t target = 0;
  std::string type;
  float weight = 1;
  float confidence = 1;
  int64_t valid_from = kAlways;
  int64_t valid_until = kForever;
  std::vector<uint32_t> chunks = {};  // that say so, ascending
  bool operator==(const DerivedFact&) const = default;
};

// All that one origin contributes. Entities ascend by name; facts by (source, type, target, valid_from); nothing is
// there twice. DerivationBuilder makes it so. A client's fact is a derivation of one fact without mentions or chunks.
struct Derivation {
  std::vector<DerivedEntity> entities;
  std::vector<DerivedFact> facts;
  bool operator==(const Derivation&) const = default;

  // facts[position]'s id, when it comes from `origin`.
  FactId IdOf(const GraphOrigin& origin, size_t position) const;
};

struct PutDerivation {
  GraphOrigin origin;
  Derivation derivation;
  bool operator==(const PutDerivation&) const = default;
};

// Ends the validity of a fact that somebody else asserted, which stays with its interval; or opens it by hand, which no
// conflict ends either (engines/graph/conflicts.h). Goes with the fact's origin.
struct PutClosure {
  GraphOrigin origin;  // of the fact
  uint64_t fact = 0;   // FactId::fact
  bool closed = true;  // false: it is open
  int64_t valid_until = kForever;
  std::optional<FactId> superseded_by = std::nullopt;
  bool operator==(const PutClosure&) const = default;
};

enum class EntityState : uint8_t { kActive = 0, kArchived = 1, kDeleted = 2 };
// description, explicit importance 0..1, critical, state: each a register of its own; the field is index() + 1.
using PropertyValue = std::variant<std::string, float, bool, EntityState>;
enum class PropertyField : uint8_t { kDescription = 1, kImportance = 2, kCritical = 3, kState = 4 };
struct PutProperty {
  EntityId entity;
  PropertyValue value;
  PropertyField field() const { return static_cast<PropertyField>(value.index() + 1); }
  bool operator==(const PutProperty&) const = default;
};

// Another name of an entity, beside those that documents give it; or no longer.
struct PutAlias {
  EntityId entity;
  std::string alias;  // normalised
  bool active = true;
  bool operator==(const PutAlias&) const = default;
};

// Why two entities are one: somebody says so, their names agree, one's name is another's alias.
enum class MergeCause : uint8_t { kHand = 0, kNames = 1, kAlias = 2 };
// Says that two entities are one; or takes it back. Their order does not matter: of all that are one, the smallest id
// stands for them (engines/graph/classes.h).
struct PutMerge {
  EntityId a;
  EntityId b;
  bool active = true;
  MergeCause cause = MergeCause::kHand;
  bool operator==(const PutMerge&) const = default;
};

// What was done to an entity, for people: bytes that the engine keeps in the order of time and does not read. Lives as
// long as the entity has anything (GraphShards::ForgetUnnamed).
struct PutEvent {
  EntityId entity;
  int64_t at_ms = 0;    // not negative
  uint64_t number = 0;  // apart from others of the same entity and time
  std::string body;
  bool operator==(const PutEvent&) const = default;
};

// How often `node` has read the entity, all in all, and when last. Per node the highest count is kept.
struct CountAccess {
  EntityId entity;
  uint32_t node = 0;
  uint64_t count = 0;
  int64_t last_ms = 0;
  bool operator==(const CountAccess&) const = default;
};

// Removes a register and its history; of an origin also the closures of its facts. Only the tombstone stays.
struct DeleteRegister {
  std::string key;  // format/graph_key.h; never an access count's
  bool operator==(const DeleteRegister&) const = default;
};

struct GraphOperation {
  Version version;
  std::variant<PutDerivation, PutClosure, PutProperty, PutAlias, PutMerge, PutEvent, CountAccess, DeleteRegister> body;
  // The register this operation writes (format/graph_key.h).
  std::string Key() const;
  bool operator==(const GraphOperation&) const = default;
};

// The unit of log, replication and acknowledgement.
std::string EncodeGraphBatch(std::span<const GraphOperation> operations);
Result<std::vector<GraphOperation>> DecodeGraphBatch(std::string_view bytes);

// What a register holds, without its version and without what its key says: the database's bytes.
using GraphBody = decltype(GraphOperation::body);
std::string EncodeGraphValue(const GraphBody& body);
// Of the register with this key; InvalidArgument (field "key") when there is none, Corruption when the bytes are no
// value of it.
Result<GraphBody> DecodeGraphValue(std::string_view key, std::string_view bytes);
// The same for one kind.
std::string EncodeDerivation(const Derivation& derivation);
Result<Derivation> DecodeDerivation(std::string_view bytes);

}  // namespace rhizome::format
