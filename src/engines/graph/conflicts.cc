#include "engines/graph/conflicts.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace rhizome::graph {
namespace {

constexpr Direction kFromSource[] = {Direction::kOut};
constexpr Direction kFromTarget[] = {Direction::kIn};
constexpr Direction kFromBoth[] = {Direction::kOut, Direction::kIn};
constexpr std::string_view kDefault = "lives_in works_for subsidiary_of leads:target capital_of:both";

// A fact as conflicts see it.
struct Held {
  size_t position = 0;
  int64_t begin = format::kAlways;
  EntityId far;
};

int64_t BeginOf(const FoundFact& fact) {
  if (fact.valid_from != format::kAlways) return fact.valid_from;
  const int64_t recorded = fact.recorded_at.WallMs();
  return fact.valid_until <= recorded ? format::kAlways : recorded;
}

auto PriorityOf(const FoundFact& fact) {
  return std::tuple(fact.origin.kind == GraphOrigin::Kind::kFact, fact.confidence, fact.weight, fact.recorded_at,
                    fact.id);
}

bool Contradict(const Held& a, const Held& b, const std::vector<FoundFact>& facts) {
  if (a.far == b.far) return false;
  return a.begin != b.begin || facts[a.position].origin != facts[b.position].origin;
}

}  // namespace

const FunctionalRelations& FunctionalRelations::Default() {
  static const FunctionalRelations relations = std::move(Parse(kDefault)).value();
  return relations;
}

Result<FunctionalRelations> FunctionalRelations::Parse(std::string_view text) {
  FunctionalRelations parsed;
  constexpr std::string_view kBetween = " ,\t\n";
  for (size_t at = text.find_first_not_of(kBetween); at != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    const std::string_view word = text.substr(at, end - at);
    const size_t colon = word.find(':');
    const std::string_view type = word.substr(0, colon);
    const std::string_view side = colon == std::string_view::npos ? "source" : word.substr(colon + 1);
    if (type.empty() || (side != "source" && side != "target" && side != "both")) {
      return Status::InvalidArgument("",
                                     "\"" + std::string(word) + "\" is no relation, RELATION:target or RELATION:both");
    }
    parsed.relations_[std::string(type)] = side == "source"   ? OneOf::kTargetOfSource
                                           : side == "target" ? OneOf::kSourceOfTarget
                                                              : OneOf::kBoth;
    at = text.find_first_not_of(kBetween, end);
  }
  return parsed;
}

std::span<const Direction> FunctionalRelations::SidesOf(std::string_view type) const {
  const auto found = relations_.find(type);
  if (found == relations_.end()) return {};
  switch (found->second) {
    case OneOf::kTargetOfSource: return kFromSource;
    case OneOf::kSourceOfTarget: return kFromTarget;
    case OneOf::kBoth: return kFromBoth;
  }
  return {};
}

std::string FunctionalRelations::ToString() const {
  std::string text;
  for (const auto& [type, one] : relations_) {
    text += (text.empty() ? "" : " ") + type;
    if (one == OneOf::kSourceOfTarget) text += ":target";
    if (one == OneOf::kBoth) text += ":both";
  }
  return text;
}

void ResolveConflicts(std::vector<FoundFact>& facts, const std::function<EntityId(const FoundFact&)>& far) {
  std::vector<Held> held;
  for (size_t i = 0; i < facts.size(); ++i) {
    const int64_t begin = BeginOf(facts[i]);
    if (facts[i].valid_until > begin) held.push_back({i, begin, far(facts[i])});
  }
  std::sort(held.begin(), held.end(), [&](const Held& a, const Held& b) {
    if (a.begin != b.begin) return a.begin < b.begin;
    return PriorityOf(facts[a.position]) < PriorityOf(facts[b.position]);
  });
  for (size_t i = 0; i < held.size(); ++i) {
    FoundFact& fact = facts[held[i].position];
    if (fact.opened_at) continue;
    const auto contradicts = [&](const Held& other) { return Contradict(held[i], other, facts); };
    const auto self = held.begin() + static_cast<std::ptrdiff_t>(i);
    if (fact.valid_from == format::kAlways && std::any_of(held.begin(), self, contradicts)) {
      fact.valid_from = held[i].begin;
    }
    const auto next = std::find_if(self + 1, held.end(), contradicts);
    if (next == held.end() || next->begin >= fact.valid_until) continue;
    const FoundFact& by = facts[next->position];
    fact.valid_until = next->begin;
    fact.superseded_by = by.id;
    fact.closed_at = std::max(fact.recorded_at, by.recorded_at);
    fact.by_conflict = true;
  }
}

}  // namespace rhizome::graph
