#include "promql/text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rhizome::promql {
namespace {

TEST(Text, NumbersInEveryBase) {
  const std::vector<std::pair<std::string, double>> cases = {
      {"1", 1},       {"1.5", 1.5}, {".5", 0.5}, {"5.", 5}, {"1e3", 1000},
      {"1E-2", 0.01}, {"0x1F", 31}, {"010", 8},  {"09", 9}, {"9223372036854775808", 9223372036854775808.0},
      {"1e-999", 0},  {"0.1", 0.1}, {"00", 0}};
  for (const auto& [text, value] : cases) EXPECT_EQ(ParseNumber(text).value(), value) << text;
  EXPECT_TRUE(std::isinf(ParseNumber("Inf").value()));
  EXPECT_TRUE(std::isnan(ParseNumber("nAn").value()));
}

TEST(Text, WhatIsNoNumberIsRefused) {
  for (const std::string text : {"0x", "1e", "1e999", "0x1.8", "", "e5", "--1"}) {
    EXPECT_EQ(ParseNumber(text).status().field(), "query") << text;
  }
}

TEST(Text, BucketBoundsTakeASign) {
  EXPECT_EQ(ParseFloat("+Inf"), HUGE_VAL);
  EXPECT_EQ(ParseFloat("-infinity"), -HUGE_VAL);
  EXPECT_EQ(ParseFloat("-0x1p-1"), -0.5);
  EXPECT_EQ(ParseFloat("1 "), std::nullopt);
  EXPECT_EQ(ParseFloat("+-1"), std::nullopt);
  EXPECT_EQ(ParseFloat(""), std::nullopt);
  EXPECT_EQ(ParseFloat("Info"), std::nullopt);
}

TEST(Text, NumbersPrintWithTheShortestDigits) {
  const std::vector<std::pair<double, std::string>> cases = {
      {0, "0"},       {-0.0, "-0"},          {1.5, "1.5"},       {100000, "100000"}, {0.1, "0.1"},
      {1e6, "1e+06"}, {1.25e-5, "1.25e-05"}, {0.0001, "0.0001"}, {1e100, "1e+100"},  {HUGE_VAL, "+Inf"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(FormatNumber(value), text);
  EXPECT_EQ(FormatNumber(NAN), "NaN");
}

TEST(Text, PlainNumbersHaveNoExponent) {
  EXPECT_EQ(FormatPlain(1e23), "100000000000000000000000");
  EXPECT_EQ(FormatPlain(-1.5e-7), "-0.00000015");
  EXPECT_EQ(FormatPlain(12.5), "12.5");
  EXPECT_EQ(FormatPlain(-HUGE_VAL), "-Inf");
}

TEST(Text, DurationsAreUnitsInOrder) {
  EXPECT_EQ(ParseDuration("1h30m").value(), 5'400'000);
  EXPECT_EQ(ParseDuration("1y2w3d4h5m6s7ms").value(), 33'019'506'007);
  for (const std::string text :
       {"", "0s", "30m1h", "1m1m", "5", "5x", "-5m", "1h-5m", "300y", "99999999999999999999s"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(Text, DurationsPrintAndReadBack) {
  EXPECT_EQ(FormatDuration(0), "0s");
  EXPECT_EQ(FormatDuration(8 * 86'400'000), "8d");
  EXPECT_EQ(FormatDuration(14 * 86'400'000), "2w");
  for (const int64_t ms : {1, 999, 61'001, 90'000'000, 604'800'000}) {
    EXPECT_EQ(ParseDuration(FormatDuration(ms)).value(), ms);
  }
}

TEST(Text, EscapesAreUndone) {
  EXPECT_EQ(Unquote(R"("a\tb\\\"\x41\101\u00e9\U0001F600")").value(), "a\tb\\\"AA\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(Unquote(R"('\'"')").value(), "'\"");
  EXPECT_EQ(Unquote("`a\\n\n`").value(), "a\\n\n");
}

TEST(Text, WrongEscapesAreRefused) {
  for (const std::string literal : {R"("\q")", R"("\x4")", R"("\xg0")", R"("\ud800")", R"("\U00110000")", R"("\400")",
                                    R"("\'")", R"('\"')", R"("\")", "\"", "\"a'"}) {
    EXPECT_FALSE(Unquote(literal).ok()) << literal;
  }
}

TEST(Text, QuotingEscapesWhatIsNotPrintable) {
  EXPECT_EQ(Quote("a\"\\\n\x01\x7f\xff"), R"("a\"\\\n\x01\x7f\xff")");
  EXPECT_EQ(Quote("é\xe2\x80\x8b"), "\"é\\u200b\"");
  EXPECT_EQ(Quote("\xef\xbf\xbd"), "\"\xef\xbf\xbd\"");
}

TEST(FormatInstant, IsUtcWithMillisecondsWhereThereAreSome) {
  EXPECT_EQ(FormatInstant(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatInstant(1'700'000'000'250), "2023-11-14T22:13:20.25Z");
  EXPECT_EQ(FormatInstant(1'700'000'000'007), "2023-11-14T22:13:20.007Z");
  EXPECT_EQ(FormatInstant(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace rhizome::promql
