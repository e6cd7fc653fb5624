#include "ask/confidence.h"

#include <gtest/gtest.h>

namespace rhizome::ask {
namespace {

Evidence Good() {
  Evidence evidence;
  evidence.closeness = .8;
  evidence.coverage = .8;
  evidence.passage_coverage = .9;
  evidence.names_found = 1;
  return evidence;
}

TEST(Confidence, IsAShareAndGrowsWithEachFigure) {
  const double all = ConfidenceOf(Good());
  EXPECT_GT(all, .8);
  EXPECT_LT(all, 1);
  for (double Evidence::*figure :
       {&Evidence::closeness, &Evidence::coverage, &Evidence::passage_coverage, &Evidence::names_found}) {
    Evidence less = Good();
    less.*figure = 0;
    EXPECT_LT(ConfidenceOf(less), all);
  }
}

TEST(Confidence, OfNothingIsBelowWhatIsAnswered) {
  Evidence nothing;
  nothing.names_found = 0;
  for (const bool by_meaning : {false, true}) {
    nothing.by_meaning = by_meaning;
    EXPECT_LT(ConfidenceOf(nothing), kConfidenceMin);
  }
}

TEST(Confidence, WhatWasNotTakenSaysNothing) {
  Evidence evidence = Good();
  evidence.by_meaning = false;
  const double without = ConfidenceOf(evidence);
  EXPECT_GT(without, .7);
  evidence.closeness = 0;
  EXPECT_EQ(ConfidenceOf(evidence), without);
}

TEST(Confidence, AFactThatAnswersMakesSurer) {
  Evidence evidence;
  evidence.names_found = 1;
  const double without = ConfidenceOf(evidence);
  evidence.fact = true;
  EXPECT_GT(ConfidenceOf(evidence), without);
}

}  // namespace
}  // namespace rhizome::ask
