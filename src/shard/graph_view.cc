#include "shard/graph_view.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "format/entity_name.h"

namespace rhizome::shard {

using graph::Direction;
using graph::EntityId;
using graph::FoundFact;
using graph::MergeEdge;

namespace {

constexpr uint32_t kFactsPerPage = 1024;

const EntityId& EndOf(const FoundFact& fact, Direction side) {
  return side == Direction::kOut ? fact.source.id : fact.target.id;
}
const EntityId& FarOf(const FoundFact& fact, Direction side) {
  return side == Direction::kOut ? fact.target.id : fact.source.id;
}

// Where a page of several entities' facts ended: the entity, and its page's `next`.
struct PageEnd {
  EntityId entity;
  std::string next;
};

Result<std::optional<PageEnd>> DecodeEnd(const std::string& after) {
  if (after.empty()) return std::optional<PageEnd>();
  if (after.size() < format::kEntityIdBytes) return Status::InvalidArgument("after", "is not what a page gave as next");
  const std::string_view bytes = after;
  return std::optional<PageEnd>(
      {EntityId::Decode(bytes.substr(0, format::kEntityIdBytes)), std::string(bytes.substr(format::kEntityIdBytes))});
}

}  // namespace

// What one read found out: which facts stand beside each other, each group looked at once.
class GraphView::Conflicts {
 public:
  Conflicts(const GraphView& view, std::optional<int64_t> known_at_ms) : view_(view), known_at_ms_(known_at_ms) {}

  // Puts a fact's interval right.
  Status Resolve(FoundFact& fact) {
    for (const Direction side : view_.functional_.SidesOf(fact.type)) {
      ASSIGN_OR_RETURN(const Group* const group, GroupOf(EndOf(fact, side), fact.type, side));
      const auto found = group->find(fact.id);
      if (found == group->end()) continue;
      const FoundFact& resolved = found->second;
      fact.valid_from = std::max(fact.valid_from, resolved.valid_from);
      if (!resolved.by_conflict || resolved.valid_until >= fact.valid_until) continue;
      fact.valid_until = resolved.valid_until;
      fact.superseded_by = resolved.superseded_by;
      fact.closed_at = resolved.closed_at;
      fact.by_conflict = true;
    }
    return Status::Ok();
  }

 private:
  using Group = std::map<graph::FactId, FoundFact>;
  using GroupKey = std::tuple<EntityId, std::string, Direction>;

  // Facts of a relation at an entity, and at all that it is merged with.
  Result<const Group*> GroupOf(const EntityId& end, const std::string& type, Direction side) {
    ASSIGN_OR_RETURN(const graph::EntityClasses classes, view_.Classes({&end, 1}, known_at_ms_));
    const GroupKey key(classes.RootOf(end), type, side);
    const auto known = groups_.find(key);
    if (known != groups_.end()) return &known->second;
    std::vector<FoundFact> facts;
    for (const EntityId& member : classes.MembersOf(end)) RETURN_IF_ERROR(Read(member, type, side, facts));
    std::vector<EntityId> far;
    for (const FoundFact& fact : facts) far.push_back(FarOf(fact, side));
    ASSIGN_OR_RETURN(const graph::EntityClasses others, view_.Classes(far, known_at_ms_));
    graph::ResolveConflicts(facts, [&](const FoundFact& fact) { return others.RootOf(FarOf(fact, side)); });
    Group& group = groups_[key];
    for (FoundFact& fact : facts) group.emplace(fact.id, std::move(fact));
    return &group;
  }

  Status Read(const EntityId& entity, const std::string& type, Direction side, std::vector<FoundFact>& facts) const {
    graph::FactQuery query{entity, side, {type}};
    query.times.known_at_ms = known_at_ms_;
    query.limit = kFactsPerPage;
    do {
      ASSIGN_OR_RETURN(graph::FactPage page, view_.graph_.Facts(query));
      std::move(page.facts.begin(), page.facts.end(), std::back_inserter(facts));
      query.after = std::move(page.next);
    } while (!query.after.empty() && facts.size() < kConflictFactsMax);
    return Status::Ok();
  }

