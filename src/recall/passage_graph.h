// PassageGraph: which passages mention which entities, in memory: for evaluations, tests and corpora that fit. Passages
// have the numbers 0, 1, 2 … in the order they are added.
//
// Entities are one by their normal form; a name that is an alias of at most kAliasMeansMax titles also means those.
// Add everything, then Seal, then ask. Not thread-safe before Seal; reading is.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "extract/extract.h"
#include "recall/recall.h"

namespace rhizome::recall {

inline constexpr size_t kAliasMeansMax = 3;

class PassageGraph {
 public:
  // The next passage, from all chunks of what was extracted.
  void Add(const extract::Extraction& extraction);
  void Seal();

  uint64_t passages() const { return added_.size(); }
  uint64_t entities() const { return links_of_.size(); }
  // What a query's entities mean here, by how rare they are; phrases count three tenths. Unknown ones are left out.
  std::vector<Weighted> QueryEntities(std::span<const extract::Entity> entities) const;
  // Of this graph, which must outlive it. Of an entity in more than `hub_passages_max` passages, titles only.
  Expander expander(uint32_t hub_passages_max = WalkOptions().hub_passages_max) const;

 private:
  struct Named {
    std::string key;
    std::vector<std::string> aliases;  // keys
    uint32_t mentions = 0;
    bool is_title = false;
    bool is_phrase = false;
  };
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return Checksum(key); }
  };
  using Ids = std::unordered_map<std::string, std::vector<uint64_t>, KeyHash, std::equal_to<>>;

  std::vector<uint64_t> Meanings(std::string_view key, std::span<const std::string> aliases) const;
  void Link(uint64_t passage, const Named& named);

  std::vector<std::vector<Named>> added_;
  std::unordered_map<std::string, uint64_t, KeyHash, std::equal_to<>> ids_;  // key -> entity
  Ids titles_by_alias_;                                                      // alias -> entities that are titles
  std::vector<std::vector<EntityLink>> links_from_;                          // by passage
  std::vector<std::vector<PassageLink>> links_of_;                           // by entity, titles first
  std::vector<bool> is_title_, is_phrase_;                                   // by entity
};

}  // namespace rhizome::recall
