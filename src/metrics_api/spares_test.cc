#include "metrics_api/spares.h"

#include <gtest/gtest.h>

namespace rhizome::metrics_api {
namespace {

TEST(Spares, WhatIsGivenBackIsLentAgainTheLastFirst) {
  int made = 0;
  Spares<int> spares(2, [&made] { return std::make_unique<int>(made++); });
  auto first = spares.Take();
  auto second = spares.Take();
  EXPECT_EQ(made, 2);
  first.reset();
  second.reset();
  EXPECT_EQ(*spares.Take(), 1);
  EXPECT_EQ(made, 2);
}

TEST(Spares, NoMoreAreKeptThanItWasTold) {
  int made = 0;
  Spares<int> spares(1, [&made] { return std::make_unique<int>(made++); });
  {
    const auto first = spares.Take();
    const auto second = spares.Take();
  }
  const auto kept = spares.Take();
  EXPECT_EQ(made, 2);
  const auto fresh = spares.Take();
  EXPECT_EQ(made, 3);
}

}  // namespace
}  // namespace rhizome::metrics_api
