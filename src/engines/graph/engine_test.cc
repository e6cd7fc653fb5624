#include "engines/graph/engine.h"

#include <gmock/gmock.h>

#include "engines/graph/engine_testing.h"

namespace rhizome::graph {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

format::Derivation AboutAda() {
  return Said(
      {{"Ada Lovelace", "person", 0, 2}, {"ADA LOVELACE", "person", 1, 1}, {"Analytical Engine", "machine", 1, 1}},
      {{"Ada Lovelace", "wrote about", "Analytical Engine", 0.5F, 1843, format::kForever, 1}});
}

TEST(GraphEngine, ADocumentsEntitiesHaveItsNumbers) {
  TestGraph graph;
  graph.Apply({Put(At(1), "doc", AboutAda())});
  const EntityStatistics ada = graph.StatisticsOf("ada lovelace");
  EXPECT_EQ(ada.name, "ada lovelace");
  EXPECT_EQ(ada.documents, 1u);
  EXPECT_EQ(ada.mentions, 3u);
  EXPECT_EQ(ada.facts, 1u);
  EXPECT_EQ(ada.Type(), "person");
  EXPECT_EQ(graph->counts(), (Counts{1, 0, 1, 2, 0}));
}

TEST(GraphEngine, AFactIsFoundFromBothEndsWithItsProvenance) {
  TestGraph graph;
  graph.Apply({Put(At(5), "doc", AboutAda())});
  for (const char* end : {"ada lovelace", "analytical engine"}) {
    const auto facts = graph.FactsAt(end);
    ASSERT_EQ(facts.size(), 1u);
    EXPECT_EQ(facts[0].source.name, "ada lovelace");
    EXPECT_EQ(facts[0].target, (EntityName{IdOf("analytical engine"), "analytical engine"}));
    EXPECT_EQ(facts[0].type, "wrote about");
    EXPECT_EQ(facts[0].weight, 0.5F);
    EXPECT_EQ(facts[0].valid_from, 1843);
    EXPECT_EQ(facts[0].origin, DocumentOf("doc"));
    EXPECT_THAT(facts[0].chunks, ElementsAre(1u));
    EXPECT_EQ(facts[0].recorded_at, At(5));
    EXPECT_EQ(facts[0].superseded_at, std::nullopt);
  }
}

TEST(GraphEngine, FactsAreFilteredByDirectionTypeAndValidTime) {
  TestGraph graph;
  graph.Apply({PutFact(At(1), "1", {"a", "knows", "b"}), PutFact(At(2), "2", {"b", "knows", "a"}),
               PutFact(At(3), "3", {"a", "likes", "b", 1, 100, 200})});
  const auto found = [&](Direction direction, std::vector<std::string> types, std::optional<int64_t> as_of) {
    FactQuery query{IdOf("a"), direction, std::move(types)};
    query.times.as_of_ms = as_of;
    std::vector<std::string> ids;
    for (const FoundFact& fact : graph->Facts(query).value().facts) ids.push_back(fact.origin.id.ToString());
    return ids;
  };
  EXPECT_THAT(found(Direction::kBoth, {}, std::nullopt), UnorderedElementsAre("1", "2", "3"));
  EXPECT_THAT(found(Direction::kOut, {}, std::nullopt), UnorderedElementsAre("1", "3"));
  EXPECT_THAT(found(Direction::kIn, {}, std::nullopt), UnorderedElementsAre("2"));
  EXPECT_THAT(found(Direction::kBoth, {"likes"}, std::nullopt), UnorderedElementsAre("3"));
  EXPECT_THAT(found(Direction::kBoth, {}, 99), UnorderedElementsAre("1", "2"));
  EXPECT_THAT(found(Direction::kBoth, {}, 100), UnorderedElementsAre("1", "2", "3"));
  EXPECT_THAT(found(Direction::kBoth, {}, 200), UnorderedElementsAre("1", "2"));
}

TEST(GraphEngine, TheTypeThatMostMentionsSayWinsAndTheSmallerOfEqualOnes) {
  TestGraph graph;
  graph.Apply({Put(At(1), "1", Said({{"Java", "language", 0, 2}})), Put(At(2), "2", Said({{"Java", "island", 0, 1}}))});
  EXPECT_EQ(graph.StatisticsOf("java").Type(), "language");
  graph.Apply({Put(At(3), "3", Said({{"Java", "island", 0, 1}}))});
  EXPECT_EQ(graph.StatisticsOf("java").Type(), "island");
  graph.Apply({Remove(At(4), "3")});
  EXPECT_EQ(graph.StatisticsOf("java").Type(), "language");
}

TEST(GraphEngine, ADerivationReplacesTheWholeOneBefore) {
  TestGraph graph;
  graph.Apply({Put(At(1), "doc", AboutAda())});
  graph.Apply({Put(At(2), "doc", Said({{"Charles Babbage", "person"}}))});
  EXPECT_EQ(graph.StatisticsOf("ada lovelace"), EntityStatistics{});
  EXPECT_THAT(graph.FactsAt("ada lovelace"), IsEmpty());
  EXPECT_EQ(graph.StatisticsOf("charles babbage").documents, 1u);
  EXPECT_EQ(graph->counts(), (Counts{1, 0, 0, 1, 0}));
  EXPECT_THAT(graph->FindName("ada lovelace").value(), IsEmpty());
}

TEST(GraphEngine, ADeletedDocumentLeavesOnlyItsTombstone) {
  TestGraph graph;
  format::Derivation derivation = AboutAda();
  derivation.entities[0].aliases = {"countess of lovelace"};
  graph.Apply({Put(At(1), "doc", AboutAda())});
  graph.Apply({Put(At(2), "doc", derivation), Put(At(3), "other", Said({{"Ada Lovelace", "person"}}))});
  const GraphOrigin origin = DocumentOf("doc");
  const FactId fact = derivation.IdOf(origin, 0);
  graph.Apply({{At(4), format::PutClosure{origin, fact.fact, true, 1900}}});
  graph.Apply({{At(5), format::PutClosure{origin, fact.fact, true, 1901}}});
  graph.Apply({Remove(At(6), "doc"), Remove(At(7), "other")});
  const auto rows = graph.Rows();
  ASSERT_EQ(rows.size(), 2u);
  for (const auto& [key, value] : rows) EXPECT_TRUE(DecodeStored(value)->tombstone);
  EXPECT_EQ(graph->counts(), Counts{});
  for (const int64_t then : {1, 2, 4, 5, 6}) {
    EXPECT_THAT(graph.FactsAt("ada lovelace", {std::nullopt, then}), IsEmpty());
    EXPECT_EQ(graph.EntityOf("ada lovelace", then), std::nullopt);
  }
}

TEST(GraphEngine, WhatIsDeletedIsNotBroughtBackByWhatComesLate) {
  TestGraph graph;
  graph.Apply({Remove(At(5), "doc")});
  graph.Apply({Put(At(4), "doc", AboutAda())});
  EXPECT_EQ(graph->counts(), Counts{});
  graph.Apply({Put(At(6), "doc", AboutAda())});
  graph.Apply({Put(At(3), "doc", Said({{"Nobody", ""}}))});
  EXPECT_EQ(graph.StatisticsOf("ada lovelace").documents, 1u);
  EXPECT_EQ(graph.EntityOf("nobody", 3), std::nullopt);
}

TEST(GraphEngine, AClosureEndsAFactWithoutRemovingItAndIsTakenBack) {
  TestGraph graph;
  graph.Apply({PutFact(At(1), "old", {"acme", "led by", "ann", 1, 0}),
               PutFact(At(2), "new", {"acme", "led by", "bob", 1, 50})});
  const FactId successor{FactOf("new").Hash(), 0};
  graph.Apply({Close(At(3), "old", 50, successor)});
  EXPECT_THAT(graph.SaidAt("acme", {49, {}}), ElementsAre("acme led by ann"));
  EXPECT_THAT(graph.SaidAt("acme", {50, {}}), ElementsAre("acme led by bob"));
  EXPECT_EQ(graph.SaidAt("acme", {50, 2}).size(), 2u);
  const FactId id{FactOf("old").Hash(), 0};
  const auto closed = graph->FindFact(id, {}).value();
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->valid_until, 50);
  EXPECT_EQ(closed->asserted_until, format::kForever);
  EXPECT_EQ(closed->closed_at, At(3));
  EXPECT_EQ(closed->superseded_by, successor);
  graph.Apply({Reopen(At(4), "old")});
  EXPECT_EQ(graph.SaidAt("acme", {50, {}}).size(), 2u);
  EXPECT_THAT(graph.SaidAt("acme", {50, 3}), ElementsAre("acme led by bob"));
  EXPECT_EQ(graph->FindFact(id, {}).value()->closed_at, std::nullopt);
}

