#include "engines/graph/unite.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "engines/graph/rows.h"

namespace rhizome::graph {
namespace {

template <typename T>
void Newer(Versioned<T>& kept, const Versioned<T>& other) {
  if (other.version > kept.version) kept = other;
}

void Add(Entity& kept, const Entity& other) {
  // The surface of the shard where more documents name it; of as many, the smaller.
  const auto rank = [](const Entity& entity) {
    return std::pair(entity.surface.empty() ? 0 : entity.statistics.origins, entity.surface);
  };
  const auto [kept_origins, kept_surface] = rank(kept);
  const auto [origins, surface] = rank(other);
  if (origins > kept_origins || (origins == kept_origins && surface < kept_surface)) kept.surface = surface;
  kept.statistics = Unite(kept.statistics, other.statistics);
  std::set<std::string> aliases(kept.aliases.begin(), kept.aliases.end());
  aliases.insert(other.aliases.begin(), other.aliases.end());
  kept.aliases.assign(aliases.begin(), aliases.end());
  Newer(kept.description, other.description);
  Newer(kept.importance, other.importance);
  Newer(kept.critical, other.critical);
  Newer(kept.state, other.state);
  std::map<uint32_t, Access> accesses;
  for (const std::vector<Access>* counts : {&std::as_const(kept.accesses), &other.accesses}) {
    for (const Access& access : *counts) {
      Access& known = accesses.try_emplace(access.node, access).first->second;
      known = std::max(known, access);
    }
  }
  kept.accesses.clear();
  for (const auto& [node, access] : accesses) kept.accesses.push_back(access);
}

bool ByPlace(const FoundFact& a, const FoundFact& b) { return a.place < b.place; }

bool ByRank(const Passage& a, const Passage& b) {
  return std::tie(a.rank, a.chunk.chunk) < std::tie(b.rank, b.chunk.chunk);
}

}  // namespace

EntityStatistics Unite(const EntityStatistics& a, const EntityStatistics& b) {
  EntityStatistics all = a;
  if (all.name.empty()) all.name = b.name;
  all.documents += b.documents;
  all.origins += b.origins;
  all.mentions += b.mentions;
  all.facts += b.facts;
  all.titles += b.titles;
  std::map<std::string, uint64_t> types(a.types.begin(), a.types.end());
  for (const auto& [type, votes] : b.types) types[type] += votes;
  all.types.assign(types.begin(), types.end());
  return all;
}

std::vector<EntityStatistics> UniteStatistics(std::span<const std::vector<EntityStatistics>> parts) {
  std::vector<EntityStatistics> all;
  for (const auto& part : parts) {
    all.resize(std::max(all.size(), part.size()));
    for (size_t i = 0; i < part.size(); ++i) all[i] = Unite(all[i], part[i]);
  }
  return all;
}

std::vector<std::optional<Entity>> UniteEntities(std::span<const std::vector<std::optional<Entity>>> parts) {
  std::vector<std::optional<Entity>> all;
  for (const auto& part : parts) {
    all.resize(std::max(all.size(), part.size()));
    for (size_t i = 0; i < part.size(); ++i) {
      if (!part[i]) continue;
      if (all[i]) {
        Add(*all[i], *part[i]);
      } else {
        all[i] = part[i];
      }
    }
  }
  return all;
}

EventPage UniteEvents(std::span<const EventPage> parts, uint32_t limit) {
  const auto place = [](const format::PutEvent& event) {
    return EventPlaceOf(event.entity, event.at_ms, event.number);
  };
  EventPage all;
  bool more = false;
  for (const EventPage& part : parts) {
    more = more || !part.next.empty();
    all.events.insert(all.events.end(), part.events.begin(), part.events.end());
  }
  std::sort(all.events.begin(), all.events.end(),
            [&](const format::PutEvent& a, const format::PutEvent& b) { return place(a) < place(b); });
  if (all.events.size() > limit) {
    all.events.resize(limit);
    more = true;
  }
  // What a part has left is behind its page's end, and the whole page ends no later.
  if (more && !all.events.empty()) all.next = place(all.events.back());
  return all;
}

// Behind the end of a page that is not the last of its shard there may be more that belongs before what others gave.
FactPage UniteFacts(std::vector<FactPage> parts, uint32_t limit) {
  FactPage all;
  std::optional<FactPlace> end;
  for (FactPage& part : parts) {
    if (!part.next.empty()) {
      const Result<FactPlace> place = FactPlace::Decode(part.next);
      CHECK(place.ok());  // an engine wrote it
      if (!end || *place < *end) end = *place;
    }
    std::move(part.facts.begin(), part.facts.end(), std::back_inserter(all.facts));
  }
  std::sort(all.facts.begin(), all.facts.end(), ByPlace);
  if (end) {
    std::erase_if(all.facts, [&](const FoundFact& fact) { return fact.place > *end; });
    all.next = end->Encode();
  }
  if (all.facts.size() > limit) {
    all.facts.resize(limit);
    all.next = all.facts.back().place.Encode();
  }
  return all;
}

NamePage UniteNames(std::span<const NamePage> parts, uint32_t limit) {
  std::map<std::pair<std::string, EntityId>, bool> entries;
  std::string end;
  for (const NamePage& part : parts) {
    if (!part.next.empty() && (end.empty() || part.next < end)) end = part.next;
    for (const NameEntry& entry : part.entries) {
      const auto [known, fresh] = entries.try_emplace({entry.name, entry.entity}, entry.alias);
      if (!fresh) known->second = known->second && entry.alias;
    }
  }
  NamePage page;
  for (const auto& [key, alias] : entries) {
    const std::string place = key.first + std::string(1, '\0') + key.second.Encode();
    if (!end.empty() && place > end) break;
    if (page.entries.size() == limit) {
      const NameEntry& last = page.entries.back();
      end = last.name + std::string(1, '\0') + last.entity.Encode();
      break;
    }
    page.entries.push_back({key.first, key.second, alias});
  }
  page.next = end;
  return page;
}

Neighbours UniteNeighbours(std::vector<Neighbours> parts, const NeighbourQuery& query) {
  Neighbours all;
  for (const EntityId& id : query.entities) all.entities.push_back({id});
  for (const ChunkId& chunk : query.chunks) all.chunks.push_back({chunk, {}});
  for (Neighbours& part : parts) {
    CHECK(part.entities.size() == query.entities.size() && part.chunks.size() == query.chunks.size());
    for (size_t i = 0; i < part.entities.size(); ++i) {
      EntityNeighbours& from = part.entities[i];
      EntityNeighbours& to = all.entities[i];
      to.documents += from.documents;
      to.more_passages = to.more_passages || from.more_passages;
      to.more_facts = to.more_facts || from.more_facts;
      std::move(from.passages.begin(), from.passages.end(), std::back_inserter(to.passages));
      std::move(from.facts.begin(), from.facts.end(), std::back_inserter(to.facts));
    }
    for (size_t i = 0; i < part.chunks.size(); ++i) {
      if (!part.chunks[i].entities.empty()) all.chunks[i].entities = std::move(part.chunks[i].entities);
    }
  }
  for (EntityNeighbours& one : all.entities) {
    std::sort(one.passages.begin(), one.passages.end(), ByRank);
    std::sort(one.facts.begin(), one.facts.end(), ByPlace);
    one.more_passages = one.more_passages || one.passages.size() > query.passages_max;
    one.more_facts = one.more_facts || one.facts.size() > query.facts_max;
    if (one.passages.size() > query.passages_max) one.passages.resize(query.passages_max);
    if (one.facts.size() > query.facts_max) one.facts.resize(query.facts_max);
  }
  return all;
}

std::vector<EntityId> MentionedBy(const Neighbours& neighbours) {
  std::vector<EntityId> ids;
  for (const ChunkNeighbours& chunk : neighbours.chunks) {
    for (const MentionedEntity& mentioned : chunk.entities) ids.push_back(mentioned.entity.id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

void UniteFrequencies(std::span<const EntityId> ids, std::span<const EntityStatistics> statistics,
                      Neighbours& neighbours) {
  CHECK(ids.size() == statistics.size());
  std::unordered_map<EntityId, const EntityStatistics*, format::EntityIdHash> by_id;
  for (size_t i = 0; i < ids.size(); ++i) by_id[ids[i]] = &statistics[i];
  for (ChunkNeighbours& chunk : neighbours.chunks) {
    for (MentionedEntity& mentioned : chunk.entities) {
      const auto known = by_id.find(mentioned.entity.id);
      if (known != by_id.end()) mentioned.Take(*known->second);
    }
  }
}

}  // namespace rhizome::graph
