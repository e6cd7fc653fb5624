#include "engines/vector/filter.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

namespace rhizome::vector {
namespace {

namespace json = boost::json;

Result<Filter> Parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = 200;
  return ParseFilter(json::parse(text, {}, options));
}

bool Holds(std::string_view filter, std::string_view payload) {
  const auto parsed = Parse(filter);
  EXPECT_TRUE(parsed.ok()) << parsed.status().ToString();
  return parsed.ok() && Matches(*parsed, json::parse(payload));
}

TEST(FilterDocumentation, ExamplesHold) {
  std::ifstream page(std::string(RHIZOME_SOURCE_DIR) + "/docs/filters.md");
  std::string line;
  std::string filter;
  bool inside = false;
  int checked = 0;
  while (std::getline(page, line)) {
    if (line == "```filter") {
      inside = true;
      std::getline(page, filter);
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      ASSERT_TRUE(line.starts_with("+ ") || line.starts_with("- ")) << line;
      EXPECT_EQ(Holds(filter, line.substr(2)), line[0] == '+') << filter << "\n" << line;
      ++checked;
    }
  }
  EXPECT_GT(checked, 30);
}

struct Mistake {
  const char* filter;
  const char* field;
};
void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.filter; }

const std::vector<Mistake> kMistakes{{"3", "filter"},
                                     {"{}", "filter"},
                                     {R"({"and": [], "or": []})", "filter"},
                                     {R"({"xor": []})", "filter.xor"},
                                     {R"({"match": 1})", "filter.match"},
                                     {R"({"and": {}})", "filter.and"},
                                     {R"({"or": [{"and": [7]}]})", "filter.or[0].and[0]"},
                                     {R"({"not": []})", "filter.not"},
                                     {R"({"field": "a"})", "filter"},
                                     {R"({"field": "", "match": 1})", "filter.field"},
                                     {R"({"field": 5, "match": 1})", "filter.field"},
                                     {R"({"field": "a", "matches": 1})", "filter.matches"},
                                     {R"({"field": "a", "match": 1, "in": []})", "filter.in"},
                                     {R"({"field": "a", "match": []})", "filter.match"},
                                     {R"({"field": "a", "match": {}})", "filter.match"},
                                     {R"({"field": "a", "in": 4})", "filter.in"},
                                     {R"({"field": "a", "in": [1, {}]})", "filter.in[1]"},
                                     {R"({"field": "a", "exists": 1})", "filter.exists"},
                                     {R"({"field": "a", "nested": 1})", "filter.nested"},
                                     {R"({"field": "a", "nested": {"field": "b", "in": 1}})", "filter.nested.in"},
                                     {R"({"field": "a", "range": {}})", "filter.range"},
                                     {R"({"field": "a", "range": 5})", "filter.range"},
                                     {R"({"field": "a", "range": {"above": 5}})", "filter.range.above"},
                                     {R"({"field": "a", "range": {"gt": null}})", "filter.range.gt"},
                                     {R"({"field": "a", "range": {"gt": "tomorrow"}})", "filter.range.gt"},
                                     {R"({"field": "a", "range": {"gt": 1, "gte": 2}})", "filter.range.gte"},
                                     {R"({"field": "a", "range": {"lte": 1, "lt": 2}})", "filter.range.lt"},
                                     {R"({"field": "a", "range": {"gt": 1, "lt": "2024-01-01"}})", "filter.range.lt"},
                                     {R"({"and": [{"field": "a", "match": 1}, {"field": "b", "match": 1},
                            {"field": "a", "range": {"gte": true}}]})",
                                      "filter.and[2].range.gte"}};

class FilterMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(FilterMistakes, NamesThePlace) {
  const auto parsed = Parse(GetParam().filter);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(parsed.status().field(), GetParam().field);
  EXPECT_FALSE(parsed.status().message().empty());
}

INSTANTIATE_TEST_SUITE_P(Each, FilterMistakes, testing::ValuesIn(kMistakes));

std::string Nots(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += R"({"not": )";
  text += R"({"and": []})";
  return text + std::string(count, '}');
}

TEST(FilterLimits, DepthOfThirtyTwoPassesAndOneMoreDoesNot) {
  EXPECT_TRUE(Parse(Nots(kFilterDepthMax - 1)).ok());
  EXPECT_EQ(Parse(Nots(kFilterDepthMax)).status().code(), Code::kTooLarge);
}

TEST(FilterLimits, ConditionsAreCounted) {
  const auto with = [](size_t count) {
    json::array children(count, json::value{{"field", "a"}, {"match", 1}});
    return ParseFilter(json::value{{"and", children}});
  };
  EXPECT_TRUE(with(kFilterNodesMax - 1).ok());
  EXPECT_EQ(with(kFilterNodesMax).status().code(), Code::kTooLarge);
}

TEST(FilterLimits, InValuesAreCountedOverAllLists) {
  const json::value half{{"field", "a"}, {"in", json::array(kFilterInValuesMax / 2, 1)}};
  EXPECT_TRUE(ParseFilter(json::value{{"and", json::array(2, half)}}).ok());
  const auto more = ParseFilter(json::value{{"and", json::array(3, half)}});
  EXPECT_EQ(more.status().code(), Code::kTooLarge);
  EXPECT_EQ(more.status().field(), "filter.and[2].in");
}

TEST(FilterMatches, PayloadThatIsNoObjectIsEmpty) {
  EXPECT_FALSE(Holds(R"({"field": "a", "exists": true})", "[{\"a\": 1}]"));
  EXPECT_TRUE(Holds(R"({"field": "a", "exists": false})", "7"));
}

