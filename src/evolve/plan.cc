#include "evolve/plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "engines/graph/classes.h"

namespace rhizome::evolve {
namespace {

using Pair = std::pair<EntityId, EntityId>;

bool IsNamed(const Surveyed* entity) { return entity != nullptr && entity->documents > 0; }

class Maker {
 public:
  Maker(const Survey& survey, int64_t now_ms, const PlanOptions& options)
      : survey_(survey), options_(options), classes_(survey.entities().size() + 1) {
    plan_.made_ms = now_ms;
    for (const Surveyed& entity : survey.entities()) {
      for (const std::string& alias : entity.aliases) called_[alias].insert(entity.id);
    }
  }

  Plan Make(Matcher& matcher) {
    std::set<Pair> settled;  // pairs that a register speaks of
    for (const SurveyedMerge& merge : survey_.merges()) Settle(merge, settled);
    if (options_.merges) {
      for (const Likeness& likeness : matcher.Match(survey_)) Merge(likeness, settled);
    }
    if (options_.ageing) Age();
    for (const Surveyed& entity : survey_.entities()) {
      if (entity.documents > 0) ++plan_.entities;
      if (entity.documents == 0 && entity.has_registers) plan_.unnamed.push_back(entity.id);
    }
    return std::move(plan_);
  }

 private:
  bool Full() {
    plan_.truncated = plan_.truncated || plan_.changes.size() >= options_.changes_max;
    return plan_.truncated;
  }
  std::string NameOf(const EntityId& id) const {
    const Surveyed* const entity = survey_.Find(id);
    return entity == nullptr ? std::string() : entity->name;
  }
  // Whether `entity` is the only one, but for `own`, that somebody calls `name`.
  bool Means(const std::string& name, const EntityId& own, const EntityId& entity) const {
    const auto called = called_.find(name);
    if (called == called_.end() || !called->second.contains(entity)) return false;
    return called->second.size() == (called->second.contains(own) ? 2U : 1U);
  }
  // As shard::GraphView counts merges.
  bool HasCause(const SurveyedMerge& merge) const {
    if (merge.cause == format::MergeCause::kHand) return true;
    const Surveyed *const a = survey_.Find(merge.a), *const b = survey_.Find(merge.b);
    if (!IsNamed(a) || !IsNamed(b)) return false;
    return merge.cause == format::MergeCause::kNames || Means(a->name, a->id, b->id) || Means(b->name, b->id, a->id);
  }
  void Join(const EntityId& a, const EntityId& b) {
    const EntityId ends[] = {a, b};
    const graph::MergeEdge edge{a, b, {}};
    classes_.Add(ends, {&edge, 1});
  }

  void Settle(const SurveyedMerge& merge, std::set<Pair>& settled) {
    // One that nobody has taken back may be made again for another cause, when its own is gone.
    if (!merge.active) {
      settled.emplace(merge.a, merge.b);
    } else if (HasCause(merge)) {
      settled.emplace(merge.a, merge.b);
      Join(merge.a, merge.b);
    } else if (options_.merges && IsNamed(survey_.Find(merge.a)) && IsNamed(survey_.Find(merge.b)) && !Full()) {
      Change change{Action::kSplit, merge.a, merge.b, NameOf(merge.a), NameOf(merge.b), merge.cause};
      change.seen = merge.version;
      plan_.changes.push_back(std::move(change));
      settled.emplace(merge.a, merge.b);
    }
  }

  void Merge(const Likeness& likeness, std::set<Pair>& settled) {
    if (classes_.RootOf(likeness.a) == classes_.RootOf(likeness.b) || Full()) return;
    if (!settled.emplace(likeness.a, likeness.b).second) return;
    const bool alias = likeness.reason == extract::MergeReason::kAlias;
    Change change{Action::kMerge,     likeness.a,
                  likeness.b,         NameOf(likeness.a),
                  NameOf(likeness.b), alias ? format::MergeCause::kAlias : format::MergeCause::kNames};
    change.reason = extract::MergeReasonName(likeness.reason);
    change.likeness = likeness.score;
    if (alias && !HasCause({likeness.a, likeness.b, true, change.cause, {}})) return;  // known once, no longer
    plan_.changes.push_back(std::move(change));
    Join(likeness.a, likeness.b);
  }

  // All that are one have one standing: of names together.
  void Age() {
    std::map<EntityId, std::vector<const Surveyed*>> classes;
    for (const Surveyed& entity : survey_.entities()) {
      if (entity.documents > 0) classes[classes_.RootOf(entity.id)].push_back(&entity);
    }
    for (const auto& [root, members] : classes) {
      Standing standing;
      for (const Surveyed* member : members) {
        standing.last_ms = std::max(standing.last_ms, member->last_ms());
        standing.accesses += member->accesses;
        standing.rank = std::max(standing.rank, member->rank);
        if (member->importance) {
          standing.explicit_importance = std::max(standing.explicit_importance.value_or(0), *member->importance);
        }
        standing.critical = standing.critical || member->critical;
      }
      const Score score = ScoreOf(standing, plan_.made_ms, options_.rules);
      const format::EntityState after = StateOf(score, standing.critical, options_.rules);
      for (const Surveyed* member : members) {
        if (member->state == after || Full()) continue;
        Change change;
        change.action = after == format::EntityState::kActive     ? Action::kRestore
                        : after == format::EntityState::kArchived ? Action::kArchive
                                                                  : Action::kDelete;
        change.entity = member->id;
        change.name = member->name;
        change.before = member->state;
        change.after = after;
        change.score = score;
        change.seen = member->state_version;
        plan_.changes.push_back(std::move(change));
      }
    }
  }

  const Survey& survey_;
  const PlanOptions& options_;
  std::unordered_map<std::string, std::set<EntityId>> called_;  // by alias
  graph::EntityClasses classes_;
  Plan plan_;
};

}  // namespace

Plan MakePlan(const Survey& survey, Matcher& matcher, int64_t now_ms, const PlanOptions& options) {
  return Maker(survey, now_ms, options).Make(matcher);
}

}  // namespace rhizome::evolve
