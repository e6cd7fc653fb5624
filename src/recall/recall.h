// Recall: the passages that answer a query, from what search by text and by meaning found and from where a walk over
// the graph leads from there. Pure and deterministic; the graph is asked in batches through its caller.
//
//   1. Legs are brought to one scale, worst 0 and best 1, and averaged: the base of each passage.
//   2. A walk (recall/walk.h) starts from the best passages, sharply by their base, and a little from the query's
//   entities.
//   3. A passage is lifted from its base towards the best one's by how much of the walk arrived there:
//        score = base + lift * gate * sqrt(arrived / most arrived) * (best base - base)
//      The gate is most arrived / arrived_min, at most 1: a walk that leads nowhere in particular says little, and
//      changes little. No passage is ever lifted above the best one that was found without the graph, so that one stays
//      first.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "recall/walk.h"

namespace rhizome::recall {

struct ScoredPassage {
  uint64_t passage = 0;
  double score = 0;

  bool operator==(const ScoredPassage&) const = default;
};

// What one way of searching found: best first, each passage once; higher is better. A hundred are a good depth.
struct Leg {
  std::vector<ScoredPassage> passages;
  double weight = 1;
};

// The average of the legs by weight, each from 0 (its worst, and what it did not find) to 1 (its best); best first,
// equal ones by id. Of equal scores in a leg all are 1 (CombSUM over min-max: Lee, "Analyses of Multiple Evidence
// Combination", SIGIR 1997).
std::vector<ScoredPassage> FuseLegs(std::span<const Leg> legs);

struct RecallOptions {
  uint32_t start_passages_max = 10;
  double start_sharpness = 4;  // a start's weight is (base / best base) to this power
  double entity_share = 0.1;   // of the query's entities together, where passages have 1
  double lift = 0.7;           // 0: without the graph; at most 1
  double arrived_min = 0.05;   // of the walk's mass, from which on the graph has its full say
  WalkOptions walk;
};

struct Recalled {
  uint64_t passage = 0;
  double score = 0;    // 0 to 1
  double base = 0;     // without the graph
  double arrived = 0;  // of the walk's mass; 0: only searching found it
};

// Whose links the walk wants; both lists are answered in their order.
struct Expander {
  std::function<Result<std::vector<std::vector<EntityLink>>>(std::span<const uint64_t>)> passages;
  std::function<Result<std::vector<std::vector<PassageLink>>>(std::span<const uint64_t>)> entities;
};

class Recall {
 public:
  // `query_entities` by how much each says, of any sum; `passages`: in the whole corpus.
  Recall(const RecallOptions& options, std::span<const Leg> legs, std::span<const Weighted> query_entities,
         uint64_t passages);

  Walk& walk() { return walk_; }  // to be supplied until done
  // Best first, equal scores by base, then by id. Call when the walk is done.
  std::vector<Recalled> Answer(size_t limit) const;

 private:
  const RecallOptions options_;
  const std::vector<ScoredPassage> base_;
  Walk walk_;
};

// Supplies the walk to its end. Errors are the expander's; Internal when it answers for another number of nodes.
Status Complete(Walk& walk, const Expander& expander);

}  // namespace rhizome::recall