  const GraphView& view_;
  const std::optional<int64_t> known_at_ms_;
  std::map<GroupKey, Group> groups_;
};

Result<std::vector<MergeEdge>> GraphView::Merges(std::span<const EntityId> ids,
                                                 std::optional<int64_t> known_at_ms) const {
  ASSIGN_OR_RETURN(std::vector<MergeEdge> edges, graph_.MergesAt(ids, known_at_ms));
  std::vector<EntityId> ends;
  for (const MergeEdge& edge : edges) ends.insert(ends.end(), {edge.a, edge.b});
  ASSIGN_OR_RETURN(const auto statistics, graph_.Statistics(ends));
  std::vector<MergeEdge> counting;
  for (size_t i = 0; i < edges.size(); ++i) {
    ASSIGN_OR_RETURN(const bool counts, HasCause(edges[i], statistics[2 * i], statistics[2 * i + 1]));
    if (counts) counting.push_back(edges[i]);
  }
  return counting;
}

Result<bool> GraphView::HasCause(const MergeEdge& edge, const graph::EntityStatistics& a,
                                 const graph::EntityStatistics& b) const {
  if (edge.cause == format::MergeCause::kHand) return true;
  if (a.origins == 0 || b.origins == 0) return false;
  if (edge.cause == format::MergeCause::kNames) return true;
  for (const auto& [name, own, other] : {std::tuple(a.name, edge.a, edge.b), std::tuple(b.name, edge.b, edge.a)}) {
    ASSIGN_OR_RETURN(auto called, graph_.FindName(name));
    std::erase_if(called, [&](const graph::NameEntry& entry) { return entry.entity == own; });
    if (called.size() == 1 && called[0].entity == other) return true;
  }
  return false;
}

Result<graph::EntityClasses> GraphView::Classes(std::span<const EntityId> ids,
                                                std::optional<int64_t> known_at_ms) const {
  graph::EntityClasses classes;
  std::vector<EntityId> ask(ids.begin(), ids.end());
  std::sort(ask.begin(), ask.end());
  ask.erase(std::unique(ask.begin(), ask.end()), ask.end());
  for (; !ask.empty(); ask = classes.TakeUnasked()) {
    ASSIGN_OR_RETURN(const auto edges, Merges(ask, known_at_ms));
    classes.Add(ask, edges);
  }
  return classes;
}

Result<std::vector<EntityId>> GraphView::Named(const std::string& name) const {
  const EntityId own = format::EntityIdOf(name);
  ASSIGN_OR_RETURN(const auto statistics, graph_.Statistics({&own, 1}));
  std::vector<EntityId> named = {own};
  if (statistics[0].origins == 0) {
    ASSIGN_OR_RETURN(const auto called, graph_.FindName(name));
    named.clear();
    for (const graph::NameEntry& entry : called) named.push_back(entry.entity);
  }
  ASSIGN_OR_RETURN(const graph::EntityClasses classes, Classes(named));
  std::set<EntityId> roots;
  for (const EntityId& id : named) roots.insert(classes.RootOf(id));
  return roots.size() == 1 ? classes.MembersOf(*roots.begin()) : std::vector<EntityId>();
}

Result<graph::FactPage> GraphView::Facts(const graph::FactQuery& query) const {
  ASSIGN_OR_RETURN(const std::optional<PageEnd> end, DecodeEnd(query.after));
  ASSIGN_OR_RETURN(const graph::EntityClasses classes, Classes({&query.entity, 1}, query.times.known_at_ms));
  graph::FactPage page;
  for (const EntityId& member : classes.MembersOf(query.entity)) {
    if (end && member < end->entity) continue;
    graph::FactQuery one = query;
    one.entity = member;
    one.after = end && end->entity == member ? end->next : std::string();
    one.limit = query.limit - static_cast<uint32_t>(page.facts.size());
    if (one.limit == 0 && query.limit > 0) {
      page.next = member.Encode();
      break;
    }
    ASSIGN_OR_RETURN(graph::FactPage found, graph_.Facts(one));
    for (FoundFact& fact : found.facts) {
      if (fact.source.id != fact.target.id && classes.RootOf(fact.source.id) == classes.RootOf(fact.target.id))
        continue;
      page.facts.push_back(std::move(fact));
    }
    if (found.next.empty()) continue;
    page.next = member.Encode() + found.next;
    break;
  }
  RETURN_IF_ERROR(Resolve(page.facts, query.times));
  return page;
}

Result<std::optional<FoundFact>> GraphView::FindFact(const graph::FactId& id, const graph::Times& times) const {
  ASSIGN_OR_RETURN(std::optional<FoundFact> found, graph_.FindFact(id, times));
  if (!found) return found;
  std::vector<FoundFact> facts = {std::move(*found)};
  RETURN_IF_ERROR(Resolve(facts, times));
  return facts.empty() ? std::optional<FoundFact>() : std::optional<FoundFact>(std::move(facts[0]));
}

Status GraphView::Resolve(std::vector<FoundFact>& facts, const graph::Times& times) const {
  Conflicts conflicts(*this, times.known_at_ms);
  for (FoundFact& fact : facts) RETURN_IF_ERROR(conflicts.Resolve(fact));
  if (times.as_of_ms) {
    std::erase_if(facts, [&](const FoundFact& fact) {
      return *times.as_of_ms < fact.valid_from || *times.as_of_ms >= fact.valid_until;
    });
  }
  return Status::Ok();
}

}  // namespace rhizome::shard
