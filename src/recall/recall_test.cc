#include "recall/recall.h"

#include "recall/passage_graph.h"

namespace rhizome::recall {
namespace {

std::vector<uint64_t> Order(const std::vector<Recalled>& answer) {
  std::vector<uint64_t> order;
  for (const Recalled& recalled : answer) order.push_back(recalled.passage);
  return order;
}

TEST(FuseLegs, AveragesWhatEachScaleSays) {
  const Leg legs[] = {{{{1, 10}, {2, 5}, {3, 0}}, 1}, {{{2, .9}, {1, .1}}, 1}};
  EXPECT_EQ(FuseLegs(legs), (std::vector<ScoredPassage>{{2, .75}, {1, .5}, {3, 0}}));
}

TEST(FuseLegs, WeighsLegs) {
  const Leg legs[] = {{{{1, 1}, {2, 0}}, 3}, {{{2, 1}, {1, 0}}, 1}};
  EXPECT_EQ(FuseLegs(legs), (std::vector<ScoredPassage>{{1, .75}, {2, .25}}));
}

TEST(FuseLegs, EqualScoresAreAllBest) {
  const Leg legs[] = {{{{4, 2}, {3, 2}}, 1}};
  EXPECT_EQ(FuseLegs(legs), (std::vector<ScoredPassage>{{3, 1}, {4, 1}}));
}

TEST(FuseLegs, OfNothingIsNothing) {
  EXPECT_TRUE(FuseLegs({}).empty());
  const Leg empty[] = {{}, {}};
  EXPECT_TRUE(FuseLegs(empty).empty());
}

extract::Extraction Extracted(std::string_view title, std::string_view text) {
  extract::Extractor extractor;
  return extractor.Extract(title, text);
}

// 0 names 1; 2 is found by search only; 3 is found by nothing.
PassageGraph Films() {
  PassageGraph graph;
  graph.Add(Extracted("Leland, North Carolina", "Leland is a town. The movie Maximum Overdrive was shot there."));
  graph.Add(Extracted("Maximum Overdrive", "It was directed by Stephen King."));
  graph.Add(Extracted("Chloë Leland", "Chloë Leland is a swimmer from Norway."));
  graph.Add(Extracted("Unrelated", "Nothing of it is like the others."));
  graph.Seal();
  return graph;
}

std::vector<Recalled> Ask(const PassageGraph& graph, const RecallOptions& options, std::vector<Leg> legs,
                          std::string_view query = "") {
  extract::Extractor extractor;
  Recall recall(options, legs, graph.QueryEntities(extractor.ExtractQuery(query)), graph.passages());
  EXPECT_TRUE(Complete(recall.walk(), graph.expander()).ok());
  return recall.Answer(10);
}

const std::vector<Leg> kFound{{{{0, 3}, {2, 1.5}, {3, 1}}, 1}};

TEST(Recall, LiftsWhatTheBestPassageNames) {
  const auto answer = Ask(Films(), {}, kFound);
  EXPECT_EQ(Order(answer), (std::vector<uint64_t>{0, 1, 2, 3}));
  EXPECT_EQ(answer[1].base, 0);
  EXPECT_GT(answer[1].arrived, 0);
}

TEST(Recall, WithoutLiftIsTheSearch) {
  RecallOptions options;
  options.lift = 0;
  const std::vector<uint64_t> order = Order(Ask(Films(), options, kFound));
  EXPECT_EQ(order[0], 0u);
  EXPECT_EQ(order[1], 2u);
  for (const Recalled& recalled : Ask(Films(), options, kFound)) EXPECT_EQ(recalled.score, recalled.base);
}

TEST(Recall, NothingIsLiftedAboveTheBestFound) {
  RecallOptions options;
  options.lift = 1;
  const auto answer = Ask(Films(), options, kFound);
  for (const Recalled& recalled : answer) EXPECT_LE(recalled.score, answer[0].base);
  EXPECT_EQ(answer[0].passage, 0u);
}

TEST(Recall, AnEmptyGraphChangesNothing) {
  PassageGraph graph;
  for (int i = 0; i < 4; ++i) graph.Add({});
  graph.Seal();
  const auto answer = Ask(graph, {}, kFound);
  EXPECT_EQ(Order(answer), (std::vector<uint64_t>{0, 2, 3}));
  for (const Recalled& recalled : answer) EXPECT_EQ(recalled.score, recalled.base);
}

TEST(Recall, AGraphThatLeadsEverywhereChangesLittle) {
  PassageGraph graph;
  for (int i = 0; i < 200; ++i) graph.Add(Extracted("", i % 10 == 0 ? "They met Ada Lovelace." : "They met nobody."));
  graph.Seal();
  // Ten more share its one entity with the best: each gets a little, and none overtakes what searching found.
  const std::vector<Leg> legs{{{{0, 3}, {1, 2}, {2, 1}}, 1}};
  const auto answer = Ask(graph, {}, legs);
  EXPECT_EQ(answer[0].passage, 0u);
  EXPECT_EQ(answer[1].passage, 1u);
}

TEST(Recall, TheQuerysEntitiesAloneFindTheirPassages) {
  const auto answer = Ask(Films(), {}, {}, "Who directed Maximum Overdrive?");
  ASSERT_FALSE(answer.empty());
  EXPECT_EQ(answer[0].passage, 1u);
  EXPECT_LE(answer[0].score, RecallOptions().lift);
}

TEST(Recall, OfNothingIsNothing) { EXPECT_TRUE(Ask(Films(), {}, {}, "zzz").empty()); }

TEST(Recall, GivesAtMostWhatIsAskedFor) {
  const PassageGraph graph = Films();
  Recall recall({}, kFound, {}, graph.passages());
  ASSERT_TRUE(Complete(recall.walk(), graph.expander()).ok());
  EXPECT_EQ(recall.Answer(2).size(), 2u);
  EXPECT_TRUE(recall.Answer(0).empty());
}

TEST(Complete, HandsOnTheExpandersError) {
  Expander broken;
  broken.passages = [](std::span<const uint64_t>) -> Result<std::vector<std::vector<EntityLink>>> {
    return Status::Unavailable("graph is away");
  };
  Recall recall({}, kFound, {}, 4);
  EXPECT_EQ(Complete(recall.walk(), broken).code(), Code::kUnavailable);
}

TEST(Complete, RefusesAnswersForAnotherNumberOfNodes) {
  Expander short_one;
  short_one.passages = [](std::span<const uint64_t>) -> Result<std::vector<std::vector<EntityLink>>> {
    return std::vector<std::vector<EntityLink>>{};
  };
  Recall recall({}, kFound, {}, 4);
  EXPECT_EQ(Complete(recall.walk(), short_one).code(), Code::kInternal);
  const PassageGraph films = Films();
  Expander entities = films.expander();
  entities.entities = [](std::span<const uint64_t>) -> Result<std::vector<std::vector<PassageLink>>> {
    return std::vector<std::vector<PassageLink>>{};
  };
  Walk walk({}, 4, {}, std::vector<Weighted>{{1, 1}});
  EXPECT_EQ(Complete(walk, entities).code(), Code::kInternal);
}

TEST(PassageGraph, AnAliasMeansTheTitlesItBelongsTo) {
  PassageGraph graph;
  graph.Add(Extracted("Mercury (planet)", "It orbits the Sun."));
  graph.Add(Extracted("Solar System", "The innermost planet is Mercury there."));
  graph.Seal();
  extract::Extractor extractor;
  EXPECT_FALSE(graph.QueryEntities(extractor.ExtractQuery("How far is Mercury?")).empty());
  const auto links = graph.expander().passages(std::vector<uint64_t>{1});
  ASSERT_TRUE(links.ok());
  size_t titles = 0;
  for (const EntityLink& link : (*links)[0]) titles += link.is_title && link.passages == 2 ? 1 : 0;
  EXPECT_EQ(titles, 1u);
}

TEST(PassageGraph, NodesThatAreNotThereHaveNoLinks) {
  const PassageGraph graph = Films();
  const auto passages = graph.expander().passages(std::vector<uint64_t>{999});
  const auto entities = graph.expander().entities(std::vector<uint64_t>{99'999});
  ASSERT_TRUE(passages.ok() && entities.ok());
  EXPECT_TRUE((*passages)[0].empty());
  EXPECT_TRUE((*entities)[0].empty());
}

}  // namespace
}  // namespace rhizome::recall
