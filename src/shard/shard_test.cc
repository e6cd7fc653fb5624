#include "shard/shard.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "io/sim_disk.h"
#include "kv/rocks_file_system.h"

namespace rhizome::shard {
namespace {

using format::Operation;
using format::Point;
using format::PointId;
using format::UpsertPoint;

constexpr uint32_t kStream = 5;

class ShardTest : public testing::Test {
 protected:
  ShardTest() {
    for (const char* directory : {"/db", "/shard"}) EXPECT_TRUE(disk_.CreateDirectory(directory).ok());
    env_ = kv::NewDiskEnv(disk_);
    Open();
  }
  void Open() {
    shard_.reset();
    log_.reset();
    store_.reset();
    kv::StoreOptions options;
    options.env = env_.get();
    store_ = kv::Store::Open("/db", options).value();
    log_ = wal::Log::Open(disk_, "/log").value();
    auto engine = vector::VectorEngine::Open(disk_, *store_, {kStream, "/shard", 2, vector::Metric::kL2, "english"});
    shard_ = std::make_unique<Shard>(kStream, std::move(engine).value(), *log_, versions_);
  }
  void Replay() {
    const Status status =
        log_->Read(log_->stats().first_lsn, [this](const wal::LogRecord& record) { return shard_->Replay(record); });
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  static Operation Upsert(uint64_t id, float x) { return {{}, UpsertPoint{Point{PointId(id), {x, 0}, "", "", ""}}}; }
  static format::IdempotencyKey KeyOf(uint8_t byte) {
    format::IdempotencyKey key;
    key.fill(byte);
    return key;
  }
  static Operation Of(Operation operation, const format::IdempotencyKey& key) {
    operation.request = {key, 8};
    return operation;
  }
  float ValueOf(uint64_t id) {
    const auto found = shard_->engine().Get(std::vector{PointId(id)}, true).value();
    return found[0] ? found[0]->point.vector[0] : -1;
  }

  io::SimDisk disk_;
  std::unique_ptr<rocksdb::Env> env_;
  SimClock clock_;
  HybridClock versions_{clock_, 1};
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<wal::Log> log_;
  std::unique_ptr<Shard> shard_;
};

TEST_F(ShardTest, AnAcknowledgedWriteIsInTheLogAndVisible) {
  ASSERT_TRUE(shard_->Write({Upsert(1, 3)}).ok());
  EXPECT_EQ(ValueOf(1), 3);
  EXPECT_EQ(log_->durable_lsn(), 1u);
  EXPECT_EQ(shard_->engine().applied_lsn(), 1u);
}

TEST_F(ShardTest, ARefusedBatchLeavesNoRecord) {
  EXPECT_EQ(shard_->Write({Upsert(1, 3), Upsert(1, 4)}).field(), "operations[1].id");
  EXPECT_EQ(log_->durable_lsn(), 0u);
}

TEST_F(ShardTest, OfWritesToOneKeyTheLastInTheLogWins) {
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([this, w] {
      for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(shard_->Write({Upsert(1, static_cast<float>(w * 100 + i))}).ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  float last = -1;
  ASSERT_TRUE(log_->Read(1,
                         [&last](const wal::LogRecord& record) {
                           const auto operations = format::DecodeBatch(record.payload).value();
                           last = std::get<UpsertPoint>(operations[0].body).point.vector[0];
                           return Status::Ok();
                         })
                  .ok());
  EXPECT_EQ(ValueOf(1), last);
}

TEST_F(ShardTest, ReplayBringsBackWhatWasAcknowledged) {
  ASSERT_TRUE(shard_->Write({Upsert(1, 3)}).ok());
  ASSERT_TRUE(shard_->Write({Upsert(2, 4)}).ok());
  Open();
  EXPECT_EQ(shard_->engine().points(), 0u);
  Replay();
  EXPECT_EQ(ValueOf(1), 3);
  EXPECT_EQ(ValueOf(2), 4);
}

TEST_F(ShardTest, VersionsRiseAcrossARestartThoughTheClockWentBack) {
  ASSERT_TRUE(shard_->Write({Upsert(1, 3)}).ok());
  clock_.SetWallMs(1000);
  Open();
  Replay();
  ASSERT_TRUE(shard_->Write({Upsert(1, 9)}).ok());
  EXPECT_EQ(ValueOf(1), 9);
}

TEST_F(ShardTest, AnIdleCheckpointedShardNeedsNothingOfTheLog) {
  ASSERT_TRUE(shard_->Write({Upsert(1, 3)}).ok());
  EXPECT_EQ(shard_->UnneededLsn(), 0u);
  ASSERT_TRUE(shard_->engine().Checkpoint().ok());
  EXPECT_EQ(shard_->UnneededLsn(), 1u);
  ASSERT_TRUE(log_->Append(99, "another stream").ok());
  EXPECT_EQ(shard_->UnneededLsn(), 2u);
}

Operation Versioned(uint64_t id, float x, Version version) {
  return {version, UpsertPoint{Point{PointId(id), {x, 0}, "", "", ""}}};
}
Version FarFuture() { return {uint64_t{4'000'000'000'000} << 16, 9}; }

TEST_F(ShardTest, AMergedOperationKeepsItsVersion) {
  const Version version = FarFuture();
  ASSERT_TRUE(shard_->Merge({Versioned(1, 3, version)}).ok());
  EXPECT_EQ(shard_->engine().Get(std::vector{PointId(1)}, true).value()[0]->version, version);
  Open();
  Replay();
  EXPECT_EQ(shard_->engine().Get(std::vector{PointId(1)}, true).value()[0]->version, version);
}

TEST_F(ShardTest, AWriteAfterAMergeIsAboveIt) {
  ASSERT_TRUE(shard_->Merge({Versioned(1, 3, FarFuture())}).ok());
  ASSERT_TRUE(shard_->Write({Upsert(1, 4)}).ok());
  EXPECT_EQ(ValueOf(1), 4);
  Open();
  Replay();
  ASSERT_TRUE(shard_->Write({Upsert(1, 5)}).ok());
  EXPECT_EQ(ValueOf(1), 5);
}

TEST_F(ShardTest, AMergeOlderThanWhatIsThereIsLoggedAndChangesNothing) {
  ASSERT_TRUE(shard_->Merge({Versioned(1, 3, {20, 1})}).ok());
  ASSERT_TRUE(shard_->Merge({Versioned(1, 9, {10, 1})}).ok());
  ASSERT_TRUE(shard_->Merge({Versioned(1, 3, {20, 1})}).ok());
  EXPECT_EQ(ValueOf(1), 3);
  EXPECT_EQ(log_->durable_lsn(), 3u);
}

TEST_F(ShardTest, AMergeWithoutAVersionIsRefusedByItsPlace) {
  EXPECT_EQ(shard_->Merge({Versioned(1, 3, {20, 1}), Upsert(2, 3)}).field(), "operations[1].version");
  EXPECT_EQ(shard_->Merge({{{20, 1}, UpsertPoint{Point{PointId(1), {1}, "", "", ""}}}}).field(),
            "operations[0].vector");
  EXPECT_EQ(log_->durable_lsn(), 0u);
}

TEST_F(ShardTest, WritesAndMergesTogetherEndWithTheHighestVersionInTheLog) {
  std::vector<std::thread> writers;
  for (uint32_t w = 0; w < 4; ++w) {
    writers.emplace_back([this, w] {
      for (uint32_t i = 0; i < 50; ++i) {
        const float x = static_cast<float>(w * 100 + i);
        const Version version{(uint64_t{1'700'000'000'000} << 16) + i * 7, 10 + w};
        EXPECT_TRUE((w % 2 == 0 ? shard_->Write({Upsert(1, x)}) : shard_->Merge({Versioned(1, x, version)})).ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  Operation highest;
  uint64_t records = 0;
  const Status read = log_->Read(1, [&](const wal::LogRecord& record) {
    const Operation operation = format::DecodeBatch(record.payload).value()[0];
    if (operation.version > highest.version) highest = operation;
    ++records;
    return Status::Ok();
  });
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(records, 200u);
  EXPECT_EQ(ValueOf(1), std::get<UpsertPoint>(highest.body).point.vector[0]);
}

TEST_F(ShardTest, TheBytesOfAMergedBatchAreThoseOfTheLog) {
  const auto key = KeyOf(3), other = KeyOf(4);
  const std::string encoded =
      format::EncodeBatch(std::vector{Of(Versioned(1, 3, FarFuture()), key)}, {{other, {{5, 1}, 9}}});
  ASSERT_TRUE(shard_->MergeEncoded(encoded).ok());
  EXPECT_EQ(ValueOf(1), 3);
  EXPECT_EQ(shard_->engine().FindRequest(key).value()->version, FarFuture());
  EXPECT_EQ(shard_->engine().FindRequest(other).value()->content_hash, 9u);
  std::string logged;
  ASSERT_TRUE(log_->Read(1,
                         [&logged](const wal::LogRecord& record) {
                           logged = record.payload;
                           return Status::Ok();
                         })
                  .ok());
  EXPECT_EQ(logged, encoded);
  ASSERT_TRUE(shard_->Write({Upsert(1, 4)}).ok());
  EXPECT_EQ(ValueOf(1), 4);
}

TEST_F(ShardTest, WhatIsNoBatchIsNotMerged) {
  const std::string unversioned = format::EncodeBatch(std::vector{Upsert(1, 3)});
  EXPECT_EQ(shard_->MergeEncoded("not a batch").code(), Code::kCorruption);
  EXPECT_EQ(shard_->MergeEncoded(unversioned).field(), "operations[0].version");
  EXPECT_EQ(log_->durable_lsn(), 0u);
}

TEST_F(ShardTest, ARequestIsInTheRecordOfItsEffect) {
  ASSERT_TRUE(shard_->Write({Of(Upsert(1, 3), KeyOf(3))}).ok());
  ASSERT_TRUE(shard_->Merge({Of(Versioned(2, 3, {20, 1}), KeyOf(4))}).ok());
  EXPECT_EQ(log_->durable_lsn(), 2u);
  const auto check = [this] {
    EXPECT_EQ(shard_->engine().FindRequest(KeyOf(3)).value()->content_hash, 8u);
    EXPECT_EQ(shard_->engine().FindRequest(KeyOf(4)).value()->version, (Version{20, 1}));
  };
  check();
  Open();
  Replay();
  check();
}

TEST_F(ShardTest, AStoppedShardRefusesWritesWithTheReason) {
  shard_->Stop(Status::NotFound("dropped"));
  EXPECT_EQ(shard_->Write({Upsert(1, 3)}).code(), Code::kNotFound);
  EXPECT_EQ(shard_->Merge({Versioned(1, 3, {20, 1})}).code(), Code::kNotFound);
  EXPECT_EQ(log_->durable_lsn(), 0u);
}

TEST_F(ShardTest, ARecordThatIsNoBatchIsCorruption) {
  ASSERT_TRUE(log_->Append(kStream, "not a batch").ok());
  const Status status = log_->Read(1, [this](const wal::LogRecord& record) { return shard_->Replay(record); });
  EXPECT_EQ(status.code(), Code::kCorruption);
}

TEST_F(ShardTest, AFailedSyncIsUnknownAndStopsTheShard) {
  ASSERT_TRUE(shard_->Write({Upsert(1, 3)}).ok());
  disk_.FailOperation(0, io::SimFault::kIoError);
  Status status;
  for (int i = 0; i < 3 && status.ok(); ++i) status = shard_->Write({Upsert(2, 4)});
  EXPECT_EQ(status.code(), Code::kIoError);
  EXPECT_EQ(shard_->Write({Upsert(3, 5)}).code(), Code::kIoError);
  EXPECT_EQ(ValueOf(1), 3);
}

TEST_F(ShardTest, AWriteTheDatabaseHasNoRoomForIsAppliedWhenThereIs) {
  ASSERT_TRUE(shard_->Write({Upsert(1, 3)}).ok());
  disk_.SetCapacity(disk_.used_bytes());  // the log has its space reserved
  EXPECT_EQ(store_->Flush().code(), Code::kNoSpace);
  EXPECT_EQ(shard_->Write({Upsert(1, 4)}).code(), Code::kIoError);  // durable: the outcome is unknown
  EXPECT_EQ(shard_->Write({Upsert(1, 5)}).code(), Code::kNoSpace);  // refused before the log
  EXPECT_EQ(ValueOf(1), 3);
  EXPECT_EQ(shard_->TryResume().code(), Code::kNoSpace);
  EXPECT_EQ(shard_->engine().Checkpoint().code(), Code::kReadOnly);  // no snapshot of half a batch
  EXPECT_EQ(shard_->UnneededLsn(), 0u);
  disk_.SetCapacity(UINT64_MAX);
  ASSERT_TRUE(store_->TryResume().ok());
  ASSERT_TRUE(shard_->TryResume().ok());
  EXPECT_EQ(ValueOf(1), 4);
  EXPECT_TRUE(shard_->Write({Upsert(1, 6)}).ok());
  EXPECT_EQ(ValueOf(1), 6);
}

}  // namespace
}  // namespace rhizome::shard
