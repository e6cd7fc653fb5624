#include <gtest/gtest.h>

#include "io/sim_disk.h"
#include "metrics/store.h"
#include "shard/series_testing.h"

namespace rhizome::metrics {
namespace {

using shard::NamedSample;
using shard::Shown;

class StoreKnownTest : public testing::Test {
 protected:
  StoreKnownTest() {
    options_.data_dir = "/data";
    options_.memtable_bytes = 1 << 20;
    Open();
  }
  void Open() {
    store_.reset();
    node_.reset();
    node_ = cluster::Node::Open(disk_, options_).value();
    store_ = std::make_unique<Store>(*node_, SystemClock());
  }
  Result<Written> WriteKnown(const std::vector<NamedSample>& samples, std::string_view tenant = kTenant) {
    const std::string bytes = shard::BatchOf(samples);
    const auto batch = format::SeriesBatch::Trusted(bytes);
    if (dictionary_ == nullptr || !dictionary_->batch().HasDictionaryOf(batch)) {
      dictionary_ = format::SeriesDictionary::Of(batch);
    }
    const std::string rows = RowsOf(batch, {});
    return store_->WriteKnown(tenant, format::SeriesBatch::TrustedRows(rows, dictionary_->batch()), dictionary_, {});
  }
  Shown All() {
    Shown all;
    const auto shards = node_->Series().value();
    for (size_t i = 0; i < shards->size(); ++i) all.merge(shard::ShownBy(shards->at(i).engine()));
    return all;
  }
  static int64_t Now() { return SystemClock().WallMs(); }

  io::SimDisk disk_;
  cluster::NodeOptions options_;
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<Store> store_;
  std::shared_ptr<const format::SeriesDictionary> dictionary_;
};

TEST_F(StoreKnownTest, SamplesOfAKnownDictionaryAreKeptAndThereAfterARestart) {
  const int64_t now = Now();
  Shown expected;
  for (int round = 0; round < 5; ++round) {
    std::vector<NamedSample> samples;
    for (int i = 0; i < 50; ++i) {
      samples.push_back({"m" + std::to_string(i), now + round, i + round * 0.5});
      expected["m" + std::to_string(i)][now + round] = i + round * 0.5;
    }
    const auto written = WriteKnown(samples);
    ASSERT_TRUE(written.ok()) << written.status().ToString();
    EXPECT_EQ(written->kept, 50u);
    if (round == 2) ASSERT_TRUE(node_->Checkpoint().ok());
  }
  EXPECT_EQ(All(), expected);
  Open();
  EXPECT_EQ(All(), expected);
  node_.reset();
  disk_.Crash();
  Open();
  EXPECT_EQ(All(), expected);
}

TEST_F(StoreKnownTest, WhatMayNotBeKeptIsRefusedAndTheRestKept) {
  const int64_t now = Now();
  const auto written = WriteKnown({{"a", now, 1}, {"b", now + 7'200'000, 2}});
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  EXPECT_EQ(written->kept, 1u);
  EXPECT_EQ(written->refused, 1u);
  EXPECT_EQ(All(), (Shown{{"a", {{now, 1}}}}));
}

TEST_F(StoreKnownTest, ABatchWithoutSamplesIsDone) {
  const auto written = WriteKnown({});
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(written->kept, 0u);
  EXPECT_EQ(node_->Series().value(), nullptr);
}

TEST(DictionarySplits, ForgetsWhatWasNotUsedForLongest) {
  io::SimDisk disk;
  cluster::NodeOptions options;
  options.data_dir = "/data";
  options.memtable_bytes = 1 << 20;
  const auto node = cluster::Node::Open(disk, options).value();
  const auto shards = node->MakeSeries().value();
  const std::string bytes = shard::BatchOf({{"a", 1, 1}});
  const auto make = [&] { return format::SeriesDictionary::Of(format::SeriesBatch::Trusted(bytes)); };
  const auto a = make(), b = make(), c = make();
  const size_t one = DictionarySplits().Of(*a, *shards)->bytes();
  DictionarySplits splits(2 * one);
  const auto of_a = splits.Of(*a, *shards);
  (void)splits.Of(*b, *shards);
  EXPECT_EQ(splits.Of(*a, *shards), of_a);
  (void)splits.Of(*c, *shards);
  EXPECT_EQ(splits.bytes(), 2 * one);
  EXPECT_EQ(splits.Of(*a, *shards), of_a);
  (void)splits.Of(*b, *shards);  // which puts c out
  EXPECT_EQ(splits.Of(*a, *shards), of_a);
  DictionarySplits none(1);
  (void)none.Of(*a, *shards);
  EXPECT_EQ(none.bytes(), 0u);
}

}  // namespace
}  // namespace rhizome::metrics
