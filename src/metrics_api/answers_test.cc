#include "metrics_api/answers.h"

#include <gtest/gtest.h>

#include <bit>
#include <boost/json/parse.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "promql/text.h"

namespace rhizome::metrics_api {
namespace {

std::string Time(int64_t time_ms) {
  std::string out;
  AppendTime(time_ms, out);
  return out;
}

std::string Value(double value) {
  std::string out;
  AppendValue(value, out);
  return out;
}

std::string Json(std::string_view text) {
  std::string out;
  AppendJsonString(text, out);
  return out;
}

promql::ResultSeries Series(std::vector<int64_t> times_ms, std::vector<double> values) {
  const std::vector<format::LabelPair> pairs = {{"__name__", "up"}, {"job", "a\"b"}};
  return {format::Labels::FromPairs(pairs).value(), std::move(times_ms), std::move(values)};
}

std::string Data(const promql::QueryResult& result, int64_t instant_ms = 1'500) {
  std::string out;
  EXPECT_TRUE(AppendQueryData(result, instant_ms, {1 << 20}, out).ok());
  return out;
}

TEST(AppendTime, MillisecondsAreThreeDigitsOrNone) {
  EXPECT_EQ(Time(1435781430781), "1435781430.781");
  EXPECT_EQ(Time(1435781430000), "1435781430");
  EXPECT_EQ(Time(500), "0.500");
  EXPECT_EQ(Time(7), "0.007");
  EXPECT_EQ(Time(-1), "-0.001");
  EXPECT_EQ(Time(-12'345), "-12.345");
  EXPECT_EQ(Time(std::numeric_limits<int64_t>::min()), "-9223372036854775.808");
}

TEST(AppendValue, ExponentsBeginWherePrometheusHasThem) {
  const std::pair<double, const char*> cases[] = {{0, "0"},
                                                  {-0.0, "-0"},
                                                  {1, "1"},
                                                  {-42.5, "-42.5"},
                                                  {0.1, "0.1"},
                                                  {1e6, "1000000"},
                                                  {1e20, "100000000000000000000"},
                                                  {123456789012345678.0, "123456789012345680"},
                                                  {9007199254740993.0, "9007199254740992"},
                                                  {1e21, "1e+21"},
                                                  {1.5e300, "1.5e+300"},
                                                  {0.000001, "0.000001"},
                                                  {0.00000099, "9.9e-07"},
                                                  {5e-324, "5e-324"},
                                                  {-1.7976931348623157e308, "-1.7976931348623157e+308"},
                                                  {1.0 / 3, "0.3333333333333333"},
                                                  {1234.5, "1234.5"},
                                                  {0.001, "0.001"},
                                                  {-0.25, "-0.25"},
                                                  {999999999999.999, "999999999999.999"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(Value(value), text);
  EXPECT_EQ(Value(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(Value(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(Value(std::bit_cast<double>(0xfff8000000000001)), "NaN");
}

// FormatPlain is the same digits by another way, and slower.
TEST(AppendValue, DigitsAreTheShortestThatReadBack) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200'000; ++i) {
    double value = std::bit_cast<double>(random());
    if (i % 3 == 1) value = static_cast<double>(static_cast<int64_t>(random()) >> (random() % 60)) / 1000;
    if (i % 3 == 2) value = static_cast<double>(random() >> (random() % 60)) / static_cast<double>(random() % 997 + 1);
    const double magnitude = std::fabs(value);
    if (std::isnan(value) || std::isinf(value)) continue;
    const std::string text = Value(value);
    EXPECT_EQ(std::bit_cast<uint64_t>(std::strtod(text.c_str(), nullptr)), std::bit_cast<uint64_t>(value)) << text;
    if (magnitude >= 1e-6 && magnitude < 1e21) {
      EXPECT_EQ(text, promql::FormatPlain(value));
    }
  }
}

TEST(AppendJsonString, WhatIsNoTextIsReplaced) {
  EXPECT_EQ(Json("a\"b\\\n\r\t\x01\x7f é☃"), "\"a\\\"b\\\\\\n\\r\\t\\u0001\x7f é☃\"");
  EXPECT_EQ(Json("a\xff\xc3"), "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(Json(""), "\"\"");
}

TEST(AppendQueryData, AVectorHasOneValueEach) {
  promql::QueryResult result;
  result.type = promql::ValueType::kVector;
  EXPECT_EQ(Data(result), R"({"resultType":"vector","result":[]})");
  result.series = {Series({1'500}, {2}), Series({1'500}, {NAN})};
  EXPECT_EQ(Data(result), R"({"resultType":"vector","result":[)"
                          R"({"metric":{"__name__":"up","job":"a\"b"},"value":[1.500,"2"]},)"
                          R"({"metric":{"__name__":"up","job":"a\"b"},"value":[1.500,"NaN"]}]})");
}

TEST(AppendQueryData, AMatrixHasManyValues) {
  promql::QueryResult result;
  result.type = promql::ValueType::kMatrix;
  result.series = {Series({1'000, 2'500}, {1, -0.5})};
  EXPECT_EQ(Data(result), R"({"resultType":"matrix","result":[)"
                          R"({"metric":{"__name__":"up","job":"a\"b"},"values":[[1,"1"],[2.500,"-0.5"]]}]})");
}

