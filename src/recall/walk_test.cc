#include "recall/walk.h"

#include <map>

#include "recall/recall.h"

namespace rhizome::recall {
namespace {

// A graph by hand: each passage's entities, and which of them it is about.
class Graph {
 public:
  void Passage(uint64_t passage, std::vector<uint64_t> entities, std::vector<uint64_t> titles = {}) {
    for (const uint64_t entity : entities) {
      const bool title = std::ranges::find(titles, entity) != titles.end();
      of_[entity].push_back({passage, title});
      from_[passage].push_back({entity, 1, 0, false, false});
    }
  }
  // Supplies a walk to its end; the nodes asked for are remembered.
  void Drive(Walk& walk) {
    while (!walk.done()) {
      if (!walk.wanted_passages().empty()) {
        std::vector<std::vector<EntityLink>> links;
        for (const uint64_t passage : walk.wanted_passages()) {
          asked_passages.push_back(passage);
          links.push_back(LinksFrom(passage));
        }
        walk.SupplyPassages(links);
      } else {
        std::vector<std::vector<PassageLink>> links;
        for (const uint64_t entity : walk.wanted_entities()) {
          asked_entities.push_back(entity);
          links.push_back(of_[entity]);
        }
        walk.SupplyEntities(links);
      }
    }
  }
  std::vector<uint64_t> asked_passages, asked_entities;

