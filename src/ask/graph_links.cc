#include "ask/graph_links.h"

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "engines/graph/classes.h"
#include "format/entity_name.h"
#include "memory/derive.h"
#include "recall/passage_graph.h"

namespace rhizome::ask {
namespace {

using graph::ChunkId;
using graph::EntityId;

// Of one entity that is no hub; whoever is in more chunks than that leads to the strongest.
constexpr uint32_t kChunksMax = 4096;

// What several names of one entity bring twice.
void OncePerPassage(std::vector<recall::PassageLink>& links) {
  std::ranges::sort(links, {}, [](const recall::PassageLink& link) { return std::pair(link.passage, !link.is_title); });
  const auto rest = std::ranges::unique(links, {}, &recall::PassageLink::passage);
  links.erase(rest.begin(), rest.end());
}

}  // namespace

GraphLinks::GraphLinks(const shard::GraphShards& graph, std::optional<int64_t> known_at_ms,
                       const recall::WalkOptions& walk)
    : graph_(graph), known_at_ms_(known_at_ms), walk_(walk), documents_(graph.counts().documents) {}

uint64_t GraphLinks::NumberOf(const ChunkId& chunk) {
  return Checksum(chunk.document.Encode(), uint64_t{chunk.chunk} + 1);
}

uint64_t GraphLinks::Know(const ChunkId& chunk) {
  const uint64_t number = NumberOf(chunk);
  chunks_.try_emplace(number, chunk);
  return number;
}

uint64_t GraphLinks::Know(const EntityId& id, uint64_t documents) {
  entities_.try_emplace(id.low, Met{id, documents});
  return id.low;
}

const ChunkId* GraphLinks::Find(uint64_t passage) const {
  const auto found = chunks_.find(passage);
  return found == chunks_.end() ? nullptr : &found->second;
}

Result<std::vector<std::vector<EntityId>>> GraphLinks::MembersOf(std::span<const EntityId> ids) const {
  std::vector<std::vector<EntityId>> members;
  ASSIGN_OR_RETURN(const bool merged, graph_.HasMerges());
  if (!merged) {
    for (const EntityId& id : ids) members.push_back({id});
    return members;
  }
  graph::EntityClasses classes;
  for (std::vector<EntityId> ask(ids.begin(), ids.end()); !ask.empty(); ask = classes.TakeUnasked()) {
    ASSIGN_OR_RETURN(const auto edges, graph_.MergesAt(ask, known_at_ms_));
    classes.Add(ask, edges);
  }
  for (const EntityId& id : ids) members.push_back(classes.MembersOf(id));
  return members;
}

Result<std::vector<recall::Weighted>> GraphLinks::QueryEntities(std::span<const extract::Entity> entities) {
  std::map<EntityId, bool> asked;  // whether it is a phrase
  for (const extract::Entity& entity : entities) {
    const auto ask = [&](std::string_view name) {
      const auto [known, fresh] = asked.try_emplace(format::EntityIdOf(name), entity.is_phrase);
      known->second = known->second && entity.is_phrase;
    };
    ask(entity.key);
    for (const std::string& alias : entity.aliases) ask(format::EntityName(alias));
  }
  std::vector<EntityId> ids;
  for (const auto& [id, is_phrase] : asked) ids.push_back(id);
  ASSIGN_OR_RETURN(const auto statistics, graph_.Statistics(ids));
  std::vector<recall::Weighted> known;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (statistics[i].documents == 0) continue;
    known.push_back({Know(ids[i], statistics[i].documents),
                     recall::QueryWeight(documents_, statistics[i].documents, asked[ids[i]])});
  }
  std::ranges::sort(known, {}, &recall::Weighted::id);
  return known;
}

recall::Expander GraphLinks::expander() {
  return {[this](std::span<const uint64_t> passages) { return FromPassages(passages); },
          [this](std::span<const uint64_t> entities) { return FromEntities(entities); }};
}

Result<std::vector<std::vector<recall::EntityLink>>> GraphLinks::FromPassages(std::span<const uint64_t> passages) {
  graph::NeighbourQuery query;
  query.times.known_at_ms = known_at_ms_;
  std::map<format::PointId, size_t> abouts;  // where a document's is in the query
  for (const uint64_t passage : passages) {
    const ChunkId* const chunk = Find(passage);
    query.chunks.push_back(chunk == nullptr ? ChunkId() : *chunk);
  }
  for (const uint64_t passage : passages) {
    const ChunkId* const chunk = Find(passage);
    if (chunk == nullptr) continue;
    const bool fresh = abouts.try_emplace(chunk->document, query.chunks.size()).second;
    if (fresh) query.chunks.push_back({chunk->document, format::kAboutChunk});
  }
  ASSIGN_OR_RETURN(const graph::Neighbours found, graph_.FindNeighbours(query));
  std::vector<std::vector<recall::EntityLink>> links;
  for (size_t i = 0; i < passages.size(); ++i) {
    const auto about = abouts.find(query.chunks[i].document);
    links.push_back(LinksOf(found.chunks[i], about == abouts.end() ? nullptr : &found.chunks[about->second]));
  }
  return links;
}

