#include "evolve/conflict_list.h"

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "evolve/walk_registers.h"
#include "shard/graph_view.h"

namespace rhizome::evolve {
namespace {

using graph::Direction;
using graph::EntityId;

constexpr uint32_t kFactsPerPage = 1024;

// Where two facts may contradict each other: an entity, a relation, and on which side of it the entity is.
using Group = std::tuple<EntityId, std::string, Direction>;
using FarEnds = std::map<Group, std::pair<EntityId, bool>>;  // one of the other ends; whether there is a second

void Note(const format::PutDerivation& put, const graph::FunctionalRelations& functional, FarEnds& ends) {
  for (const format::DerivedFact& fact : put.derivation.facts) {
    for (const Direction side : functional.SidesOf(fact.type)) {
      const bool out = side == Direction::kOut;
      const EntityId near = format::EntityIdOf(put.derivation.entities[out ? fact.source : fact.target].name);
      const EntityId far = format::EntityIdOf(put.derivation.entities[out ? fact.target : fact.source].name);
      const auto [found, fresh] = ends.try_emplace({near, fact.type, side}, far, false);
      if (!fresh && found->second.first != far) found->second.second = true;
    }
  }
}

}  // namespace

Result<ConflictList> FindConflicts(const shard::GraphShards& graph, const graph::FunctionalRelations& functional,
                                   size_t limit) {
  FarEnds ends;
  RETURN_IF_ERROR(WalkRegisters(graph, [&](const format::GraphOperation& operation) {
    if (const auto* put = std::get_if<format::PutDerivation>(&operation.body)) Note(*put, functional, ends);
    return Status::Ok();
  }));
  const shard::GraphView view(graph, functional);
  std::vector<EntityId> near;
  for (const auto& [group, far] : ends) near.push_back(std::get<0>(group));
  ASSIGN_OR_RETURN(const graph::EntityClasses classes, view.Classes(near));
  // Names that are one share a group, so what each has alone may contradict, too.
  std::map<Group, std::pair<EntityId, bool>> united;
  for (const auto& [group, far] : ends) {
    const auto& [entity, type, side] = group;
    const auto [found, fresh] = united.try_emplace({classes.RootOf(entity), type, side}, far);
    if (!fresh) found->second.second = found->second.second || far.second || found->second.first != far.first;
  }
  ConflictList list;
  std::set<graph::FactId> seen;  // a relation that is functional both ways has two groups
  for (const auto& [group, far] : united) {
    if (!far.second) continue;
    graph::FactQuery query{std::get<0>(group), std::get<2>(group), {std::get<1>(group)}};
    query.limit = kFactsPerPage;
    do {
      ASSIGN_OR_RETURN(graph::FactPage page, view.Facts(query));
      for (graph::FoundFact& fact : page.facts) {
        if (!fact.by_conflict || !seen.insert(fact.id).second) continue;
        if (list.ended.size() == limit) {
          list.truncated = true;
          return list;
        }
        list.ended.push_back(std::move(fact));
      }
      query.after = std::move(page.next);
    } while (!query.after.empty());
  }
  return list;
}

}  // namespace rhizome::evolve
