#include "shard/series_query.h"

#include <gtest/gtest.h>

#include "engines/series/series_records.h"
#include "format/tenant.h"
#include "io/sim_disk.h"
#include "shard/series_testing.h"

namespace rhizome::shard {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

class SeriesQueryTest : public testing::Test {
 protected:
  SeriesQueryTest() {
    EXPECT_TRUE(disk_.CreateDirectory("/series").ok());
    log_ = wal::Log::Open(disk_, "/log").value();
    auto engine = series::SeriesEngine::Open(disk_, {"/series", {}}).value();
    shard_ = std::make_shared<SeriesShard>(1, std::move(engine), SeriesShard::Parts{*log_, clock_, versions_},
                                           SeriesLimits{{INT64_MAX, 600'000}, UINT64_MAX});
  }
  SeriesQuery::Answer Ask(SeriesQuery query) {
    query.from_ms = INT64_MIN;
    query.to_ms = INT64_MAX;
    if (query.bytes_max == 0) query.bytes_max = 1 << 20;
    const auto again = DecodeSeriesQuery(EncodeSeriesQuery(query));
    EXPECT_TRUE(again.ok()) << again.status().ToString();
    const auto answer = AnswerSeriesQuery({{70, shard_}}, *again);
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    const auto decoded = DecodeSeriesAnswer(EncodeSeriesAnswer(*answer));
    EXPECT_TRUE(decoded.ok()) << decoded.status().ToString();
    return *decoded;
  }
  void Write(const std::vector<NamedSample>& samples) { ASSERT_TRUE(shard_->Write(BatchOf(samples)).ok()); }

  io::SimDisk disk_;
  SimClock clock_{kNow};
  HybridClock versions_{clock_, 1};
  std::unique_ptr<wal::Log> log_;
  std::shared_ptr<SeriesShard> shard_;
};

TEST_F(SeriesQueryTest, SamplesComeWithTheirStampsAndWhatWasDeleted) {
  Write({{"now", kNow, 1}, {"old", kNow - 3'600'000, 2}, {"other", kNow, 3}});
  ASSERT_TRUE(shard_->Delete({MetricIs("gone")}, 0, kNow).ok());
  const auto answer = Ask({.selectors = {{MetricIs("now")}, {MetricIs("old")}}});
  ASSERT_EQ(answer.parts.size(), 1u);
  EXPECT_EQ(answer.parts[0].shard, 70u);
  EXPECT_EQ(answer.parts[0].deletions.size(), 1u);
  series::SampleUnion all;
  for (const std::string& batch : answer.parts[0].batches) ASSERT_TRUE(all.Add(batch).ok());
  std::map<std::string, std::pair<size_t, size_t>> found;  // prompt and stamped ones
  ASSERT_TRUE(all.ForEach([&](format::LabelsView labels, series::StoredSamples& samples) {
                   found[std::string(labels.metric_name())] = {samples.prompt.size(), samples.stamped.size()};
                   return Status::Ok();
                 })
                  .ok());
  EXPECT_EQ(found, (std::map<std::string, std::pair<size_t, size_t>>{{"now", {1, 0}}, {"old", {0, 1}}}));
}

TEST_F(SeriesQueryTest, ASeriesOfTwoSelectorsIsListedOnce) {
  Write({{"a", kNow, 1}, {"b", kNow, 2}});
  const auto answer = Ask({.what = SeriesQuery::What::kSeries, .selectors = {{MetricIs("a")}, {}}});
  EXPECT_EQ(answer.parts.at(0).labels.size(), 2u);
  EXPECT_TRUE(answer.parts.at(0).batches.empty());
}

TEST_F(SeriesQueryTest, TellsBetweenWhichTimesItsSamplesAre) {
  Write({{"a", kNow - 5, 1}, {"b", kNow, 2}});
  const auto answer = Ask({.what = SeriesQuery::What::kTimes});
  EXPECT_EQ(answer.parts.at(0).times.min_ms, kNow - 5);
  EXPECT_EQ(answer.parts.at(0).times.max_ms, kNow);
}

TEST_F(SeriesQueryTest, TellsHowManySeriesATenantHasAndWhichItKnows) {
  Write({{"a", kNow, 1}, {"b", kNow, 2}});
  const std::string plain = BatchOf({{"a", kNow, 3}});
  const auto batch = format::SeriesBatch::Trusted(plain);
  const std::string of_tenant = format::BatchOfTenant(batch, "t");
  ASSERT_TRUE(shard_->Write(of_tenant).ok());
  const std::string here(format::SeriesBatch::Trusted(of_tenant).LabelsOf(0).bytes());
  const std::string elsewhere(format::SeriesBatch::Trusted(BatchOf({{"z", kNow, 3}})).LabelsOf(0).bytes());
  const auto part = Ask({.what = SeriesQuery::What::kCounts, .tenant = "t", .labels = {elsewhere, here}}).parts.at(0);
  EXPECT_EQ(part.series, 1u);
  EXPECT_EQ(part.labels, std::vector<std::string>{here});
  EXPECT_TRUE(part.deletions.empty());
  EXPECT_EQ(Ask({.what = SeriesQuery::What::kCounts}).parts.at(0).series, 2u);
  EXPECT_EQ(Ask({.what = SeriesQuery::What::kCounts, .tenant = "u"}).parts.at(0).series, 0u);
}

TEST_F(SeriesQueryTest, TimesOfATenantAreThoseOfItsOwnSamples) {
  constexpr int64_t kHour = 3'600'000;
  Write({{"a", kNow - 9 * kHour, 1}, {"a", kNow, 2}});
  const std::string plain = BatchOf({{"a", kNow - 5 * kHour, 3}, {"b", kNow - 3 * kHour, 3}});
  ASSERT_TRUE(shard_->Write(format::BatchOfTenant(format::SeriesBatch::Trusted(plain), "t")).ok());
  const auto of = [](const char* tenant) {
    return format::Matcher::Make(format::MatchKind::kEqual, std::string(format::kTenantLabel), tenant).value();
  };
  const auto times = [&](const char* tenant) {
    return Ask({.what = SeriesQuery::What::kTimes, .selectors = {{of(tenant)}}}).parts.at(0).times;
  };
  EXPECT_EQ(times("t").min_ms, kNow - 5 * kHour);
  EXPECT_EQ(times("t").max_ms, kNow - 3 * kHour);
  EXPECT_EQ(times("").min_ms, kNow - 9 * kHour);
  EXPECT_EQ(times("").max_ms, kNow);
  EXPECT_TRUE(times("u").empty());
}

TEST_F(SeriesQueryTest, WhatIsMoreThanTheAnswerMayHoldIsLeftOutAsAWholeAndSaid) {
  std::vector<NamedSample> many;
  for (int i = 0; i < 1'000; ++i) many.push_back({"metric_" + std::to_string(i), kNow, 1});
  Write(many);
  for (const auto what : {SeriesQuery::What::kSamples, SeriesQuery::What::kSeries}) {
    const auto answer = Ask({.what = what, .bytes_max = 5'000});
    EXPECT_TRUE(answer.parts.at(0).too_much);
    EXPECT_TRUE(answer.parts[0].batches.empty());
    EXPECT_TRUE(answer.parts[0].labels.empty());
  }
  EXPECT_FALSE(Ask({}).parts.at(0).too_much);
}

TEST(SeriesQueryCodec, TruncationsTrailsAndForeignValuesAreCorruption) {
  SeriesQuery query;
  query.selectors = {{MetricIs("a")}, {}};
  const std::string bytes = EncodeSeriesQuery(query);
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(DecodeSeriesQuery(bytes.substr(0, n)).status().code(), Code::kCorruption) << n;
  }
  EXPECT_FALSE(DecodeSeriesQuery(bytes + "x").ok());
  EXPECT_FALSE(DecodeSeriesQuery("\x02" + bytes.substr(1)).ok());
  EXPECT_FALSE(DecodeSeriesQuery(bytes.substr(0, 1) + "\x04" + bytes.substr(2)).ok());

  query.what = SeriesQuery::What::kCounts;
  query.tenant = "t";
  query.labels = {std::string(format::SeriesBatch::Trusted(BatchOf({{"a", 1, 1}})).LabelsOf(0).bytes())};
  const std::string count = EncodeSeriesQuery(query);
  ASSERT_TRUE(DecodeSeriesQuery(count).ok());
  for (size_t n = 0; n < count.size(); ++n) EXPECT_FALSE(DecodeSeriesQuery(count.substr(0, n)).ok()) << n;
  query.labels = {"no labels"};
  EXPECT_EQ(DecodeSeriesQuery(EncodeSeriesQuery(query)).status().code(), Code::kCorruption);

  SeriesQuery::Answer answer;
  answer.parts.push_back({7, false, {"a deletion"}, {"a batch"}, {}, {1, 2}});
  const std::string reply = EncodeSeriesAnswer(answer);
  for (size_t n = 0; n < reply.size(); ++n) EXPECT_FALSE(DecodeSeriesAnswer(reply.substr(0, n)).ok()) << n;
  EXPECT_FALSE(DecodeSeriesAnswer(reply + "x").ok());
  answer.parts[0].labels = {"no labels"};
  EXPECT_EQ(DecodeSeriesAnswer(EncodeSeriesAnswer(answer)).status().code(), Code::kCorruption);
}

TEST(SeriesQueryCodec, AnExpressionThatIsNoneIsRefused) {
  SeriesQuery query;
  query.selectors = {{format::Matcher::Make(format::MatchKind::kEqual, "a", "(").value()}};
  std::string bytes = EncodeSeriesQuery(query);
  const size_t kind =
      bytes.find(std::string("\x00\x01"
                             "a",
                             3));
  ASSERT_NE(kind, std::string::npos);
  bytes[kind] = 2;  // a regular expression from now on
  EXPECT_EQ(DecodeSeriesQuery(bytes).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::shard
