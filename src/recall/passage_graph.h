// PassageGraph: which passages mention which entities, in memory: for evaluations, tests and corpora that fit. Passages
// have the numbers 0, 1, 2 … in the order they are added. What is kept for good is walked by ask/graph_links.h, by the
// same rules.
//
// Entities are one by their normal form. A passage is about the entity that its title names, and about that one's other
// names. Numbers are equal for no reason: nothing leads from a passage to one.
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

// How much an entity of a query says that `passages` of a corpus mention: by how rare it is; phrases three tenths.
double QueryWeight(uint64_t corpus, uint64_t passages, bool is_phrase);

class PassageGraph {
 public:
  // The next passage, from all chunks of what was extracted.
  void Add(const extract::Extraction& extraction);
  void Seal();

  uint64_t passages() const { return added_.size(); }
  uint64_t entities() const { return links_of_.size(); }
  // What a query's entities mean here, under any of their names. Unknown ones are left out.
  std::vector<Weighted> QueryEntities(std::span<const extract::Entity> entities) const;
  // Of this graph, which must outlive it. Of an entity in more than `hub_passages_max` passages, titles only.
  Expander expander(uint32_t hub_passages_max = WalkOptions().hub_passages_max) const;

 private:
  struct Named {
    std::string key;
    uint32_t mentions = 0;
    bool is_title = false;
    bool is_phrase = false;
    bool is_number = false;
  };
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return Checksum(key); }
  };

  std::vector<std::vector<Named>> added_;
  std::unordered_map<std::string, uint64_t, KeyHash, std::equal_to<>> ids_;  // key -> entity
  std::vector<std::vector<EntityLink>> links_from_;                          // by passage
  std::vector<std::vector<PassageLink>> links_of_;                           // by entity, titles first
};

}  // namespace rhizome::recall
