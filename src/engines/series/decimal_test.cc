#include "engines/series/decimal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

namespace rhizome::series {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Found {
  bool decimal = false;
  DecimalForm form;
  std::vector<int64_t> integers;
};

Found Find(const std::vector<double>& values) {
  Found found;
  std::vector<uint64_t> integers(values.size());
  found.decimal = FindDecimalForm(values, integers, found.form);
  for (const uint64_t integer : integers) found.integers.push_back(static_cast<int64_t>(integer));
  return found;
}

TEST(Decimal, TheSmallestExponentThatHoldsAllIsFound) {
  EXPECT_EQ(Find({1, 2, 3}).form.exponent, 0u);
  EXPECT_EQ(Find({1.5, 2, -3}).form.exponent, 1u);
  const Found found = Find({1.5, 0.25, -3.125});
  EXPECT_EQ(found.form.exponent, 3u);
  EXPECT_THAT(found.integers, ElementsAre(1500, 250, -3125));
  EXPECT_THAT(found.form.exceptions, IsEmpty());
}

TEST(Decimal, AFinerValueThatTheGuessDidNotMeetRaisesTheExponent) {
  std::vector<double> values(1000, 2.5);
  for (size_t i = 1; i < values.size(); i += 3) values[i] = 2.125;
  values[0] = values[125] = 2.5;
  const Found found = Find(values);
  ASSERT_TRUE(found.decimal);
  EXPECT_EQ(found.form.exponent, 3u);
  EXPECT_THAT(found.form.exceptions, IsEmpty());
}

TEST(Decimal, DecimalsOfEveryLengthComeBack) {
  std::mt19937_64 random(1);
  for (unsigned digits = 0; digits <= 12; ++digits) {
    std::vector<double> values;
    for (int i = 0; i < 500; ++i) {
      const std::string text = std::to_string(random() % 1000) + "." +
                               std::to_string(random() % 1'000'000'000'000 + 1'000'000'000'000).substr(1, digits);
      values.push_back(std::strtod(text.c_str(), nullptr) * (random() % 2 ? 1 : -1));
    }
    std::vector<uint64_t> integers(values.size());
    DecimalForm form;
    ASSERT_TRUE(FindDecimalForm(values, integers, form)) << digits;
    std::vector<double> back(values.size());
    DecimalsToDoubles(integers, form.exponent, back.data());
    for (const uint32_t i : form.exceptions) back[i] = values[i];  // -0
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(std::bit_cast<uint64_t>(back[i]), std::bit_cast<uint64_t>(values[i])) << values[i];
    }
  }
}

TEST(Decimal, WhatIsNoDecimalIsAnException) {
  std::vector<double> values(100, 1.5);
  values[3] = -0.0;
  values[50] = std::numeric_limits<double>::quiet_NaN();
  values[70] = std::numeric_limits<double>::infinity();
  values[99] = 1.0 / 3;
  const Found found = Find(values);
  ASSERT_TRUE(found.decimal);
  EXPECT_THAT(found.form.exceptions, ElementsAre(3, 50, 70, 99));
  EXPECT_THAT(found.integers, testing::Each(15));
}

TEST(Decimal, FullPrecisionIsNoDecimalForm) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> values;
  for (int i = 0; i < 300; ++i) values.push_back(normal(random));
  EXPECT_FALSE(Find(values).decimal);
}

TEST(Decimal, OneExceptionInSixteenIsTheLimit) {
  std::vector<double> values(160, 2);
  for (int i = 0; i < 10; ++i) values[16 * i + 3] = 1.0 / 3;
  EXPECT_TRUE(Find(values).decimal);
  values[5] = 1.0 / 3;
  EXPECT_FALSE(Find(values).decimal);
}

TEST(Decimal, MagnitudesFrom2To51OnAreExceptions) {
  const double largest = std::ldexp(1, 51) - 1;
  EXPECT_THAT(Find({1, largest, -largest}).form.exceptions, IsEmpty());
  std::vector<double> values(64, 1);
  values[1] = std::ldexp(1, 51);
  values[2] = -std::ldexp(1, 51);
  values[3] = std::ldexp(1, 53);
  values[4] = 1e300;
  EXPECT_THAT(Find(values).form.exceptions, ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace rhizome::series
