#include "shard/series_shards.h"

#include <gtest/gtest.h>

#include "io/sim_disk.h"
#include "shard/series_testing.h"

namespace rhizome::shard {
namespace {

constexpr uint32_t kFirst = 40;
constexpr uint32_t kCount = 3;
constexpr int64_t kNow = 1'700'000'000'000;
constexpr int64_t kHour = 3'600'000;

class SeriesShardsTest : public testing::Test {
 protected:
  SeriesShardsTest() { EXPECT_TRUE(SeriesShards::Create(disk_, "/metrics", kCount).ok()); }

  Status Open() {
    shards_.reset();
    log_.reset();
    log_ = wal::Log::Open(disk_, "/log").value();
    auto opened = SeriesShards::Open({disk_, "/metrics", kFirst, kCount}, {*log_, clock_, versions_}, options_);
    if (!opened.ok()) return opened.status();
    shards_ = std::move(opened).value();
    return Status::Ok();
  }
  Status Write(const NamedSample& sample) {
    const std::string batch = BatchOf({sample});
    const uint32_t shard = shards_->ShardOf(format::SeriesBatch::Trusted(batch).LabelsOf(0));
    return shards_->at(shard).Write(batch);
  }
  Shown All() const {
    Shown all;
    for (size_t i = 0; i < shards_->size(); ++i) all.merge(ShownBy(shards_->at(i).engine()));
    return all;
  }
  uint64_t Blocks() const {
    uint64_t blocks = 0;
    for (size_t i = 0; i < shards_->size(); ++i) blocks += shards_->at(i).engine().counts().blocks;
    return blocks;
  }

  io::SimDisk disk_;
  SimClock clock_{kNow};
  HybridClock versions_{clock_, 1};
  SeriesOptions options_;
  std::unique_ptr<wal::Log> log_;
  std::unique_ptr<SeriesShards> shards_;
};

TEST_F(SeriesShardsTest, StreamsFollowOneAnotherAndNoOtherIsTheirs) {
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(shards_->FindStream(kFirst), &shards_->at(0));
  EXPECT_EQ(shards_->FindStream(kFirst + kCount - 1), &shards_->at(kCount - 1));
  EXPECT_EQ(shards_->FindStream(kFirst - 1), nullptr);
  EXPECT_EQ(shards_->FindStream(kFirst + kCount), nullptr);
}

TEST_F(SeriesShardsTest, SeriesSpreadOverAllShards) {
  ASSERT_TRUE(Open().ok());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Write({"m" + std::to_string(i), kNow, 1}).ok());
  for (size_t i = 0; i < kCount; ++i) EXPECT_GT(shards_->at(i).engine().counts().series, 10u);
}

TEST_F(SeriesShardsTest, AFolderThatIsGoneIsCorruptionAndNotAnEmptyShard) {
  ASSERT_TRUE(io::RemoveTree(disk_, "/metrics/1").ok());
  EXPECT_EQ(Open().code(), Code::kCorruption);
}

TEST_F(SeriesShardsTest, CreatingAgainKeepsWhatIsThere) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Write({"a", kNow, 1}).ok());
  ASSERT_TRUE(shards_->Checkpoint().ok());
  ASSERT_TRUE(SeriesShards::Create(disk_, "/metrics", kCount).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(All(), (Shown{{"a", {{kNow, 1}}}}));
}

TEST_F(SeriesShardsTest, ACheckpointOfAllFreesTheLog) {
  ASSERT_TRUE(Open().ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Write({"m" + std::to_string(i), kNow, 1}).ok());
  EXPECT_EQ(shards_->UnneededLsn(), 0u);
  ASSERT_TRUE(shards_->Checkpoint().ok());
  EXPECT_EQ(shards_->UnneededLsn(), 20u);
}

TEST_F(SeriesShardsTest, UpkeepMergesBlocks) {
  ASSERT_TRUE(Open().ok());
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(Write({"a", kNow + i, 1}).ok());
    ASSERT_TRUE(shards_->Checkpoint().ok());
  }
  const Shown before = All();
  const uint64_t blocks = Blocks();
  while (shards_->Upkeep().value()) {
  }
  EXPECT_LT(Blocks(), blocks);
  EXPECT_EQ(All(), before);
}

TEST_F(SeriesShardsTest, WhatIsOlderThanTheRetentionGoesAndIsRefused) {
  options_.retention_ms = 24 * kHour;
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Write({"old", kNow - 23 * kHour, 1}).ok());
  ASSERT_TRUE(Write({"new", kNow, 1}).ok());
  ASSERT_TRUE(shards_->Checkpoint().ok());
  const uint64_t blocks = Blocks();
  EXPECT_FALSE(Write({"older", kNow - 24 * kHour - 1, 1}).ok());
  clock_.AdvanceMs(12 * kHour);
  while (shards_->Upkeep().value()) {
  }
  EXPECT_EQ(All(), (Shown{{"new", {{kNow, 1}}}}));
  EXPECT_LT(Blocks(), blocks);
}

TEST_F(SeriesShardsTest, WithoutARetentionTheOldestIsKept) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Write({"old", 1, 1}).ok());
  while (shards_->Upkeep().value()) {
  }
  EXPECT_EQ(All(), (Shown{{"old", {{1, 1}}}}));
}

TEST_F(SeriesShardsTest, TheThreadWorksInWhatWasDeletedUnlessNothingMayBeWritten) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Write({"a", kNow, 1}).ok());
  ASSERT_TRUE(shards_->Checkpoint().ok());
  for (size_t i = 0; i < kCount; ++i) ASSERT_TRUE(shards_->at(i).Delete({MetricIs("a")}, 0, kNow).ok());
  ASSERT_EQ(Blocks(), 1u);
  std::atomic<int> asked{0};
  std::atomic<bool> may_write{false};
  shards_->StartUpkeep([&] {
    ++asked;
    return may_write.load();
  });
  const int64_t deadline_ns = SystemClock().MonotonicNs() + 120'000'000'000;
  while (asked < 2 && SystemClock().MonotonicNs() < deadline_ns)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(Blocks(), 1u);
  may_write = true;
  while (Blocks() > 0 && SystemClock().MonotonicNs() < deadline_ns)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(Blocks(), 0u);
}

TEST_F(SeriesShardsTest, AFailedUpkeepSaysSo) {
  ASSERT_TRUE(Open().ok());
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(Write({"a", kNow + i, 1}).ok());
    ASSERT_TRUE(shards_->Checkpoint().ok());
  }
  disk_.FailOperation(0, io::SimFault::kIoError);
  EXPECT_FALSE(shards_->Upkeep().ok());
  EXPECT_TRUE(shards_->Upkeep().ok());
}

}  // namespace
}  // namespace rhizome::shard
