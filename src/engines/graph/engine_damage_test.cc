// Damaged rows are Corruption, never a crash; full disks and hubs; what replicas ask.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "engines/graph/engine_testing.h"

namespace rhizome::graph {
namespace {

using testing::ElementsAre;

void FillGraph(TestGraph& graph) {
  format::Derivation derivation =
      Said({{"Ada", "person", 0, 2}, {"Bob", "person", 1}}, {{"Ada", "knows", "Bob", 0.5F, 0, 10}});
  derivation.entities[0].aliases = {"countess"};
  graph.Apply({Put(At(1), "doc", derivation)});
  derivation.facts[0].weight = 2;
  graph.Apply({Put(At(2), "doc", derivation),
               PutFact(At(3), "f", {"Ada", "likes", "Bob"}),
               Close(At(4), "f", 5),
               Close(At(5), "f", 6),
               Merge(At(6), "Ada", "Bob"),
               {At(7), format::PutProperty{IdOf("ada"), 0.5F}},
               {At(8), format::PutProperty{IdOf("ada"), std::string("text")}},
               {{}, format::CountAccess{IdOf("ada"), 1, 2, 3}},
               {At(9), format::PutAlias{IdOf("ada"), "augusta"}}});
}

// Everything that can be asked. Whatever an answer is, none may crash.
std::vector<Status> AskEverything(const GraphEngine& engine) {
  std::vector<Status> answers;
  const std::vector<EntityId> ids = {IdOf("ada"), IdOf("bob")};
  for (const std::optional<int64_t> known_at : {std::optional<int64_t>(), std::optional<int64_t>(1)}) {
    FactQuery facts{ids[0]};
    facts.times.known_at_ms = known_at;
    answers.push_back(engine.Facts(facts).status());
    NeighbourQuery neighbours{ids, {{Named("doc"), 0}}};
    neighbours.times.known_at_ms = known_at;
    answers.push_back(engine.FindNeighbours(neighbours).status());
    answers.push_back(engine.Entities(ids, known_at).status());
    answers.push_back(engine.MergesAt(ids, known_at).status());
    answers.push_back(engine.FindDerivation(DocumentOf("doc"), known_at).status());
    answers.push_back(engine.FindFact({FactOf("f").Hash(), 0}, {{}, known_at}).status());
  }
  answers.push_back(engine.Statistics(ids).status());
  answers.push_back(engine.NamesFrom("", "", 100).status());
  const auto inventory = engine.Inventory({0}, 0, "", 1000);
  answers.push_back(inventory.status());
  answers.push_back(engine.Digest(3, {}).status());
  if (inventory.ok()) {
    std::vector<std::string> keys;
    for (const auto& entry : inventory->entries) keys.push_back(entry.key);
    answers.push_back(engine.ReadRegisters(keys).status());
    answers.push_back(engine.Versions(keys).status());
  }
  return answers;
}

TEST(GraphDamage, ADamagedRowIsCorruptionWhereverItIsReadAndNeverACrash) {
  TestGraph graph;
  FillGraph(graph);
  for (const Status& status : AskEverything(*graph)) ASSERT_TRUE(status.ok()) << status.ToString();
  uint64_t found = 0;
  for (const auto& [key, value] : graph.Rows()) {
    for (const std::string& damaged : {value.substr(0, value.size() / 2), value + "x",
                                       std::string(value.size(), '\xFF'), std::string("\x00\x01", 2)}) {
      if (damaged == value) continue;
      kv::WriteBatch batch;
      batch.Put(kv::Family::kGraph, key, damaged);
      ASSERT_TRUE(graph.store().Write(batch).ok());
      for (const Status& status : AskEverything(*graph)) {
        EXPECT_TRUE(status.ok() || status.code() == Code::kCorruption) << status.ToString();
        found += status.ok() ? 0 : 1;
      }
    }
    kv::WriteBatch batch;
    batch.Put(kv::Family::kGraph, key, value);
    ASSERT_TRUE(graph.store().Write(batch).ok());
  }
  EXPECT_GT(found, 100u);
}

TEST(GraphDamage, AMissingRowIsNeverACrash) {
  TestGraph graph;
  FillGraph(graph);
  for (const auto& [key, value] : graph.Rows()) {
    kv::WriteBatch batch;
    batch.Delete(kv::Family::kGraph, key);
    ASSERT_TRUE(graph.store().Write(batch).ok());
    for (const Status& status : AskEverything(*graph)) {
      EXPECT_TRUE(status.ok() || status.code() == Code::kCorruption) << status.ToString();
    }
    kv::WriteBatch back;
    back.Put(kv::Family::kGraph, key, value);
    ASSERT_TRUE(graph.store().Write(back).ok());
  }
}

TEST(GraphDamage, AWriteOverDamageFailsAndTheEngineTakesNoMore) {
  TestGraph graph;
  FillGraph(graph);
  kv::WriteBatch batch;
  batch.Put(kv::Family::kGraph,
            TablePrefix(ShardPrefix(kTestShard), Table::kRegisters) + format::GraphKeyOf(DocumentOf("doc")), "?");
  ASSERT_TRUE(graph.store().Write(batch).ok());
  EXPECT_EQ(graph->Apply(100, std::vector{Remove(At(20), "doc")}).code(), Code::kCorruption);
  EXPECT_EQ(graph->Apply(101, std::vector{Remove(At(21), "f")}).code(), Code::kReadOnly);
  EXPECT_EQ(graph->Retry().code(), Code::kReadOnly);
  EXPECT_EQ(graph->Checkpoint().code(), Code::kReadOnly);
  EXPECT_EQ(graph->CollectTombstones(At(50)).code(), Code::kCorruption);  // it reads every register
  EXPECT_EQ(graph->CollectHistory(At(50)).code(), Code::kReadOnly);
}

TEST(GraphDamage, AStateOfAnotherFormatIsNotOpened) {
  TestGraph graph;
  kv::WriteBatch batch;
  batch.Put(kv::Family::kGraph, TablePrefix(ShardPrefix(9), Table::kState), "\x02");
  ASSERT_TRUE(graph.store().Write(batch).ok());
  EXPECT_EQ(GraphEngine::Open(graph.store(), {.shard = 9}).status().code(), Code::kCorruption);
}

TEST(GraphHub, OfAHundredThousandRelationsAPageReadsItsOwn) {
  TestGraph graph;
  constexpr int kRelations = 100'000;
  std::vector<format::GraphOperation> batch;
  for (int i = 0; i < kRelations; ++i) {
    const float weight = static_cast<float>((i * 7919) % 1000);
    batch.push_back(PutFact(At(1 + i), "f" + std::to_string(i), {"hub", "knows", "n" + std::to_string(i), weight}));
    if (batch.size() == 5'000) graph.Apply(std::exchange(batch, {}));
  }
  EXPECT_EQ(graph.StatisticsOf("hub").facts, static_cast<uint64_t>(kRelations));
  FactQuery query{IdOf("hub")};
  query.limit = 10;
  query.rows_max = 11;  // as many as the page needs, and one to know that there is more
  const FactPage first = graph->Facts(query).value();
  ASSERT_EQ(first.facts.size(), 10u);
  EXPECT_EQ(first.facts.back().weight, 999);
  EXPECT_NE(first.next, "");
  query.limit = 10'000;
  query.rows_max = 20'000;
  std::vector<FoundFact> all;
  do {
    FactPage page = graph->Facts(query).value();
    query.after = page.next;
    std::move(page.facts.begin(), page.facts.end(), std::back_inserter(all));
  } while (!query.after.empty());
  ASSERT_EQ(all.size(), static_cast<size_t>(kRelations));
  for (size_t i = 1; i < all.size(); ++i) {
    ASSERT_GE(all[i - 1].weight, all[i].weight);
    ASSERT_LT(all[i - 1].place, all[i].place);
  }
  NeighbourQuery neighbours{{IdOf("hub")}};
  neighbours.facts_max = 20;
  const Neighbours found = graph->FindNeighbours(neighbours).value();
  EXPECT_EQ(found.entities[0].facts.size(), 20u);
  EXPECT_TRUE(found.entities[0].more_facts);
}

TEST(GraphHub, AStepLooksAtNoMoreOriginsThanItIsAllowed) {
  TestGraph graph;
  std::vector<format::GraphOperation> batch;
  for (int i = 0; i < 50; ++i) {
    const std::string n = std::to_string(i);
    batch.push_back(
        Put(At(1 + i), "d" + n, Said({{"hub", ""}}, {{"hub", "knows", "n" + n, 1, 0, i == 49 ? 200 : 100}})));
  }
  graph.Apply(batch);
  const auto step = [&](uint32_t passages, uint32_t facts, uint32_t rows, std::optional<int64_t> as_of) {
    NeighbourQuery query{{IdOf("hub")}};
    query.passages_max = passages;
    query.facts_max = facts;
    query.rows_max = rows;
    query.times.as_of_ms = as_of;
    return graph->FindNeighbours(query).value().entities[0];
  };
  const EntityNeighbours no_facts = step(10, 0, 11, {});  // the eleventh tells that there are more
  EXPECT_EQ(no_facts.passages.size(), 10u);
  EXPECT_TRUE(no_facts.more_passages);
  EXPECT_EQ(no_facts.facts.size(), 0u);
  const EntityNeighbours late = step(100, 10, 50, 150);
  EXPECT_EQ(late.facts.size(), 1u);
  EXPECT_EQ(late.passages.size(), 50u);
  EXPECT_FALSE(late.more_facts || late.more_passages);
  const EntityNeighbours bounded = step(100, 10, 20, 150);
  EXPECT_EQ(bounded.passages.size(), 20u);
  EXPECT_TRUE(bounded.more_facts && bounded.more_passages);
  EXPECT_EQ(step(0, 3, 50, {}).facts.size(), 3u);
  EXPECT_EQ(step(0, 3, 50, {}).passages.size(), 0u);
}

TEST(GraphReplica, TombstonesAreForgottenBelowAVersionAndTheRestStays) {
  TestGraph graph;
  FillGraph(graph);
  graph.Apply({Remove(At(20), "doc"), Remove(At(30), "other")});
  graph.Apply({RemoveFact(At(31), "f"), PutFact(At(40), "f", {"Ada", "likes", "Bob"})});
  const auto tombstones = [&] {
    std::vector<Version> versions;
    for (const auto& entry : graph.All()) {
      if (entry.tombstone) versions.push_back(entry.version);
    }
    return versions;
  };
  EXPECT_THAT(tombstones(), testing::UnorderedElementsAre(At(20), At(30), At(31)));
  ASSERT_TRUE(graph->CollectTombstones(At(30)).ok());
  EXPECT_THAT(tombstones(), testing::UnorderedElementsAre(At(30), At(31)));
  ASSERT_TRUE(graph->CollectTombstones(At(32)).ok());
  EXPECT_THAT(tombstones(), ElementsAre());
  EXPECT_EQ(graph.SaidAt("ada").size(), 1u);
}

TEST(GraphReplica, AnInventoryIsReadPageByPageAndAgreesWithTheDigest) {
  TestGraph graph;
  FillGraph(graph);
  std::vector<format::RegisterVersion> paged;
  std::string after;
  do {
    const auto page = graph->Inventory({0, 1, 2, 3, 4, 5, 6, 7}, 3, after, 2).value();
    EXPECT_LE(page.entries.size(), 2u);
    paged.insert(paged.end(), page.entries.begin(), page.entries.end());
    after = page.next;
  } while (!after.empty());
  EXPECT_EQ(paged, graph.All());
  format::RangeDigest digest(3), early(3);
  for (const auto& entry : paged) {
    format::AddToDigest(digest, entry);
    if (entry.version < At(5)) format::AddToDigest(early, entry);
  }
  EXPECT_EQ(graph->Digest(3, {}).value(), digest);
  EXPECT_EQ(graph->Digest(3, At(5)).value(), early);
}

TEST(GraphReplica, WhatIsAskedWronglyIsNamed) {
  TestGraph graph;
  const std::vector<std::string> keys = {format::GraphKeyOf(DocumentOf("doc")), "?"};
  EXPECT_EQ(graph->Versions(keys).status().field(), "keys[1]");
  EXPECT_EQ(graph->ReadRegisters(keys).status().field(), "keys[1]");
  EXPECT_EQ(graph->Inventory({0}, 13, "", 1).status().field(), "bits");
  EXPECT_EQ(graph->Inventory({0}, 0, "", 0).status().field(), "limit");
  EXPECT_EQ(graph->Inventory({0}, 0, "?", 1).status().field(), "after");
  EXPECT_EQ(graph->Inventory({1}, 0, "", 1).status().field(), "leaves");
  EXPECT_EQ(graph->Digest(13, {}).status().field(), "bits");
  FactQuery query;
  query.limit = 0;
  EXPECT_EQ(graph->Facts(query).status().field(), "limit");
  query.limit = 1;
  query.after = "?";
  EXPECT_EQ(graph->Facts(query).status().field(), "after");
  EXPECT_EQ(graph->NamesFrom("", "", 0).status().field(), "limit");
  NeighbourQuery frontier;
  frontier.entities.resize(70'000);
  EXPECT_EQ(graph->FindNeighbours(frontier).status().field(), "entities");
  frontier.entities.clear();
  frontier.chunks.resize(70'000);
  EXPECT_EQ(graph->FindNeighbours(frontier).status().field(), "chunks");
}

TEST(GraphReplica, AMissingRegisterHasNoVersion) {
  TestGraph graph;
  const std::vector<std::string> keys = {format::GraphKeyOf(DocumentOf("doc"))};
  EXPECT_EQ(graph->Versions(keys).value()[0].version, Version{});
  EXPECT_EQ(graph->ReadRegisters(keys).value()[0], std::nullopt);
}

}  // namespace
}  // namespace rhizome::graph
