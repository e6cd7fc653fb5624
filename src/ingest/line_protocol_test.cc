#include "ingest/line_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "ingest/ingest_testing.h"

namespace rhizome::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LineProtocol : public ::testing::Test {
 protected:
  Taken Take(std::string_view body) {
    out_.Clear();
    const auto taken = DecodeLineProtocol(body, options_, limits_, out_);
    EXPECT_TRUE(taken.ok()) << taken.status().ToString();
    return taken.ok() ? *taken : Taken();
  }
  std::vector<Row> Rows(std::string_view body) {
    const Taken taken = Take(body);
    EXPECT_EQ(taken.Complaint(), "");
    return RowsOf(out_);
  }
  // The complaint about a bad line between two good ones, which are kept.
  std::string ReasonFor(const std::string& line) {
    const Taken taken = Take("a f=1 1\n" + line + "\nb f=2 2\n");
    EXPECT_EQ(taken.dropped, 1u) << line;
    EXPECT_EQ(taken.samples, 2u) << line;
    if (taken.reasons.size() != 1) return "no reason";
    EXPECT_EQ(taken.reasons[0].field(), "line 2");
    return std::string(taken.reasons[0].message());
  }

  LineProtocolOptions options_{TimePrecision::kMilliseconds, 77};
  Limits limits_;
  format::SeriesBatchBuilder out_;
};

TEST_F(LineProtocol, EveryNumericFieldIsASampleOfItsOwnSeries) {
  EXPECT_THAT(
      Rows("cpu,host=a,zone=x usage=1.5,idle=98i,cores=4u,up=true,down=F 1000"),
      ElementsAre(Row("cpu_usage{host=\"a\", zone=\"x\"}", 1000, 1.5),
                  Row("cpu_idle{host=\"a\", zone=\"x\"}", 1000, 98), Row("cpu_cores{host=\"a\", zone=\"x\"}", 1000, 4),
                  Row("cpu_up{host=\"a\", zone=\"x\"}", 1000, 1), Row("cpu_down{host=\"a\", zone=\"x\"}", 1000, 0)));
}

TEST_F(LineProtocol, LinesOfOneSeriesShareIt) {
  Rows("cpu,host=a u=1 1\ncpu,host=b u=2 1\ncpu,host=a u=3 2");
  EXPECT_EQ(out_.series_count(), 2u);
  EXPECT_EQ(out_.sample_count(), 3u);
}

TEST_F(LineProtocol, StringsArePassedOverAndCounted) {
  const Taken taken = Take("log,host=a text=\"a, b=c \\\" \n # d\",n=1 5\nlog n=2 6");
  EXPECT_EQ(taken.strings, 1u);
  EXPECT_EQ(taken.dropped, 0u);
  EXPECT_THAT(RowsOf(out_), ElementsAre(Row("log_n{host=\"a\"}", 5, 1), Row("log_n", 6, 2)));
}

TEST_F(LineProtocol, EscapesStandForWhatTheyEscape) {
  EXPECT_THAT(Rows(R"(disk\ use\,d,pa\=th=/a\ b\,c\=d\e fr\ ee=1 5)"),
              ElementsAre(Row(R"(disk_use_d_fr_ee{pa_th="/a b,c=d\\e"})", 5, 1)));
}

TEST_F(LineProtocol, NamesAreMadeOfWhatNamesMayHave) {
  EXPECT_THAT(Rows("9-x.y,1st=a,ünd=b 5m=1 5"), ElementsAre(Row("_9_x_y_5m{_1st=\"a\", __nd=\"b\"}", 5, 1)));
}

TEST_F(LineProtocol, CommentsBlankLinesAndCarriageReturnsArePassedOver) {
  EXPECT_THAT(Rows("# c\r\n\r\n\n  a f=1 5\r\n# d\n  \na f=2 6  \n"), ElementsAre(Row("a_f", 5, 1), Row("a_f", 6, 2)));
  EXPECT_THAT(Rows(""), IsEmpty());
  EXPECT_THAT(Rows("\n# only a comment"), IsEmpty());
}

TEST_F(LineProtocol, ALineWithoutATimeIsNow) {
  EXPECT_THAT(Rows("a f=1\na f=2 "), ElementsAre(Row("a_f", 77, 1), Row("a_f", 77, 2)));
}

