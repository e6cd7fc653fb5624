#include "ingest/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ingest/ingest_testing.h"
#include "ingest/number_text.h"

namespace rhizome::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Exposition : public ::testing::Test {
 protected:
  Result<Taken> Decode(std::string_view body) {
    out_.Clear();
    return DecodeExposition(body, options_, limits_, out_);
  }
  std::vector<Row> Rows(std::string_view body) {
    const auto taken = Decode(body);
    EXPECT_TRUE(taken.ok()) << taken.status().ToString();
    return RowsOf(out_);
  }
  // Why a body of a good line, `line` and another good one is refused.
  std::string RefusalOf(const std::string& line) {
    const auto taken = Decode("a 1\n" + line + "\nb 2\n# EOF\n");
    if (taken.ok()) return "taken";
    EXPECT_EQ(out_.series_count(), 0u);
    EXPECT_EQ(taken.status().code(), Code::kInvalidArgument);
    EXPECT_EQ(taken.status().field(), "line 2");
    return std::string(taken.status().message());
  }

  ExpositionOptions options_{ExpositionFormat::kPrometheus, 77};
  Limits limits_;
  format::SeriesBatchBuilder out_;
};

TEST_F(Exposition, SamplesComeWithAndWithoutLabelsAndTimes) {
  EXPECT_THAT(
      Rows("# a comment\n\nup 1\n  up{}\t2 5\r\nup { a = \"x\" , b=\"y\", } -1.5e3 -6\nns:up{a=\"\"} 4"),
      ElementsAre(Row("up", 77, 1), Row("up", 5, 2), Row("up{a=\"x\", b=\"y\"}", -6, -1500), Row("ns:up", 77, 4)));
}

TEST_F(Exposition, ValuesMayBeAnyNumber) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(
      Rows("a NaN\na +Inf\na -inf\na Infinity\na +5\na .5\na 0.1\na -0"),
      ElementsAre(Row("a", 77, kTextNaN), Row("a", 77, kInfinity), Row("a", 77, -kInfinity), Row("a", 77, kInfinity),
                  Row("a", 77, 5), Row("a", 77, 0.5), Row("a", 77, 0.1), Row("a", 77, -0.0)));
}

TEST_F(Exposition, EscapesStandForWhatTheyEscape) {
  EXPECT_THAT(Rows(R"(a{p="C:\\x\"y\nz}, =",q="\d"} 1)"),
              ElementsAre(Row(R"(a{p="C:\\x\"y\nz}, =", q="\\d"})", 77, 1)));
}

TEST_F(Exposition, WhatIsSaidOfMetricsIsHandedOn) {
  const auto taken = Decode(
      "# HELP b_total How\\nmany \\\\ of them.\n# TYPE b_total counter\nb_total 1\n# TYPE a gauge\n# UNIT a bytes\n"
      "# TYPE odd thing\n# HELP 9 no name\n# anything else\n");
  ASSERT_TRUE(taken.ok());
  EXPECT_THAT(taken->metadata, ElementsAre(MetricMetadata{"a", MetricType::kGauge, "", "bytes"},
                                           MetricMetadata{"b_total", MetricType::kCounter, "How\nmany \\ of them.", ""},
                                           MetricMetadata{"odd", MetricType::kUnknown, "", ""}));
}

TEST_F(Exposition, ALineThatCannotBeReadRefusesTheBody) {
  EXPECT_THAT(RefusalOf("up"), HasSubstr("\"\" is no value"));
  EXPECT_THAT(RefusalOf("up x"), HasSubstr("\"x\" is no value"));
  EXPECT_THAT(RefusalOf("up 1e999"), HasSubstr("is no value"));
  EXPECT_THAT(RefusalOf("up 0x10"), HasSubstr("is no value"));
  EXPECT_THAT(RefusalOf("{a=\"b\"} 1"), HasSubstr("without a metric name"));
  EXPECT_THAT(RefusalOf("{\"up\"} 1"), HasSubstr("without a metric name"));
  EXPECT_THAT(RefusalOf("up 1 x"), HasSubstr("\"x\" is no timestamp"));
  EXPECT_THAT(RefusalOf("up 1 1.5"), HasSubstr("is no timestamp"));
  EXPECT_THAT(RefusalOf("up 1 2 3"), HasSubstr("\"3\" behind the sample"));
  EXPECT_THAT(RefusalOf("up{a} 1"), HasSubstr("label \"a\" is not name="));
  EXPECT_THAT(RefusalOf("up{=\"x\"} 1"), HasSubstr("label \"\" is not name="));
  EXPECT_THAT(RefusalOf("up{a=x} 1"), HasSubstr("\"a\" is not in quotes"));
  EXPECT_THAT(RefusalOf("up{a=\"x} 1"), HasSubstr("\"a\" does not end"));
  EXPECT_THAT(RefusalOf("up{a=\"x\\"), HasSubstr("\"a\" does not end"));
  EXPECT_THAT(RefusalOf("up{a=\"x\" b=\"y\"} 1"), HasSubstr("no , or }"));
  EXPECT_THAT(RefusalOf("up{a=\"x\""), HasSubstr("no , or }"));
  EXPECT_THAT(RefusalOf("up{,} 1"), HasSubstr("label \"\""));
}

TEST_F(Exposition, ASeriesThatMayNotBeStoredIsLeftOut) {
  const auto taken = Decode("a 1\nup{a=\"x\",a=\"y\"} 1\n9up 1\nup{b-c=\"1\"} 2\nb 2\n");
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->samples, 2u);
  EXPECT_EQ(taken->dropped, 3u);
  ASSERT_EQ(taken->reasons.size(), 3u);
  EXPECT_EQ(taken->reasons[0].field(), "line 2");
  EXPECT_EQ(taken->reasons[0].message(), "label \"a\" is given twice");
  EXPECT_THAT(std::string(taken->reasons[1].message()), HasSubstr("\"9up\" is no metric name"));
  EXPECT_THAT(std::string(taken->reasons[2].message()), HasSubstr("\"b-c\" is no label name"));
}

TEST_F(Exposition, OpenMetricsHasSecondsExemplarsAndAnEnd) {
  options_.format = ExpositionFormat::kOpenMetrics;
  const auto taken = Decode("# TYPE a counter\na_total{b=\"c\"} 5 1700000000.123 # {trace_id=\"x\"} 0.5 12.5\n# EOF\n");
  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_EQ(taken->exemplars, 1u);
  EXPECT_THAT(RowsOf(out_), ElementsAre(Row("a_total{b=\"c\"}", 1'700'000'000'123, 5)));
  EXPECT_THAT(Decode("a 1\n").status().ToString(), HasSubstr("without # EOF"));
  EXPECT_EQ(Decode("a 1\n# EOF\na 2").status().field(), "line 3");
  EXPECT_THAT(RefusalOf("a 1 1e300"), HasSubstr("is no timestamp"));
  EXPECT_THAT(RefusalOf("a 1 nan"), HasSubstr("is no timestamp"));
}

TEST_F(Exposition, AnEndMeansNothingToPrometheus) {
  EXPECT_THAT(Rows("a 1\n# EOF\nb 2"), ElementsAre(Row("a", 77, 1), Row("b", 77, 2)));
}

TEST_F(Exposition, BodiesBeyondTheLimitsAreRefused) {
  limits_.samples_max = 1;
  EXPECT_EQ(Decode("a 1\na 2").status().code(), Code::kTooLarge);
  limits_.body_bytes_max = 2;
  EXPECT_EQ(Decode("a 1").status().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace rhizome::ingest
