// Which documents are about an entity.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engines/graph/engine_testing.h"

namespace rhizome::graph {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<ChunkId> TitlesOf(TestGraph& graph, const std::string& name,
                              std::optional<int64_t> known_at_ms = std::nullopt) {
  NeighbourQuery query;
  query.entities = {IdOf(name)};
  query.titles_only = true;
  query.facts_max = 0;
  query.times.known_at_ms = known_at_ms;
  const Neighbours found = graph->FindNeighbours(query).value();
  std::vector<ChunkId> chunks;
  for (const Passage& passage : found.entities[0].passages) chunks.push_back(passage.chunk);
  return chunks;
}

uint64_t Titles(TestGraph& graph, const std::string& name) {
  const EntityId id = IdOf(name);
  return graph->Statistics({&id, 1}).value()[0].titles;
}

format::Derivation About(const std::string& name) {
  return Said({{name, "person", 0, 2}, {name, "person", format::kAboutChunk}});
}

TEST(GraphTitles, AreCountedAndTakenAwayWithTheirDocuments) {
  TestGraph graph;
  graph.Apply(
      {Put(At(1), "a", About("ada")), Put(At(2), "b", About("ada")), Put(At(3), "c", Said({{"ada", "person"}}))});
  EXPECT_EQ(Titles(graph, "ada"), 2U);
  graph.Apply({Put(At(4), "a", Said({{"ada", "person"}}))});
  EXPECT_EQ(Titles(graph, "ada"), 1U);
  graph.Apply({Remove(At(5), "b")});
  EXPECT_EQ(Titles(graph, "ada"), 0U);
  EXPECT_THAT(TitlesOf(graph, "ada"), IsEmpty());
}

TEST(GraphTitles, AloneAreWhatAHubIsAskedFor) {
  TestGraph graph;
  std::vector<format::GraphOperation> batch;
  for (int i = 0; i < 50; ++i)
    batch.push_back(Put(At(i + 1), "d" + std::to_string(i), Said({{"ada", "person", 0, 99}})));
  batch.push_back(Put(At(60), "z", About("ada")));
  graph.Apply(std::move(batch));
  EXPECT_THAT(TitlesOf(graph, "ada"), ElementsAre(ChunkId{Named("z"), format::kAboutChunk}));
  graph.Apply({Put(At(70), "z", Said({}))});
  EXPECT_THAT(TitlesOf(graph, "ada"), IsEmpty());
  EXPECT_THAT(TitlesOf(graph, "ada", 65), ElementsAre(ChunkId{Named("z"), format::kAboutChunk}));
}

TEST(GraphTitles, SurviveACrash) {
  TestGraph graph;
  graph.Apply({Put(At(1), "a", About("ada"))});
  graph.CrashAndReplay();
  EXPECT_EQ(Titles(graph, "ada"), 1U);
}

TEST(GraphTitles, OfChunksEntitiesAreToldAndWhetherAllAgreeOnTheType) {
  TestGraph graph;
  graph.Apply({Put(At(1), "a", About("ada")), Put(At(2), "b", Said({{"ada", "work", 3}}))});
  NeighbourQuery query;
  query.chunks = {{Named("b"), 3}};
  const MentionedEntity ada = graph->FindNeighbours(query).value().chunks[0].entities.at(0);
  EXPECT_EQ(ada.titles, 1U);
  EXPECT_FALSE(ada.one_type);
}

TEST(GraphTitles, ARowsNumbersAreReadBackAndAnUnnamedTypeElsewhereIsDamage) {
  StatisticsRow row{{"ada", 2, 2, 3, 0, {{"person", 3}}, 2}, "", ""};
  EXPECT_EQ(DecodeStatistics(EncodeStatistics(row)).value(), row);
  row.statistics.titles = 0;
  row.statistics.types = {{"person", 3}, {"", 2}};
  EXPECT_EQ(DecodeStatistics(EncodeStatistics(row)).status().code(), Code::kCorruption);
  row.statistics.types = {{"", 0}};
  EXPECT_EQ(DecodeStatistics(EncodeStatistics(row)).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::graph
