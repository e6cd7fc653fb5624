// Survey: what a graph's registers say of its entities, read once, in the order of their keys: what evolution decides
// by. One pass over everything a graph holds; nothing is compared with anything else. Memory: some 300 bytes an entity
// and 8 a mention.
//
// It sees no single moment: what is written meanwhile may be in it or not. Whoever acts on it checks again first
// (evolve/apply.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "engines/graph/types.h"
#include "shard/graph_shards.h"

namespace rhizome::evolve {

using format::EntityId;

struct Surveyed {
  EntityId id;
  std::string name;  // "": nobody names it
  std::map<std::string, uint32_t> types;
  std::vector<std::string> aliases;  // given by documents or put, no order, may repeat
  bool is_name = false;              // somebody writes it with a capital: no phrase
  uint32_t documents = 0;            // origins that name it, clients' facts included
  uint32_t facts = 0;
  int64_t said_ms = 0;  // when the newest of them was recorded
  uint64_t accesses = 0;
  int64_t read_ms = 0;
  std::optional<float> importance;
  bool critical = false;
  format::EntityState state = format::EntityState::kActive;
  Version state_version;
  double rank = 0;  // PageRank, of the highest
  bool has_registers = false;

  std::string Type() const;  // with most votes, of equal ones the smallest
  int64_t last_ms() const { return std::max(said_ms, read_ms); }
};

struct SurveyedMerge {
  EntityId a;
  EntityId b;
  bool active = true;
  format::MergeCause cause = format::MergeCause::kHand;
  Version version;
};

struct SurveyOptions {
  size_t entities_max = 4'000'000;
  int rank_rounds = 20;
  double damping = .85;
};

class Survey {
 public:
  // ResourceExhausted beyond entities_max. Other errors are the graph's.
  static Result<Survey> Take(const shard::GraphShards& graph, const SurveyOptions& options = {});

  const std::vector<Surveyed>& entities() const { return entities_; }
  const std::vector<SurveyedMerge>& merges() const { return merges_; }
  // Null: nothing is known of it.
  const Surveyed* Find(const EntityId& id) const;

 private:
  void Add(const format::GraphOperation& operation);
  void AddOrigin(const format::PutDerivation& put, Version version);
  Surveyed& At(const EntityId& id);
  uint32_t NumberOf(const EntityId& id);
  void Rank(const SurveyOptions& options);

  std::vector<Surveyed> entities_;
  std::vector<SurveyedMerge> merges_;
  std::unordered_map<EntityId, uint32_t, format::EntityIdHash> numbers_;
  std::vector<uint32_t> named_;        // entities of origins, one origin after another
  std::vector<size_t> origin_begins_;  // in named_
};

}  // namespace rhizome::evolve
