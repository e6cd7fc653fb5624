// That rows which name a dictionary are found whole again, whatever checkpoints, cuts of the log and restarts come
// between.
#include "shard/logged_dictionaries.h"

#include <gtest/gtest.h>

#include <random>

#include "io/sim_disk.h"
#include "shard/series_shard.h"
#include "shard/series_testing.h"

namespace rhizome::shard {
namespace {

using format::SeriesBatch;
using format::SeriesDictionary;
using Dictionary = std::shared_ptr<const SeriesDictionary>;

constexpr uint32_t kStream = 9;
constexpr int64_t kNow = 1'700'000'000'000;

Dictionary DictionaryOf(const std::vector<std::string>& metrics) {
  std::vector<NamedSample> samples;
  for (const std::string& metric : metrics) samples.push_back({metric, kNow, 0});
  const std::string bytes = BatchOf(samples);
  return SeriesDictionary::Of(SeriesBatch::Trusted(bytes));
}

class LoggedDictionariesTest : public testing::Test {
 protected:
  LoggedDictionariesTest() {
    EXPECT_TRUE(disk_.CreateDirectory("/series").ok());
    Open();
  }
  void Open() {
    shard_.reset();
    log_.reset();
    versions_ = std::make_unique<HybridClock>(clock_, 1);
    log_ = wal::Log::Open(disk_, "/log", {.segment_bytes = 4096, .background_thread = false}).value();
    auto engine = series::SeriesEngine::Open(disk_, {"/series", {}}).value();
    shard_ = std::make_unique<SeriesShard>(kStream, std::move(engine), SeriesShard::Parts{*log_, clock_, *versions_},
                                           SeriesLimits{});
  }
  Status Replay() {
    return log_->Read(log_->stats().first_lsn, [this](const wal::LogRecord& record) { return shard_->Replay(record); });
  }
  void Restart() {
    Open();
    const Status status = Replay();
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  void Crash() {
    shard_.reset();
    log_.reset();
    disk_.Crash();
    Restart();
  }
  // A sample of each of the dictionary's series.
  Status Write(const Dictionary& dictionary, int64_t time_ms, double value) {
    format::SeriesBatchBuilder builder;
    for (uint32_t i = 0; i < dictionary->batch().series_count(); ++i) {
      builder.Add(builder.AppendSeries(dictionary->batch().LabelsOf(i)), time_ms, value);
      expected_[std::string(dictionary->batch().LabelsOf(i).metric_name())][time_ms] = value;
    }
    const std::string whole = builder.Encode();
    return shard_->Finish(shard_->Begin(RowsOf(SeriesBatch::Trusted(whole), {}), dictionary));
  }
  Status CheckpointAndCut() {
    RETURN_IF_ERROR(shard_->Checkpoint());
    return log_->TruncateBefore(shard_->UnneededLsn() + 1);
  }
  Shown All() const { return ShownBy(shard_->engine()); }

  io::SimDisk disk_;
  SimClock clock_{kNow};
  std::unique_ptr<HybridClock> versions_;
  std::unique_ptr<wal::Log> log_;
  std::unique_ptr<SeriesShard> shard_;
  Shown expected_;
};

TEST_F(LoggedDictionariesTest, ADictionaryIsLoggedOnceAndThenNamed) {
  const Dictionary dictionary = DictionaryOf({"a", "b"});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Write(dictionary, kNow + i, i).ok());
  std::vector<int> kinds;
  ASSERT_TRUE(log_->Read(1,
                         [&](const wal::LogRecord& record) {
                           kinds.push_back(record.payload[0]);
                           return Status::Ok();
                         })
                  .ok());
  EXPECT_EQ(kinds, (std::vector<int>{0x10, 0x11, 0x11, 0x11}));
  EXPECT_EQ(All(), expected_);
  Restart();
  EXPECT_EQ(All(), expected_);
}

TEST_F(LoggedDictionariesTest, AfterACheckpointItIsLoggedAnew) {
  const Dictionary dictionary = DictionaryOf({"a"});
  ASSERT_TRUE(Write(dictionary, kNow, 1).ok());
  ASSERT_TRUE(shard_->Checkpoint().ok());
  EXPECT_EQ(shard_->UnneededLsn(), log_->durable_lsn());
  ASSERT_TRUE(Write(dictionary, kNow + 1, 2).ok());
  EXPECT_EQ(log_->durable_lsn(), 4u);
  Restart();
  EXPECT_EQ(All(), expected_);
}

TEST_F(LoggedDictionariesTest, WhileItMayBeNamedTheLogIsKeptFromItsDefinitionOn) {
  const Dictionary dictionary = DictionaryOf({"a"});
  ASSERT_TRUE(Write(dictionary, kNow, 1).ok());
  ASSERT_TRUE(shard_->engine().Checkpoint().ok());  // of the engine alone: the shard goes on naming
  EXPECT_EQ(shard_->UnneededLsn(), 0u);
  ASSERT_TRUE(Write(dictionary, kNow + 1, 2).ok());
  EXPECT_EQ(log_->durable_lsn(), 3u);
  Restart();
  EXPECT_EQ(All(), expected_);
  // What was replayed names it too, until a checkpoint holds that.
  EXPECT_EQ(shard_->UnneededLsn(), 0u);
  ASSERT_TRUE(shard_->Checkpoint().ok());
  EXPECT_EQ(shard_->UnneededLsn(), 3u);
}

TEST_F(LoggedDictionariesTest, ACheckpointWithNothingToWriteLetsTheLogGo) {
  ASSERT_TRUE(Write(DictionaryOf({"a"}), kNow, 1).ok());
  ASSERT_TRUE(shard_->engine().Checkpoint().ok());
  EXPECT_EQ(shard_->UnneededLsn(), 0u);
  EXPECT_FALSE(shard_->dirty());
  ASSERT_TRUE(shard_->Checkpoint().ok());
  EXPECT_EQ(shard_->UnneededLsn(), log_->durable_lsn());
}

TEST_F(LoggedDictionariesTest, ACheckpointThatFailsLeavesTheDefinitionInTheLog) {
  const Dictionary dictionary = DictionaryOf({"a"});
  ASSERT_TRUE(Write(dictionary, kNow, 1).ok());
  disk_.FailOperation(0, io::SimFault::kIoError);
  ASSERT_FALSE(shard_->Checkpoint().ok());
  EXPECT_EQ(shard_->UnneededLsn(), 0u);
  ASSERT_TRUE(Write(dictionary, kNow + 1, 2).ok());
  Restart();
  EXPECT_EQ(All(), expected_);
}

TEST_F(LoggedDictionariesTest, WhatMayNotBeDurableIsNotNamed) {
  const Dictionary dictionary = DictionaryOf({"a"});
  disk_.SetCapacity(disk_.used_bytes());
  PendingSamples lost = [&] {
    format::SeriesBatchBuilder builder;
    builder.Add(builder.AppendSeries(dictionary->batch().LabelsOf(0)), kNow, 1);
    for (int i = 1; i < 1'000; ++i) builder.Add(0, kNow + i, 1);  // does not fit into what is preallocated
    const std::string whole = builder.Encode();
    return shard_->Begin(RowsOf(SeriesBatch::Trusted(whole), {}), dictionary);
  }();
  EXPECT_EQ(shard_->Finish(std::move(lost)).code(), Code::kNoSpace);
  disk_.SetCapacity(UINT64_MAX);
  ASSERT_TRUE(log_->TryResume().ok());
  ASSERT_TRUE(Write(dictionary, kNow, 1).ok());
  Restart();
  EXPECT_EQ(All(), expected_);
}

TEST_F(LoggedDictionariesTest, RowsWhoseDefinitionIsGoneAreCorruption) {
  const std::string whole = BatchOf({{"a", kNow, 1}});
  std::string rows = RowsOf(SeriesBatch::Trusted(whole), {1, 1});
  format::StampVersion(rows, versions_->Next());
  ASSERT_TRUE(log_->Append(kStream, rows).ok());
  EXPECT_EQ(Replay().code(), Code::kCorruption);
}

TEST_F(LoggedDictionariesTest, NothingIsLostWhateverComesBetween) {
  std::mt19937_64 random(11);
  std::vector<Dictionary> dictionaries;
  for (int i = 0; i < 4; ++i) {
    dictionaries.push_back(DictionaryOf({"m" + std::to_string(i), "n" + std::to_string(i), "o"}));
  }
  for (int step = 0; step < 400; ++step) {
    const uint64_t what = random() % 20;
    if (what < 14) {
      ASSERT_TRUE(Write(dictionaries[random() % dictionaries.size()], kNow + step, step).ok());
    } else if (what == 14) {
      ASSERT_TRUE(shard_->Write(BatchOf({{"whole", kNow + step, 1}})).ok());
      expected_["whole"][kNow + step] = 1;
    } else if (what == 15) {
      ASSERT_TRUE(CheckpointAndCut().ok());
    } else if (what == 16) {
      disk_.FailOperation(random() % 6, io::SimFault::kIoError);
      (void)shard_->Checkpoint().ok();
      for (int i = 0; i < 8; ++i) (void)disk_.Exists("/nothing").ok();  // what the checkpoint left of the fault
      ASSERT_TRUE(log_->TruncateBefore(shard_->UnneededLsn() + 1).ok());
    } else if (what == 17) {
      Restart();
    } else if (what == 18) {
      Crash();
    } else {
      ASSERT_TRUE(shard_->engine().Checkpoint().ok());
    }
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(All(), expected_);
  Crash();
  EXPECT_EQ(All(), expected_);
}

}  // namespace
}  // namespace rhizome::shard
