#include "base/steps.h"

#include <gtest/gtest.h>

namespace rhizome {
namespace {

TEST(Steps, EachStepsTimeIsToldInOrder) {
  SimClock clock;
  StepLog log(clock);
  {
    const Step step("embed");
    clock.AdvanceMs(10);
  }
  {
    const Step step("search");
    clock.AdvanceMs(3);
  }
  EXPECT_EQ(log.ToString(), "embed=10.00ms search=3.00ms");
}

TEST(Steps, AStepMetAgainAddsUp) {
  SimClock clock;
  StepLog log(clock);
  log.Add("queue", 500'000);
  for (int i = 0; i < 2; ++i) {
    const Step step("search");
    clock.AdvanceMs(2);
  }
  EXPECT_EQ(log.ToString(), "queue=0.50ms search=4.00ms");
}

TEST(Steps, WithoutALogNothingIsMeasured) {
  { const Step step("search"); }
  SimClock clock;
  EXPECT_EQ(StepLog(clock).ToString(), "");
}

TEST(Steps, TheInnerLogCountsWhileItLives) {
  SimClock clock;
  StepLog outer(clock);
  {
    StepLog inner(clock);
    { const Step step("a"); }
    EXPECT_EQ(inner.ToString(), "a=0.00ms");
  }
  { const Step step("b"); }
  EXPECT_EQ(outer.ToString(), "b=0.00ms");
}

}  // namespace
}  // namespace rhizome