TEST_F(LineProtocol, TimesComeInTheAskedPrecision) {
  const std::vector<std::pair<std::string, int64_t>> of_5000000 = {{"", 5},
                                                                   {"ns", 5},
                                                                   {"u", 5'000},
                                                                   {"us", 5'000},
                                                                   {"µ", 5'000},
                                                                   {"ms", 5'000'000},
                                                                   {"s", 5'000'000'000},
                                                                   {"m", 300'000'000'000},
                                                                   {"h", 18'000'000'000'000}};
  for (const auto& [name, expected] : of_5000000) {
    options_.precision = TimePrecisionOf(name).value();
    EXPECT_THAT(Rows("a f=1 5000000"), ElementsAre(Row("a_f", expected, 1))) << name;
  }
  EXPECT_EQ(TimePrecisionOf("d").status().field(), "precision");
  options_.precision = TimePrecision::kNanoseconds;
  EXPECT_THAT(Rows("a f=1 -1"), ElementsAre(Row("a_f", -1, 1)));
}

TEST_F(LineProtocol, ALineThatCannotBeReadIsLeftOutWithTheReason) {
  EXPECT_THAT(ReasonFor("cpu"), HasSubstr("no fields"));
  EXPECT_THAT(ReasonFor(",a=b f=1"), HasSubstr("without a measurement"));
  EXPECT_THAT(ReasonFor("cpu,host f=1"), HasSubstr("tag \"host\" is not key=value"));
  EXPECT_THAT(ReasonFor("cpu,=a f=1"), HasSubstr("tag \"\" is not key=value"));
  EXPECT_THAT(ReasonFor("cpu f"), HasSubstr("field \"f\" is not key=value"));
  EXPECT_THAT(ReasonFor("cpu f=1,"), HasSubstr("field \"\" is not key=value"));
  EXPECT_THAT(ReasonFor("cpu f="), HasSubstr("\"\" of field \"f\" is no number"));
  EXPECT_THAT(ReasonFor("cpu f=1.5.2"), HasSubstr("\"1.5.2\" of field \"f\" is no number"));
  EXPECT_THAT(ReasonFor("cpu f=1.5i"), HasSubstr("is no number"));
  EXPECT_THAT(ReasonFor("cpu f=-1u"), HasSubstr("is no number"));
  EXPECT_THAT(ReasonFor("cpu f=99999999999999999999i"), HasSubstr("is no number"));
  EXPECT_THAT(ReasonFor("cpu f=1e999"), HasSubstr("is no number"));
  EXPECT_THAT(ReasonFor("cpu f=NaN"), HasSubstr("is no number"));
  EXPECT_THAT(ReasonFor("cpu f=inf"), HasSubstr("is no number"));
  EXPECT_THAT(ReasonFor("cpu f=1 x"), HasSubstr("\"x\" is no timestamp"));
  EXPECT_THAT(ReasonFor("cpu f=1 1.5"), HasSubstr("is no timestamp"));
  EXPECT_THAT(ReasonFor("cpu f=1 5 6"), HasSubstr("\"6\" behind the timestamp"));
  options_.precision = TimePrecision::kHours;
  EXPECT_THAT(ReasonFor("cpu f=1 9000000000000000"), HasSubstr("beyond 64 bits"));
}

TEST_F(LineProtocol, AStringThatDoesNotEndTakesTheRestOfTheBody) {
  const Taken taken = Take("a f=1 1\nb f=\"x 2\nc f=3 3");
  EXPECT_EQ(taken.samples, 1u);
  ASSERT_EQ(taken.reasons.size(), 1u);
  EXPECT_EQ(taken.reasons[0].field(), "line 2");
  EXPECT_THAT(std::string(taken.reasons[0].message()), HasSubstr("does not end"));
}

TEST_F(LineProtocol, ASeriesThatMayNotBeStoredIsLeftOut) {
  EXPECT_THAT(ReasonFor("cpu,a-b=1,a.b=2 f=1 1"), HasSubstr("\"a_b\" is given twice"));
  EXPECT_THAT(ReasonFor("cpu,__name__=x f=1 1"), HasSubstr("\"__name__\" is given twice"));
  EXPECT_THAT(ReasonFor("cpu,a=\xff f=1 1"), HasSubstr("not UTF-8"));
  limits_.labels_max = 2;
  EXPECT_THAT(ReasonFor("cpu,a=1,b=2 f=1 1"), HasSubstr("more than 2 labels"));
  limits_.series_bytes_max = 50;
  EXPECT_THAT(ReasonFor("cpu,a=" + std::string(60, 'a') + " f=1 1"), HasSubstr("labels take more than 50 bytes"));
  EXPECT_THAT(ReasonFor("cpu,a=" + std::string(600, 'a') + " f=1 1"), HasSubstr("labels take more than 50 bytes"));
}

TEST_F(LineProtocol, BodiesBeyondTheLimitsAreRefused) {
  limits_.samples_max = 1;
  EXPECT_EQ(DecodeLineProtocol("a f=1\na f=2", options_, limits_, out_).status().code(), Code::kTooLarge);
  EXPECT_EQ(out_.sample_count(), 0u);
  limits_ = Limits();
  limits_.dictionary_bytes_max = 40;  // two short lines name it, each field anew
  EXPECT_EQ(DecodeLineProtocol("a,t=12345 a=1,b=1,c=1", options_, limits_, out_).status().code(), Code::kTooLarge);
  EXPECT_EQ(out_.series_count(), 0u);
  limits_.body_bytes_max = 3;
  EXPECT_EQ(DecodeLineProtocol("a f=1", options_, limits_, out_).status().code(), Code::kTooLarge);
}

TEST_F(LineProtocol, EveryTruncationIsTakenOrLeftOutAndLinesBeforeAreKept) {
  const std::string body = "a,t=1 f=1,g=\"s\" 1\nb,t=\\ 2 f=2i,h=t 2\n";
  for (size_t length = 0; length <= body.size(); ++length) {
    const Taken taken = Take(std::string_view(body).substr(0, length));
    EXPECT_LE(taken.dropped, 1u);
    if (length > 18) {
      EXPECT_GE(taken.samples, 1u) << length;
    }
  }
}

}  // namespace
}  // namespace rhizome::ingest