TEST(AppendQueryData, ScalarsAndStringsAreOnePair) {
  promql::QueryResult result;
  result.type = promql::ValueType::kScalar;
  result.series = {{{}, {1'500}, {0.25}}};
  EXPECT_EQ(Data(result), R"({"resultType":"scalar","result":[1.5,"0.25"]})");
  result.series[0].values = {1.5e-7};
  EXPECT_EQ(Data(result, 2'000), R"({"resultType":"scalar","result":[2,"0.00000015"]})");
  promql::QueryResult text;
  text.type = promql::ValueType::kString;
  text.text = "x\"y";
  EXPECT_EQ(Data(text), R"({"resultType":"string","result":[1.5,"x\"y"]})");
}

TEST(AppendQueryData, EveryTimeIsItsOwnWhateverCameBefore) {
  std::mt19937_64 random(3);
  promql::QueryResult result;
  result.type = promql::ValueType::kMatrix;
  for (int series = 0; series < 5; ++series) {
    std::vector<int64_t> times_ms;
    for (int64_t time_ms = 0; times_ms.size() < 3'000; time_ms += 1 + static_cast<int64_t>(random() % 40'000)) {
      times_ms.push_back(time_ms);
    }
    result.series.push_back(Series(times_ms, std::vector<double>(times_ms.size(), 1)));
  }
  const auto data = boost::json::parse(Data(result));
  for (size_t series = 0; series < 5; ++series) {
    const auto& values = data.at("result").at(series).at("values").as_array();
    const auto& times_ms = result.series[series].times_ms;
    ASSERT_EQ(values.size(), times_ms.size());
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(std::llround(values[i].at(0).to_number<double>() * 1000), times_ms[i]);
    }
  }
}

TEST(AppendQueryData, TheAnswerIsBounded) {
  promql::QueryResult result;
  result.type = promql::ValueType::kMatrix;
  result.series = {Series({1'000}, {1}), Series({1'000}, {1})};
  std::string out;
  EXPECT_EQ(AppendQueryData(result, 0, {100}, out).code(), Code::kResourceExhausted);
  const std::atomic<bool> cancelled = true;
  out.clear();
  EXPECT_EQ(AppendQueryData(result, 0, {1 << 20, &cancelled}, out).code(), Code::kCancelled);
}

TEST(Success, WarningsComeBehindTheData) {
  EXPECT_EQ(Success(std::string(kSuccess) + "[]", {}).body, R"({"status":"success","data":[]})");
  const std::vector<std::string> warnings = {"a\"", "b"};
  EXPECT_EQ(Success(std::string(kSuccess) + "[]", warnings).body,
            R"({"status":"success","data":[],"warnings":["a\"","b"]})");
}

TEST(Failure, CodesHaveTheirStatusAndType) {
  const std::tuple<Status, int, std::string> cases[] = {
      {Status::InvalidArgument("", "m"), 400, "bad_data"}, {Status::TooLarge("", "m"), 400, "bad_data"},
      {Status::FailedPrecondition("m"), 422, "execution"}, {Status::ResourceExhausted("m"), 422, "execution"},
      {Status::DeadlineExceeded("m"), 503, "timeout"},     {Status::Cancelled("m"), 503, "canceled"},
      {Status::NotFound("m"), 404, "not_found"},           {Status::Unavailable("m"), 503, "unavailable"},
      {Status::ReadOnly("m"), 503, "unavailable"}};
  for (const auto& [status, http_status, type] : cases) {
    const gateway::Response response = Failure(status);
    EXPECT_EQ(response.status, http_status);
    EXPECT_EQ(response.body, R"({"status":"error","errorType":")" + type + R"(","error":"m"})");
  }
}

TEST(Failure, TheParameterAtFaultIsNamed) {
  EXPECT_EQ(Failure(Status::InvalidArgument("query", "1:1: wrong")).body,
            R"({"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:1: wrong"})");
}

TEST(Failure, WhatIsOursStaysInTheLog) {
  for (const Status& status : {Status::Internal("secret"), Status::IoError("secret"), Status::Corruption("secret")}) {
    EXPECT_EQ(Failure(status).status, 500);
    EXPECT_EQ(Failure(status).body.find("secret"), std::string::npos);
  }
}

TEST(Failure, WhoMayComeBackIsToldWhen) {
  EXPECT_NE(gateway::FindValue(Failure(Status::Unavailable("m")).headers, "Retry-After"), nullptr);
}

}  // namespace
}  // namespace rhizome::metrics_api
