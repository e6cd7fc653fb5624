#include "communities/entity_graph.h"

#include "communities/communities_testing.h"
#include "extract/extract.h"

namespace rhizome::communities {
namespace {

using format::EntityState;

class EntityGraphTest : public MemoryFixture {
 protected:
  EntityGraph Read(uint32_t page = 256) {
    ReadOptions options;
    options.page = page;
    return ReadEntityGraph(*Graph(), options).value();
  }
  static float WeightOf(const EntityGraph& graph, const std::string& a, const std::string& b) {
    const auto from = graph.NodeOf(Entity(a)), to = graph.NodeOf(Entity(b));
    if (!from || !to) return -1;
    for (const auto& arc : graph.graph.ArcsOf(*from)) {
      if (arc.to == *to) return arc.weight;
    }
    return 0;
  }
  void Merge(const std::string& a, const std::string& b, bool active = true) {
    ASSERT_TRUE(Graph()->Write({{{}, format::PutMerge{Entity(a), Entity(b), active}}}).ok());
  }
  void Set(const std::string& name, format::PropertyValue value) {
    ASSERT_TRUE(Graph()->Write({{{}, format::PutProperty{Entity(name), std::move(value)}}}).ok());
  }
};

TEST_F(EntityGraphTest, AnEmptyMemoryHasNoNodes) {
  const EntityGraph graph = Read();
  EXPECT_TRUE(graph.ids.empty());
  EXPECT_EQ(graph.graph.nodes(), 0u);
}

TEST_F(EntityGraphTest, AFactWeighsItsWeightTimesItsConfidence) {
  Say("anna", "boris", 2, 0.5F);
  Say("boris", "clara", 1e9F, 1);
  const EntityGraph graph = Read();
  EXPECT_FLOAT_EQ(WeightOf(graph, "anna", "boris"), 1);
  EXPECT_FLOAT_EQ(WeightOf(graph, "boris", "anna"), 1);
  EXPECT_FLOAT_EQ(WeightOf(graph, "boris", "clara"), kFactWeightMax);
  EXPECT_EQ(WeightOf(graph, "anna", "clara"), 0);
  EXPECT_EQ(graph.origins, 2u);
}

TEST_F(EntityGraphTest, AChunkGivesEachOfItsEntitiesOne) {
  Put("d", "", {"anna", "boris", "clara"});
  const EntityGraph graph = Read();
  EXPECT_FLOAT_EQ(WeightOf(graph, "anna", "boris"), 0.5F);
  EXPECT_FLOAT_EQ(WeightOf(graph, "clara", "boris"), 0.5F);
}

TEST_F(EntityGraphTest, ATitleIsInEachChunk) {
  format::DerivationBuilder builder;
  builder.Mention("warsaw", "", extract::kTitleChunk);
  builder.Mention("vistula", "", 0);
  builder.Mention("poland", "", 1);
  Derive("d", builder.Build());
  const EntityGraph graph = Read();
  EXPECT_FLOAT_EQ(WeightOf(graph, "warsaw", "vistula"), 1);
  EXPECT_FLOAT_EQ(WeightOf(graph, "warsaw", "poland"), 1);
  EXPECT_EQ(WeightOf(graph, "vistula", "poland"), 0);
}

TEST_F(EntityGraphTest, ATitleAloneConnectsItsOwnEntities) {
  format::DerivationBuilder builder;
  builder.Mention("warsaw", "", extract::kTitleChunk);
  builder.Mention("poland", "", extract::kTitleChunk);
  Derive("d", builder.Build());
  EXPECT_FLOAT_EQ(WeightOf(Read(), "warsaw", "poland"), 1);
}

TEST_F(EntityGraphTest, OfAChunkWithManyTheMostMentionedCount) {
  format::DerivationBuilder builder;
  for (int i = 0; i < 1000; ++i) builder.Mention("name " + std::to_string(i), "", 0, i == 500 || i == 700 ? 9 : 1);
  Derive("d", builder.Build());
  const EntityGraph graph = Read();
  EXPECT_EQ(graph.ids.size(), 1000u);
  EXPECT_EQ(graph.graph.arcs(), kTogetherMax * (kTogetherMax - 1));
  EXPECT_GT(WeightOf(graph, "name 500", "name 700"), 0);
}

TEST_F(EntityGraphTest, AnEntityAloneIsANodeWithoutEdges) {
  Put("d", "", {"anna"});
  const EntityGraph graph = Read();
  EXPECT_EQ(graph.ids.size(), 1u);
  EXPECT_EQ(graph.graph.arcs(), 0u);
}

TEST_F(EntityGraphTest, MergedEntitiesAreOneNode) {
  Say("anna", "boris");
  Say("ann", "clara");
  Merge("anna", "ann");
  const EntityGraph graph = Read();
  EXPECT_EQ(graph.ids.size(), 3u);
  EXPECT_EQ(graph.NodeOf(Entity("anna")), graph.NodeOf(Entity("ann")));
  EXPECT_FLOAT_EQ(WeightOf(graph, "ann", "boris"), 1);
  Merge("anna", "ann", false);
  EXPECT_EQ(Read().ids.size(), 4u);
}

TEST_F(EntityGraphTest, AMergeForNamesCountsWhileBothAreNamed) {
  Put("d", "", {"anna k.", "boris"});
  Say("anna k", "clara");
  Say("ghost", "clara");
  const auto merge = [this](const std::string& a, const std::string& b) {
    const format::PutMerge put{Entity(a), Entity(b), true, format::MergeCause::kNames};
    ASSERT_TRUE(Graph()->Write({{{}, put}}).ok());
  };
  merge("boris", "ghost");
  merge("boris", "nobody");
  merge("nobody", "clara");
  const EntityGraph graph = Read();
  EXPECT_EQ(graph.NodeOf(Entity("boris")), graph.NodeOf(Entity("ghost")));
  // What nobody names connects nothing.
  EXPECT_NE(graph.NodeOf(Entity("boris")), graph.NodeOf(Entity("clara")));
  Delete("d");
  EXPECT_FALSE(Read().NodeOf(Entity("boris")));
}

TEST_F(EntityGraphTest, WhatNobodyNamesAnyMoreDoesNotStandForAClass) {
  Say("anna", "boris");
  // Both only in merges.
  Merge("anna", "ghost");
  Merge("ghost", "spirit");
  const EntityGraph graph = Read();
  EXPECT_EQ(graph.ids.size(), 2u);
  EXPECT_FALSE(graph.NodeOf(Entity("ghost")));
}

TEST_F(EntityGraphTest, DeletedEntitiesAreNoNodesAndArchivedOnesAre) {
  Say("anna", "boris");
  Say("boris", "clara");
  Set("anna", EntityState::kDeleted);
  Set("clara", EntityState::kArchived);
  Set("boris", 0.5F);
  const EntityGraph graph = Read();
  EXPECT_FALSE(graph.NodeOf(Entity("anna")));
  EXPECT_TRUE(graph.NodeOf(Entity("clara")));
  EXPECT_EQ(graph.graph.arcs(), 2u);
}

TEST_F(EntityGraphTest, WhatADeletedDocumentSaidIsNotRead) {
  Put("d", "", {"anna", "boris"});
  Put("d", "", {"anna", "clara"});  // what it said before is history
  Delete("d");
  EXPECT_TRUE(Read().ids.empty());
}

TEST_F(EntityGraphTest, PagesOfAnySizeGiveTheSame) {
  PutTwoTopics();
  Say("anna", "boris");
  Merge("anna", "baker");
  const EntityGraph one = Read(1), all = Read(1000);
  EXPECT_EQ(one.ids, all.ids);
  EXPECT_EQ(one.edge_marks, all.edge_marks);
  EXPECT_EQ(one.source_marks, all.source_marks);
}

TEST_F(EntityGraphTest, MarksChangeWithWhatTheyMark) {
  PutTwoTopics();
  const EntityGraph before = Read();
  Put("more", "", {"Linz", "market"});
  const EntityGraph after = Read();
  const auto marks = [](const EntityGraph& graph, const std::string& name) {
    const uint32_t node = graph.NodeOf(Entity(name)).value();
    return std::pair(graph.edge_marks[node], graph.source_marks[node]);
  };
  EXPECT_EQ(marks(before, "aurora"), marks(after, "aurora"));
  EXPECT_NE(marks(before, "linz").first, marks(after, "linz").first);
  EXPECT_NE(marks(before, "linz").second, marks(after, "linz").second);
  // The same again: who is next to whom stays, the version is another.
  Put("more", "", {"Linz", "market"});
  EXPECT_EQ(marks(Read(), "linz").first, marks(after, "linz").first);
  EXPECT_NE(marks(Read(), "linz").second, marks(after, "linz").second);
}

TEST_F(EntityGraphTest, EndsWhenToldTo) {
  PutTwoTopics();
  ReadOptions options;
  options.cancelled = [] { return true; };
  EXPECT_EQ(ReadEntityGraph(*Graph(), options).status().code(), Code::kCancelled);
}

// A hub whose every relation is a document's of its own would take minutes; what one register may say does as well.
TEST_F(EntityGraphTest, AHubOfAHundredThousandRelationsIsRead) {
  constexpr uint32_t kEach = 50'000;
  for (int part = 0; part < 2; ++part) {
    format::DerivationBuilder builder;
    const auto hub = builder.Entity("hub").value();
    for (uint32_t i = 0; i < kEach; ++i) {
      const auto spoke = builder.Known("spoke " + std::to_string(part) + " " + std::to_string(i), "");
      builder.AddFact({hub, "knows", spoke});
    }
    Derive("d" + std::to_string(part), builder.Build());
  }
  const EntityGraph graph = Read();
  EXPECT_EQ(graph.ids.size(), 2 * kEach + 1);
  EXPECT_EQ(graph.graph.ArcsOf(graph.NodeOf(Entity("hub")).value()).size(), 2 * kEach);
}

}  // namespace
}  // namespace rhizome::communities
