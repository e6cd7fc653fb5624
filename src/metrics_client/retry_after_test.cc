#include "metrics_client/retry_after.h"

#include <gtest/gtest.h>

namespace rhizome::metrics_client {
namespace {

constexpr int64_t kDateMs = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT

TEST(RetryAfter, SecondsAreFromNowOn) {
  EXPECT_EQ(RetryAfterMs("3", 1), 3'000);
  EXPECT_EQ(RetryAfterMs("0", 1), 0);
}

TEST(RetryAfter, ADateIsThatMoment) {
  EXPECT_EQ(RetryAfterMs("Sun, 06 Nov 1994 08:49:37 GMT", kDateMs - 2'500), 2'500);
}

TEST(RetryAfter, ADateThatHasPassedIsNow) { EXPECT_EQ(RetryAfterMs("Sun, 06 Nov 1994 08:49:37 GMT", kDateMs + 1), 0); }

TEST(RetryAfter, AnEternityIsBounded) {
  EXPECT_EQ(RetryAfterMs("99999999999999999999999", 0), 1'000'000'000'000);
  EXPECT_EQ(RetryAfterMs("999999999999", 0), 1'000'000'000'000);
}

TEST(RetryAfter, AnythingElseIsNothing) {
  for (const char* const header : {"", "-1", "-99999999999999999999999", "3 s", "1.5", "soon", "Sun, 06 Nov 1994",
                                   "Sun, 06 Nov 1994 08:49:37 GMT+1"}) {
    EXPECT_EQ(RetryAfterMs(header, 0), std::nullopt) << header;
  }
}

}  // namespace
}  // namespace rhizome::metrics_client
