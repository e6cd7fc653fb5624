#include "promql/printer.h"

#include <gtest/gtest.h>

#include "promql/parser.h"

namespace rhizome::promql {
namespace {

std::string Printed(std::string_view query) { return Print(*Parse(query).value()); }
std::string Pretty(std::string_view query) { return Prettify(*Parse(query).value()); }

TEST(Printer, OneLineHasOneForm) {
  EXPECT_EQ(Printed("sum(a)by(b,c)"), "sum by (b, c) (a)");
  EXPECT_EQ(Printed("sum without()(a)"), "sum without () (a)");
  EXPECT_EQ(Printed("a==bool on(b)group_left(c)d"), "a == bool on (b) group_left (c) d");
  EXPECT_EQ(Printed("a*ignoring()b"), "a * b");
  EXPECT_EQ(Printed("a*ignoring()group_right b"), "a * ignoring () group_right () b");
  EXPECT_EQ(Printed("a{z='1',b=`2`}"), "a{b=\"2\",z=\"1\"}");
  EXPECT_EQ(Printed("topk(5,-a)"), "topk(5, -a)");
  EXPECT_EQ(Printed("1e6 + 0x10 + NaN"), "1e+06 + 16 + NaN");
}

TEST(Printer, WhatIsPrintedParsesToTheSameTree) {
  for (const std::string query :
       {"-1 ^ 2", "2 ^ -a * b", "--a", "+a", "-(-1)", "(1)", "a @ 1.001 offset -5m", "a[5m:] offset 1h @ end()",
        "-a[5m:]", "label_replace(a, \"b\", \"$1\\n\", `c\"`, '(.*)')", "a or on () b", "sum by () (a)",
        "{a=\"\xc3\xa9\\x00\"}", "time() - -0", "by{a=\"b\"}", "count_values(\"x\", sum)"}) {
    const auto tree = Parse(query);
    if (!tree.ok()) continue;
    const auto again = Parse(Print(**tree));
    ASSERT_TRUE(again.ok()) << query << " printed as " << Print(**tree);
    EXPECT_TRUE(SameTree(**tree, **again)) << query;
  }
}

TEST(Printer, DifferentTreesAreToldApart) {
  const std::vector<std::string> queries = {
      "a",      "b",       "a[5m]",       "a[6m]",      "a offset 5m", "a @ 1",        "a{b=\"1\"}", "a{b!=\"1\"}",
      "(a)",    "-a",      "+a",          "1",          "2",           "\"a\"",        "sum(a)",     "sum by (b) (a)",
      "max(a)", "a + b",   "a - b",       "a > b",      "a > bool b",  "a + on (c) b", "a[5m:]",     "a[5m:1m]",
      "abs(a)", "ceil(a)", "round(a, 1)", "round(a, 2)"};
  for (size_t i = 0; i < queries.size(); ++i) {
    for (size_t j = 0; j < queries.size(); ++j) {
      EXPECT_EQ(SameTree(*Parse(queries[i]).value(), *Parse(queries[j]).value()), i == j) << queries[i] << queries[j];
    }
  }
}

TEST(Printer, LongLinesAreBroken) {
  const std::string name(60, 'x');
  EXPECT_EQ(Pretty("sum by (a) (" + name + " + " + name + ")"),
            "sum by (a) (\n    " + name + "\n  +\n    " + name + "\n)");
  EXPECT_EQ(Pretty("round(-(" + name + " / " + name + "), 5)"),
            "round(\n  -(\n      " + name + "\n    /\n      " + name + "\n  ),\n  5\n)");
  EXPECT_EQ(Pretty("topk(3, " + std::string(100, 'y') + ")"), "topk(\n  3,\n  " + std::string(100, 'y') + "\n)");
}

TEST(Printer, ShortLinesAreLeftAlone) { EXPECT_EQ(Pretty("sum(rate(a[5m])) by (b)"), "sum by (b) (rate(a[5m]))"); }

}  // namespace
}  // namespace rhizome::promql
