#include "metrics/metadata_book.h"

#include <gtest/gtest.h>

namespace rhizome::metrics {
namespace {

using ingest::MetricMetadata;
using ingest::MetricType;

TEST(MetadataBook, GivesWhatWasToldInTheOrderOfMetrics) {
  MetadataBook book;
  book.Note("t", {{"b", MetricType::kGauge, "help b", "s"}, {"a", MetricType::kCounter, "help a", ""}});
  const auto all = book.Read("t", "");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].metric, "a");
  EXPECT_EQ(all[0].type, "counter");
  EXPECT_EQ(all[1].help, "help b");
  EXPECT_EQ(all[1].unit, "s");
  ASSERT_EQ(book.Read("t", "b").size(), 1u);
  EXPECT_TRUE(book.Read("t", "c").empty());
}

TEST(MetadataBook, TheSameToldAgainIsOne) {
  MetadataBook book;
  for (int i = 0; i < 3; ++i) book.Note("t", {{"a", MetricType::kGauge, "help", ""}});
  EXPECT_EQ(book.Read("t", "a").size(), 1u);
}

TEST(MetadataBook, OfAMetricTheLastFewToldAreKeptTheLastFirst) {
  MetadataBook book;
  for (size_t i = 0; i < 6; ++i) book.Note("t", {{"a", MetricType::kGauge, std::to_string(i), ""}});
  const auto entries = book.Read("t", "a");
  ASSERT_EQ(entries.size(), MetadataBook::kPerMetricMax);
  EXPECT_EQ(entries[0].help, "5");
  EXPECT_EQ(entries[3].help, "2");
}

TEST(MetadataBook, WhatDoesNotFitIsNotNoted) {
  MetadataBook book(1'000);
  for (int i = 0; i < 100; ++i) book.Note("t", {{"m" + std::to_string(i), MetricType::kGauge, "help", ""}});
  const size_t held = book.Read("t", "").size();
  EXPECT_GT(held, 0u);
  EXPECT_LT(held, 20u);
  EXPECT_EQ(book.Read("t", "m0").size(), 1u);
}

}  // namespace
}  // namespace rhizome::metrics
