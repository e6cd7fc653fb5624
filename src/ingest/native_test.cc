#include "ingest/native.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "format/coding.h"
#include "ingest/ingest_testing.h"

namespace rhizome::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A sample per label set {__name__=name, n=value}.
std::string BatchOf(const std::vector<std::pair<std::string, std::string>>& series, int64_t time_ms = 5) {
  format::SeriesBatchBuilder builder;
  for (const auto& [name, n] : series) {
    const std::vector<format::LabelPair> pairs = {{"__name__", name}, {"n", n}};
    builder.Add(builder.AppendSeries(format::Labels::FromPairs(pairs).value()), time_ms, 1.5);
  }
  return builder.Encode();
}

std::vector<Row> RowsIn(const std::string& bytes) {
  std::vector<Row> rows;
  const auto batch = format::SeriesBatch::Decode(bytes);
  if (!batch.ok()) return {Row(batch.status().ToString(), 0, 0)};
  batch->ForEachRow([&](uint32_t series, int64_t time, double value) {
    rows.emplace_back(batch->LabelsOf(series).ToString(), time, value);
  });
  return rows;
}

TEST(Native, ASoundBatchIsUsedAsItIs) {
  NativeDecoder decoder{Limits()};
  const auto taken = decoder.Decode(BatchOf({{"up", "1"}, {"up", "2"}}));
  ASSERT_TRUE(taken.ok());
  EXPECT_FALSE(taken->batch.has_value());
  EXPECT_EQ(taken->taken.samples, 2u);
}

TEST(Native, SeriesThatMayNotBeStoredAreSiftedOut) {
  NativeDecoder decoder{Limits()};
  const std::string body = BatchOf({{"up", "1"}, {"a b", "2"}, {"up", "3"}});
  for (int i = 0; i < 2; ++i) {  // nor does it become known
    const auto taken = decoder.Decode(body);
    ASSERT_TRUE(taken.ok());
    ASSERT_TRUE(taken->batch.has_value());
    EXPECT_THAT(RowsIn(*taken->batch), ElementsAre(Row("up{n=\"1\"}", 5, 1.5), Row("up{n=\"3\"}", 5, 1.5)));
    EXPECT_EQ(taken->taken.samples, 2u);
    EXPECT_EQ(taken->taken.dropped, 1u);
    EXPECT_THAT(taken->taken.Complaint(), HasSubstr("series[1]: \"a b\" is no metric name"));
  }
  EXPECT_EQ(decoder.dictionaries_known(), 0u);
}

TEST(Native, ADictionaryIsReadOnce) {
  NativeDecoder decoder{Limits()};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(decoder.Decode(BatchOf({{"up", "1"}, {"up", "2"}}, i))->taken.samples, 2u);
    EXPECT_EQ(decoder.Decode(BatchOf({{"up", "3"}}, i))->taken.samples, 1u);
  }
  EXPECT_EQ(decoder.dictionaries_read(), 2u);
}

TEST(Native, TheIdentityOfAKnownDictionaryLendsNothingToAnother) {
  NativeDecoder decoder{Limits()};
  const std::string known = BatchOf({{"up", "1"}});
  ASSERT_TRUE(decoder.Decode(known).ok());
  std::string lie = BatchOf({{"a b", "1"}});
  lie.replace(24, 16, known, 24, 16);
  format::StampVersion(lie, {});
  EXPECT_THAT(decoder.Decode(lie).status().ToString(), HasSubstr("dictionary has a wrong checksum"));
}

// The same batch as rows of the dictionary that `taken` tells of.
std::string RowsUnder(const std::string& body, const NativeBatch& taken) {
  return RowsOf(format::SeriesBatch::Trusted(body), taken.name);
}

TEST(Native, RowsOfADictionaryThatCameBeforeAreTaken) {
  NativeDecoder decoder{Limits()};
  const std::string body = BatchOf({{"up", "1"}, {"up", "2"}});
  const auto first = decoder.Decode(body);
  ASSERT_NE(first->dictionary, nullptr);
  EXPECT_FALSE(first->repeated);
  const auto again = decoder.Decode(body);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->name, first->name);
  const std::string rows = RowsUnder(BatchOf({{"up", "1"}, {"up", "2"}}, 6), *first);
  const auto taken = decoder.Decode(rows);
  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_TRUE(taken->repeated);
  EXPECT_EQ(taken->dictionary, first->dictionary);
  EXPECT_EQ(taken->taken.samples, 2u);
  EXPECT_THAT(RowsIn(WholeOf(taken->view)), ElementsAre(Row("up{n=\"1\"}", 6, 1.5), Row("up{n=\"2\"}", 6, 1.5)));
}