TEST(GraphEngine, AClosureStaysWhenItsDocumentIsDerivedAnew) {
  TestGraph graph;
  graph.Apply({Put(At(1), "doc", AboutAda())});
  const FactId id = AboutAda().IdOf(DocumentOf("doc"), 0);
  graph.Apply({{At(2), format::PutClosure{DocumentOf("doc"), id.fact, true, 1900}}});
  format::Derivation again = AboutAda();
  again.facts[0].weight = 2;
  graph.Apply({Put(At(3), "doc", again)});
  const auto fact = graph->FindFact(id, {}).value();
  ASSERT_TRUE(fact.has_value());
  EXPECT_EQ(fact->weight, 2);
  EXPECT_EQ(fact->valid_until, 1900);
}

TEST(GraphEngine, NamesAndAliasesAreFoundByPrefixWhileSomebodySaysThem) {
  TestGraph graph;
  format::Derivation derivation = Said({{"International Business Machines", "company"}, {"Intel", "company"}});
  derivation.entities[1].aliases = {"ibm"};
  graph.Apply({Put(At(1), "doc", derivation), {At(2), format::PutAlias{IdOf("intel"), "chipzilla"}}});
  const auto names = graph->NamesFrom("int", "", 10).value();
  EXPECT_THAT(names.entries, ElementsAre(NameEntry{"intel", IdOf("intel"), false},
                                         NameEntry{"international business machines",
                                                   IdOf("international business machines"), false}));
  EXPECT_THAT(graph->FindName("ibm").value(),
              ElementsAre(NameEntry{"ibm", IdOf("international business machines"), true}));
  EXPECT_THAT(graph.EntityOf("intel")->aliases, ElementsAre("chipzilla"));
  const auto first = graph->NamesFrom("", "", 2).value();
  EXPECT_EQ(first.entries.size(), 2u);
  const auto rest = graph->NamesFrom("", first.next, 10).value();
  EXPECT_EQ(rest.entries.size(), 2u);
  EXPECT_EQ(rest.next, "");
  graph.Apply({Remove(At(3), "doc"), {At(4), format::PutAlias{IdOf("intel"), "chipzilla", false}}});
  EXPECT_THAT(graph->NamesFrom("", "", 10).value().entries, IsEmpty());
}

