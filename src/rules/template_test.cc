#include "rules/template.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace rhizome::rules {
namespace {

std::string Expanded(std::string_view text, double value = 0.25) {
  const std::vector<format::LabelPair> pairs = {{"instance", "host:9100"}, {"job", "node"}};
  const auto labels = format::Labels::FromPairs(pairs).value();
  const NamedTexts external = {{"zone", "eu"}};
  const auto parsed = Template::Parse(text);
  if (!parsed.ok()) return "refused: " + std::string(parsed.status().message());
  return parsed->Expand({labels, value, &external, "http://here"});
}

std::string Called(const std::string& function, double value) {
  return Expanded("{{ $value | " + function + " }}", value);
}

TEST(Template, WithoutBracesItIsItself) {
  EXPECT_EQ(Expanded(""), "");
  EXPECT_EQ(Expanded("a } { b }}"), "a } { b }}");
}

TEST(Template, ValuesAndLabelsAreFilledIn) {
  EXPECT_EQ(Expanded("{{ $labels.job }} at {{$value}}!"), "node at 0.25!");
  EXPECT_EQ(Expanded("{{ .Labels.job }}{{ .Value }}{{ $labels.none }}"), "node0.25");
  EXPECT_EQ(Expanded("{{ $externalLabels.zone }} {{ .ExternalLabels.none }}{{ $externalURL }}"), "eu http://here");
  EXPECT_EQ(Expanded("{{ $value }}", 1e6), "1e+06");
  EXPECT_EQ(Expanded("{{ $value }}", NAN), "NaN");
}

TEST(Template, DashesTrimAndCommentsVanish) {
  EXPECT_EQ(Expanded("a  {{- $labels.job -}}  \n b"), "anodeb");
  EXPECT_EQ(Expanded("a {{/* }} \" */}} b"), "a  b");
  EXPECT_EQ(Expanded("a {{- /* x */ -}} b"), "ab");
  EXPECT_EQ(Expanded("{{ -1 | printf \"%.1f\" }}"), "-1.0");
}

TEST(Template, PipesAndParenthesesNest) {
  EXPECT_EQ(Expanded("{{ $labels.job | toUpper | printf \"<%s>\" }}"), "<NODE>");
  EXPECT_EQ(Expanded("{{ printf \"%s: %.2f%%\" (toUpper $labels.job) $value }}"), "NODE: 0.25%");
  EXPECT_EQ(Expanded("{{ `a}}b` }}{{ \"c\\n\" }}"), "a}}bc\n");
}

TEST(Template, NumbersGetUnits) {
  EXPECT_EQ(Called("humanize", 1234567), "1.235M");
  EXPECT_EQ(Called("humanize", 0.00012), "120u");
  EXPECT_EQ(Called("humanize", 0), "0");
  EXPECT_EQ(Called("humanize", -999), "-999");
  EXPECT_EQ(Called("humanize", std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(Called("humanize1024", 1048576), "1Mi");
  EXPECT_EQ(Called("humanize1024", 0.5), "0.5");
  EXPECT_EQ(Called("humanizePercentage", 0.1234567), "12.35%");
  EXPECT_EQ(Called("humanizeTimestamp", 1435065584.128), "2015-06-23 13:19:44.128 +0000 UTC");
  EXPECT_EQ(Called("humanizeTimestamp", 0), "1970-01-01 00:00:00 +0000 UTC");
  EXPECT_EQ(Expanded("{{ humanize \"1500\" }}"), "1.5k");
}

TEST(Template, DurationsHaveDaysToSeconds) {
  EXPECT_EQ(Called("humanizeDuration", 0), "0s");
  EXPECT_EQ(Called("humanizeDuration", 1), "1s");
  EXPECT_EQ(Called("humanizeDuration", 59.5), "59.5s");
  EXPECT_EQ(Called("humanizeDuration", 60), "1m 0s");
  EXPECT_EQ(Called("humanizeDuration", 86400 + 3661), "1d 1h 1m 1s");
  EXPECT_EQ(Called("humanizeDuration", -3600), "-1h 0m 0s");
  EXPECT_EQ(Called("humanizeDuration", 0.001), "1ms");
}

TEST(Template, PrintfWritesNumbersAndTexts) {
  EXPECT_EQ(Called("printf \"%.0f\"", 2.5), "2");
  EXPECT_EQ(Called("printf \"%6.2f|\"", 3.14159), "  3.14|");
  EXPECT_EQ(Called("printf \"%-6.1f|\"", 3.14159), "3.1   |");
  EXPECT_EQ(Called("printf \"%06.2f\"", -3.14159), "-03.14");
  EXPECT_EQ(Called("printf \"%g %% %v\" 7", 0.5), "7 % 0.5");
  EXPECT_EQ(Expanded("{{ printf \"%-6s|%6s|%q\" $labels.job $labels.job $labels.job }}"), "node  |  node|\"node\"");
}

TEST(Template, TextsAreChanged) {
  EXPECT_EQ(Expanded("{{ $labels.instance | stripPort }} {{ \"[::1]:90\" | stripPort }} {{ \"x\" | stripPort }}"),
            "host ::1 x");
  EXPECT_EQ(Expanded("{{ \"two words\" | title }} {{ \"ABC\" | toLower }}"), "Two Words abc");
}

TEST(Template, WhatIsWrongOrNotThereIsRefused) {
  for (const std::string text : {"{{", "{{ }}", "{{ $labels }}", "{{ $labels. }}", "{{ $other }}", "{{ .Other }}",
                                 "{{ $value | }}", "{{ $value | 1 }}", "{{ ($value }}", "{{ $value) }}", "{{ \"a }}",
                                 "{{ \"\\q\" }}", "{{ $value 1 }}", "{{ 1x }}", "{{/* }}"}) {
    EXPECT_TRUE(Expanded(text).starts_with("refused: ")) << text << Expanded(text);
  }
  for (const std::string name : {"if", "range", "query", "template", "first", "define"}) {
    EXPECT_EQ(Expanded("{{ " + name + " $value }}"), "refused: \"" + name + "\" is not supported in templates");
  }
  EXPECT_TRUE(Expanded("{{ " + std::string(1'000, '(') + "1 }}").starts_with("refused: "));
  std::string pipes = "{{ 1";
  for (int i = 0; i < 1'000; ++i) pipes += " | humanize";
  EXPECT_TRUE(Expanded(pipes + " }}").starts_with("refused: "));
}

TEST(Template, AFunctionThatFailsSaysSoInItsPlace) {
  EXPECT_EQ(Expanded("a {{ humanize $labels.job }} b"), "<error expanding template: humanize: \"node\" is no number>");
  for (const std::string text :
       {"{{ printf \"%d\" $value }}", "{{ printf \"%s\" $value }}", "{{ printf \"%f\" \"a\" }}", "{{ printf \"%\" 1 }}",
        "{{ printf \"a\" 1 }}", "{{ printf \"%v\" }}", "{{ printf 1 }}", "{{ toUpper 1 }}", "{{ humanize }}",
        "{{ printf \"%9999f\" 1 }}x{{ printf \"%99999999f\" 1 }}", "{{ humanizeTimestamp 1e300 }}",
        "{{ humanizeDuration 1e300 }}"}) {
    EXPECT_TRUE(Expanded(text).starts_with("<error expanding template: ")) << text << Expanded(text);
  }
}

}  // namespace
}  // namespace rhizome::rules
