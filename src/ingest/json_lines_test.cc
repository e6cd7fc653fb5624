#include "ingest/json_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ingest/ingest_testing.h"
#include "ingest/number_text.h"

namespace rhizome::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class JsonLines : public ::testing::Test {
 protected:
  Result<Taken> Decode(std::string_view body) {
    out_.Clear();
    return DecodeJsonLines(body, limits_, out_);
  }
  std::vector<Row> Rows(std::string_view body) {
    const auto taken = Decode(body);
    EXPECT_TRUE(taken.ok()) << taken.status().ToString();
    return RowsOf(out_);
  }
  std::string RefusalOf(const std::string& line) {
    const std::string good = R"({"metric":{"__name__":"a"},"values":[1],"timestamps":[1]})";
    const auto taken = Decode(good + "\n" + line + "\n" + good);
    if (taken.ok()) return "taken";
    EXPECT_EQ(taken.status().field(), "line 2");
    EXPECT_EQ(out_.series_count(), 0u);
    return std::string(taken.status().message());
  }

  Limits limits_;
  format::SeriesBatchBuilder out_;
};

TEST_F(JsonLines, EachLineIsASeries) {
  EXPECT_THAT(
      Rows(
          "\n{\"metric\":{\"__name__\":\"up\",\"job\":\"a\\\"\\u00e9\"},\"values\":[1,-2.5e3],\"timestamps\":[5,-6]}"
          "\r\n"
          "  {\"timestamps\":[7],\"more\":{\"x\":[{}],\"metric\":1},\"values\":[3],\"metric\":{\"__name__\":\"up\"}} "),
      ElementsAre(Row("up{job=\"a\\\"é\"}", 5, 1), Row("up{job=\"a\\\"é\"}", -6, -2500), Row("up", 7, 3)));
}

TEST_F(JsonLines, ValuesAreTheNearestDoubles) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(Rows(R"({"metric":{"__name__":"a"},"values":[0.1,1.7976931348623157e308,5e-324,-0.0,123456789.123456789,)"
                   R"(9007199254740993,null,"NaN","Infinity","-Infinity"],"timestamps":[0,1,2,3,4,5,6,7,8,9]})"),
              ElementsAre(Row("a", 0, 0.1), Row("a", 1, 1.7976931348623157e308), Row("a", 2, 5e-324), Row("a", 3, -0.0),
                          Row("a", 4, 123456789.123456789), Row("a", 5, 9007199254740992.0), Row("a", 6, kTextNaN),
                          Row("a", 7, kTextNaN), Row("a", 8, kInfinity), Row("a", 9, -kInfinity)));
}

TEST_F(JsonLines, NothingIsTakenAsNothing) {
  EXPECT_THAT(Rows(""), IsEmpty());
  EXPECT_THAT(Rows("\n \n"), IsEmpty());
  EXPECT_THAT(Rows(R"({"metric":{},"values":[],"timestamps":[]})"), IsEmpty());
}

TEST_F(JsonLines, ALineThatCannotBeReadRefusesTheBody) {
  EXPECT_THAT(RefusalOf("{"), HasSubstr("not JSON at byte 1"));
  EXPECT_THAT(RefusalOf("x"), HasSubstr("not JSON at byte 0"));
  EXPECT_THAT(RefusalOf("{} {}"), HasSubstr("behind the object"));
  EXPECT_THAT(RefusalOf("{}"), HasSubstr("metric, values and timestamps"));
  EXPECT_THAT(RefusalOf("5"), HasSubstr("something where"));
  EXPECT_THAT(RefusalOf("[1]"), HasSubstr("an array instead of an object"));
  EXPECT_THAT(RefusalOf(R"({"metric":[]})"), HasSubstr("an array where none belongs"));
  EXPECT_THAT(RefusalOf(R"({"values":{}})"), HasSubstr("an object where none belongs"));
  EXPECT_THAT(RefusalOf(R"({"values":[[1]]})"), HasSubstr("an array where none belongs"));
  EXPECT_THAT(RefusalOf(R"({"values":[1],"values":[2]})"), HasSubstr("\"values\" is given twice"));
  EXPECT_THAT(RefusalOf(R"({"values":["x"]})"), HasSubstr("\"x\" among the values"));
  EXPECT_THAT(RefusalOf(R"({"values":[true]})"), HasSubstr("something where"));
  EXPECT_THAT(RefusalOf(R"({"values":[1e999]})"), HasSubstr("beyond a double"));
  EXPECT_THAT(RefusalOf(R"({"values":5})"), HasSubstr("something where"));
  EXPECT_THAT(RefusalOf(R"({"timestamps":[1.5]})"), HasSubstr("no whole number"));
  EXPECT_THAT(RefusalOf(R"({"timestamps":[99999999999999999999]})"), HasSubstr("no whole number"));
  EXPECT_THAT(RefusalOf(R"({"timestamps":["1"]})"), HasSubstr("a timestamp is no whole number"));
  EXPECT_THAT(RefusalOf(R"({"metric":{"job":5}})"), HasSubstr("label \"job\" is no string"));
  EXPECT_THAT(RefusalOf(R"({"metric":{},"values":[1,2],"timestamps":[1]})"), HasSubstr("2 values and 1 timestamps"));
  EXPECT_THAT(RefusalOf("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}"), HasSubstr("not JSON"));
}

TEST_F(JsonLines, ASeriesThatMayNotBeStoredIsLeftOut) {
  const auto taken = Decode(
      "{\"metric\":{\"job\":\"a\"},\"values\":[1,2],\"timestamps\":[1,2]}\n"
      "{\"metric\":{\"__name__\":\"up\",\"__name__\":\"down\"},\"values\":[1],\"timestamps\":[1]}\n"
      "{\"metric\":{\"__name__\":\"up\"},\"values\":[3],\"timestamps\":[1]}");
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->samples, 1u);
  EXPECT_EQ(taken->dropped, 3u);
  ASSERT_EQ(taken->reasons.size(), 2u);
  EXPECT_EQ(taken->reasons[0].field(), "line 1");
  EXPECT_THAT(std::string(taken->reasons[1].message()), HasSubstr("\"__name__\" is given twice"));
}

TEST_F(JsonLines, BodiesBeyondTheLimitsAreRefused) {
  limits_.samples_max = 1;
  EXPECT_EQ(Decode(R"({"metric":{"__name__":"a"},"values":[1,2],"timestamps":[1,2]})").status().code(),
            Code::kTooLarge);
  EXPECT_FALSE(Decode(R"({"metric":{"__name__":"a"},"values":[1,2,3,4],"timestamps":[1,2,3,4]})").ok());
  limits_.body_bytes_max = 2;
  EXPECT_EQ(Decode("{} ").status().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace rhizome::ingest