TEST(GraphEngine, PropertiesAreRegistersOfTheirOwn) {
  TestGraph graph;
  graph.Apply({{At(1), format::PutProperty{IdOf("a"), std::string("a letter")}},
               {At(2), format::PutProperty{IdOf("a"), 0.5F}},
               {At(3), format::PutProperty{IdOf("a"), true}},
               {At(4), format::PutProperty{IdOf("a"), format::EntityState::kArchived}}});
  graph.Apply({{At(5), format::PutProperty{IdOf("a"), 0.75F}}});
  const Entity entity = graph.EntityOf("a").value();
  EXPECT_EQ(entity.description, (Versioned<std::string>{At(1), "a letter"}));
  EXPECT_EQ(entity.importance, (Versioned<float>{At(5), 0.75F}));
  EXPECT_EQ(entity.critical, (Versioned<bool>{At(3), true}));
  EXPECT_EQ(entity.state, (Versioned<format::EntityState>{At(4), format::EntityState::kArchived}));
  EXPECT_EQ(graph.EntityOf("a", 4)->importance, (Versioned<float>{At(2), 0.5F}));
  EXPECT_EQ(graph.EntityOf("a", 0), std::nullopt);
}

TEST(GraphEngine, OfEachNodesCountTheHighestStays) {
  TestGraph graph;
  graph.Apply({{{}, format::CountAccess{IdOf("a"), 1, 7, 100}}, {{}, format::CountAccess{IdOf("a"), 2, 3, 50}}});
  graph.Apply({{{}, format::CountAccess{IdOf("a"), 1, 5, 90}}});
  EXPECT_THAT(graph.EntityOf("a")->accesses, ElementsAre(Access{1, 7, 100}, Access{2, 3, 50}));
}

TEST(GraphEngine, MergesAreFoundFromBothEndsUntilTakenBack) {
  TestGraph graph;
  graph.Apply({Merge(At(1), "ibm", "big blue"), Merge(At(2), "big blue", "international business machines")});
  const auto edges = graph->MergesAt(std::vector{IdOf("big blue")}).value();
  EXPECT_EQ(edges.size(), 2u);
  EXPECT_EQ(graph->MergesAt(std::vector{IdOf("ibm")}).value().size(), 1u);
  graph.Apply({Merge(At(3), "big blue", "ibm", false)});
  EXPECT_EQ(graph->MergesAt(std::vector{IdOf("big blue")}).value().size(), 1u);
  EXPECT_EQ(graph->MergesAt(std::vector{IdOf("big blue")}, 2).value().size(), 2u);
}

