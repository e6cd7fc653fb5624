#include "ask/shape.h"

#include <gtest/gtest.h>

namespace rhizome::ask {
namespace {

using graph::Direction;

Shape Of(std::string_view question) {
  extract::Tokenizer tokenizer;
  tokenizer.Run(question);
  return ShapeOf(tokenizer);
}

TEST(Shape, AQuestionWordSaysWhatIsWanted) {
  EXPECT_EQ(Of("Who founded Acme?").wanted, Wanted::kPerson);
  EXPECT_EQ(Of("Acme is based where?").wanted, Wanted::kPlace);
  EXPECT_EQ(Of("In which year was Acme founded?").wanted, Wanted::kTime);
  EXPECT_EQ(Of("How many people work for Acme?").wanted, Wanted::kNumber);
  EXPECT_EQ(Of("Is Acme based in Ohio?").wanted, Wanted::kYesOrNo);
  EXPECT_EQ(Of("Is Acme or Beta older?").wanted, Wanted::kAnything);
  EXPECT_EQ(Of("What does Acme make?").wanted, Wanted::kAnything);
  EXPECT_EQ(Of("").wanted, Wanted::kAnything);
}

TEST(Shape, TheOrderOfWordsSaysWhichEndIsNamed) {
  const auto first = [](std::string_view question) { return Of(question).relations.at(0); };
  EXPECT_EQ(first("Who founded Acme?"), (RelationHint{"founded", Direction::kIn}));
  EXPECT_EQ(first("Which company did Anna Berg found?"), (RelationHint{"founded", Direction::kOut}));
  EXPECT_EQ(first("By whom was Acme founded?"), (RelationHint{"founded", Direction::kIn}));
  EXPECT_EQ(first("Acme was founded by whom?"), (RelationHint{"founded", Direction::kIn}));
  EXPECT_EQ(first("Where was Anna Berg born?"), (RelationHint{"born_in", Direction::kOut}));
  EXPECT_EQ(first("What is the capital of France?"), (RelationHint{"capital_of", Direction::kIn}));
}

TEST(Shape, AWordMayMeanTwoRelationsAndARepetitionIsOne) {
  EXPECT_EQ(Of("Who is the mother of Anna Berg, her mother?").relations.size(), 2U);
}

TEST(Shape, SeveralWordsThatAskForRelationsAreAPath) {
  EXPECT_TRUE(Of("Where was the founder of Acme born?").compound);
  EXPECT_FALSE(Of("Who is the mother of Anna Berg?").compound);
  EXPECT_FALSE(Of("Who founded Acme?").compound);
}

TEST(Shape, WhatNoRelationSaysHasNone) {
  EXPECT_TRUE(Of("What colour is the sky?").relations.empty());
  EXPECT_TRUE(Of("Wo wurde sie geboren?").relations.empty());
}

}  // namespace
}  // namespace rhizome::ask