TEST(FilterMatches, EmptyAndHoldsEmptyOrDoesNot) {
  EXPECT_TRUE(Holds(R"({"and": []})", "{}"));
  EXPECT_FALSE(Holds(R"({"or": []})", "{}"));
}

TEST(FilterMatches, LargeIntegersThatShareADoubleDiffer) {
  const std::string filter = R"({"field": "n", "match": 9223372036854775809})";
  EXPECT_TRUE(Holds(filter, R"({"n": 9223372036854775809})"));
  EXPECT_FALSE(Holds(filter, R"({"n": 9223372036854775808})"));
  EXPECT_FALSE(Holds(filter, R"({"n": 9223372036854775808.0})"));
}

TEST(FilterMatches, OpenBoundsLeaveOutTheirValue) {
  EXPECT_FALSE(Holds(R"({"field": "n", "range": {"gt": 0}})", R"({"n": -0.0})"));
  EXPECT_TRUE(Holds(R"({"field": "n", "range": {"gt": 0}})", R"({"n": 5e-324})"));
  EXPECT_FALSE(Holds(R"({"field": "n", "range": {"lt": 9007199254740993}})", R"({"n": 9007199254740993})"));
  EXPECT_TRUE(Holds(R"({"field": "n", "range": {"lt": 9007199254740993}})", R"({"n": 9007199254740992})"));
}

TEST(FilterMatches, CrossedBoundsHoldForNothing) {
  EXPECT_FALSE(Holds(R"({"field": "n", "range": {"gt": 5, "lt": 3}})", R"({"n": 4})"));
}

TEST(FilterMatches, NestedInsideNestedKeepsBothElements) {
  const std::string filter =
      R"({"field": "a", "nested": {"and": [{"field": "k", "match": 1}, {"field": "b", "nested":
         {"and": [{"field": "x", "match": 1}, {"field": "y", "match": 2}]}}]}})";
  EXPECT_TRUE(Holds(filter, R"({"a": [{"k": 1, "b": [{"x": 1, "y": 2}]}]})"));
  EXPECT_FALSE(Holds(filter, R"({"a": [{"k": 1, "b": [{"x": 1}, {"y": 2}]}]})"));
  EXPECT_FALSE(Holds(filter, R"({"a": [{"k": 1}, {"b": [{"x": 1, "y": 2}]}]})"));
}

TEST(ValueKeys, NumbersSortAsMathematicsHasIt) {
  const std::vector<ValueKey> ascending{NumberKey(-std::numeric_limits<double>::infinity()),
                                        NumberKey(std::numeric_limits<int64_t>::min()),
                                        NumberKey(std::numeric_limits<int64_t>::min() + 1),
                                        NumberKey(-1.5),
                                        NumberKey(int64_t{-1}),
                                        NumberKey(0.0),
                                        NumberKey(5e-324),
                                        NumberKey(int64_t{1}),
                                        NumberKey(int64_t{9007199254740992}),
                                        NumberKey(int64_t{9007199254740993}),
                                        NumberKey(int64_t{9007199254740994}),
                                        NumberKey(std::numeric_limits<int64_t>::max()),
                                        NumberKey(9223372036854775808.0),
                                        NumberKey(std::numeric_limits<uint64_t>::max() - 1),
                                        NumberKey(std::numeric_limits<uint64_t>::max()),
                                        NumberKey(18446744073709551616.0),
                                        NumberKey(std::numeric_limits<double>::infinity())};
  for (size_t i = 1; i < ascending.size(); ++i) {
    EXPECT_LT(ascending[i - 1], ascending[i]) << i;
    EXPECT_LE(KeyAbove(ascending[i - 1]), ascending[i]) << i;
    EXPECT_GE(KeyBelow(ascending[i]), ascending[i - 1]) << i;
  }
  EXPECT_EQ(NumberKey(-0.0), NumberKey(int64_t{0}));
  EXPECT_EQ(NumberKey(2.0), NumberKey(uint64_t{2}));
}

TEST(ValueKeys, InstantsAreReadInEveryForm) {
  const auto noon = InstantKey("2024-02-29T12:00:00Z");
  ASSERT_TRUE(noon.has_value());
  for (const char* same : {"2024-02-29t12:00:00z", "2024-02-29 13:30:00+01:30", "2024-02-29T12:00:00.000-00:00",
                           "2024-02-29T11:59:60Z", "2024-02-29T12:00:00.0000000004Z"}) {
    EXPECT_EQ(InstantKey(same), noon) << same;
  }
  EXPECT_LT(InstantKey("1900-01-01"), InstantKey("1970-01-01"));
  EXPECT_LT(noon, InstantKey("2024-02-29T12:00:00.000000001Z"));
}

TEST(ValueKeys, WhatIsNoInstantIsNone) {
  for (const char* text :
       {"", "2024", "2024-2-29", "2023-02-29", "2024-13-01", "2024-02-29T", "2024-02-29T12:00Z", "2024-02-29T24:00:00Z",
        "2024-02-29T12:60:00Z", "2024-02-29T12:00:61Z", "2024-02-29T12:00:00", "2024-02-29T12:00:00.Z",
        "2024-02-29T12:00:00+24:00", "2024-02-29T12:00:00+01", "2024-02-29T12:00:00+01:60", "2024-02-29T12:00:00Zx",
        "2024-02-29x12:00:00Z", "20x4-02-29"}) {
    EXPECT_FALSE(InstantKey(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace rhizome::vector
