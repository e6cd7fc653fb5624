// Linking: gives slots their neighbours, and mends the rows of slots whose neighbours were removed.
// Thread-safe: any number of threads may link different slots while others read.
#pragma once

#include "engines/vector/graph/search_scratch.h"
#include "engines/vector/graph_store.h"

namespace rhizome::vector {

class GraphLinker {
 public:
  GraphLinker(GraphStore& store, const Codec& codec, Metric metric, Slot ef_construction)
      : store_(store),
        codec_(codec),
        slack_(metric == Metric::kDot ? 1.0f : kSlack),
        ef_construction_(ef_construction) {}

  // Links `slot` on each of its levels, both ways. `entry_bound`: slots below it are linked and serve as entries;
  // `bound`: slots below it may become neighbours.
  void Link(Slot slot, Slot entry_bound, Slot bound);
  // Replaces removed neighbours of `slot` by the best of theirs (FreshDiskANN: Singh et al., 2021, algorithm 4).
  // Returns whether there were any.
  bool Mend(Slot slot, Slot bound);

 private:
  // α² of Vamana's robust prune (squared distances): a chosen neighbour must be this much nearer to a candidate than
  // the slot itself to make the candidate redundant. Meaningless for dot products, which may be negative.
  static constexpr float kSlack = 1.0f;

  struct Pick {
    float distance;
    Slot slot;
    bool twin = false;  // same code as the slot being linked
  };
  // Chooses at most degree neighbours of the prepared slot from `picks`, nearest first, dropping those that are
  // nearer to a chosen one (HNSW, algorithm 4, with the slack of Vamana's α).
  void Select(Slot slot, std::vector<Pick>& picks);
  void LinkBack(unsigned level, Slot slot, Slot neighbour, float distance);
  void CollectPool(Slot slot, std::vector<Pick>& picks) const;
  // Live neighbours of `slot`, and those of its removed neighbours, that are not in `picks` yet.
  void AddLiveNeighbours(unsigned level, Slot slot, Slot bound, std::vector<Pick>& picks) const;
  bool MendLevel(unsigned level, Slot slot, Slot bound);
  bool SameCode(Slot a, Slot b) const;
  void MeasurePicks(Slot slot, std::vector<Pick>& picks);

  GraphStore& store_;
  const Codec& codec_;
  const float slack_;
  const Slot ef_construction_;
};

}  // namespace rhizome::vector
