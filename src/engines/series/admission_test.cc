#include "engines/series/admission.h"

#include <gtest/gtest.h>

#include "engines/series/engine_testing.h"

namespace rhizome::series {
namespace {

constexpr TimeWindow kWindow{1'000, 100};

TEST(Admission, TheWindowIsClosedOnBothSides) {
  EXPECT_EQ(CheckTime(9'000, 10'000, kWindow), Lateness::kInside);
  EXPECT_EQ(CheckTime(8'999, 10'000, kWindow), Lateness::kTooOld);
  EXPECT_EQ(CheckTime(10'100, 10'000, kWindow), Lateness::kInside);
  EXPECT_EQ(CheckTime(10'101, 10'000, kWindow), Lateness::kTooNew);
}

TEST(Admission, NoTimeOverflows) {
  EXPECT_EQ(CheckTime(INT64_MIN, INT64_MAX, kWindow), Lateness::kTooOld);
  EXPECT_EQ(CheckTime(INT64_MAX, INT64_MIN, kWindow), Lateness::kTooNew);
  EXPECT_EQ(CheckTime(INT64_MAX, INT64_MAX, kWindow), Lateness::kInside);
  EXPECT_EQ(CheckTime(INT64_MIN, 0, {INT64_MAX, INT64_MAX}), Lateness::kTooOld);
}

TEST(Admission, TheFirstRowOutsideIsNamed) {
  const auto labels = LabelsOf({{"__name__", "up"}});
  const auto check = [&](std::vector<TestRow> rows) {
    const std::string bytes = EncodeRows({}, rows);
    return CheckWindow(format::SeriesBatch::Decode(bytes).value(), 10'000, kWindow);
  };
  EXPECT_TRUE(check({{labels, 10'000, 1}, {labels, 9'500, 1}}).ok());
  EXPECT_TRUE(check({}).ok());
  const Status old = check({{labels, 10'000, 1}, {labels, 1, 1}, {labels, 2, 1}});
  EXPECT_EQ(old.code(), Code::kInvalidArgument);
  EXPECT_EQ(old.field(), "samples[1]");
  EXPECT_NE(old.message().find("up at 1"), std::string::npos);
  EXPECT_NE(check({{labels, 10'200, 1}}).message().find("after now"), std::string::npos);
}

TEST(Admission, TheLimitIsOfKnownAndNewSeriesTogether) {
  EXPECT_TRUE(CheckSeriesLimit(5, 5, 10).ok());
  const Status over = CheckSeriesLimit(5, 6, 10);
  EXPECT_EQ(over.code(), Code::kResourceExhausted);
  EXPECT_EQ(over.field(), "series");
  EXPECT_EQ(CheckSeriesLimit(11, UINT64_MAX, 10).code(), Code::kResourceExhausted);
  EXPECT_EQ(CheckSeriesLimit(1, UINT64_MAX, 10).code(), Code::kResourceExhausted);
}

TEST(Admission, KnownSeriesAreNeverRefused) { EXPECT_TRUE(CheckSeriesLimit(11, 0, 10).ok()); }

}  // namespace
}  // namespace rhizome::series
