#include "promql/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "promql/printer.h"

namespace rhizome::promql {
namespace {

using testing::HasSubstr;

// The tree as nested lists: "(+ 1 (^ 2 3))".
std::string Shape(const Expr& expr) {
  std::string head = std::visit(
      Overloaded{[](const Binary& b) { return std::string(NameOf(b.op)); },
                 [](const Unary& u) { return std::string(u.negative ? "neg" : "pos"); },
                 [](const Paren&) { return std::string("paren"); },
                 [](const Subquery&) { return std::string("subquery"); },
                 [](const Aggregate& a) { return std::string(NameOf(a.op)); },
                 [](const Call& c) { return std::string(c.function->name); }, [&](const auto&) { return Print(expr); }},
      expr.node);
  const auto children = Children(expr);
  if (children.empty()) return head;
  for (const Expr* child : children) head += " " + Shape(*child);
  return "(" + head + ")";
}

std::string ShapeOf(std::string_view query) {
  const auto tree = Parse(query);
  return tree.ok() ? Shape(**tree) : tree.status().ToString();
}

std::string ErrorOf(std::string_view query) { return std::string(Parse(query).status().message()); }

TEST(Parser, PrecedenceAndAssociativity) {
  EXPECT_EQ(ShapeOf("1 + 2 * 3 ^ 2 ^ 2"), "(+ 1 (* 2 (^ 3 (^ 2 2))))");
  EXPECT_EQ(ShapeOf("1 - 2 - 3"), "(- (- 1 2) 3)");
  EXPECT_EQ(ShapeOf("a or b and c unless d"), "(or a (unless (and b c) d))");
  EXPECT_EQ(ShapeOf("a + b > c atan2 d"), "(> (+ a b) (atan2 c d))");
  EXPECT_EQ(ShapeOf("-a ^ 2 * b"), "(* (neg (^ a 2)) b)");
  EXPECT_EQ(ShapeOf("2 ^ -a * b"), "(* (^ 2 (neg a)) b)");
  EXPECT_EQ(ShapeOf("-1 ^ 2"), "(neg (^ 1 2))");
  EXPECT_EQ(ShapeOf("+-+2"), "-2");
  EXPECT_EQ(ShapeOf("a ^ b offset 5m"), "(^ a b offset 5m)");
}

TEST(Parser, KeywordsAreMetricsAndLabelsWhereTheyCan) {
  EXPECT_EQ(ShapeOf("sum"), "sum");
  EXPECT_EQ(ShapeOf("sum + by"), "(+ sum by)");
  EXPECT_EQ(ShapeOf("SUM(Offset offset 5m)"), "(sum Offset offset 5m)");
  EXPECT_EQ(ShapeOf("start + end{by=\"x\"}"), "(+ start end{by=\"x\"})");
  EXPECT_EQ(Print(*Parse("sum by (on, atan2, sum, bool) (a)").value()), "sum by (on, atan2, sum, bool) (a)");
  EXPECT_FALSE(Parse("on").ok());
  EXPECT_FALSE(Parse("bool + 1").ok());
  EXPECT_FALSE(Parse("atan2").ok());
}

TEST(Parser, CommentsAndBlanksMeanNothing) {
  EXPECT_EQ(ShapeOf("# one\n a # two\r\n+ # three\n b # four"), "(+ a b)");
  EXPECT_EQ(ShapeOf("a{ # in braces\n x = \"#\" ,}"), "a{x=\"#\"}");
}

TEST(Parser, SelectorsTakeEveryMatcherAndShift) {
  EXPECT_EQ(ShapeOf("a:b{x=\"1\",y!='2',z=~`3.*`,w!~\"4\"}[5m] @ 12.5 offset -1h30m"),
            "a:b{w!~\"4\",x=\"1\",y!=\"2\",z=~\"3.*\"}[5m] @ 12.500 offset -1h30m");
  EXPECT_EQ(ShapeOf("{__name__=\"a\"} @ start()"), "{__name__=\"a\"} @ start()");
  EXPECT_EQ(ShapeOf("a @ end() offset 1d"), "a @ end() offset 1d");
  EXPECT_EQ(ShapeOf("a offset 1d @ -0.001"), "a @ -0.001 offset 1d");
}

TEST(Parser, SubqueriesNest) {
  EXPECT_EQ(ShapeOf("max_over_time(rate(a[1m])[1h:30s] offset 5m)"), "(max_over_time (subquery (rate a[1m])))");
  EXPECT_EQ(Print(*Parse("sum_over_time((a+b)[1h:] @ 3)").value()), "sum_over_time((a + b)[1h:] @ 3.000)");
}

TEST(Parser, ErrorsSayWhereAndWhatWasExpected) {
  EXPECT_EQ(ErrorOf(""), "1:1: parse error: no expression found in input");
  EXPECT_EQ(ErrorOf("a\n+ )"), "2:3: parse error: unexpected right parenthesis ')'");
  EXPECT_EQ(ErrorOf("sum(a"), "1:6: parse error: unclosed left parenthesis");
  EXPECT_EQ(ErrorOf("a{b}"), "1:4: parse error: unexpected \"}\" in label matching, expected label matching operator");
  EXPECT_EQ(ErrorOf("a{b=1}"), "1:5: parse error: unexpected character inside braces: \"1\"");
  EXPECT_EQ(ErrorOf("a{b=c}"), "1:5: parse error: unexpected identifier \"c\" in label matching, expected string");
  EXPECT_EQ(ErrorOf("sum by a (b)"), "1:8: parse error: unexpected identifier \"a\" in grouping opts, expected \"(\"");
  EXPECT_EQ(ErrorOf("a offset b"), "1:10: parse error: unexpected identifier \"b\" in offset, expected duration");
  EXPECT_EQ(ErrorOf("a[5m:1]"),
            "1:6: parse error: unexpected number \"1\" in subquery selector, expected duration or \"]\"");
  EXPECT_EQ(ErrorOf("rat(a)"), "1:1: parse error: unknown function with name \"rat\"");
  EXPECT_EQ(ErrorOf("a b"), "1:3: parse error: unexpected identifier \"b\"");
}

TEST(Parser, EveryWrongTokenIsRefused) {
  for (const std::string query : {"a =~ b",
                                  "a ! b",
                                  "a $ b",
                                  "a[",
                                  "a[5m",
                                  "a[5]",
                                  "a[5x]",
                                  "a[5m5]",
                                  "a[5m:5m:5m]",
                                  "a]",
                                  "a[5m a]",
                                  "5m",
                                  "1a",
                                  "0x",
                                  "\"a",
                                  "'a\n'",
                                  "`a",
                                  "\"\\q\"",
                                  "\"\xff\"",
                                  "a{",
                                  "a{{",
                                  "a{=}",
                                  "a{b!c}",
                                  "a{b=\"1\" c=\"2\"}",
                                  "a{,}",
                                  "(a",
                                  "()",
                                  "sum()",
                                  "sum(a,)",
                                  "sum(a,b)",
                                  "topk(a)",
                                  "sum by (1) (a)",
                                  "sum by (a b) (c)",
                                  "a + bool b on (c",
                                  "a offset",
                                  "a offset 0s",
                                  "a @",
                                  "a @ foo",
                                  "a @ start(",
                                  "a @ start(1)",
                                  "a @ inf",
                                  "a @ nan",
                                  "a @ 1e13",
                                  "a offset 5m offset 5m",
                                  "a @ 1 @ 2",
                                  "1 offset 5m",
                                  "(a) @ 1",
                                  "sum(a)[5m]",
                                  "a offset 5m [5m]",
                                  "a @ 1 [5m]",
                                  "a[5m][5m]",
                                  "a:b(c)",
                                  "a[0s]",
                                  "a[999999y]"}) {
    EXPECT_EQ(Parse(query).status().code(), Code::kInvalidArgument) << query;
    EXPECT_THAT(ErrorOf(query), HasSubstr(": parse error: ")) << query;
  }
}

TEST(Parser, TypesAreChecked) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"sum(1)", "expected type instant vector in aggregation expression, got scalar"},
      {"topk(a, b)", "expected type scalar in aggregation parameter, got instant vector"},
      {"count_values(1, b)", "expected type string in aggregation parameter, got scalar"},
      {"rate(a)", "expected type range vector in call to function \"rate\", got instant vector"},
      {"rate(a[1m], 1)", "expected 1 argument(s) in call to \"rate\", got 2"},
      {"round()", "expected at least 1 argument(s) in call to \"round\", got 0"},
      {"round(a, 1, 2)", "expected at most 2 argument(s) in call to \"round\", got 3"},
      {"label_join(a, \"b\")", "expected at least 3 argument(s) in call to \"label_join\", got 2"},
      {"label_join(a, \"b\", \"c\", 1)", "expected type string in call to function \"label_join\", got scalar"},
      {"1 > 2", "comparisons between scalars must use BOOL modifier"},
      {"a + bool b", "bool modifier can only be used on comparison operators"},
      {"1 and a", "set operator \"and\" not allowed in binary scalar expression"},
      {"a and on (b) group_left c", "no grouping allowed for \"and\" operation"},
      {"1 + on (b) a", "vector matching only allowed between instant vectors"},
      {"a + on (b) group_left (b) c", "label \"b\" must not occur in ON and GROUP clause at once"},
      {"a[5m] + 1", "binary expression must contain only scalar and instant vector types"},
      {"\"a\" + 1", "binary expression must contain only scalar and instant vector types"},
      {"-\"a\"", "unary expression only allowed on expressions of type scalar or instant vector, got \"string\""},
      {"1[5m:]", "subquery is only allowed on instant vector, got scalar instead"},
      {"{a=\"\"}", "vector selector must contain at least one non-empty matcher"},
      {"{a=~\".*\"}", "vector selector must contain at least one non-empty matcher"},
      {"a{__name__=\"b\"}", "metric name must not be set twice: \"a\" or \"b\""},
      {"{a=~\"(\"}", "error parsing regexp: missing ): ("},
  };
  for (const auto& [query, message] : cases) EXPECT_THAT(ErrorOf(query), HasSubstr(message)) << query;
}

