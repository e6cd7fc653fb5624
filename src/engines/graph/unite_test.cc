// A graph in three shards, united, answers as the same graph in one.
#include "engines/graph/unite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "engines/graph/classes.h"
#include "engines/graph/engine_testing.h"

namespace rhizome::graph {
namespace {

constexpr uint32_t kShards = 3;

class UniteTest : public testing::Test {
 protected:
  UniteTest() {
    std::mt19937 random(5);
    const auto pick = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
    const auto name = [&] { return "name " + std::to_string(pick(6)); };
    for (int64_t ms = 1; ms <= 80; ++ms) {
      std::vector<SaidMention> mentions;
      std::vector<SaidFact> facts;
      for (uint32_t i = 0; i < 3; ++i) mentions.push_back({name(), pick(2) ? "person" : "place", pick(4), 1 + pick(3)});
      for (uint32_t i = 0; i < 3; ++i) facts.push_back({name(), "knows", name(), static_cast<float>(pick(4))});
      const std::string id = "doc" + std::to_string(pick(40));
      Write(pick(8) == 0 ? Remove(At(ms), id) : Put(At(ms), id, Said(mentions, facts)));
    }
    for (int64_t ms = 81; ms <= 90; ++ms) {
      Write({At(ms), format::PutProperty{IdOf(name()), static_cast<float>(pick(4)) / 4}});
      Write({At(ms), format::PutAlias{IdOf(name()), "alias " + std::to_string(pick(3))}});
      Write(Merge(At(ms), "name " + std::to_string(pick(6)), "other " + std::to_string(pick(3))));
      Write({{}, format::CountAccess{IdOf(name()), pick(3), pick(9) + 1, ms}});
    }
    for (uint32_t i = 0; i < 6; ++i) ids_.push_back(IdOf("name " + std::to_string(i)));
  }
  void Write(const format::GraphOperation& operation) {
    whole_.Apply({operation});
    const format::GraphKey key = format::ParseGraphKey(operation.Key()).value();
    parts_[format::GraphPartitionOf(key, kShards)].Apply({operation});
  }
  template <typename Ask>
  auto EachPart(Ask ask) {
    std::vector<std::decay_t<decltype(ask(*parts_[0]).value())>> answers;
    for (TestGraph& part : parts_) answers.push_back(ask(*part).value());
    return answers;
  }

