#include "memory/derive.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <vector>

#include "engines/graph/validation.h"
#include "format/derivation_builder.h"
#include "format/entity_name.h"

namespace rhizome::memory {
namespace {

// A noun phrase is no name of anything; whoever reads the graph wants to tell them apart.
std::string_view TypeOf(const extract::Entity& entity) {
  return entity.is_phrase ? kPhraseType : extract::EntityTypeName(entity.type);
}

using Handles = std::vector<std::optional<format::DerivationBuilder::Handle>>;

// Which entities there is room for, the most mentioned first.
std::vector<bool> Kept(const extract::Extraction& extraction) {
  const size_t count = extraction.entities.size();
  std::vector<bool> kept(count, true);
  if (count <= graph::kEntitiesMax) return kept;
  std::vector<uint64_t> mentions(count, 0);
  for (const extract::Mention& mention : extraction.mentions) mentions[mention.entity] += mention.count;
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return mentions[a] > mentions[b]; });
  for (size_t i = graph::kEntitiesMax; i < count; ++i) kept[order[i]] = false;
  return kept;
}

Handles AddEntities(const extract::Extraction& extraction, format::DerivationBuilder& builder) {
  const std::vector<bool> kept = Kept(extraction);
  Handles handles(extraction.entities.size());
  for (size_t i = 0; i < extraction.entities.size(); ++i) {
    const extract::Entity& entity = extraction.entities[i];
    if (!kept[i] || entity.name.size() > graph::kNameBytesMax) continue;
    handles[i] = builder.Entity(entity.name, TypeOf(entity));
    if (!handles[i]) continue;
    const size_t aliases = std::min(entity.aliases.size(), graph::kAliasesMax);
    for (size_t a = 0; a < aliases; ++a) {
      if (entity.aliases[a].size() <= graph::kNameBytesMax) builder.Alias(*handles[i], entity.aliases[a]);
    }
  }
  return handles;
}

// What stands in the title and is not what the document is about counts as said where it begins.
uint32_t ChunkOf(const extract::Mention& mention, const extract::Entity& entity) {
  if (mention.chunk != extract::kTitleChunk) return mention.chunk;
  return entity.is_title ? format::kAboutChunk : 0;
}

// A document is about its title's other names, too: whoever mentions one of them leads here.
void AddTitleAliases(const extract::Extraction& extraction, const Handles& handles,
                     format::DerivationBuilder& builder) {
  for (size_t i = 0; i < extraction.entities.size(); ++i) {
    const extract::Entity& entity = extraction.entities[i];
    if (!entity.is_title || !handles[i]) continue;
    const size_t aliases = std::min(entity.aliases.size(), graph::kAliasesMax);
    if (extraction.entities.size() + aliases > graph::kEntitiesMax) continue;  // no room for what nobody wrote
    for (size_t a = 0; a < aliases; ++a) {
      if (entity.aliases[a].size() > graph::kNameBytesMax || format::EntityName(entity.aliases[a]) == entity.key)
        continue;
      builder.Mention(entity.aliases[a], TypeOf(entity), format::kAboutChunk);
    }
  }
}

void AddMentions(const extract::Extraction& extraction, const Handles& handles, format::DerivationBuilder& builder) {
  std::map<uint32_t, size_t> in_chunk;
  size_t in_all = 0;
  for (const extract::Mention& mention : extraction.mentions) {
    if (!handles[mention.entity] || in_all == graph::kMentionsMax) continue;
    size_t& here = in_chunk[mention.chunk];
    if (here == graph::kChunkMentionsMax) continue;
    ++here;
    ++in_all;
    const extract::Entity& entity = extraction.entities[mention.entity];
    builder.Mention(entity.name, TypeOf(entity), ChunkOf(mention, entity), mention.count);
  }
}

}  // namespace

format::Derivation DerivationOf(const extract::Extraction& extraction) {
  format::DerivationBuilder builder;
  const Handles handles = AddEntities(extraction, builder);
  AddMentions(extraction, handles, builder);
  AddTitleAliases(extraction, handles, builder);
  size_t facts = 0;
  for (const extract::Relation& relation : extraction.relations) {
    const auto source = handles[relation.source], target = handles[relation.target];
    if (!source || !target || facts == graph::kFactsMax) continue;
    ++facts;
    format::DerivationBuilder::Fact fact{*source, std::string(relation.type), *target};
    fact.confidence = relation.confidence;
    fact.valid_from = relation.valid_from_ms.value_or(format::kAlways);
    fact.valid_until = relation.valid_until_ms.value_or(format::kForever);
    fact.chunk = relation.chunk;
    builder.AddFact(fact);
  }
  return builder.Build();
}

}  // namespace rhizome::memory
