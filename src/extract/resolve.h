// Resolution: which entities with different names are the same. It proposes; whoever keeps the graph merges,
// reversibly.
//
// An equal normal form or alias comes first. Then come those that share a block (last word and initial, words without
// legal forms, bands of minima over trigrams), each looked at only once and blocks bounded: the cost of an entity does
// not depend on how many there are, and nothing is ever compared with everything.
//
// Two are the same only when nothing speaks against it:
//   - types agree, or one is not known;
//   - the numbers in them are equal, Roman ones too: "Apollo 11" is not "Apollo 12";
//   - what stands in brackets at the end is equal: "Mercury (planet)" is not "Mercury (element)";
//   - all words agree but for one: an initial stands for a word, and two words of six letters or more may differ by a
//   slip
//     of spelling; one word alone must have eight;
//   - an alias or an initial that could mean several means none;
//   - an entity with more relations than hub_degree_max is merged by equal names only.
//
// Deterministic for an order of additions. Resolver is not thread-safe; memory grows with entities (about 300 bytes).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "extract/extract.h"

namespace rhizome::extract {

enum class MergeReason : uint8_t { kName, kAlias, kWords, kInitials, kSpelling };
std::string_view MergeReasonName(MergeReason reason);

struct EntityRecord {
  uint64_t id = 0;
  std::string key;  // normal form of its name
  EntityType type = EntityType::kOther;
  std::vector<std::string> aliases;  // in any form
  uint32_t degree = 0;               // relations it has
};

struct MergeProposal {
  uint64_t keep = 0;  // the one that was there
  uint64_t merge = 0;
  double score = 0;  // above 0, at most 1
  MergeReason reason = MergeReason::kName;

  bool operator==(const MergeProposal&) const = default;
};

struct NameVerdict {
  double score = 0;
  MergeReason reason = MergeReason::kName;
};

// Whether two names can be the same entity's, by the rules above but for types, hubs and what else is known.
std::optional<NameVerdict> CompareNames(std::string_view key_a, std::string_view key_b);

// Names that could be the same share at least one of these, mostly. For stores that keep blocks themselves; stable.
std::vector<uint64_t> BlocksOf(std::string_view key);

struct ResolveOptions {
  double score_min = 0.85;
  uint32_t block_max = 24;       // entities; a block that has more is too common to say anything
  uint32_t candidates_max = 16;  // compared per entity: those that share the most blocks
  uint32_t hub_degree_max = 10'000;
};

class Resolver {
 public:
  explicit Resolver(const ResolveOptions& options = {}) : options_(options) {}

  // What `entity` may be merged with, best first, equal scores by id; from then on it is known. An id that is known
  // adds only the aliases that it did not have.
  std::vector<MergeProposal> Add(const EntityRecord& entity);
  size_t size() const { return records_.size(); }

 private:
  struct Record {
    uint64_t id;
    std::string key;
    EntityType type;
    uint32_t degree;
  };
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return Checksum(key); }
  };
  struct BlockHash {
    size_t operator()(uint64_t block) const { return block; }
  };
  using Postings = std::vector<uint32_t>;

  bool MayMerge(const Record& a, const Record& b, MergeReason reason) const;
  void AddNames(uint32_t index, const std::vector<std::string>& aliases, std::vector<MergeProposal>& proposals);
  void AddBlocks(uint32_t index, std::vector<MergeProposal>& proposals);

  const ResolveOptions options_;
  std::vector<Record> records_;
  std::unordered_map<uint64_t, uint32_t, BlockHash> by_id_;
  std::unordered_map<std::string, Postings, KeyHash, std::equal_to<>> names_;    // keys -> records
  std::unordered_map<std::string, Postings, KeyHash, std::equal_to<>> aliases_;  // aliases' keys -> records
  std::unordered_map<uint64_t, Postings, BlockHash> blocks_;
};

}  // namespace rhizome::extract
