#include "communities/drawing.h"

#include "communities/communities_testing.h"
#include "communities/service.h"

namespace rhizome::communities {
namespace {

class DrawingTest : public MemoryFixture {
 protected:
  Drawing Around(const std::string& name, uint32_t depth = 1, uint32_t nodes_max = 60) {
    DrawQuery query;
    query.entity = name;
    query.depth = depth;
    query.nodes_max = nodes_max;
    return Draw(*Graph(), nullptr, query).value();
  }
  static std::set<std::string> NamesOf(const Drawing& drawing) {
    std::set<std::string> names;
    for (const DrawnNode& node : drawing.nodes) names.insert(node.name);
    return names;
  }
  Book Built() {
    Progress progress;
    BuildFigures figures;
    return BuildBook(SourceOf(), nullptr, {}, progress, figures).value();
  }
  using Names = std::set<std::string>;
};

TEST_F(DrawingTest, StepsLeadFurther) {
  Say("a", "b");
  Say("b", "c");
  Say("c", "d");
  EXPECT_EQ(NamesOf(Around("a")), (Names{"a", "b"}));
  EXPECT_EQ(NamesOf(Around("a", 2)), (Names{"a", "b", "c"}));
  const Drawing three = Around("a", 3);
  EXPECT_EQ(NamesOf(three), (Names{"a", "b", "c", "d"}));
  EXPECT_EQ(three.nodes[3].distance, 3u);
  EXPECT_FALSE(three.more);
  ASSERT_EQ(three.edges.size(), 3u);
  for (const DrawnEdge& edge : three.edges) {
    EXPECT_EQ(three.nodes[edge.source].name[0] + 1, three.nodes[edge.target].name[0]);
    EXPECT_EQ(edge.type, "knows");
    EXPECT_EQ(edge.weight, 1);
  }
}

TEST_F(DrawingTest, WhatIsInOneChunkIsTogether) {
  Put("d", "", {"anna", "boris"});
  Put("e", "", {"anna", "boris"});
  const Drawing drawing = Around("anna");
  EXPECT_EQ(NamesOf(drawing), (Names{"anna", "boris"}));
  ASSERT_EQ(drawing.edges.size(), 1u);
  EXPECT_EQ(drawing.edges[0].type, "");
  EXPECT_EQ(drawing.edges[0].weight, 2);
}

TEST_F(DrawingTest, TheStrongestAreKept) {
  for (int i = 0; i < 20; ++i) Say("hub", "weak " + std::to_string(i), 1, 0.1F);
  Say("hub", "strong", 5);
  const Drawing drawing = Around("hub", 1, 2);
  EXPECT_EQ(NamesOf(drawing), (Names{"hub", "strong"}));
  EXPECT_TRUE(drawing.more);
}

TEST_F(DrawingTest, EntitiesThatAreOneAreOneNode) {
  Say("anna", "boris");
  Say("annie", "clara");
  Say("anna", "annie");
  ASSERT_TRUE(Graph()->Write({{{}, format::PutMerge{Entity("anna"), Entity("annie")}}}).ok());
  for (const char* name : {"anna", "annie"}) {
    const Drawing drawing = Around(name);
    ASSERT_EQ(drawing.nodes.size(), 3u) << name;
    EXPECT_EQ(drawing.edges.size(), 2u) << name;
    for (const DrawnEdge& edge : drawing.edges) EXPECT_EQ(edge.source, 0u);
  }
}

TEST_F(DrawingTest, WhatNobodyNamesIsNotFound) {
  DrawQuery query;
  query.entity = "nobody";
  EXPECT_EQ(Draw(*Graph(), nullptr, query).status().code(), Code::kNotFound);
  query.entity.reset();
  EXPECT_TRUE(Draw(*Graph(), nullptr, query).value().nodes.empty());
}

TEST_F(DrawingTest, TheTopShowsEveryLargeCommunityWithItsColour) {
  PutTwoTopics();
  const Book book = Built();
  DrawQuery query;
  query.nodes_max = 6;
  const Drawing drawing = Draw(*Graph(), &book, query).value();
  EXPECT_EQ(drawing.nodes.size(), 6u);
  EXPECT_TRUE(drawing.more);
  std::set<uint32_t> communities;
  for (const DrawnNode& node : drawing.nodes) communities.insert(node.community.value());
  EXPECT_EQ(communities.size(), book.levels[0].count());
  // A level that there is not has no communities, and the top is still drawn.
  query.level = 5;
  EXPECT_FALSE(Draw(*Graph(), &book, query).value().nodes.empty());
}

TEST_F(DrawingTest, WhatIsGoneSinceTheBookIsNotDrawn) {
  PutTwoTopics();
  Put("secret", "", {"zorgo", "baker"});
  const Book book = Built();
  Delete("secret");
  DrawQuery query;
  query.nodes_max = 100;
  EXPECT_FALSE(NamesOf(Draw(*Graph(), &book, query).value()).contains("zorgo"));
}

TEST_F(DrawingTest, AHubOfAHundredThousandIsDrawnInPart) {
  constexpr uint32_t kEach = 50'000;
  for (int part = 0; part < 2; ++part) {
    format::DerivationBuilder builder;
    const auto hub = builder.Entity("hub").value();
    for (uint32_t i = 0; i < kEach; ++i) {
      builder.AddFact({hub, "knows", builder.Known("spoke " + std::to_string(part) + " " + std::to_string(i), "")});
    }
    Derive("d" + std::to_string(part), builder.Build());
  }
  const Drawing drawing = Around("hub", 2, 50);
  EXPECT_EQ(drawing.nodes.size(), 50u);
  EXPECT_TRUE(drawing.more);
  EXPECT_GE(drawing.edges.size(), 1u);
  const Book book = Built();
  ASSERT_EQ(book.ids.size(), 2 * kEach + 1);
  ASSERT_GE(book.levels[0].count(), 1u);
  // All of them are in it, the hub first.
  const auto node = book.NodeOf(Entity("hub")).value();
  EXPECT_EQ(book.levels[0].MembersOf(book.levels[0].community_of[node]).front(), node);
  EXPECT_EQ(book.levels[0].count(), 1u);
  const std::vector<Book::Place> places = {{0, 0}};
  const auto views = ViewCommunities(SourceOf(), book, places, 10).value();
  ASSERT_EQ(views.size(), 1u);
  EXPECT_EQ(views[0].size, 2 * kEach + 1);
  EXPECT_EQ(views[0].members.size(), 10u);
}

}  // namespace
}  // namespace rhizome::communities
