#include "ask/instant.h"

#include <gtest/gtest.h>

namespace rhizome::ask {
namespace {

TEST(Instant, AYearAMonthOrADayIsItsFirstMoment) {
  EXPECT_EQ(ParseInstantMs("1970"), 0);
  EXPECT_EQ(ParseInstantMs("1970-02"), 31 * 86'400'000LL);
  EXPECT_EQ(ParseInstantMs("1970-01-02"), 86'400'000);
  EXPECT_EQ(ParseInstantMs("1969-12-31"), -86'400'000);
}

TEST(Instant, ATimeOfDayHasItsOffset) {
  EXPECT_EQ(ParseInstantMs("1970-01-01T01:00:00Z"), 3'600'000);
  EXPECT_EQ(ParseInstantMs("1970-01-01T01:00:00.25+01:00"), 250);
  EXPECT_EQ(ParseInstantMs("1970-01-01T00:00:00-00:30"), 1'800'000);
}

TEST(Instant, WhatIsNoneIsRefused) {
  for (const char* const text : {"", "19", "1998-", "1998-13", "1998-02-30", "1998-01-01T", "1998-01-01T25:00:00Z",
                                 "1998-01-01T10:00:00", "1998-01-01T10:00:00.Z", "1998-01-01T10:00:00+1:00", "soon",
                                 "1998-01-01 ", "-998", "1998-01-01T10:61:00Z", "1998-01-01T10:00:00+24:00"}) {
    EXPECT_EQ(ParseInstantMs(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace rhizome::ask
