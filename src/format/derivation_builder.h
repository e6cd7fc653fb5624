// DerivationBuilder: puts together what one document says, in any order and with repetitions, as the operation's order
// wants it (format/graph.h). For whoever extracts.
//
// Names are normalised here. Of several spellings or types of an entity the one with most mentions stays, of equal ones
// the smallest. A fact said twice has the chunks of both, the larger weight and confidence, and the later end.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format/graph.h"

namespace rhizome::format {

class DerivationBuilder {
 public:
  using Handle = uint32_t;

  struct Fact {
    Handle source = 0;
    std::string type;
    Handle target = 0;
    float weight = 1;
    float confidence = 1;
    int64_t valid_from = kAlways;
    int64_t valid_until = kForever;
    std::optional<uint32_t> chunk = std::nullopt;
  };

  // An entity by any spelling; nullopt when the name is blank.
  std::optional<Handle> Entity(std::string_view surface, std::string_view type = {});
  // As Entity, of a name that is in its normal form already.
  Handle Known(std::string_view name, std::string_view surface, std::string_view type = {});
  // That chunk `chunk` mentions an entity `count` times, as it was spelt and typed when it was first named.
  void Count(Handle entity, uint32_t chunk, uint32_t count = 1);
  // As Entity, and that chunk `chunk` mentions it so `count` times.
  std::optional<Handle> Mention(std::string_view surface, std::string_view type, uint32_t chunk, uint32_t count = 1);
  // Another name that the document gives it; nothing when it is the same name.
  void Alias(Handle entity, std::string_view alias);
  void AddFact(const Fact& fact);

  bool empty() const { return entities_.empty(); }
  Derivation Build() const;

 private:
  using Votes = std::map<std::string, uint64_t, std::less<>>;
  struct Named {
    Votes surfaces;
    Votes types;
    std::set<std::string> aliases;
    std::map<uint32_t, uint32_t> chunks;
  };
  using FactKey = std::pair<std::pair<Handle, Handle>, std::pair<std::string, int64_t>>;

  std::map<std::string, Handle, std::less<>> names_;
  std::vector<Named> entities_;  // by handle
  std::map<FactKey, DerivedFact> facts_;
};

// A fact as a client puts it: both names in any spelling. Blank names are refused by validation.
struct ClientFact {
  std::string source;
  std::string type;
  std::string target;
  std::string source_type = {};
  std::string target_type = {};
  float weight = 1;
  float confidence = 1;
  int64_t valid_from = kAlways;
  int64_t valid_until = kForever;
};
PutDerivation PutFactOf(const PointId& id, const ClientFact& fact);
// The id of a client's fact that brings none: of what it says, so the same fact put twice is one.
PointId DerivedFactId(const ClientFact& fact);

}  // namespace rhizome::format
