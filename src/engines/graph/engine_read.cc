// Facts, provenance and the neighbours of many entities at once.
#include <algorithm>

#include "engines/graph/reading.h"
#include "engines/graph/unite.h"

namespace rhizome::graph {
namespace {

constexpr uint32_t kFactLimitMax = 10'000;
constexpr size_t kFrontierMax = 65'536;

using Origin = GraphEngine::Reading::Origin;

// Whether a fact is one that the query asks for.
bool Wanted(const FactQuery& query, const PostedFact& posted, const std::string& type) {
  if (query.direction == Direction::kOut && !posted.out) return false;
  if (query.direction == Direction::kIn && !posted.in) return false;
  return query.types.empty() || std::find(query.types.begin(), query.types.end(), type) != query.types.end();
}

// An origin's facts about an entity, heaviest first. Corruption when the origin has no such fact.
Status SortByWeight(std::vector<PostedFact>& facts, const format::Derivation& derivation) {
  for (const PostedFact& fact : facts) {
    if (fact.fact >= derivation.facts.size()) return Status::Corruption("a posting of a fact that is not there");
  }
  std::stable_sort(facts.begin(), facts.end(), [&](const PostedFact& a, const PostedFact& b) {
    return derivation.facts[a.fact].weight > derivation.facts[b.fact].weight;
  });
  return Status::Ok();
}

// The origin of the posting that `stream` is at. Corruption when there is none.
Result<std::shared_ptr<Origin>> OriginOf(GraphEngine::Reading& reading, const PostingStream& stream) {
  ASSIGN_OR_RETURN(std::shared_ptr<Origin> origin, reading.OriginAt(std::string(stream.origin_key())));
  if (origin == nullptr) return Status::Corruption("a posting without its origin");
  return origin;
}

// Adds what one posting has for the page, up to one fact more than the limit.
Status AddFacts(GraphEngine::Reading& reading, const FactQuery& query, const PostingStream& stream,
                const FactPlace& after, FactPage& page) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Origin> origin, OriginOf(reading, stream));
  ASSIGN_OR_RETURN(Posting posting, stream.posting());
  RETURN_IF_ERROR(SortByWeight(posting.facts, origin->derivation));
  for (uint32_t n = 0; n < posting.facts.size() && page.facts.size() <= query.limit; ++n) {
    FactPlace place{std::string(stream.place()), n};
    const PostedFact& posted = posting.facts[n];
    if (place <= after || !Wanted(query, posted, origin->derivation.facts[posted.fact].type)) continue;
    ASSIGN_OR_RETURN(std::optional<FoundFact> fact, reading.FactOf(*origin, posted.fact, query.times.as_of_ms));
    if (!fact) continue;
    fact->place = std::move(place);
    page.facts.push_back(std::move(*fact));
  }
  return Status::Ok();
}

Status AddPassages(const PostingStream& stream, const NeighbourQuery& query, EntityNeighbours& found) {
  ASSIGN_OR_RETURN(const Posting posting, stream.posting());
  if (posting.mentions.empty()) return Status::Ok();
  const Result<format::GraphKey> key = format::ParseGraphKey(stream.origin_key());
  if (!key.ok()) return Status::Corruption("a posting of no origin");
  for (const format::ChunkCount& mention : posting.mentions) {
    if (query.titles_only && mention.chunk != format::kAboutChunk) continue;
    if (found.passages.size() == query.passages_max) {
      found.more_passages = true;
      return Status::Ok();
    }
    found.passages.push_back({{key->origin.id, mention.chunk}, mention.count, std::string(stream.place())});
  }
  return Status::Ok();
}

Status FindOne(GraphEngine::Reading& reading, const NeighbourQuery& query, const StatisticsRow& row,
               EntityNeighbours& found) {
  FactQuery facts{found.entity};
  facts.times = query.times;
  facts.limit = query.facts_max;
  FactPage page;
  PostingStream stream(reading, found.entity, row);
  const auto facts_left = [&] {
    return stream.has_facts() && query.facts_max > 0 && page.facts.size() <= query.facts_max;
  };
  for (uint32_t rows = 0; stream.Valid(); stream.Next(), ++rows) {
    const bool wants_facts = facts_left();
    if (!wants_facts && found.more_passages) break;  // those with facts come first
    const bool all_titles = reading.now() && found.passages.size() >= row.statistics.titles;
    if (!wants_facts && query.titles_only && all_titles) break;
    if (rows == query.rows_max) {
      found.more_passages = true;
      found.more_facts = wants_facts;
      break;
    }
    ASSIGN_OR_RETURN(const bool counts, stream.Counts(reading));
    if (!counts) continue;
    if (wants_facts) RETURN_IF_ERROR(AddFacts(reading, facts, stream, {}, page));
    if (!found.more_passages) RETURN_IF_ERROR(AddPassages(stream, query, found));
  }
  RETURN_IF_ERROR(stream.status());
  found.more_facts = found.more_facts || page.facts.size() > query.facts_max;
  if (page.facts.size() > query.facts_max) page.facts.resize(query.facts_max);
  found.facts = std::move(page.facts);
  return Status::Ok();
}

