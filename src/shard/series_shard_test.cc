#include "shard/series_shard.h"

#include <gtest/gtest.h>

#include <thread>

#include "io/sim_disk.h"
#include "shard/series_testing.h"

namespace rhizome::shard {
namespace {

constexpr uint32_t kStream = 9;
constexpr int64_t kNow = 1'700'000'000'000;

class SeriesShardTest : public testing::Test {
 protected:
  SeriesShardTest() {
    EXPECT_TRUE(disk_.CreateDirectory("/series").ok());
    limits_.window = {3'600'000, 600'000};
    Open();
  }
  void Open() {
    shard_.reset();
    log_.reset();
    versions_ = std::make_unique<HybridClock>(clock_, 1);
    log_ = wal::Log::Open(disk_, "/log").value();
    auto engine = series::SeriesEngine::Open(disk_, {"/series", {}}).value();
    shard_ = std::make_unique<SeriesShard>(kStream, std::move(engine), SeriesShard::Parts{*log_, clock_, *versions_},
                                           limits_);
  }
  void Replay() {
    const Status status =
        log_->Read(log_->stats().first_lsn, [this](const wal::LogRecord& record) { return shard_->Replay(record); });
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  Shown All() const { return ShownBy(shard_->engine()); }

  io::SimDisk disk_;
  SimClock clock_{kNow};
  SeriesLimits limits_;
  std::unique_ptr<HybridClock> versions_;
  std::unique_ptr<wal::Log> log_;
  std::unique_ptr<SeriesShard> shard_;
};

TEST_F(SeriesShardTest, AnAcknowledgedBatchIsInTheLogWithItsBytesAndVisible) {
  const std::string batch = BatchOf({{"up", kNow, 1}, {"up", kNow + 1, 2}});
  ASSERT_TRUE(shard_->Write(batch).ok());
  EXPECT_EQ(All(), (Shown{{"up", {{kNow, 1}, {kNow + 1, 2}}}}));
  EXPECT_EQ(log_->durable_lsn(), 1u);
  std::string logged;
  const auto visit = [&logged](const wal::LogRecord& record) {
    EXPECT_EQ(record.stream, kStream);
    logged = std::string(record.payload);
    return Status::Ok();
  };
  ASSERT_TRUE(log_->Read(1, visit).ok());
  EXPECT_NE(format::SeriesBatch::Trusted(logged).version(), Version{});
  format::StampVersion(logged, {});
  EXPECT_EQ(logged, batch);
}

TEST_F(SeriesShardTest, BytesThatAreNoBatchLeaveNoRecord) {
  EXPECT_EQ(shard_->Write("no batch").code(), Code::kCorruption);
  EXPECT_EQ(log_->durable_lsn(), 0u);
}

TEST_F(SeriesShardTest, ABatchWithoutSamplesLeavesNoRecord) {
  EXPECT_TRUE(shard_->Write(BatchOf({})).ok());
  EXPECT_EQ(log_->durable_lsn(), 0u);
}

TEST_F(SeriesShardTest, ATimeOutsideOfTheWindowLeavesNoRecord) {
  EXPECT_EQ(shard_->Write(BatchOf({{"up", kNow, 1}, {"up", kNow - 3'600'001, 1}})).field(), "samples[1]");
  EXPECT_EQ(shard_->Write(BatchOf({{"up", kNow + 600'001, 1}})).field(), "samples[0]");
  EXPECT_EQ(log_->durable_lsn(), 0u);
  EXPECT_TRUE(shard_->Write(BatchOf({{"up", kNow + 600'000, 1}, {"up", kNow - 3'600'000, 1}})).ok());
}

TEST_F(SeriesShardTest, ANewSeriesBeyondTheLimitLeavesNoRecordAndKnownOnesGoOn) {
  limits_.series_max = 2;
  Open();
  ASSERT_TRUE(shard_->Write(BatchOf({{"a", kNow, 1}, {"b", kNow, 1}})).ok());
  const Status refused = shard_->Write(BatchOf({{"a", kNow + 1, 1}, {"c", kNow, 1}}));
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_EQ(refused.field(), "series");
  EXPECT_EQ(log_->durable_lsn(), 1u);
  EXPECT_TRUE(shard_->Write(BatchOf({{"a", kNow + 1, 1}, {"b", kNow + 1, 1}})).ok());
}

TEST_F(SeriesShardTest, SiftingKeepsWhatCheckWouldTake) {
  limits_.series_max = 2;
  Open();
  ASSERT_TRUE(shard_->Write(BatchOf({{"a", kNow, 1}})).ok());
  const std::string batch =
      BatchOf({{"a", kNow + 1, 1}, {"b", kNow, 2}, {"c", kNow, 3}, {"a", kNow - 9'000'000, 4}, {"b", kNow + 1, 5}});
  const Sifted sifted = shard_->Sift(format::SeriesBatch::Trusted(batch));
  EXPECT_EQ(sifted.kept, 3u);
  EXPECT_EQ(sifted.dropped, 2u);
  ASSERT_EQ(sifted.reasons.size(), 2u);
  EXPECT_NE(sifted.reasons[0].message().find("too many series"), std::string::npos);
  EXPECT_NE(sifted.reasons[1].message().find("too old"), std::string::npos);
  ASSERT_TRUE(shard_->Write(sifted.batch).ok());
  EXPECT_EQ(All(), (Shown{{"a", {{kNow, 1}, {kNow + 1, 1}}}, {"b", {{kNow, 2}, {kNow + 1, 5}}}}));
}

TEST_F(SeriesShardTest, OfABatchThatIsRefusedAsAWholeNothingIsLeft) {
  const std::string batch = BatchOf({{"a", 5, 1}});
  const Sifted sifted = shard_->Sift(format::SeriesBatch::Trusted(batch));
  EXPECT_EQ(sifted.batch, "");
  EXPECT_EQ(sifted.dropped, 1u);
}

TEST_F(SeriesShardTest, ReplayBringsBackWhatWasAcknowledged) {
  ASSERT_TRUE(shard_->Write(BatchOf({{"a", kNow, 1}})).ok());
  ASSERT_TRUE(shard_->Write(BatchOf({{"a", kNow + 1, 2}, {"b", kNow, 3}})).ok());
  ASSERT_TRUE(shard_->Delete({MetricIs("b")}, kNow, kNow).ok());
  const Shown before = All();
  EXPECT_EQ(before, (Shown{{"a", {{kNow, 1}, {kNow + 1, 2}}}}));
  Open();
  EXPECT_TRUE(All().empty());
  Replay();
  EXPECT_EQ(All(), before);
}

TEST_F(SeriesShardTest, ReplayBehindACheckpointChangesNothing) {
  ASSERT_TRUE(shard_->Write(BatchOf({{"a", kNow, 1}})).ok());
  ASSERT_TRUE(shard_->engine().Checkpoint().ok());
  ASSERT_TRUE(shard_->Write(BatchOf({{"a", kNow + 1, 2}})).ok());
  const Shown before = All();
  Open();
  Replay();
  EXPECT_EQ(All(), before);
}

TEST_F(SeriesShardTest, ReplayOfAnUnknownKindIsCorruption) {
  EXPECT_EQ(shard_->Replay({1, kStream, "\x7F"}).code(), Code::kCorruption);
  EXPECT_EQ(shard_->Replay({1, kStream, ""}).code(), Code::kCorruption);
  EXPECT_EQ(shard_->Replay({1, kStream, "\x20"}).code(), Code::kCorruption);
}

TEST_F(SeriesShardTest, WhatIsWrittenAfterADeleteStaysThoughTheClockWentBackOverARestart) {
  ASSERT_TRUE(shard_->Delete({MetricIs("a")}, 0, kNow - 1'000'000).ok());
  clock_.SetWallMs(kNow - 2'000'000);
  Open();
  Replay();
  // Far from now, so its version and not its time tells when it was written.
  ASSERT_TRUE(shard_->Write(BatchOf({{"a", kNow - 5'000'000, 7}})).ok());
  EXPECT_EQ(All(), (Shown{{"a", {{kNow - 5'000'000, 7}}}}));
}

TEST_F(SeriesShardTest, ADeleteThatSaysNothingIsRefused) {
  EXPECT_EQ(shard_->Delete({}, 0, 1).field(), "matchers");
  EXPECT_EQ(shard_->Delete({MetricIs("a")}, 2, 1).field(), "to");
  EXPECT_EQ(log_->durable_lsn(), 0u);
}

TEST_F(SeriesShardTest, WritesFromManyThreadsAllArrive) {
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([this, w] {
      for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(shard_->Write(BatchOf({{"m" + std::to_string(w), kNow + i, 1.0 * i}})).ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const Shown all = All();
  ASSERT_EQ(all.size(), 4u);
  for (const auto& [metric, samples] : all) EXPECT_EQ(samples.size(), 50u) << metric;
}

TEST_F(SeriesShardTest, TheLogMayGoUpToTheCheckpointAndAltogetherWhenIdle) {
  ASSERT_TRUE(shard_->Write(BatchOf({{"a", kNow, 1}})).ok());
  EXPECT_EQ(shard_->UnneededLsn(), 0u);
  EXPECT_TRUE(shard_->dirty());
  ASSERT_TRUE(shard_->engine().Checkpoint().ok());
  EXPECT_FALSE(shard_->dirty());
  ASSERT_TRUE(log_->Append(kStream + 1, "another shard's").ok());
  EXPECT_EQ(shard_->UnneededLsn(), 2u);
}

TEST_F(SeriesShardTest, AFullDiskRefusesAndNothingIsShown) {
  ASSERT_TRUE(shard_->Write(BatchOf({{"a", kNow, 1}})).ok());
  disk_.FailOperation(0, io::SimFault::kNoSpace);
  EXPECT_EQ(shard_->Write(BatchOf({{"a", kNow + 1, 2}})).code(), Code::kNoSpace);
  EXPECT_EQ(shard_->Write(BatchOf({{"a", kNow + 2, 3}})).code(), Code::kNoSpace);
  EXPECT_EQ(shard_->Delete({MetricIs("a")}, 0, kNow).code(), Code::kNoSpace);
  EXPECT_EQ(All(), (Shown{{"a", {{kNow, 1}}}}));
  ASSERT_TRUE(log_->TryResume().ok());
  EXPECT_TRUE(shard_->Write(BatchOf({{"a", kNow + 2, 3}})).ok());
}

TEST_F(SeriesShardTest, TellsTheTimesOfAllItsSamples) {
  EXPECT_TRUE(shard_->times().empty());
  ASSERT_TRUE(shard_->Write(BatchOf({{"a", kNow - 7, 1}})).ok());
  ASSERT_TRUE(shard_->engine().Checkpoint().ok());
  Open();
  ASSERT_TRUE(shard_->Write(BatchOf({{"a", kNow + 7, 1}})).ok());
  EXPECT_EQ(shard_->times().min_ms, kNow - 7);
  EXPECT_EQ(shard_->times().max_ms, kNow + 7);
}

std::string Stamped(std::string batch, uint64_t time) {
  format::StampVersion(batch, {time, 7});
  return batch;
}

TEST_F(SeriesShardTest, AMergedRecordKeepsItsBytesAndVersionWhateverItsTimes) {
  const uint64_t stamp = static_cast<uint64_t>(kNow - 5'000) << 16;
  const std::string record = Stamped(BatchOf({{"up", kNow - 9'000'000, 1}, {"up", kNow, 2}}), stamp);
  ASSERT_TRUE(shard_->Merge(record).ok());
  EXPECT_EQ(All(), (Shown{{"up", {{kNow - 9'000'000, 1}, {kNow, 2}}}}));
  EXPECT_EQ(shard_->engine().max_version(), (Version{stamp, 7}));
  std::string logged;
  ASSERT_TRUE(log_->Read(1,
                         [&](const wal::LogRecord& read) {
                           logged = read.payload;
                           return Status::Ok();
                         })
                  .ok());
  EXPECT_EQ(logged, record);
}

TEST_F(SeriesShardTest, AMergedDeletionHidesWhatWasWrittenBeforeItAndIsReplayed) {
  ASSERT_TRUE(shard_->Merge(Stamped(BatchOf({{"a", kNow, 1}, {"b", kNow, 2}}), uint64_t{kNow} << 16)).ok());
  const series::Deletion deletion{static_cast<uint64_t>(kNow + 1) << 16, 0, kNow, {MetricIs("a")}};
  ASSERT_TRUE(shard_->Merge(series::EncodeDeletion(deletion)).ok());
  EXPECT_EQ(All(), (Shown{{"b", {{kNow, 2}}}}));
  Open();
  Replay();
  EXPECT_EQ(All(), (Shown{{"b", {{kNow, 2}}}}));
}

TEST_F(SeriesShardTest, WhatIsNoRecordOrHasNoVersionIsNotMerged) {
  EXPECT_EQ(shard_->Merge("no record").code(), Code::kCorruption);
  EXPECT_EQ(shard_->Merge("\x20").code(), Code::kCorruption);
  EXPECT_EQ(shard_->Merge(BatchOf({{"a", kNow, 1}})).field(), "version");
  EXPECT_EQ(log_->durable_lsn(), 0u);
}

TEST_F(SeriesShardTest, AShardThatIsStoppedTakesNothingAndIsLeftAlone) {
  ASSERT_TRUE(shard_->Merge(Stamped(BatchOf({{"a", kNow, 1}}), uint64_t{kNow} << 16)).ok());
  shard_->Stop(Status::NotFound("dropped"));
  EXPECT_EQ(shard_->Merge(Stamped(BatchOf({{"a", kNow, 2}}), uint64_t{kNow} << 16)).code(), Code::kNotFound);
  EXPECT_EQ(shard_->Upkeep(kNow + 1).value(), false);
  EXPECT_EQ(All().size(), 1u);
}

}  // namespace
}  // namespace rhizome::shard