TEST(Native, RowsOfADictionaryThatIsNotKnownAreNotTaken) {
  NativeDecoder decoder{Limits()}, other{Limits()};
  const std::string body = BatchOf({{"up", "1"}});
  const auto elsewhere = other.Decode(body);
  ASSERT_TRUE(decoder.Decode(body).ok());
  EXPECT_EQ(decoder.Decode(RowsUnder(body, *elsewhere)).status().code(), Code::kFailedPrecondition);
}

TEST(Native, RowsThatDoNotFitTheirDictionaryOrTheLimitsAreRefused) {
  Limits limits;
  limits.samples_max = 2;
  NativeDecoder decoder(limits);
  const auto one = decoder.Decode(BatchOf({{"up", "1"}}));
  const Status other = decoder.Decode(RowsUnder(BatchOf({{"up", "1"}, {"up", "2"}}), *one)).status();
  EXPECT_EQ(other.code(), Code::kInvalidArgument);
  EXPECT_EQ(other.field(), "body");
  format::SeriesBatchBuilder many;
  const std::vector<format::LabelPair> pairs = {{"__name__", "up"}, {"n", "1"}};
  many.AppendSeries(format::Labels::FromPairs(pairs).value());
  for (int i = 0; i < 3; ++i) many.Add(0, i, i);
  EXPECT_EQ(decoder.Decode(RowsUnder(many.Encode(), *one)).status().code(), Code::kTooLarge);
}

TEST(Native, WhatIsForgottenLosesItsName) {
  NativeDecoder decoder(Limits(), 1'800);  // a few
  const std::string body = BatchOf({{"up", "x"}});
  const auto first = decoder.Decode(body);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(decoder.Decode(BatchOf({{"up", std::to_string(i)}})).ok());
  EXPECT_EQ(decoder.Decode(RowsUnder(body, *first)).status().code(), Code::kFailedPrecondition);
  const auto again = decoder.Decode(body);
  EXPECT_NE(again->name, first->name);
}

TEST(Native, WhatWasNotUsedLongestIsForgotten) {
  NativeDecoder decoder(Limits(), 2'400);  // a few
  const std::string often = BatchOf({{"often", "1"}});
  ASSERT_TRUE(decoder.Decode(often).ok());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(decoder.Decode(BatchOf({{"up", std::to_string(i)}})).ok());
    ASSERT_TRUE(decoder.Decode(often).ok());
    EXPECT_LE(decoder.dictionaries_known(), 4u);
  }
  EXPECT_EQ(decoder.dictionaries_read(), 51u);
}

TEST(Native, ADictionaryTooLargeToRememberIsReadEachTime) {
  NativeDecoder decoder(Limits(), 300);
  const std::string body = BatchOf({{"up", std::string(200, 'x')}});
  ASSERT_TRUE(decoder.Decode(body).ok());
  EXPECT_EQ(decoder.Decode(body)->dictionary, nullptr);
  EXPECT_EQ(decoder.dictionaries_read(), 2u);
  EXPECT_EQ(decoder.dictionaries_known(), 0u);
}

TEST(Native, WhatIsNoBatchOrTooLargeIsRefused) {
  NativeDecoder decoder{Limits()};
  for (const std::string& body : {std::string(), std::string("\x10"), std::string(100, '\x10')}) {
    EXPECT_EQ(decoder.Decode(body).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(decoder.Decode(body).status().field(), "body");
  }
  Limits limits;
  limits.samples_max = 1;
  EXPECT_EQ(NativeDecoder(limits).Decode(BatchOf({{"a", "1"}, {"b", "2"}})).status().code(), Code::kTooLarge);
  limits.body_bytes_max = 10;
  EXPECT_EQ(NativeDecoder(limits).Decode(BatchOf({{"a", "1"}})).status().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace rhizome::ingest
