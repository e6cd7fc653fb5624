#include "engines/graph/conflicts.h"

#include <gtest/gtest.h>

#include "engines/graph/engine_testing.h"

namespace rhizome::graph {
namespace {

FoundFact Lives(std::string_view origin, std::string_view where, int64_t from, int64_t recorded = 1) {
  FoundFact fact;
  fact.origin = DocumentOf(origin);
  fact.id = {fact.origin.Hash(), static_cast<uint64_t>(from)};
  fact.source = {IdOf("ann"), "ann"};
  fact.target = {IdOf(where), std::string(where)};
  fact.type = "lives_in";
  fact.valid_from = from;
  fact.recorded_at = At(recorded);
  return fact;
}

std::vector<FoundFact> Resolved(std::vector<FoundFact> facts) {
  ResolveConflicts(facts, [](const FoundFact& fact) { return fact.target.id; });
  return facts;
}

TEST(ConflictsTest, TheLaterFactEndsTheEarlierOne) {
  const auto facts = Resolved({Lives("b", "rome", 20, 1), Lives("a", "paris", 10, 2)});
  EXPECT_EQ(facts[1].valid_until, 20);
  EXPECT_EQ(facts[1].superseded_by, facts[0].id);
  EXPECT_EQ(facts[1].closed_at, At(2));
  EXPECT_TRUE(facts[1].by_conflict);
  EXPECT_EQ(facts[0], Lives("b", "rome", 20, 1));
}

TEST(ConflictsTest, WhatAgreesIsNoConflict) {
  const auto facts = Resolved({Lives("a", "rome", 10), Lives("b", "rome", 20)});
  EXPECT_EQ(facts[0].valid_until, format::kForever);
}

TEST(ConflictsTest, OfTwoThatBeginTogetherTheSurerOneHolds) {
  std::vector<FoundFact> facts = {Lives("a", "paris", 10), Lives("b", "rome", 10)};
  facts[1].confidence = .5F;
  facts = Resolved(facts);
  EXPECT_EQ(facts[0].valid_until, format::kForever);
  EXPECT_EQ(facts[1].valid_until, 10);
}

TEST(ConflictsTest, AClientsWordGoesBeforeADocuments) {
  std::vector<FoundFact> facts = {Lives("a", "paris", 10), Lives("b", "rome", 10)};
  facts[1].origin = FactOf("b");
  facts[1].confidence = .1F;
  EXPECT_EQ(Resolved(facts)[0].valid_until, 10);
}

TEST(ConflictsTest, AFactThatWasTakenBackEndsNone) {
  std::vector<FoundFact> facts = {Lives("a", "paris", 10), Lives("b", "rome", 20)};
  facts[1].valid_until = 20;
  EXPECT_EQ(Resolved(facts)[0].valid_until, format::kForever);
}

TEST(ConflictsTest, AFactThatHadEndedIsLeftAsItIs) {
  std::vector<FoundFact> facts = {Lives("a", "paris", 10), Lives("b", "rome", 20)};
  facts[0].valid_until = 15;
  EXPECT_EQ(Resolved(facts)[0], facts[0]);
}

TEST(ConflictsTest, WhatSomebodyOpenedByHandStaysOpen) {
  std::vector<FoundFact> facts = {Lives("a", "paris", 10), Lives("b", "rome", 20)};
  facts[0].opened_at = At(3);
  EXPECT_EQ(Resolved(facts)[0], facts[0]);
}

TEST(ConflictsTest, OneBreathIsNoConflict) {
  std::vector<FoundFact> facts = {Lives("a", "paris", 10), Lives("a", "rome", 10)};
  EXPECT_EQ(Resolved(facts), facts);
}

TEST(ConflictsTest, RelationsAreReadFromWords) {
  const auto relations = FunctionalRelations::Parse("lives_in, leads:target\ncapital_of:both").value();
  EXPECT_EQ(relations.ToString(), "capital_of:both leads:target lives_in");
  EXPECT_EQ(relations.SidesOf("lives_in").size(), 1u);
  EXPECT_EQ(relations.SidesOf("leads")[0], Direction::kIn);
  EXPECT_EQ(relations.SidesOf("capital_of").size(), 2u);
  EXPECT_TRUE(relations.SidesOf("knows").empty());
  EXPECT_TRUE(FunctionalRelations::Parse("")->SidesOf("lives_in").empty());
  EXPECT_EQ(FunctionalRelations::Parse(FunctionalRelations::Default().ToString())->ToString(),
            FunctionalRelations::Default().ToString());
}

TEST(ConflictsTest, AWordThatIsNoRelationIsRefused) {
  for (const char* text : {":target", "leads:side", "a b:"}) {
    EXPECT_EQ(FunctionalRelations::Parse(text).status().code(), Code::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace rhizome::graph
