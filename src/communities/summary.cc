#include "communities/summary.h"

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "communities/sentences.h"
#include "extract/extract.h"
#include "format/entity_name.h"

namespace rhizome::communities {
namespace {

// Half as much for each further one.
std::vector<double> WeightsOf(size_t members) {
  std::vector<double> weights(members);
  for (size_t i = 0; i < members; ++i) weights[i] = 1.0 / static_cast<double>(1 + i);
  return weights;
}

// Chunks that mention most of the members' weight, the best first.
Result<std::vector<graph::ChunkId>> ChooseChunks(const Source& source, std::span<const format::EntityId> members,
                                                 std::span<const double> weights) {
  graph::NeighbourQuery query;
  query.entities.assign(members.begin(), members.end());
  query.passages_max = kPassagesRead;
  query.facts_max = 0;
  ASSIGN_OR_RETURN(const graph::Neighbours found, source.graph->FindNeighbours(query));
  std::map<graph::ChunkId, double> scores;
  for (size_t i = 0; i < found.entities.size(); ++i) {
    for (const graph::Passage& passage : found.entities[i].passages) {
      if (passage.chunk.chunk != extract::kTitleChunk) scores[passage.chunk] += weights[i];
    }
  }
  std::vector<std::pair<double, graph::ChunkId>> order;
  for (const auto& [chunk, score] : scores) order.emplace_back(-score, chunk);
  std::sort(order.begin(), order.end());
  std::vector<graph::ChunkId> chunks;
  for (size_t i = 0; i < order.size() && i < kChunksRead; ++i) chunks.push_back(order[i].second);
  return chunks;
}

Result<std::vector<std::string>> ReadChunks(const Source& source, std::span<const graph::ChunkId> chunks) {
  std::vector<format::PointId> ids;
  for (const graph::ChunkId& chunk : chunks) ids.push_back(format::PointId::OfChunk(chunk.document, chunk.chunk));
  ASSIGN_OR_RETURN(const auto points, source.node.Get(source.collection, ids, false, {}));
  std::vector<std::string> texts;
  for (const auto& point : points) texts.push_back(point ? point->point.text : std::string());
  return texts;
}

}  // namespace

Result<std::vector<Citation>> ChooseSentences(const Source& source, std::span<const format::EntityId> members,
                                              extract::Tokenizer& tokenizer) {
  members = members.first(std::min(members.size(), kMembersRead));
  const std::vector<double> weights = WeightsOf(members.size());
  ASSIGN_OR_RETURN(const auto statistics, source.graph->Statistics(members));
  ASSIGN_OR_RETURN(const auto chunks, ChooseChunks(source, members, weights));
  ASSIGN_OR_RETURN(const auto texts, ReadChunks(source, chunks));
  std::vector<Candidate> candidates;
  std::vector<Citation> places;
  std::vector<std::string> seen;  // what documents share is not said twice
  for (size_t i = 0; i < chunks.size(); ++i) {
    for (const Range& range : SentencesOf(texts[i], tokenizer)) {
      const std::string_view sentence = std::string_view(texts[i]).substr(range.begin, range.length);
      const std::string normal = format::EntityName(sentence);
      Candidate candidate;
      for (uint32_t m = 0; m < members.size(); ++m) {
        if (Speaks(normal, statistics[m].name)) candidate.names.push_back(m);
      }
      if (candidate.names.empty() || std::find(seen.begin(), seen.end(), normal) != seen.end()) continue;
      seen.push_back(normal);
      candidates.push_back(std::move(candidate));
      places.push_back({chunks[i].document, chunks[i].chunk, range.begin, range.length, Checksum(sentence)});
    }
  }
  std::vector<Citation> chosen;
  for (const size_t i : PickCovering(candidates, weights, kSentencesMax)) chosen.push_back(places[i]);
  return chosen;
}

Result<std::vector<std::string>> ReadSentences(const Source& source, std::span<const Citation> citations) {
  std::vector<graph::ChunkId> chunks;
  for (const Citation& citation : citations) chunks.push_back({citation.document, citation.chunk});
  ASSIGN_OR_RETURN(const auto texts, ReadChunks(source, chunks));
  std::vector<std::string> sentences;
  for (size_t i = 0; i < citations.size(); ++i) {
    const Citation& citation = citations[i];
    const bool whole = citation.begin <= texts[i].size() && citation.length <= texts[i].size() - citation.begin;
    std::string sentence = whole ? texts[i].substr(citation.begin, citation.length) : "";
    sentences.push_back(Checksum(sentence) == citation.checksum ? std::move(sentence) : "");
  }
  return sentences;
}

}  // namespace rhizome::communities
