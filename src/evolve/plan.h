// Plan: what a pass would change, and why: a dry run. Made from a survey, in one order for one state of the graph.
//
//   merge     two names that extract::Resolver takes for one entity, unless somebody has parted them
//   split     a merge whose cause is gone (shard/graph_view.h no longer counts it): its register goes
//   archive, delete, restore    the state that an entity's strength gives it (evolve/importance.h); what is merged is
//             weighed together and has one state
//   forget    registers of entities that nobody names any more
//
// Thread-compatible: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evolve/event.h"
#include "evolve/importance.h"
#include "evolve/matcher.h"
#include "evolve/survey.h"

namespace rhizome::evolve {

struct Change {
  Action action = Action::kMerge;
  EntityId entity;  // of a merge the smaller
  EntityId other;
  std::string name, other_name;  // to show
  format::MergeCause cause = format::MergeCause::kHand;
  std::string_view reason;  // of a merge, of the program's own texts: "initials"
  double likeness = 0;      // of a merge's names
  format::EntityState before = format::EntityState::kActive;
  format::EntityState after = format::EntityState::kActive;
  Score score = {};
  Version seen = {};  // of the register that it would change; Version{}: there was none
};

struct PlanOptions {
  bool merges = true;
  bool ageing = true;  // archive, delete, restore
  AgeingRules rules = {};
  size_t changes_max = 100'000;  // what is beyond is left to the next pass
};

struct Plan {
  std::string id;
  int64_t made_ms = 0;
  uint64_t entities = 0;  // looked at
  std::vector<Change> changes;
  std::vector<EntityId> unnamed;  // to be forgotten
  bool truncated = false;
};

// `matcher` is of this graph. The id is left empty.
Plan MakePlan(const Survey& survey, Matcher& matcher, int64_t now_ms, const PlanOptions& options = {});

}  // namespace rhizome::evolve