std::vector<recall::EntityLink> GraphLinks::LinksOf(const graph::ChunkNeighbours& own,
                                                    const graph::ChunkNeighbours* about) {
  std::vector<recall::EntityLink> links;
  const auto add = [&](const graph::MentionedEntity& mentioned, uint32_t count) {
    if (mentioned.type == extract::EntityTypeName(extract::EntityType::kNumber)) return;
    const uint64_t number = Know(mentioned.entity.id, mentioned.documents);
    const auto documents = static_cast<uint32_t>(std::min<uint64_t>(mentioned.documents, UINT32_MAX));
    const bool is_phrase = mentioned.one_type && mentioned.type == memory::kPhraseType;
    links.push_back({number, count, documents, mentioned.titles > 0, is_phrase});
  };
  for (const graph::MentionedEntity& mentioned : own.entities) add(mentioned, mentioned.count);
  if (about == nullptr) return links;
  const size_t of_text = links.size();
  for (const graph::MentionedEntity& mentioned : about->entities) {
    const auto end = links.begin() + static_cast<std::ptrdiff_t>(of_text);
    const auto known =
        std::find_if(links.begin(), end, [&](const auto& l) { return l.entity == mentioned.entity.id.low; });
    if (known != end) {
      known->mentions += own.chunk.chunk == 0 ? mentioned.count : 0;
    } else {
      add(mentioned, mentioned.count);
    }
  }
  return links;
}

Result<std::vector<std::vector<recall::PassageLink>>> GraphLinks::FromEntities(std::span<const uint64_t> entities) {
  std::vector<EntityId> ids;
  for (const uint64_t entity : entities) {
    const auto met = entities_.find(entity);
    ids.push_back(met == entities_.end() ? EntityId{} : met->second.id);
  }
  ASSIGN_OR_RETURN(const auto members, MembersOf(ids));
  graph::NeighbourQuery all, titles;
  all.times.known_at_ms = titles.times.known_at_ms = known_at_ms_;
  all.passages_max = titles.passages_max = kChunksMax;
  all.facts_max = titles.facts_max = 0;
  titles.titles_only = true;
  std::vector<size_t> of_all, of_titles;  // for which of `entities`
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto met = entities_.find(entities[i]);
    const bool hub = met != entities_.end() && met->second.documents > walk_.hub_passages_max;
    for (const EntityId& id : members[i]) {
      (hub ? titles : all).entities.push_back(id);
      (hub ? of_titles : of_all).push_back(i);
    }
  }
  std::vector<std::vector<recall::PassageLink>> links(entities.size());
  for (const auto& [query, of] : {std::pair(&all, &of_all), std::pair(&titles, &of_titles)}) {
    if (query->entities.empty()) continue;
    ASSIGN_OR_RETURN(const graph::Neighbours found, graph_.FindNeighbours(*query));
    for (size_t i = 0; i < of->size(); ++i) AddLinks(found.entities[i], links[(*of)[i]]);
  }
  for (size_t i = 0; i < links.size(); ++i) {
    if (members[i].size() > 1) OncePerPassage(links[i]);
  }
  return links;
}

// A document's chunks follow each other; the last one says whether it is about the entity.
void GraphLinks::AddLinks(const graph::EntityNeighbours& found, std::vector<recall::PassageLink>& links) {
  for (size_t i = 0; i < found.passages.size();) {
    size_t end = i + 1;
    while (end < found.passages.size() && found.passages[end].chunk.document == found.passages[i].chunk.document) ++end;
    const bool about = found.passages[end - 1].chunk.chunk == format::kAboutChunk;
    if (about) links.push_back({Know(ChunkId{found.passages[i].chunk.document, 0}), true});
    for (size_t n = i; n < end; ++n) {
      const ChunkId& chunk = found.passages[n].chunk;
      if (chunk.chunk == format::kAboutChunk || (about && chunk.chunk == 0)) continue;
      links.push_back({Know(chunk), false});
    }
    i = end;
  }
}

}  // namespace rhizome::ask
