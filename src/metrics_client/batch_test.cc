#include "metrics_client/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace rhizome::metrics_client {
namespace {

using format::LabelPair;
using format::SeriesBatch;
using ::testing::ElementsAre;

SeriesId Named(Batch& batch, const std::string& metric, const std::string& host = "") {
  return batch.Series(metric, std::vector<LabelPair>{{"host", host}}).value();
}

// `metric{labels} time value` of every row.
std::vector<std::string> RowsOf(const EncodedBatch& encoded) {
  const auto batch = SeriesBatch::Decode(encoded.bytes);
  EXPECT_TRUE(batch.ok()) << batch.status().ToString();
  std::vector<std::string> rows;
  batch->ForEachRow([&](uint32_t series, int64_t time_ms, double value) {
    rows.push_back(batch->LabelsOf(series).ToString() + " " + std::to_string(time_ms) + " " +
                   std::to_string(static_cast<int>(value)));
  });
  EXPECT_EQ(rows.size(), encoded.samples);
  return rows;
}

std::string FieldOf(const std::vector<LabelPair>& labels) {
  const auto series = Batch().Series(labels);
  EXPECT_EQ(series.status().code(), Code::kInvalidArgument);
  return std::string(series.status().field());
}

TEST(Batch, HoldsWhatWasAdded) {
  Batch batch;
  const SeriesId a = Named(batch, "up", "a"), b = Named(batch, "up", "b");
  EXPECT_TRUE(batch.Add(b, 5, 1));
  EXPECT_TRUE(batch.Add(a, 6, 2));
  EXPECT_TRUE(batch.Add(b, 7, 3));
  EXPECT_EQ(batch.sample_count(), 3u);
  EXPECT_THAT(RowsOf(batch.Take()), ElementsAre("up{host=\"b\"} 5 1", "up{host=\"a\"} 6 2", "up{host=\"b\"} 7 3"));
}

TEST(Batch, TheSameLabelsAreTheSameSeriesInWhateverOrder) {
  Batch batch;
  const auto a = batch.Series(std::vector<LabelPair>{{"__name__", "up"}, {"a", "1"}, {"b", "2"}});
  const auto b = batch.Series(std::vector<LabelPair>{{"b", "2"}, {"a", "1"}, {"none", ""}, {"__name__", "up"}});
  EXPECT_EQ(*a, *b);
  EXPECT_EQ(batch.series_count(), 1u);
}

TEST(Batch, TakingLeavesTheSeriesAndNoSamples) {
  Batch batch;
  const SeriesId a = Named(batch, "up", "a");
  ASSERT_TRUE(batch.Add(a, 5, 1));
  (void)batch.Take();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(RowsOf(batch.Take()).size(), 0u);
  EXPECT_EQ(Named(batch, "up", "a"), a);
  ASSERT_TRUE(batch.Add(a, 6, 2));
  EXPECT_THAT(RowsOf(batch.Take()), ElementsAre("up{host=\"a\"} 6 2"));
}

TEST(Batch, SeriesWithoutSamplesAreNotSent) {
  Batch batch;
  (void)Named(batch, "idle");
  ASSERT_TRUE(batch.Add(Named(batch, "up"), 5, 1));
  EXPECT_EQ(SeriesBatch::Decode(batch.Take().bytes)->series_count(), 1u);
}

TEST(Batch, AddingInTheSameOrderSendsTheSameDictionary) {
  Batch batch;
  SeriesBatch::DictionaryId ids[2];
  for (auto& id : ids) {
    for (const char* host : {"c", "a", "b"}) ASSERT_TRUE(batch.Add(Named(batch, "up", host), 5, 1));
    id = SeriesBatch::DictionaryIdOf(batch.Take().bytes).value();
  }
  EXPECT_EQ(ids[0], ids[1]);
}

TEST(Batch, NaNPayloadsComeThrough) {
  Batch batch;
  const double stale = std::bit_cast<double>(uint64_t{0x7ff0000000000002});
  ASSERT_TRUE(batch.Add(Named(batch, "up"), 5, stale));
  const EncodedBatch taken = batch.Take();
  EXPECT_EQ(std::bit_cast<uint64_t>(SeriesBatch::Decode(taken.bytes)->ValueAt(0)), 0x7ff0000000000002u);
}

TEST(Batch, AFullOneTakesNothingMoreUntilItIsTaken) {
  constexpr size_t kBytesMax = 1'000;
  Batch batch(kBytesMax);
  const SeriesId a = Named(batch, "up");
  size_t added = 0;
  while (batch.Add(a, static_cast<int64_t>(added) * 7'777'777'777, 1)) ++added;
  EXPECT_GT(added, 40u);
  EXPECT_EQ(batch.sample_count(), added);
  const EncodedBatch taken = batch.Take();
  EXPECT_LE(taken.bytes.size(), kBytesMax);
  EXPECT_TRUE(batch.Add(a, 0, 1));
}

TEST(Batch, TheLabelsOfNewSeriesCountForTheLimit) {
  Batch batch(1'000);
  EXPECT_FALSE(batch.Add(Named(batch, "up", std::string(1'000, 'x')), 0, 1));
  EXPECT_TRUE(batch.Add(Named(batch, "up", std::string(800, 'x')), 0, 1));
  EXPECT_LE(batch.Take().bytes.size(), 1'000u);
}

TEST(Batch, WhatAServerWouldRefuseIsNoSeries) {
  EXPECT_EQ(FieldOf({{"a", "1"}}), "__name__");
  EXPECT_EQ(FieldOf({{"__name__", ""}}), "__name__");
  EXPECT_EQ(FieldOf({{"__name__", "a-b"}}), "__name__");
  EXPECT_EQ(FieldOf({{"__name__", "up"}, {"a:b", "1"}}), "a:b");
  EXPECT_EQ(FieldOf({{"__name__", "up"}, {"a", "1"}, {"a", "2"}}), "labels");
  EXPECT_EQ(FieldOf({{"__name__", "up"}, {"a", "\xff"}}), "labels");
}

}  // namespace
}  // namespace rhizome::metrics_client
