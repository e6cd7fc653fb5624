#include "progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rhizome::app {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Progress, NumbersAreGrouped) {
  EXPECT_EQ(Grouped(7), "7");
  EXPECT_EQ(Grouped(1234), "1,234");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
}

TEST(Progress, TheBarSaysShareRateAndTimeLeft) {
  const std::string text = ProgressText(25, 100, 500, 10);
  EXPECT_THAT(text, HasSubstr("[######------------------]"));
  EXPECT_THAT(text, HasSubstr("25 %"));
  EXPECT_THAT(text, HasSubstr("500 documents"));
  EXPECT_THAT(text, HasSubstr("50/s"));
  EXPECT_THAT(text, HasSubstr("0:30 left"));
}

TEST(Progress, WhatIsCountedIsNamed) {
  EXPECT_THAT(ProgressText(25, 0, 5'000, 10, "samples"), HasSubstr("5,000 samples  500/s"));
}

TEST(Progress, WithoutATotalThereIsNoBar) { EXPECT_THAT(ProgressText(25, 0, 500, 10), Not(HasSubstr("["))); }

}  // namespace
}  // namespace rhizome::app
