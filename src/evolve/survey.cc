#include "evolve/survey.h"

#include <algorithm>

#include "evolve/walk_registers.h"

namespace rhizome::evolve {
namespace {

constexpr size_t kAliasesKept = 64;  // of an entity

// A capital of any of the usual cased scripts: what small letters make of it differs.
bool HasCapital(std::string_view surface, std::string_view name) {
  return std::any_of(surface.begin(), surface.end(), [](char c) { return c >= 'A' && c <= 'Z'; }) ||
         (surface.size() == name.size() && surface != name);
}

}  // namespace

std::string Surveyed::Type() const {
  std::string best;
  uint32_t votes = 0;
  for (const auto& [type, count] : types) {
    if (count > votes) {
      best = type;
      votes = count;
    }
  }
  return best;
}

Result<Survey> Survey::Take(const shard::GraphShards& graph, const SurveyOptions& options) {
  Survey survey;
  RETURN_IF_ERROR(WalkRegisters(graph, [&](const format::GraphOperation& operation) -> Status {
    survey.Add(operation);
    if (survey.entities_.size() <= options.entities_max) return Status::Ok();
    return Status::ResourceExhausted("the graph has more than " + std::to_string(options.entities_max) +
                                     " entities, which is as many as a pass looks at");
  }));
  survey.Rank(options);
  return survey;
}

const Surveyed* Survey::Find(const EntityId& id) const {
  const auto found = numbers_.find(id);
  return found == numbers_.end() ? nullptr : &entities_[found->second];
}

uint32_t Survey::NumberOf(const EntityId& id) {
  const auto [found, fresh] = numbers_.try_emplace(id, static_cast<uint32_t>(entities_.size()));
  if (fresh) entities_.emplace_back().id = id;
  return found->second;
}

Surveyed& Survey::At(const EntityId& id) {
  Surveyed& entity = entities_[NumberOf(id)];
  entity.has_registers = true;
  return entity;
}

void Survey::Add(const format::GraphOperation& operation) {
  if (const auto* put = std::get_if<format::PutDerivation>(&operation.body)) {
    AddOrigin(*put, operation.version);
  } else if (const auto* property = std::get_if<format::PutProperty>(&operation.body)) {
    Surveyed& entity = At(property->entity);
    if (const auto* importance = std::get_if<float>(&property->value)) entity.importance = *importance;
    if (const auto* critical = std::get_if<bool>(&property->value)) entity.critical = *critical;
    if (const auto* state = std::get_if<format::EntityState>(&property->value)) {
      entity.state = *state;
      entity.state_version = operation.version;
    }
  } else if (const auto* alias = std::get_if<format::PutAlias>(&operation.body)) {
    Surveyed& entity = At(alias->entity);
    if (alias->active && entity.aliases.size() < kAliasesKept) entity.aliases.push_back(alias->alias);
  } else if (const auto* merge = std::get_if<format::PutMerge>(&operation.body)) {
    At(merge->a);
    At(merge->b);
    merges_.push_back({merge->a, merge->b, merge->active, merge->cause, operation.version});
  } else if (const auto* event = std::get_if<format::PutEvent>(&operation.body)) {
    At(event->entity);
  } else if (const auto* access = std::get_if<format::CountAccess>(&operation.body)) {
    Surveyed& entity = At(access->entity);
    entity.accesses += access->count;
    entity.read_ms = std::max(entity.read_ms, access->last_ms);
  }
}

void Survey::AddOrigin(const format::PutDerivation& put, Version version) {
  origin_begins_.push_back(named_.size());
  for (const format::DerivedEntity& said : put.derivation.entities) {
    const uint32_t number = NumberOf(format::EntityIdOf(said.name));
    Surveyed& entity = entities_[number];
    if (entity.name.empty()) entity.name = said.name;
    entity.is_name = entity.is_name || HasCapital(said.surface, said.name);
    ++entity.documents;
    if (!said.type.empty()) ++entity.types[said.type];
    for (const std::string& alias : said.aliases) {
      if (entity.aliases.size() < kAliasesKept) entity.aliases.push_back(alias);
    }
    entity.said_ms = std::max(entity.said_ms, version.WallMs());
    named_.push_back(number);
  }
  const uint32_t* const here = named_.data() + origin_begins_.back();
  for (const format::DerivedFact& fact : put.derivation.facts) {
    ++entities_[here[fact.source]].facts;
    if (fact.target != fact.source) ++entities_[here[fact.target]].facts;
  }
}

// A walk from an entity to one of the documents that name it and on to one that it names (Page, Brin, Motwani, Winograd
// 1999, on the graph of two kinds of nodes).
void Survey::Rank(const SurveyOptions& options) {
  const size_t count = entities_.size();
  if (count == 0) return;
  origin_begins_.push_back(named_.size());
  const double every = 1.0 / static_cast<double>(count);
  std::vector<double> now(count, every), next(count);
  for (int round = 0; round < options.rank_rounds; ++round) {
    std::fill(next.begin(), next.end(), 0);
    double walked = 0;
    for (size_t origin = 0; origin + 1 < origin_begins_.size(); ++origin) {
      const size_t begin = origin_begins_[origin], end = origin_begins_[origin + 1];
      double mass = 0;
      for (size_t i = begin; i < end; ++i) mass += now[named_[i]] / entities_[named_[i]].documents;
      walked += mass;
      for (size_t i = begin; i < end; ++i) next[named_[i]] += mass / static_cast<double>(end - begin);
    }
    // What nobody names, and who starts anew, is anywhere.
    const double anywhere = (1 - options.damping * walked) * every;
    for (size_t i = 0; i < count; ++i) now[i] = anywhere + options.damping * next[i];
  }
  const double highest = *std::max_element(now.begin(), now.end());
  for (size_t i = 0; i < count; ++i) entities_[i].rank = entities_[i].documents == 0 ? 0 : now[i] / highest;
}

}  // namespace rhizome::evolve