TEST(GraphEngine, NeighboursOfEntitiesArePassagesAndFactsOfChunksEntities) {
  TestGraph graph;
  graph.Apply({Put(At(1), "doc", AboutAda()), Put(At(2), "other", Said({{"Ada Lovelace", "person", 4, 9}}))});
  NeighbourQuery query;
  query.entities = {IdOf("ada lovelace"), IdOf("nobody")};
  query.chunks = {{Named("doc"), 1}, {Named("doc"), 9}, {Named("absent"), 0}};
  const Neighbours found = graph->FindNeighbours(query).value();
  ASSERT_EQ(found.entities.size(), 2u);
  EXPECT_EQ(found.entities[0].documents, 2u);
  std::vector<std::pair<ChunkId, uint32_t>> passages;
  for (const Passage& passage : found.entities[0].passages) passages.emplace_back(passage.chunk, passage.count);
  EXPECT_THAT(passages, ElementsAre(std::pair(ChunkId{Named("doc"), 0}, 2u), std::pair(ChunkId{Named("doc"), 1}, 1u),
                                    std::pair(ChunkId{Named("other"), 4}, 9u)));
  EXPECT_EQ(found.entities[0].facts.size(), 1u);
  EXPECT_THAT(found.entities[1].passages, IsEmpty());
  ASSERT_EQ(found.chunks.size(), 3u);
  EXPECT_THAT(found.chunks[0].entities,
              ElementsAre(MentionedEntity{{IdOf("ada lovelace"), "ada lovelace"}, "person", 1, 2, 0, true},
                          MentionedEntity{{IdOf("analytical engine"), "analytical engine"}, "machine", 1, 1, 0, true}));
  EXPECT_THAT(found.chunks[1].entities, IsEmpty());
  EXPECT_THAT(found.chunks[2].entities, IsEmpty());
}

TEST(GraphEngine, AnEmptyGraphAndOneOfOneEntityAnswer) {
  TestGraph graph;
  const auto ask = [&] {
    NeighbourQuery query;
    query.entities = {IdOf("alone")};
    return graph->FindNeighbours(query).value().entities[0].passages.size();
  };
  EXPECT_EQ(ask(), 0u);
  EXPECT_THAT(graph.FactsAt("alone"), IsEmpty());
  EXPECT_EQ(graph.EntityOf("alone"), std::nullopt);
  graph.Apply({Put(At(1), "empty", {}), Put(At(2), "doc", Said({{"Alone", ""}}))});
  EXPECT_EQ(ask(), 1u);
  EXPECT_EQ(graph->counts(), (Counts{2, 0, 0, 1, 0}));
  EXPECT_EQ(graph.EntityOf("alone")->surface, "Alone");
  EXPECT_EQ(graph.EntityOf("alone")->statistics.Type(), "");
}

TEST(GraphEngine, AFactOfAnEntityWithItselfIsOneFact) {
  TestGraph graph;
  graph.Apply({PutFact(At(1), "1", {"ouroboros", "eats", "ouroboros"})});
  EXPECT_EQ(graph.FactsAt("ouroboros").size(), 1u);
  EXPECT_EQ(graph.StatisticsOf("ouroboros").facts, 1u);
  graph.Apply({RemoveFact(At(2), "1")});
  EXPECT_EQ(graph->counts(), Counts{});
}

TEST(GraphEngine, PowerLossLosesNothingThatTheLogHas) {
  TestGraph graph;
  graph.Apply({Put(At(1), "doc", AboutAda())});
  ASSERT_TRUE(graph->Checkpoint().ok());
  EXPECT_EQ(graph->checkpoint_lsn(), 1u);
  graph.Apply({Put(At(2), "doc", Said({{"Charles Babbage", "person"}}))});
  graph.Apply({Put(At(3), "other", AboutAda())});
  const auto rows = graph.Rows();
  const Counts counts = graph->counts();
  graph.CrashAndReplay();
  EXPECT_EQ(graph.Rows(), rows);
  EXPECT_EQ(graph->counts(), counts);
  EXPECT_EQ(graph->max_version(), At(3));
}

TEST(GraphEngine, AShardsRowsAreDroppedAndOthersStay) {
  TestGraph graph;
  auto other = GraphEngine::Open(graph.store(), {.shard = 8}).value();
  graph.Apply({Put(At(1), "doc", AboutAda())});
  ASSERT_TRUE(other->Apply(1, std::vector{Put(At(1), "doc", AboutAda())}).ok());
  ASSERT_TRUE(GraphEngine::DropRows(graph.store(), kTestShard, {}).ok());
  EXPECT_THAT(graph.Rows(), IsEmpty());
  EXPECT_EQ(other->Statistics(std::vector{IdOf("ada lovelace")}).value()[0].documents, 1u);
  ASSERT_TRUE(GraphEngine::DropRowsExcept(graph.store(), {kTestShard}).ok());
  EXPECT_FALSE(graph.store().Scan(kv::Family::kGraph, "").Valid());
}

}  // namespace
}  // namespace rhizome::graph