TEST(Parser, TheOperatorIsWhereATypeErrorPoints) {
  EXPECT_THAT(ErrorOf("1  > 2"), HasSubstr("1:4: "));
  EXPECT_THAT(ErrorOf("a + rate(b)"), HasSubstr("1:10: "));
}

TEST(Parser, DepthAndSizeAreLimited) {
  const auto nested = [](size_t depth) { return std::string(depth, '(') + "1" + std::string(depth, ')'); };
  EXPECT_TRUE(Parse(nested(kDepthMax - 1)).ok());
  EXPECT_EQ(Parse(nested(kDepthMax)).status().code(), Code::kTooLarge);
  EXPECT_EQ(Parse(std::string(100'000, '-') + "a").status().code(), Code::kTooLarge);
  std::string chain = "1";
  for (uint32_t i = 0; i < kDepthMax; ++i) chain += "+1";
  EXPECT_EQ(Parse(chain).status().code(), Code::kTooLarge);
  EXPECT_EQ(Parse(std::string(kQueryBytesMax + 1, ' ')).status().code(), Code::kTooLarge);
}

TEST(Parser, ASelectorAloneGivesItsMatchers) {
  const auto matchers = ParseSelector("a{b!=\"c\"}").value();
  ASSERT_EQ(matchers.size(), 2u);
  EXPECT_EQ(Print(matchers[0]), "b!=\"c\"");
  EXPECT_EQ(Print(matchers[1]), "__name__=\"a\"");
  for (const std::string query : {"", "1", "a offset 5m", "a[5m]", "{}", "a + b", "rate(a[5m])"}) {
    EXPECT_FALSE(ParseSelector(query).ok()) << query;
  }
}

}  // namespace
}  // namespace rhizome::promql
