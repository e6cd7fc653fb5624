#include "extract/dates.h"

#include <chrono>

namespace rhizome::extract {
namespace {

int64_t Ms(int year, unsigned month = 1, unsigned day = 1) {
  const std::chrono::sys_days days{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day}};
  return std::chrono::duration_cast<std::chrono::milliseconds>(days.time_since_epoch()).count();
}

std::vector<TimeSpan> Times(std::string_view text) {
  Tokenizer tokenizer;
  tokenizer.Run(text);
  return FindTimes(tokenizer);
}

struct Case {
  std::string_view text, surface;
  TimeUse use;
  std::optional<int64_t> from, until;
  Precision precision;
};

class OneTime : public testing::TestWithParam<Case> {};
TEST_P(OneTime, IsFound) {
  const Case& expected = GetParam();
  const auto times = Times(expected.text);
  ASSERT_EQ(times.size(), 1u) << expected.text;
  EXPECT_EQ(expected.text.substr(times[0].begin, times[0].end - times[0].begin), expected.surface);
  EXPECT_EQ(times[0].use, expected.use);
  EXPECT_EQ(times[0].from_ms, expected.from);
  EXPECT_EQ(times[0].until_ms, expected.until);
  EXPECT_EQ(times[0].precision, expected.precision);
}

constexpr auto kNothing = std::nullopt;
const Case kCases[] = {
    {"on 2001-03-04 it", "2001-03-04", TimeUse::kAt, Ms(2001, 3, 4), Ms(2001, 3, 5), Precision::kDay},
    {"on March 4, 1987 it", "March 4, 1987", TimeUse::kAt, Ms(1987, 3, 4), Ms(1987, 3, 5), Precision::kDay},
    {"on March 4th, 1987", "March 4th, 1987", TimeUse::kAt, Ms(1987, 3, 4), Ms(1987, 3, 5), Precision::kDay},
    {"on Mar. 4, 1987", "Mar. 4, 1987", TimeUse::kAt, Ms(1987, 3, 4), Ms(1987, 3, 5), Precision::kDay},
    {"born 4 March 1987 in", "4 March 1987", TimeUse::kAt, Ms(1987, 3, 4), Ms(1987, 3, 5), Precision::kDay},
    {"the 4th of March 1987", "4th of March 1987", TimeUse::kAt, Ms(1987, 3, 4), Ms(1987, 3, 5), Precision::kDay},
    {"February 29, 2000", "February 29, 2000", TimeUse::kAt, Ms(2000, 2, 29), Ms(2000, 3, 1), Precision::kDay},
    {"in March 1987", "March 1987", TimeUse::kAt, Ms(1987, 3), Ms(1987, 4), Precision::kMonth},
    {"in December, 1987", "December, 1987", TimeUse::kAt, Ms(1987, 12), Ms(1988), Precision::kMonth},
    {"in 1987.", "1987", TimeUse::kAt, Ms(1987), Ms(1988), Precision::kYear},
    {"in the 1980s", "1980s", TimeUse::kAt, Ms(1980), Ms(1990), Precision::kDecade},
    {"in the 19th century", "19th century", TimeUse::kAt, Ms(1801), Ms(1901), Precision::kCentury},
    {"February 30, 2001", "2001", TimeUse::kAt, Ms(2001), Ms(2002), Precision::kYear},
    {"in 44 BC", "44 BC", TimeUse::kAt, Ms(-43), Ms(-42), Precision::kYear},
    {"from 1990 to 1995", "1990 to 1995", TimeUse::kBetween, Ms(1990), Ms(1996), Precision::kYear},
    {"between 1990 and 1995", "1990 and 1995", TimeUse::kBetween, Ms(1990), Ms(1996), Precision::kYear},
    {"(1990–1995)", "1990–1995", TimeUse::kBetween, Ms(1990), Ms(1996), Precision::kYear},
    {"(1990-95)", "1990-95", TimeUse::kBetween, Ms(1990), Ms(1996), Precision::kYear},
    {"(May 1, 1990 – June 2, 1995)", "May 1, 1990 – June 2, 1995", TimeUse::kBetween, Ms(1990, 5, 1), Ms(1995, 6, 3),
     Precision::kDay},
    {"since 1990", "1990", TimeUse::kSince, Ms(1990), kNothing, Precision::kYear},
    {"from 1990 to present", "1990 to present", TimeUse::kSince, Ms(1990), kNothing, Precision::kYear},
    {"until 1995", "1995", TimeUse::kUntil, kNothing, Ms(1996), Precision::kYear},
    {"before March 1995", "March 1995", TimeUse::kUntil, kNothing, Ms(1995, 3), Precision::kMonth},
};
INSTANTIATE_TEST_SUITE_P(Dates, OneTime, testing::ValuesIn(kCases));

class NoTime : public testing::TestWithParam<std::string_view> {};
TEST_P(NoTime, IsFound) { EXPECT_TRUE(Times(GetParam()).empty()) << GetParam(); }

constexpr std::string_view kNone[] = {
    "",        "2001-13-04",  "1,987 things", "$1987",    "1987 people",       "1987%",
    "may be",  "He may 5 of", "in 0000",      "room 987", "March of progress", "99999999999999999",
    "4 March", "n=1987"};
INSTANTIATE_TEST_SUITE_P(Dates, NoTime, testing::ValuesIn(kNone));

TEST(Dates, SeveralAreFoundInOrder) {
  const auto times = Times("Born in 1900, he reigned from 1920 to 1930 and died on May 5, 1950.");
  ASSERT_EQ(times.size(), 3u);
  EXPECT_EQ(times[1].use, TimeUse::kBetween);
  EXPECT_EQ(times[2].from_ms, Ms(1950, 5, 5));
}

TEST(Dates, ARangeThatRunsBackwardsIsTwoMoments) {
  const auto times = Times("1995 to 1990");
  ASSERT_EQ(times.size(), 2u);
  EXPECT_EQ(times[0].use, TimeUse::kAt);
}

TEST(Dates, MomentsHaveNamesByPrecision) {
  EXPECT_EQ(MomentName({Ms(1987, 3, 4), Ms(1987, 3, 5), Precision::kDay}), "1987-03-04");
  EXPECT_EQ(MomentName({Ms(1987, 3), Ms(1987, 4), Precision::kMonth}), "1987-03");
  EXPECT_EQ(MomentName({Ms(1987), Ms(1988), Precision::kYear}), "1987");
  EXPECT_EQ(MomentName({Ms(1980), Ms(1990), Precision::kDecade}), "1980s");
  EXPECT_EQ(MomentName({Ms(1901), Ms(2001), Precision::kCentury}), "century 20");
  EXPECT_EQ(MomentName({Ms(-43), Ms(-42), Precision::kYear}), "44 BC");
}

}  // namespace
}  // namespace rhizome::extract