 private:
  std::vector<EntityLink> LinksFrom(uint64_t passage) {
    std::vector<EntityLink> links = from_[passage];
    for (EntityLink& link : links) {
      link.passages = static_cast<uint32_t>(of_[link.entity].size());
      link.is_title = std::ranges::any_of(of_[link.entity], &PassageLink::is_title);
    }
    return links;
  }
  std::map<uint64_t, std::vector<PassageLink>> of_;
  std::map<uint64_t, std::vector<EntityLink>> from_;
};

double ArrivedAt(const Walk& walk, uint64_t passage) {
  for (const Arrival& arrival : walk.Arrivals()) {
    if (arrival.passage == passage) return arrival.arrived;
  }
  return 0;
}

constexpr uint64_t kCorpus = 1000;
const std::vector<Weighted> kFromOne{{1, 1}};

TEST(Walk, LeadsOverASharedEntity) {
  Graph graph;
  graph.Passage(1, {10});
  graph.Passage(2, {10});
  graph.Passage(3, {11});
  Walk walk({}, kCorpus, kFromOne, {});
  graph.Drive(walk);
  EXPECT_GT(ArrivedAt(walk, 2), 0);
  EXPECT_EQ(ArrivedAt(walk, 3), 0);
}

TEST(Walk, GoesTwoHops) {
  Graph graph;
  graph.Passage(1, {10});
  graph.Passage(2, {10, 11});
  graph.Passage(3, {11});
  Walk walk({}, kCorpus, kFromOne, {});
  graph.Drive(walk);
  EXPECT_GT(ArrivedAt(walk, 3), 0);
  EXPECT_GT(ArrivedAt(walk, 2), ArrivedAt(walk, 3));
}

TEST(Walk, PrefersThePassageThatIsAboutTheEntity) {
  Graph graph;
  graph.Passage(1, {10});
  graph.Passage(2, {10}, {10});
  graph.Passage(3, {10});
  Walk walk({}, kCorpus, kFromOne, {});
  graph.Drive(walk);
  EXPECT_GT(ArrivedAt(walk, 2), 5 * ArrivedAt(walk, 3));
}

TEST(Walk, PrefersRareEntities) {
  Graph graph;
  graph.Passage(1, {10, 11});
  graph.Passage(2, {10});
  for (uint64_t i = 3; i < 12; ++i) graph.Passage(i, {11});
  Walk walk({}, kCorpus, kFromOne, {});
  graph.Drive(walk);
  EXPECT_GT(ArrivedAt(walk, 2), 5 * ArrivedAt(walk, 3));
}

TEST(Walk, WhatComesStraightBackHasNotArrived) {
  Graph graph;
  graph.Passage(1, {10});
  graph.Passage(2, {10});
  WalkOptions options;
  options.rounds_max = 2;
  Walk walk(options, kCorpus, kFromOne, {});
  graph.Drive(walk);
  EXPECT_NEAR(ArrivedAt(walk, 1), 0, 1e-12);
  EXPECT_NEAR(ArrivedAt(walk, 2), .7 * .7 / 2, 1e-12);
}

TEST(Walk, MassIsNeverMade) {
  Graph graph;
  for (uint64_t i = 0; i < 30; ++i) graph.Passage(i, {100 + i % 7, 200 + i % 3, 300 + i % 11}, {300 + i % 11});
  WalkOptions options;
  options.rounds_max = 2;
  Walk walk(options, kCorpus, std::vector<Weighted>{{1, 2}, {2, 3}}, std::vector<Weighted>{{101, 1}});
  graph.Drive(walk);
  double arrived = 0;
  for (const Arrival& arrival : walk.Arrivals()) {
    EXPECT_GE(arrival.arrived, 0);
    arrived += arrival.arrived;
  }
  EXPECT_LE(arrived, 1);
  EXPECT_GT(arrived, .1);
}

TEST(Walk, StartsFromEntitiesAlone) {
  Graph graph;
  graph.Passage(1, {10});
  graph.Passage(2, {10});
  Walk walk({}, kCorpus, {}, std::vector<Weighted>{{10, 3}});
  graph.Drive(walk);
  EXPECT_GT(ArrivedAt(walk, 1), 0);
  EXPECT_DOUBLE_EQ(ArrivedAt(walk, 1), ArrivedAt(walk, 2));
}

TEST(Walk, FromNothingIsDone) {
  const Walk walk({}, kCorpus, {}, {});
  EXPECT_TRUE(walk.done());
  EXPECT_TRUE(walk.Arrivals().empty());
}

TEST(Walk, FromAPassageWithoutEntitiesArrivesNowhere) {
  Graph graph;
  Walk walk({}, kCorpus, kFromOne, {});
  graph.Drive(walk);
  ASSERT_EQ(walk.Arrivals().size(), 1u);
  EXPECT_EQ(walk.Arrivals()[0].arrived, 0);
  EXPECT_EQ(walk.Arrivals()[0].visits, 1);
}

TEST(Walk, DoesNotGoThroughHubs) {
  Graph graph;
  for (uint64_t i = 1; i <= 3000; ++i) graph.Passage(i, {10});
  Walk walk({}, 1'000'000, kFromOne, {});
  graph.Drive(walk);
  EXPECT_TRUE(graph.asked_entities.empty());
  EXPECT_EQ(walk.Arrivals().size(), 1u);
}

TEST(Walk, OfAHubOnlyThePassageAboutItIsReached) {
  Graph graph;
  graph.Passage(5000, {10}, {10});
  for (uint64_t i = 1; i <= 3000; ++i) graph.Passage(i, {10});
  Walk walk({}, 1'000'000, kFromOne, {});
  graph.Drive(walk);
  EXPECT_GT(ArrivedAt(walk, 5000), 0);
  EXPECT_EQ(walk.Arrivals().size(), 2u);
}

TEST(Walk, DoesNotGoThroughWhatWouldBringItsPassagesTooLittle) {
  Graph graph;
  std::vector<uint64_t> many;
  for (uint64_t entity = 1000; entity < 1100; ++entity) many.push_back(entity);
  for (uint64_t i = 1; i <= 190; ++i) graph.Passage(i, many);
  WalkOptions options;
  Walk walk(options, 1'000'000, kFromOne, {});
  graph.Drive(walk);
  EXPECT_TRUE(graph.asked_entities.empty());  // each has .007, which is .000026 for each passage
  options.arrival_min = 0;
  Walk all(options, 1'000'000, kFromOne, {});
  graph.Drive(all);
  EXPECT_EQ(graph.asked_entities.size(), many.size());
}

TEST(Walk, DoesNotGoThroughWhatATenthMentions) {
  Graph graph;
  for (uint64_t i = 1; i <= 150; ++i) graph.Passage(i, {10});
  Walk walk({}, kCorpus, kFromOne, {});
  graph.Drive(walk);
  EXPECT_TRUE(graph.asked_entities.empty());
}

TEST(Walk, AsksForEachNodeOnce) {
  Graph graph;
  for (uint64_t i = 0; i < 40; ++i) graph.Passage(i, {100 + i % 5, 200 + i % 9});
  WalkOptions options;
  options.rounds_max = 20;
  Walk walk(options, kCorpus, kFromOne, {});
  graph.Drive(walk);
  for (auto* asked : {&graph.asked_passages, &graph.asked_entities}) {
    std::ranges::sort(*asked);
    EXPECT_EQ(std::ranges::adjacent_find(*asked), asked->end());
  }
}

TEST(Walk, ABatchIsBounded) {
  Graph graph;
  std::vector<uint64_t> many;
  for (uint64_t entity = 1000; entity < 1100; ++entity) many.push_back(entity);
  graph.Passage(1, many);
  graph.Passage(2, many);
  WalkOptions options;
  options.batch_max = 10;
  options.residual_min = options.arrival_min = 1e-5;  // so that it does not end for want of mass
  Walk walk(options, kCorpus, kFromOne, {});
  graph.Drive(walk);
  EXPECT_EQ(graph.asked_entities.size(), 10u * (options.rounds_max / 2));
}

TEST(Walk, SmallResidualsAreLeft) {
  Graph graph;
  std::vector<uint64_t> many;
  for (uint64_t entity = 1000; entity < 1100; ++entity) many.push_back(entity);
  graph.Passage(1, many);
  graph.Passage(2, many);
  WalkOptions options;
  options.residual_min = .05;
  Walk walk(options, kCorpus, kFromOne, {});
  graph.Drive(walk);
  EXPECT_TRUE(graph.asked_entities.empty());
}

TEST(Walk, OneGraphGivesOneAnswer) {
  const auto run = [] {
    Graph graph;
    for (uint64_t i = 0; i < 60; ++i) graph.Passage(i, {100 + i % 13, 200 + i % 7, 300 + i % 17}, {200 + i % 7});
    Walk walk({}, kCorpus, std::vector<Weighted>{{1, 1}, {5, .5}, {9, .25}}, std::vector<Weighted>{{103, 1}});
    graph.Drive(walk);
    std::vector<std::pair<uint64_t, double>> arrivals;
    for (const Arrival& arrival : walk.Arrivals()) arrivals.emplace_back(arrival.passage, arrival.arrived);
    return arrivals;
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace rhizome::recall
