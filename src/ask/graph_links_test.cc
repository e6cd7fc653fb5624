#include "ask/graph_links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ask/memory_testing.h"
#include "format/entity_name.h"
#include "recall/passage_graph.h"

namespace rhizome::ask {
namespace {

using testing::UnorderedElementsAre;

// Films, their makers and places; titles with other names, names without titles, numbers and phrases.
const std::vector<Said>& Corpus() {
  static const auto* const corpus = new std::vector<Said>{
      {"leland", "Leland, North Carolina", "Leland is a town. The movie Maximum Overdrive was shot there in 1986."},
      {"overdrive", "Maximum Overdrive", "It was directed by Stephen King. Emilio Estevez plays the lead."},
      {"king", "Stephen King", "Stephen King is an American author. He was born in Portland, Maine."},
      {"portland", "Portland, Maine", "Portland is a city of 68,408 people. The lobster trade made it rich."},
      {"estevez", "Emilio Estevez", "Emilio Estevez is an American actor. He starred in The Breakfast Club."},
      {"club", "The Breakfast Club", "The Breakfast Club was written by John Hughes. Estevez is in it."},
      {"mercury", "Mercury (planet)", "It orbits the Sun. Its diameter is 4,880 kilometres."},
      {"solar", "Solar System", "The innermost planet of the Sun is Mercury there. The lobster trade is elsewhere."},
      {"hughes", "", "John Hughes lived in Chicago. The lobster trade bored him."},
      {"lobster", "Lobster", "The lobster trade of Maine is old. Stephen King wrote of it."}};
  return *corpus;
}

class Links : public testing::Test {
 protected:
  void Learn() {
    memory_.Create("films");
    memory_.Learn("films", Corpus());
    graph_ = memory_.Graph("films");
  }
  static graph::ChunkId Chunk(const std::string& document, uint32_t chunk = 0) {
    return {format::PointId::FromString(document).value(), chunk};
  }
  static graph::EntityId Entity(const std::string& name) { return format::EntityIdOf(format::EntityName(name)); }

  // Of an entity, as the walk gets them; documents only.
  std::vector<std::string> PassagesOf(const std::string& name, const recall::WalkOptions& options = {},
                                      std::optional<int64_t> known_at_ms = std::nullopt) {
    GraphLinks links(*graph_, known_at_ms, options);
    extract::Entity entity;
    entity.key = format::EntityName(name);
    if (links.QueryEntities({&entity, 1}).value().empty()) return {};
    std::vector<std::string> documents;
    const uint64_t number = Entity(name).low;
    const auto found = links.expander().entities({&number, 1}).value();
    for (const recall::PassageLink& link : found[0]) {
      documents.push_back(links.Find(link.passage)->document.ToString() + (link.is_title ? "!" : ""));
    }
    return documents;
  }

