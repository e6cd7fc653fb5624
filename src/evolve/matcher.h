// Matcher: which entities of a graph may be one: extract::Resolver, kept from one pass to the next, so that a pass
// costs what is new. Phrases (names that nobody writes with a capital) are one only by their normal form and are left
// out.
//
// Not thread-safe. Memory: some 300 bytes a name.
#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "evolve/survey.h"
#include "extract/resolve.h"

namespace rhizome::evolve {

struct Likeness {
  EntityId a;  // the smaller
  EntityId b;
  double score = 0;
  extract::MergeReason reason = extract::MergeReason::kName;
};

class Matcher {
 public:
  // All that have been found alike so far and are both still named, in the order they were found. Names are taken in
  // the order of the survey.
  std::vector<Likeness> Match(const Survey& survey);
  size_t size() const { return ids_.size(); }

 private:
  void Add(const Surveyed& entity);

  std::optional<extract::Resolver> resolver_;
  std::vector<EntityId> ids_;  // by the resolver's id
  std::unordered_map<EntityId, uint64_t, format::EntityIdHash> known_;
  std::vector<Likeness> found_;
};

}  // namespace rhizome::evolve
