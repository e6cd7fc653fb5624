#include "metrics_api/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rhizome::metrics_api {
namespace {

using testing::HasSubstr;

Parameters Of(gateway::NamedValues query, std::string body = {}) {
  gateway::Request request;
  request.query = std::move(query);
  request.body = std::move(body);
  return Parameters::Of(request).value();
}

TEST(ParseTimeMs, SecondsHaveAFraction) {
  EXPECT_EQ(ParseTimeMs("1435781430.781").value(), 1435781430781);
  EXPECT_EQ(ParseTimeMs("0").value(), 0);
  EXPECT_EQ(ParseTimeMs("-1.5").value(), -1500);
  EXPECT_EQ(ParseTimeMs("1.4357814307811e9").value(), 1435781430781);
  EXPECT_EQ(ParseTimeMs("0.0006").value(), 1);
}

TEST(ParseTimeMs, Rfc3339HasAZone) {
  EXPECT_EQ(ParseTimeMs("2015-07-01T20:10:30.781Z").value(), 1435781430781);
  EXPECT_EQ(ParseTimeMs("2015-07-01T22:10:30.781+02:00").value(), 1435781430781);
  EXPECT_EQ(ParseTimeMs("2015-07-01T14:40:30.7819-05:30").value(), 1435781430781);
  EXPECT_EQ(ParseTimeMs("2015-07-01T20:10:30Z").value(), 1435781430000);
  EXPECT_EQ(ParseTimeMs("2015-07-01T20:10:30.5Z").value(), 1435781430500);
  EXPECT_EQ(ParseTimeMs("1969-12-31T23:59:59.999Z").value(), -1);
  EXPECT_EQ(ParseTimeMs("2016-02-29T00:00:00Z").value(), 1456704000000);
}

TEST(ParseTimeMs, AllOfItIsWhatPrometheusSends) {
  EXPECT_EQ(ParseTimeMs("-292273086-05-16T16:47:06Z").value(), -kTimeMsMax);
  EXPECT_EQ(ParseTimeMs("292277025-08-18T07:12:54.999999999Z").value(), kTimeMsMax);
}

TEST(ParseTimeMs, WhatIsNoTimeIsRefused) {
  for (const std::string text :
       {"", "now", "NaN", "Inf", "-Inf", "1e300", "1000000000001", "2015-07-01", "2015-02-29T00:00:00Z",
        "2015-07-01T20:10:30", "2015-07-01T24:10:30Z", "2015-07-01T20:60:30Z", "2015-07-01T20:10:60Z",
        "2015-07-01T20:10:30.Z", "2015-07-01t20:10:30Z", "2015-07-01T20:10:30+2:00", "2015-07-01T20:10:30Zx", "1 "}) {
    const auto time = ParseTimeMs(text);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_EQ(time.status().message(), "cannot parse \"" + text + "\" to a valid timestamp");
  }
}

TEST(ParseDurationMs, SecondsOrUnits) {
  EXPECT_EQ(ParseDurationMs("15").value(), 15'000);
  EXPECT_EQ(ParseDurationMs("0.3").value(), 300);
  EXPECT_EQ(ParseDurationMs("1h30m").value(), 5'400'000);
  EXPECT_EQ(ParseDurationMs("100ms").value(), 100);
  EXPECT_EQ(ParseDurationMs("-1").value(), -1'000);
  EXPECT_EQ(ParseDurationMs("0").value(), 0);
}

TEST(ParseDurationMs, WhatIsNoDurationIsRefused) {
  for (const std::string text : {"", "1x", "m", "1m1h", "-5m"}) {
    EXPECT_EQ(ParseDurationMs(text).status().message(), "cannot parse \"" + text + "\" to a valid duration") << text;
  }
  for (const std::string text : {"1e300", "NaN", "-Inf", "9300000000"}) {
    EXPECT_THAT(std::string(ParseDurationMs(text).status().message()), HasSubstr("It overflows int64")) << text;
  }
}

TEST(Parameters, TheFormComesBeforeTheTarget) {
  const Parameters parameters = Of({{"query", "b"}, {"match[]", "c"}}, "query=a%2Bb&match[]=d&match[]=e");
  EXPECT_EQ(parameters.Get("query"), "a+b");
  EXPECT_THAT(parameters.All("match[]"), testing::ElementsAre("d", "e", "c"));
  EXPECT_EQ(parameters.Get("none"), "");
}

TEST(Parameters, ABrokenFormIsRefused) {
  gateway::Request request;
  request.body = "query=%zz";
  EXPECT_EQ(Parameters::Of(request).status().code(), Code::kInvalidArgument);
}

TEST(Parameters, ErrorsNameTheParameter) {
  const Parameters parameters = Of({{"start", "x"}, {"step", "y"}, {"limit", "-1"}, {"match[]", "{"}});
  EXPECT_EQ(parameters.TimeMs("start").status().field(), "start");
  EXPECT_EQ(parameters.TimeMs("start", 0).status().field(), "start");
  EXPECT_EQ(parameters.TimeMs("end").status().message(), "cannot parse \"\" to a valid timestamp");
  EXPECT_EQ(parameters.DurationMs("step").status().field(), "step");
  EXPECT_EQ(parameters.Count("limit", 0).status().message(), "limit must be a number");
  EXPECT_EQ(parameters.Selectors().status().field(), "");
}

TEST(Parameters, WhatIsAbsentHasItsDefault) {
  const Parameters parameters = Of({{"start", ""}});
  EXPECT_EQ(parameters.TimeMs("start", 7).value(), 7);
  EXPECT_EQ(parameters.Count("limit", 9).value(), 9u);
  EXPECT_TRUE(parameters.Selectors().value().empty());
}

TEST(Parameters, ASelectorOfEverythingIsRefused) {
  EXPECT_FALSE(Of({{"match[]", "{a=~\".*\"}"}}).Selectors().ok());
  EXPECT_EQ(Of({{"match[]", "{a=~\".+\"}"}, {"match[]", "up"}}).Selectors().value().size(), 2u);
}

}  // namespace
}  // namespace rhizome::metrics_api