  TestMemory memory_;
  std::shared_ptr<shard::GraphShards> graph_;
};

TEST_F(Links, TheWalkIsTheSameAsOverTheGraphInMemory) {
  Learn();
  recall::PassageGraph in_memory;
  extract::Extractor extractor;
  for (const Said& said : Corpus()) in_memory.Add(extractor.Extract(said.title, said.text));
  in_memory.Seal();
  for (const char* const question : {"Who directed the film shot in Leland, North Carolina?", "How far is Mercury?",
                                     "Where was the author of Maximum Overdrive born?", "the lobster trade"}) {
    SCOPED_TRACE(question);
    const auto entities = extractor.ExtractQuery(question);
    for (size_t start = 0; start < Corpus().size(); ++start) {
      const recall::Weighted from{start, 1};
      recall::Walk expected({}, in_memory.passages(), {&from, 1}, in_memory.QueryEntities(entities));
      ASSERT_TRUE(recall::Complete(expected, in_memory.expander()).ok());

      GraphLinks links(*graph_, std::nullopt);
      EXPECT_EQ(links.passages(), in_memory.passages());
      const recall::Weighted same{links.Know(Chunk(Corpus()[start].id)), 1};
      recall::Walk walk({}, links.passages(), {&same, 1}, links.QueryEntities(entities).value());
      ASSERT_TRUE(recall::Complete(walk, links.expander()).ok());

      std::map<std::string, std::pair<double, double>> arrived, wanted;
      for (const recall::Arrival& one : walk.Arrivals()) {
        arrived[links.Find(one.passage)->document.ToString()] = {one.visits, one.arrived};
      }
      for (const recall::Arrival& one : expected.Arrivals()) {
        wanted[Corpus()[one.passage].id] = {one.visits, one.arrived};
      }
      ASSERT_EQ(arrived.size(), wanted.size());
      for (const auto& [document, mass] : wanted) {
        ASSERT_TRUE(arrived.contains(document)) << document;
        EXPECT_NEAR(arrived[document].first, mass.first, 1e-9) << document;
        EXPECT_NEAR(arrived[document].second, mass.second, 1e-9) << document;
      }
    }
  }
}

TEST_F(Links, ATitlesOtherNameLeadsToItsDocument) {
  Learn();
  EXPECT_THAT(PassagesOf("Mercury"), UnorderedElementsAre("mercury!", "solar"));
}

TEST_F(Links, AHubLeadsToDocumentsAboutItOnly) {
  Learn();
  recall::WalkOptions options;
  options.hub_passages_max = 2;
  EXPECT_THAT(PassagesOf("Stephen King", options), UnorderedElementsAre("king!"));
  EXPECT_THAT(PassagesOf("lobster trade", options), UnorderedElementsAre());
  EXPECT_THAT(PassagesOf("Stephen King"), UnorderedElementsAre("king!", "overdrive", "lobster"));
}

TEST_F(Links, EntitiesThatAreOneAreWalkedAsOneUntilThatIsTakenBack) {
  memory_.Create("films");
  memory_.Learn("films", {{"a", "", "Samuel Clemens lived in Hartford."}, {"b", "", "Mark Twain wrote a book."}});
  graph_ = memory_.Graph("films");
  EXPECT_THAT(PassagesOf("Mark Twain"), UnorderedElementsAre("b"));
  ASSERT_TRUE(graph_->Write({{{}, format::PutMerge{Entity("Mark Twain"), Entity("Samuel Clemens")}}}).ok());
  EXPECT_THAT(PassagesOf("Mark Twain"), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(PassagesOf("Samuel Clemens"), UnorderedElementsAre("a", "b"));
  ASSERT_TRUE(graph_->Write({{{}, format::PutMerge{Entity("Mark Twain"), Entity("Samuel Clemens"), false}}}).ok());
  EXPECT_THAT(PassagesOf("Mark Twain"), UnorderedElementsAre("b"));
}

TEST_F(Links, ALaterChunkLeadsToWhatItsDocumentIsAbout) {
  memory_.Create("films");
  std::string text = "The village lies by a lake.";
  for (int i = 0; i < 60; ++i) text += " Nothing of note happened there in the year after that one.";
  memory_.Learn("films",
                {{"long", "Winterbourne", text + " Anna Berg opened a school."}, {"b", "", "Anna Berg sings."}});
  graph_ = memory_.Graph("films");
  GraphLinks links(*graph_, std::nullopt);
  const auto found = graph_->FindNeighbours({.entities = {Entity("Anna Berg")}}).value();
  uint32_t last = 0;
  for (const graph::Passage& passage : found.entities[0].passages) last = std::max(last, passage.chunk.chunk);
  ASSERT_GT(last, 0U);
  const uint64_t number = links.Know(Chunk("long", last));
  const auto from = links.expander().passages({&number, 1}).value()[0];
  const auto about = std::ranges::find(from, Entity("Winterbourne").low, &recall::EntityLink::entity);
  ASSERT_NE(about, from.end());
  EXPECT_TRUE(about->is_title);
}

TEST_F(Links, WhatWasWrittenLaterIsNotThereYet) {
  Learn();
  EXPECT_THAT(PassagesOf("Stephen King", {}, 1000), testing::IsEmpty());
}

TEST_F(Links, WhatIsNotThereHasNoLinks) {
  Learn();
  GraphLinks links(*graph_, std::nullopt);
  const uint64_t unknown = 17, gone = links.Know(Chunk("nowhere"));
  EXPECT_TRUE(links.expander().passages({&gone, 1}).value()[0].empty());
  EXPECT_TRUE(links.expander().passages({&unknown, 1}).value()[0].empty());
  EXPECT_TRUE(links.expander().entities({&unknown, 1}).value()[0].empty());
  EXPECT_EQ(links.Find(unknown), nullptr);
}

}  // namespace
}  // namespace rhizome::ask
