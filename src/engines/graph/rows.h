// The rows a graph shard keeps in the database (docs/formats/graph_rows.md): their keys, and their values as bytes.
// All are in one family, behind the shard's number; one byte says which table.
//
// Encoding and decoding only. Decoders answer Corruption for damage, never crash.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "engines/graph/types.h"
#include "format/graph.h"

namespace rhizome::graph {

enum class Table : char {
  kState = 's',
  kRegisters = 'r',         // register key
  kHistory = 'h',           // register key, version
  kPostings = 'p',          // entity, rank, origin key
  kReplacedPostings = 'q',  // entity, rank, origin key, version
  kStatistics = 'e',        // entity
  kNames = 'n',             // name, 0, entity, whose name it is
  kAliases = 'a',           // entity, alias, 0, who says so
  kMergesBack = 'm',        // larger entity, smaller entity
  kEvents = 'v',            // time and number from the end, entity: newest first
};

std::string ShardPrefix(uint32_t shard);
// `prefix` is the shard's.
std::string TablePrefix(const std::string& prefix, Table table);

struct StateRow {
  uint64_t lsn = 0;
  Version max_version;
  Version history_horizon;  // values replaced at or before it are forgotten
  Counts counts;
  bool operator==(const StateRow&) const = default;
};
std::string EncodeState(const StateRow& row);
Result<StateRow> DecodeState(std::string_view bytes);

// A register as it is. In the history: one value that was replaced; a tombstone there says that what is at or below
// its version is erased for ever.
struct StoredRegister {
  Version version;
  bool tombstone = false;
  Version erased;  // no value at or below it counts; of a tombstone its version
  std::string value;
  bool operator==(const StoredRegister&) const = default;
};
std::string EncodeStored(const StoredRegister& stored);
Result<StoredRegister> DecodeStored(std::string_view bytes);

// What an origin says of one entity, by positions in its derivation.
struct PostedFact {
  uint32_t fact = 0;
  bool out = false;  // the entity is its source
  bool in = false;   // its target
  auto operator<=>(const PostedFact&) const = default;
};
struct Posting {
  uint32_t entity = 0;
  std::vector<format::ChunkCount> mentions;
  std::vector<PostedFact> facts;  // ascending
  bool operator==(const Posting&) const = default;
};
void AppendPosting(std::string& out, const Posting& posting);
Result<Posting> DecodePosting(std::string_view bytes);

// How strong an origin is at an entity, as bytes that sort the strongest first. `weight_max` is of its facts about the
// entity; nullopt: it has none, and its rank begins with kNoFacts.
inline constexpr size_t kRankBytes = 5;
inline constexpr std::string_view kNoFacts = "\xFF\xFF\xFF\xFF";
void AppendRank(std::string& out, std::optional<float> weight_max, uint64_t mentions);

// An entity that one origin names has that one's posting here and no row of its own for it: most entities are such.
struct StatisticsRow {
  EntityStatistics statistics;
  std::string only_place;    // rank and origin key; "": several origins
  std::string only_posting;  // its bytes
  bool operator==(const StatisticsRow&) const = default;
};
std::string EncodeStatistics(const StatisticsRow& row);
Result<StatisticsRow> DecodeStatistics(std::string_view bytes);

// Keys behind the table's prefix.
std::string NameKeyOf(std::string_view name, const EntityId& entity, std::string_view owner);
// Corruption when `key` is none.
Result<NameEntry> ParseNameKey(std::string_view key);
// Newest first, behind the table's prefix.
std::string EventPlaceOf(const EntityId& entity, int64_t at_ms, uint64_t number);
// Corruption when `place` is none. The body is left empty.
Result<format::PutEvent> ParseEventPlace(std::string_view place);

// Who gives an entity its name: every origin that names it. Aliases have an owner each.
inline constexpr std::string_view kNameOwner = "=";
inline constexpr std::string_view kAliasRegisterOwner = "a";

}  // namespace rhizome::graph