Status FindMentioned(GraphEngine::Reading& reading, ChunkNeighbours& found) {
  const std::string key = format::GraphKeyOf({GraphOrigin::Kind::kDocument, found.chunk.document});
  ASSIGN_OR_RETURN(const std::shared_ptr<Origin> origin, reading.OriginAt(key));
  if (origin == nullptr) return Status::Ok();
  for (size_t i = 0; i < origin->entities.size(); ++i) {
    const format::DerivedEntity& entity = origin->derivation.entities[i];
    const auto mention =
        std::lower_bound(entity.mentions.begin(), entity.mentions.end(), found.chunk.chunk,
                         [](const format::ChunkCount& at, uint32_t chunk) { return at.chunk < chunk; });
    if (mention == entity.mentions.end() || mention->chunk != found.chunk.chunk) continue;
    found.entities.push_back({{origin->entities[i], entity.name}, entity.type, mention->count, 0});
  }
  return Status::Ok();
}

}  // namespace

Result<FactPage> GraphEngine::Facts(const FactQuery& query) const {
  if (query.limit == 0 || query.limit > kFactLimitMax) {
    return Status::InvalidArgument("limit", "must be from 1 to " + std::to_string(kFactLimitMax));
  }
  FactPlace after;
  if (!query.after.empty()) {
    ASSIGN_OR_RETURN(after, FactPlace::Decode(query.after));
  }
  Reading reading(*this, query.times.known_at_ms);
  FactPage page;
  ASSIGN_OR_RETURN(PostingStream stream, PostingStream::Open(reading, query.entity, after.origin));
  uint32_t rows = 0;
  FactPlace reached;  // everything up to it has been looked at
  for (; stream.Valid() && stream.has_facts() && page.facts.size() <= query.limit; stream.Next()) {
    // The origin where the page before ended is no progress.
    if (stream.place() != after.origin && rows++ == std::max<uint32_t>(query.rows_max, 1)) {
      page.next = reached.Encode();
      return page;
    }
    ASSIGN_OR_RETURN(const bool counts, stream.Counts(reading));
    if (counts) RETURN_IF_ERROR(AddFacts(reading, query, stream, after, page));
    reached = {std::string(stream.place()), UINT32_MAX};
  }
  RETURN_IF_ERROR(stream.status());
  if (page.facts.size() > query.limit) {
    page.facts.resize(query.limit);
    page.next = page.facts.back().place.Encode();
  }
  return page;
}

Result<std::optional<FoundFact>> GraphEngine::FindFact(const FactId& id, const Times& times) const {
  Reading reading(*this, times.known_at_ms);
  const size_t table_bytes = TablePrefix(prefix_, Table::kRegisters).size();
  for (const char kind : {'d', 'f'}) {
    std::string prefix(1, kind);
    prefix += EntityId{id.origin, 0}.Encode().substr(0, sizeof(uint64_t));
    kv::Cursor cursor = reading.Scan(Table::kRegisters, prefix);
    for (; cursor.Valid(); cursor.Next()) {
      ASSIGN_OR_RETURN(const auto origin, reading.OriginAt(std::string(cursor.key().substr(table_bytes))));
      if (origin == nullptr) continue;
      for (uint32_t i = 0; i < origin->derivation.facts.size(); ++i) {
        if (origin->derivation.IdOf(origin->id, i) == id) return reading.FactOf(*origin, i, times.as_of_ms);
      }
    }
    RETURN_IF_ERROR(cursor.status());
  }
  return std::optional<FoundFact>();
}

Result<Neighbours> GraphEngine::FindNeighbours(const NeighbourQuery& query) const {
  for (const auto& [field, size] :
       {std::pair("entities", query.entities.size()), std::pair("chunks", query.chunks.size())}) {
    if (size > kFrontierMax) {
      return Status::InvalidArgument(field, "are more than " + std::to_string(kFrontierMax));
    }
  }
  Reading reading(*this, query.times.known_at_ms);
  Neighbours found;
  ASSIGN_OR_RETURN(const auto statistics, reading.Statistics(query.entities));
  for (size_t i = 0; i < query.entities.size(); ++i) {
    EntityNeighbours& one =
        found.entities.emplace_back(EntityNeighbours{query.entities[i], statistics[i].statistics.documents});
    if (reading.now() && statistics[i].statistics.origins == 0) continue;
    RETURN_IF_ERROR(FindOne(reading, query, statistics[i], one));
  }
  for (const ChunkId& chunk : query.chunks) {
    RETURN_IF_ERROR(FindMentioned(reading, found.chunks.emplace_back(ChunkNeighbours{chunk, {}})));
  }
  const std::vector<EntityId> mentioned = MentionedBy(found);
  ASSIGN_OR_RETURN(const auto rows, reading.Statistics(mentioned));
  std::vector<EntityStatistics> numbers;
  for (const StatisticsRow& row : rows) numbers.push_back(row.statistics);
  UniteFrequencies(mentioned, numbers, found);
  return found;
}

Result<std::optional<format::Derivation>> GraphEngine::FindDerivation(const GraphOrigin& origin,
                                                                      std::optional<int64_t> known_at_ms) const {
  Reading reading(*this, known_at_ms);
  ASSIGN_OR_RETURN(const auto found, reading.OriginAt(format::GraphKeyOf(origin)));
  if (found == nullptr) return std::optional<format::Derivation>();
  return std::optional<format::Derivation>(found->derivation);
}

}  // namespace rhizome::graph
