#include "history/set_checker.h"

#include <gtest/gtest.h>

namespace rhizome::history {
namespace {

constexpr Element kAdded{.content = 7, .added = Outcome::kOk};
constexpr Element kRemoved{.content = 7, .added = Outcome::kOk, .removed = Outcome::kOk};

TEST(SetChecker, WhatWasAddedAndNotRemovedMustBeThere) {
  EXPECT_TRUE(CheckSet({{"a", kAdded}}, {{"a", 7}}).ok());
  EXPECT_EQ(CheckSet({{"a", kAdded}}, {}).lost, 1u);
  EXPECT_EQ(CheckSet({{"a", {.content = 7, .added = Outcome::kOk, .removed = Outcome::kFailed}}}, {}).lost, 1u);
}

TEST(SetChecker, WhatWasRemovedMustNotComeBack) {
  EXPECT_TRUE(CheckSet({{"a", kRemoved}}, {}).ok());
  EXPECT_EQ(CheckSet({{"a", kRemoved}}, {{"a", 7}}).revived, 1u);
}

TEST(SetChecker, TheUnknownMayGoEitherWay) {
  const Element maybe{.content = 7, .added = Outcome::kUnknown};
  const Element maybe_removed{.content = 7, .added = Outcome::kOk, .removed = Outcome::kUnknown};
  for (const Element& element : {maybe, maybe_removed}) {
    EXPECT_TRUE(CheckSet({{"a", element}}, {{"a", 7}}).ok());
    EXPECT_TRUE(CheckSet({{"a", element}}, {}).ok());
    EXPECT_EQ(CheckSet({{"a", element}}, {}).checked, 0u);
  }
}

TEST(SetChecker, NothingIsThereThatNobodyPutIn) {
  EXPECT_EQ(CheckSet({}, {{"a", 7}}).revived, 1u);
  EXPECT_EQ(CheckSet({{"a", {.content = 7, .added = Outcome::kFailed}}}, {{"a", 7}}).revived, 1u);
}

TEST(SetChecker, TheContentIsWhatWasWritten) {
  const SetVerdict verdict = CheckSet({{"a", kAdded}}, {{"a", 8}});
  EXPECT_EQ(verdict.altered, 1u);
  EXPECT_NE(verdict.first, "");
}

}  // namespace
}  // namespace rhizome::history
