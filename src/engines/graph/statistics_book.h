// StatisticsBook: the numbers of entities and their postings on their way into the database: read once, changed by as
// many origins as a batch has, written once. The posting of an entity that only one origin names is kept with its
// numbers. It remembers what it read, within a bound, so that what is named often is not read again.
//
// Not thread-safe: it is the writer's. After a batch that was not written it has to be forgotten.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engines/graph/row_batch.h"
#include "engines/graph/rows.h"
#include "engines/graph/types.h"
#include "kv/store.h"

namespace rhizome::graph {

class StatisticsBook {
 public:
  // Keys are behind the shard's `prefix`. At least `entities_max` / 2 and at most `entities_max` entities are
  // remembered.
  StatisticsBook(const std::string& prefix, uint32_t entities_max);

  // Reads those of `ids` that are not known, at once.
  Status Load(const kv::Store& store, const std::vector<EntityId>& ids);
  // Of one that was loaded since the last Write; will be written.
  EntityStatistics& Change(const EntityId& id);
  // The posting of an origin at a changed entity comes or goes; `place` is rank and origin key.
  void Post(const EntityId& id, std::string place, std::optional<std::string> posting);
  // Puts the changed ones into the batch; what has no origin left is deleted. Corruption when an entity has other
  // postings than its numbers say.
  Status Write(const kv::Store& store, RowBatch& batch);

 private:
  struct PostingChange {
    std::string place;
    std::optional<std::string> posting;  // none: gone
  };
  struct Known {
    StatisticsRow row;
    uint64_t stored_origins = 0;  // as the database has it
    std::vector<PostingChange> changes;
    bool changed = false;
  };
  using Generation = std::unordered_map<EntityId, Known, format::EntityIdHash>;
  Known* Find(const EntityId& id);
  Known& Touch(const EntityId& id);
  Status WritePostings(const kv::Store& store, const EntityId& id, Known& known, RowBatch& batch) const;
  // `gone`: places whose postings are in the database and no longer count.
  Status FindOnly(const kv::Store& store, const EntityId& id, const std::set<std::string>& gone, Known& known,
                  RowBatch& batch) const;

  const std::string statistics_prefix_;
  const std::string postings_prefix_;
  const uint32_t generation_max_;
  Generation young_;
  Generation old_;  // what was not asked for since `young_` began
  std::vector<EntityId> changed_;
};

// `sign` is +1 or -1. The numbers of what was added before can be taken away again.
struct EntityShare {
  bool document = false;
  uint64_t mentions = 0;
  uint64_t facts = 0;
  std::string_view type;
  bool about = false;
};
void AddShare(EntityStatistics& statistics, const EntityShare& share, int sign);

}  // namespace rhizome::graph
