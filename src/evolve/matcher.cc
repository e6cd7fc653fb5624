#include "evolve/matcher.h"

#include <algorithm>

namespace rhizome::evolve {
namespace {

extract::EntityType TypeOf(std::string_view name) {
  for (const auto type : {extract::EntityType::kPerson, extract::EntityType::kOrganisation, extract::EntityType::kPlace,
                          extract::EntityType::kWork, extract::EntityType::kEvent, extract::EntityType::kDate,
                          extract::EntityType::kNumber}) {
    if (extract::EntityTypeName(type) == name) return type;
  }
  return extract::EntityType::kOther;
}

bool TypesAgree(const Surveyed& a, const Surveyed& b) {
  const auto of_a = TypeOf(a.Type()), of_b = TypeOf(b.Type());
  return of_a == of_b || of_a == extract::EntityType::kOther || of_b == extract::EntityType::kOther;
}

constexpr std::string_view kPhrase = "phrase";  // the type of noun phrases (memory/derive.h)

bool MayMatch(const Surveyed& entity) {
  if (entity.Type() == kPhrase) return false;
  const auto type = TypeOf(entity.Type());
  return entity.documents > 0 && (entity.is_name || !entity.aliases.empty()) && type != extract::EntityType::kDate &&
         type != extract::EntityType::kNumber;
}

}  // namespace

std::vector<Likeness> Matcher::Match(const Survey& survey) {
  // Names that are gone still take room and make aliases ambiguous: begin anew when they are many.
  size_t gone = 0;
  for (const EntityId& id : ids_) {
    const Surveyed* const entity = survey.Find(id);
    gone += entity == nullptr || entity->documents == 0 ? 1 : 0;
  }
  if (!resolver_ || gone > ids_.size() / 4) {
    resolver_.emplace();
    ids_.clear();
    known_.clear();
    found_.clear();
  }
  for (const Surveyed& entity : survey.entities()) {
    if (MayMatch(entity)) Add(entity);
  }
  std::vector<Likeness> alike;
  for (const Likeness& likeness : found_) {
    const Surveyed* const a = survey.Find(likeness.a);
    const Surveyed* const b = survey.Find(likeness.b);
    if (a != nullptr && b != nullptr && a->documents > 0 && b->documents > 0 && TypesAgree(*a, *b)) {
      alike.push_back(likeness);
    }
  }
  return alike;
}

void Matcher::Add(const Surveyed& entity) {
  const auto [known, fresh] = known_.try_emplace(entity.id, ids_.size());
  if (fresh) ids_.push_back(entity.id);
  for (const extract::MergeProposal& proposal :
       resolver_->Add({known->second, entity.name, TypeOf(entity.Type()), entity.aliases, entity.facts})) {
    const EntityId &one = ids_[proposal.keep], &other = ids_[proposal.merge];
    found_.push_back({std::min(one, other), std::max(one, other), proposal.score, proposal.reason});
  }
}

}  // namespace rhizome::evolve
