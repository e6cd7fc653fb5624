#include "format/derivation_builder.h"

#include <algorithm>
#include <tuple>

#include "format/coding.h"
#include "format/entity_name.h"

namespace rhizome::format {
namespace {

template <typename Votes>
std::string Most(const Votes& votes) {
  auto best = votes.begin();
  if (best == votes.end()) return {};
  for (auto it = votes.begin(); it != votes.end(); ++it) {
    if (it->second > best->second) best = it;
  }
  return best->first;
}

}  // namespace

std::optional<DerivationBuilder::Handle> DerivationBuilder::Entity(std::string_view surface, std::string_view type) {
  const std::string name = EntityName(surface);
  return name.empty() ? std::nullopt : std::optional<Handle>(Known(name, surface, type));
}

DerivationBuilder::Handle DerivationBuilder::Known(std::string_view name, std::string_view surface,
                                                   std::string_view type) {
  auto found = names_.find(name);
  if (found == names_.end()) {
    found = names_.emplace(name, static_cast<Handle>(entities_.size())).first;
    entities_.emplace_back();
  }
  Named& entity = entities_[found->second];
  if (!surface.empty()) entity.surfaces.try_emplace(std::string(surface), 0);
  if (!type.empty()) entity.types.try_emplace(std::string(type), 0);
  return found->second;
}

void DerivationBuilder::Count(Handle entity, uint32_t chunk, uint32_t count) {
  if (count == 0) return;
  uint32_t& known = entities_.at(entity).chunks[chunk];
  known += std::min(count, UINT32_MAX - known);
}

std::optional<DerivationBuilder::Handle> DerivationBuilder::Mention(std::string_view surface, std::string_view type,
                                                                    uint32_t chunk, uint32_t count) {
  const std::optional<Handle> handle = Entity(surface, type);
  if (!handle) return handle;
  Named& entity = entities_[*handle];
  entity.surfaces.find(surface)->second += count;
  if (!type.empty()) entity.types.find(type)->second += count;
  Count(*handle, chunk, count);
  return handle;
}

void DerivationBuilder::Alias(Handle entity, std::string_view alias) {
  std::string name = EntityName(alias);
  const auto known = names_.find(name);
  if (name.empty() || (known != names_.end() && known->second == entity)) return;
  entities_.at(entity).aliases.insert(std::move(name));
}

void DerivationBuilder::AddFact(const Fact& fact) {
  const FactKey key{{fact.source, fact.target}, {fact.type, fact.valid_from}};
  const DerivedFact value{fact.source,     fact.target,     fact.type,        fact.weight,
                          fact.confidence, fact.valid_from, fact.valid_until, {}};
  DerivedFact& kept = facts_.try_emplace(key, value).first->second;
  kept.weight = std::max(kept.weight, fact.weight);
  kept.confidence = std::max(kept.confidence, fact.confidence);
  kept.valid_until = std::max(kept.valid_until, fact.valid_until);
  if (!fact.chunk) return;
  const auto place = std::lower_bound(kept.chunks.begin(), kept.chunks.end(), *fact.chunk);
  if (place == kept.chunks.end() || *place != *fact.chunk) kept.chunks.insert(place, *fact.chunk);
}

Derivation DerivationBuilder::Build() const {
  Derivation built;
  std::vector<uint32_t> positions(entities_.size());
  for (const auto& [name, handle] : names_) {
    positions[handle] = static_cast<uint32_t>(built.entities.size());
    const Named& known = entities_[handle];
    DerivedEntity& entity = built.entities.emplace_back(DerivedEntity{name, Most(known.surfaces), Most(known.types)});
    for (const std::string& alias : known.aliases) {
      if (alias != name) entity.aliases.push_back(alias);
    }
    for (const auto& [chunk, count] : known.chunks) entity.mentions.push_back({chunk, count});
  }
  for (const auto& [key, fact] : facts_) {
    built.facts.push_back(fact);
    built.facts.back().source = positions[fact.source];
    built.facts.back().target = positions[fact.target];
  }
  std::sort(built.facts.begin(), built.facts.end(), [](const DerivedFact& a, const DerivedFact& b) {
    return std::tie(a.source, a.type, a.target, a.valid_from) < std::tie(b.source, b.type, b.target, b.valid_from);
  });
  return built;
}

PutDerivation PutFactOf(const PointId& id, const ClientFact& fact) {
  DerivationBuilder builder;
  const auto source = builder.Entity(fact.source, fact.source_type);
  const auto target = builder.Entity(fact.target, fact.target_type);
  if (source && target) {
    builder.AddFact({*source, fact.type, *target, fact.weight, fact.confidence, fact.valid_from, fact.valid_until});
  }
  return {{GraphOrigin::Kind::kFact, id}, builder.Build()};
}

PointId DerivedFactId(const ClientFact& fact) {
  std::string bytes;
  PutBytes(bytes, EntityName(fact.source));
  PutBytes(bytes, fact.type);
  PutBytes(bytes, EntityName(fact.target));
  PutI64(bytes, fact.valid_from);
  return PointId(Uuid::FromName(bytes));
}

}  // namespace rhizome::format
