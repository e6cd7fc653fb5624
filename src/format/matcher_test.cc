#include "format/matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rhizome::format {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Matcher Make(MatchKind kind, std::string value) { return Matcher::Make(kind, "a", std::move(value)).value(); }

TEST(Matcher, WithoutTheLabelTheValueIsEmpty) {
  EXPECT_TRUE(Make(MatchKind::kEqual, "").Matches(""));
  EXPECT_FALSE(Make(MatchKind::kNotEqual, "").Matches(""));
  EXPECT_TRUE(Make(MatchKind::kNotEqual, "b").Matches(""));
  EXPECT_TRUE(Make(MatchKind::kRegex, "b|").Matches(""));
  EXPECT_TRUE(Make(MatchKind::kNotRegex, "b.").Matches(""));
  EXPECT_FALSE(Make(MatchKind::kNotRegex, ".*").Matches(""));
}

TEST(Matcher, ExpressionsMatchTheWholeValue) {
  const Matcher matcher = Make(MatchKind::kRegex, "b.|cd");
  EXPECT_TRUE(matcher.Matches("bx"));
  EXPECT_TRUE(matcher.Matches("cd"));
  EXPECT_FALSE(matcher.Matches("cdx"));
  EXPECT_FALSE(matcher.Matches("xbx"));
  EXPECT_FALSE(matcher.Matches("bd\n"));
  EXPECT_FALSE(Make(MatchKind::kNotRegex, "b.").Matches("bx"));
}

TEST(Matcher, AlternationsOfLiteralsNeedNoExpression) {
  const Matcher matcher = Make(MatchKind::kRegex, "web|db||web");
  EXPECT_TRUE(matcher.is_literal());
  EXPECT_THAT(matcher.literals(), ElementsAre("", "db", "web"));
  EXPECT_TRUE(matcher.Matches(""));
  EXPECT_FALSE(matcher.Matches("we"));
  EXPECT_FALSE(Make(MatchKind::kRegex, "web|d.").is_literal());
  EXPECT_THAT(Make(MatchKind::kRegex, "web|d.").literals(), IsEmpty());
}

TEST(Matcher, WithoutAnExpressionTheValueIsTheOneLiteral) {
  EXPECT_TRUE(Make(MatchKind::kNotEqual, "a|b").is_literal());
  EXPECT_THAT(Make(MatchKind::kNotEqual, "a|b").literals(), ElementsAre("a|b"));
}

TEST(Matcher, APrefixGivesARange) {
  const Matcher matcher = Make(MatchKind::kRegex, "web-.*");
  EXPECT_EQ(matcher.low(), "web-");
  EXPECT_LT(matcher.high(), "web0");
  EXPECT_LE(Make(MatchKind::kRegex, ".*x").low(), "\x01");               // any first character
  EXPECT_GE(Make(MatchKind::kRegex, ".*x").high(), "\xf4\x8f\xbf\xbf");  // the last that is UTF-8
}

TEST(Matcher, WhatIsAcceptedLiesInTheRange) {
  for (const char* pattern :
       {"^web.*$", "web.*$", "(?i)Web.*", "(?:web|w.*)x?", "(web)+", "w(e(b)?)?.?", "(?s)web.*"}) {
    const Matcher matcher = Make(MatchKind::kRegex, pattern);
    for (const char* value : {"web", "WEB", "web-1", "w", "webx", "webweb", "web\xf4\x8f\xbf\xbf"}) {
      if (!matcher.Accepts(value) || matcher.high().empty()) continue;
      EXPECT_LE(matcher.low(), value) << pattern;
      EXPECT_GE(matcher.high(), value) << pattern;
    }
  }
}

TEST(Matcher, WhatIsNoExpressionIsRefused) {
  for (const char* pattern : {"a(", "a)|(b", "*", "(?P<", "a{2000}{2000}", "\xff", "\xff|a"}) {
    const auto matcher = Matcher::Make(MatchKind::kRegex, "name", pattern);
    ASSERT_FALSE(matcher.ok()) << pattern;
    EXPECT_EQ(matcher.status().code(), Code::kInvalidArgument);
    EXPECT_EQ(matcher.status().field(), "matchers");
    EXPECT_THAT(matcher.status().message(), testing::HasSubstr("error parsing regexp: "));
  }
}

TEST(Matcher, KindNameAndValueMakeItEqual) {
  EXPECT_EQ(Make(MatchKind::kRegex, "b.*"), Make(MatchKind::kRegex, "b.*"));
  EXPECT_FALSE(Make(MatchKind::kRegex, "b.*") == Make(MatchKind::kNotRegex, "b.*"));
  EXPECT_FALSE(Make(MatchKind::kEqual, "b") == Make(MatchKind::kEqual, "c"));
  EXPECT_FALSE(Make(MatchKind::kEqual, "b") == Matcher::Make(MatchKind::kEqual, "b", "b").value());
}

}  // namespace
}  // namespace rhizome::format