  TestGraph whole_;
  TestGraph parts_[kShards];
  std::vector<EntityId> ids_;
};

TEST_F(UniteTest, NumbersAndEntities) {
  const auto statistics = EachPart([&](const GraphEngine& part) { return part.Statistics(ids_); });
  EXPECT_EQ(UniteStatistics(statistics), whole_->Statistics(ids_).value());
  auto united = UniteEntities(EachPart([&](const GraphEngine& part) { return part.Entities(ids_); }));
  const auto expected = whole_->Entities(ids_).value();
  ASSERT_EQ(united.size(), expected.size());
  for (size_t i = 0; i < united.size(); ++i) {
    ASSERT_TRUE(united[i].has_value() && expected[i].has_value());
    EXPECT_EQ(format::EntityName(united[i]->surface), expected[i]->statistics.name);
    united[i]->surface = expected[i]->surface;
    EXPECT_EQ(united[i], expected[i]);
  }
}

TEST_F(UniteTest, FactsPageByPage) {
  for (const uint32_t rows_max : {1u, 10'000u}) {
    for (const EntityId& id : ids_) {
      FactQuery query{id};
      query.limit = 10'000;
      const std::vector<FoundFact> all = whole_->Facts(query).value().facts;
      ASSERT_GT(all.size(), 4u);
      query.limit = 3;
      query.rows_max = rows_max;
      std::vector<FoundFact> paged;
      for (int pages = 0; pages < 1000; ++pages) {
        const FactPage page = UniteFacts(EachPart([&](const GraphEngine& part) { return part.Facts(query); }), 3);
        EXPECT_LE(page.facts.size(), 3u);
        paged.insert(paged.end(), page.facts.begin(), page.facts.end());
        query.after = page.next;
        if (page.next.empty()) break;
      }
      EXPECT_EQ(query.after, "");
      EXPECT_EQ(paged, all);
    }
  }
}

TEST_F(UniteTest, NamesPageByPage) {
  const std::vector<NameEntry> all = whole_->NamesFrom("", "", 1000).value().entries;
  std::vector<NameEntry> paged;
  std::string after;
  do {
    const NamePage page =
        UniteNames(EachPart([&](const GraphEngine& part) { return part.NamesFrom("", after, 2); }), 2);
    paged.insert(paged.end(), page.entries.begin(), page.entries.end());
    after = page.next;
  } while (!after.empty());
  EXPECT_EQ(paged, all);
}

TEST_F(UniteTest, NeighboursOfEntitiesAndChunks) {
  NeighbourQuery query;
  query.entities = ids_;
  for (int i = 0; i < 40; ++i) query.chunks.push_back({Named("doc" + std::to_string(i)), 1});
  query.passages_max = 5;
  query.facts_max = 4;
  Neighbours united =
      UniteNeighbours(EachPart([&](const GraphEngine& part) { return part.FindNeighbours(query); }), query);
  const std::vector<EntityId> mentioned = MentionedBy(united);
  const auto statistics = EachPart([&](const GraphEngine& part) { return part.Statistics(mentioned); });
  UniteFrequencies(mentioned, UniteStatistics(statistics), united);
  const Neighbours expected = whole_->FindNeighbours(query).value();
  for (size_t i = 0; i < ids_.size(); ++i) {
    EXPECT_EQ(united.entities[i].documents, expected.entities[i].documents);
    EXPECT_EQ(united.entities[i].passages, expected.entities[i].passages);
    EXPECT_EQ(united.entities[i].facts, expected.entities[i].facts);
    EXPECT_EQ(united.entities[i].more_passages, expected.entities[i].more_passages);
    EXPECT_EQ(united.entities[i].more_facts, expected.entities[i].more_facts);
  }
  for (size_t i = 0; i < query.chunks.size(); ++i) {
    EXPECT_EQ(united.chunks[i].entities, expected.chunks[i].entities);
  }
}

TEST_F(UniteTest, ClassesOfMergesInAllShards) {
  EntityClasses classes, expected;
  for (std::vector<EntityId> ask = ids_; !ask.empty(); ask = classes.TakeUnasked()) {
    for (const auto& edges : EachPart([&](const GraphEngine& part) { return part.MergesAt(ask); })) {
      classes.Add(ask, edges);
    }
  }
  std::vector<EntityId> everybody = ids_;
  for (int i = 0; i < 3; ++i) everybody.push_back(IdOf("other " + std::to_string(i)));
  expected.Add(everybody, whole_->MergesAt(everybody).value());
  for (const EntityId& id : everybody) EXPECT_EQ(classes.MembersOf(id), expected.MembersOf(id));
}

TEST(EntityClasses, TheSmallestIdStandsForAllInWhateverDirection) {
  const EntityId a{0, 1}, b{0, 2}, c{0, 3}, d{0, 4};
  EntityClasses classes;
  classes.Add(std::vector{b}, std::vector{MergeEdge{b, c, {}}, MergeEdge{a, b, {}}, MergeEdge{a, c, {}}});
  for (const EntityId& id : {a, b, c}) {
    EXPECT_EQ(classes.RootOf(id), a);
    EXPECT_THAT(classes.MembersOf(id), testing::ElementsAre(a, b, c));
  }
  EXPECT_EQ(classes.RootOf(d), d);
  EXPECT_THAT(classes.MembersOf(d), testing::ElementsAre(d));
  EXPECT_THAT(classes.TakeUnasked(), testing::ElementsAre(a, c));
  EXPECT_THAT(classes.TakeUnasked(), testing::IsEmpty());
}

TEST(EntityClasses, BeyondItsBoundItSaysThatItLeftEdgesOut) {
  EntityClasses classes(2);
  classes.Add({}, std::vector{MergeEdge{{0, 1}, {0, 2}, {}}});
  EXPECT_FALSE(classes.truncated());
  classes.Add({}, std::vector{MergeEdge{{0, 2}, {0, 3}, {}}});
  EXPECT_TRUE(classes.truncated());
  EXPECT_EQ(classes.RootOf({0, 3}), (EntityId{0, 3}));
}

}  // namespace
}  // namespace rhizome::graph
