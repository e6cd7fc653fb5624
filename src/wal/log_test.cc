#include "wal/log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/scratch_testing.h"
#include "format/log_record.h"
#include "io/posix_disk.h"
#include "wal/log_testing.h"

namespace rhizome::wal {
namespace {

using io::SimDisk;
using io::SimFault;

std::unique_ptr<Log> OpenLog(io::Disk& disk, LogOptions options = SmallLog()) {
  auto log = Log::Open(disk, "/log", options);
  EXPECT_TRUE(log.ok()) << log.status().ToString();
  return std::move(log).value();
}

void AppendUpTo(Log& log, Lsn last) {
  for (Lsn lsn = log.durable_lsn() + 1; lsn <= last; ++lsn) {
    ASSERT_EQ(log.Append(0, PayloadOf(lsn)).value(), lsn);
  }
}

Lsn PrefixOf(Log& log) {
  const Readback read = ReadAll(log);
  EXPECT_TRUE(read.status.ok()) << read.status.ToString();
  Lsn last = 0;
  EXPECT_TRUE(IsPrefix(read.records, last));
  return last;
}

TEST(Log, AppendedRecordsAreReadBackInOrder) {
  SimDisk disk;
  auto log = OpenLog(disk);
  AppendUpTo(*log, 40);
  EXPECT_EQ(PrefixOf(*log), 40u);
  EXPECT_GT(log->stats().segments, 2u);
}

TEST(Log, ReopenedLogGoesOnWhereItEnded) {
  SimDisk disk;
  AppendUpTo(*OpenLog(disk), 20);
  auto log = OpenLog(disk);
  EXPECT_EQ(log->durable_lsn(), 20u);
  AppendUpTo(*log, 30);
  EXPECT_EQ(PrefixOf(*log), 30u);
}

TEST(Log, BatchCostsOneSync) {
  SimDisk disk;
  auto log = OpenLog(disk);
  const std::vector<LogEntry> entries = {{1, "one"}, {2, "two"}, {3, "three"}};
  EXPECT_EQ(log->AppendBatch(entries).value(), 1u);
  EXPECT_EQ(log->durable_lsn(), 3u);
  EXPECT_EQ(log->stats().groups, 1u);
  EXPECT_EQ(log->AppendBatch({}).value(), 3u);
}

TEST(Log, ReadFiltersByStreamAndStartsWhereAsked) {
  SimDisk disk;
  auto log = OpenLog(disk);
  for (uint32_t i = 0; i < 10; ++i) ASSERT_TRUE(log->Append(i % 2, std::to_string(i)).ok());
  std::string seen;
  ASSERT_TRUE(log->Read(
                     4,
                     [&](const LogRecord& record) {
                       EXPECT_EQ(record.stream, 1u);
                       seen += record.payload;
                       return Status::Ok();
                     },
                     1)
                  .ok());
  EXPECT_EQ(seen, "3579");
}

TEST(Log, VisitorsFailureEndsTheRead) {
  SimDisk disk;
  auto log = OpenLog(disk);
  AppendUpTo(*log, 3);
  int visits = 0;
  const Status status = log->Read(0, [&](const LogRecord&) {
    ++visits;
    return Status::Cancelled("enough");
  });
  EXPECT_EQ(status.code(), Code::kCancelled);
  EXPECT_EQ(visits, 1);
}

TEST(Log, OversizedRecordIsRefusedAndNothingOfItsBatchIsWritten) {
  SimDisk disk;
  auto log = OpenLog(disk);
  const std::string large((1 << 16) + 1, 'x');
  const std::vector<LogEntry> entries = {{0, "small"}, {0, large}};
  EXPECT_EQ(log->AppendBatch(entries).status().code(), Code::kTooLarge);
  EXPECT_EQ(log->durable_lsn(), 0u);
  EXPECT_TRUE(log->Append(0, large.substr(1)).ok());
}

TEST(Log, AbsurdOptionsAreRefused) {
  SimDisk disk;
  EXPECT_EQ(Log::Open(disk, "/log", {.segment_bytes = 1}).status().field(), "segment_bytes");
  EXPECT_EQ(Log::Open(disk, "/log", {.record_bytes_max = 0}).status().field(), "record_bytes_max");
  EXPECT_EQ(Log::Open(disk, "/log", {.group_bytes_max = 0}).status().field(), "group_bytes_max");
  EXPECT_EQ(Log::Open(disk, "/log", {.queue_bytes_max = 1}).status().field(), "queue_bytes_max");
  EXPECT_EQ(Log::Open(disk, "/log", {.watermark_interval_ms = 0}).status().field(), "watermark_interval_ms");
  EXPECT_EQ(Log::Open(disk, "/log", {.clock = nullptr}).status().field(), "clock");
}

TEST(Log, SecondOpenIsRefusedWhileTheFirstHoldsIt) {
  SimDisk disk;
  auto log = OpenLog(disk);
  EXPECT_EQ(Log::Open(disk, "/log", SmallLog()).status().code(), Code::kFailedPrecondition);
  ASSERT_TRUE(log->Close().ok());
  EXPECT_TRUE(Log::Open(disk, "/log", SmallLog()).ok());
}

TEST(Log, ClosedLogRefusesAppends) {
  SimDisk disk;
  auto log = OpenLog(disk);
  ASSERT_TRUE(log->Close().ok());
  ASSERT_TRUE(log->Close().ok());
  EXPECT_EQ(log->Append(0, "x").status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(log->TruncateBefore(1).code(), Code::kFailedPrecondition);
}

TEST(Log, TruncateBeforeDeletesWholeSegmentsOnly) {
  SimDisk disk;
  auto log = OpenLog(disk);
  AppendUpTo(*log, 40);
  const uint64_t segments = log->stats().segments;
  ASSERT_TRUE(log->TruncateBefore(25).ok());
  const Lsn first = log->stats().first_lsn;
  EXPECT_GT(first, 1u);
  EXPECT_LE(first, 25u);
  EXPECT_LT(log->stats().segments, segments);
  EXPECT_EQ(log->Read(1, [](const LogRecord&) { return Status::Ok(); }).code(), Code::kFailedPrecondition);
  EXPECT_EQ(ReadAll(*log).records.begin()->first, first);
  log.reset();
  log = OpenLog(disk);
  EXPECT_TRUE(log->damage().empty()) << log->damage().ToString();
  EXPECT_EQ(log->stats().first_lsn, first);
  ASSERT_TRUE(log->TruncateBefore(UINT64_MAX).ok());
  EXPECT_EQ(log->stats().segments, 1u);
  EXPECT_EQ(log->durable_lsn(), 40u);
}

TEST(Log, AsynchronousAppendIsDurableWhenItsCallbackRuns) {
  SimDisk disk;
  LogOptions options = SmallLog();
  options.background_thread = true;
  auto log = OpenLog(disk, options);
  std::atomic<int> done = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string payload = "value";
    const LogEntry entry{0, payload};
    log->AppendAsync({&entry, 1}, [&](Result<Lsn> lsn) {
      EXPECT_TRUE(lsn.ok());
      EXPECT_GE(log->durable_lsn(), *lsn);
      ++done;
    });
  }
  ASSERT_TRUE(log->Flush().ok());
  EXPECT_EQ(done, 100);
  EXPECT_EQ(ReadAll(*log).records.size(), 100u);
}

TEST(Log, WithoutAThreadFlushCommitsWhatIsQueued) {
  SimDisk disk;
  auto log = OpenLog(disk);
  int done = 0;
  const LogEntry entry{0, "queued"};
  log->AppendAsync({&entry, 1}, [&](Result<Lsn>) { ++done; });
  EXPECT_EQ(done, 0);
  ASSERT_TRUE(log->Flush().ok());
  EXPECT_EQ(done, 1);
  EXPECT_EQ(log->stats().watermark_lsn, 1u);
}

TEST(Log, WhatIsAppendedForLaterGoesWithOneCommit) {
  SimDisk disk;
  LogOptions options = SmallLog();
  options.background_thread = true;  // it is not woken
  auto log = OpenLog(disk, options);
  std::vector<Lsn> done;
  for (const char* payload : {"one", "two"}) {
    const LogEntry entry{0, payload};
    log->AppendLater({&entry, 1}, [&](Result<Lsn> lsn) { done.push_back(lsn.value()); });
  }
  ASSERT_TRUE(log->Commit().ok());
  EXPECT_EQ(done, (std::vector<Lsn>{1, 2}));
  EXPECT_EQ(log->stats().groups, 1u);
  EXPECT_TRUE(log->Commit().ok());  // nothing waits
}

TEST(Log, ACommitOfAStoppedLogTellsWhatWaits) {
  SimDisk disk;
  auto log = OpenLog(disk);
  Code told = Code::kOk;
  const LogEntry entry{0, "queued"};
  log->AppendLater({&entry, 1}, [&](Result<Lsn> lsn) { told = lsn.status().code(); });
  disk.FailOperation(0, SimFault::kIoError);
  EXPECT_EQ(log->Commit().code(), Code::kIoError);
  EXPECT_EQ(told, Code::kIoError);
  EXPECT_EQ(log->Commit().code(), Code::kIoError);
  EXPECT_EQ(log->Close().code(), Code::kIoError);
  EXPECT_EQ(log->Commit().code(), Code::kFailedPrecondition);
}

TEST(Log, FullQueueSheds) {
  SimDisk disk;
  LogOptions options = SmallLog();
  options.queue_bytes_max = 1 << 16;
  auto log = OpenLog(disk, options);
  const std::string payload(40'000, 'x');
  const LogEntry entry{0, payload};
  std::vector<Code> codes;
  const auto note = [&](Result<Lsn> lsn) { codes.push_back(lsn.status().code()); };
  log->AppendAsync({&entry, 1}, note);
  log->AppendAsync({&entry, 1}, note);
  ASSERT_TRUE(log->Flush().ok());
  EXPECT_EQ(codes, (std::vector<Code>{Code::kResourceExhausted, Code::kOk}));
}

TEST(Log, ManyWritersShareSyncs) {
  const ScratchFolder folder;
  const std::string path = folder.File("log");
  auto log = Log::Open(io::RealDisk(), path).value();
  constexpr int kWriters = 16;
  constexpr int kEach = 50;
  std::vector<std::thread> writers;
  std::vector<std::vector<Lsn>> lsns(kWriters);
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < kEach; ++i) {
        const auto lsn = log->Append(static_cast<uint32_t>(w), std::to_string(w) + ":" + std::to_string(i));
        ASSERT_TRUE(lsn.ok());
        lsns[w].push_back(*lsn);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  std::map<Lsn, std::string> expected;
  for (int w = 0; w < kWriters; ++w) {
    for (int i = 0; i < kEach; ++i) expected[lsns[w][i]] = std::to_string(w) + ":" + std::to_string(i);
  }
  EXPECT_EQ(expected.size(), size_t{kWriters} * kEach);
  EXPECT_EQ(ReadAll(*log).records, expected);
  EXPECT_LT(log->stats().groups, uint64_t{kWriters} * kEach);
  log.reset();
  EXPECT_EQ(ReadAll(*Log::Open(io::RealDisk(), path).value()).records, expected);
  ASSERT_TRUE(io::RemoveTree(io::RealDisk(), path).ok());
}

TEST(Log, FailedSyncIsStickyAndReopenRecoversWhatWasAcknowledged) {
  SimDisk disk;
  auto log = OpenLog(disk);
  AppendUpTo(*log, 5);
  disk.FailOperation(1, SimFault::kSyncLies);  // 0 is the write
  EXPECT_EQ(log->Append(0, PayloadOf(6)).status().code(), Code::kIoError);
  EXPECT_EQ(log->Append(0, PayloadOf(7)).status().code(), Code::kIoError);
  EXPECT_EQ(log->write_status().code(), Code::kIoError);
  EXPECT_EQ(log->TryResume().code(), Code::kIoError);
  EXPECT_EQ(PrefixOf(*log), 5u);
  log.reset();
  log = OpenLog(disk);
  const Lsn recovered = PrefixOf(*log);  // 6 was unknown: here or not
  EXPECT_GE(recovered, 5u);
  AppendUpTo(*log, recovered + 3);
  disk.Crash();
  log = OpenLog(disk);
  EXPECT_EQ(PrefixOf(*log), recovered + 3);  // also what the lying sync had dropped
}

TEST(Log, FullDiskIsReadOnlyUntilResumed) {
  SimDisk disk;
  auto log = OpenLog(disk);
  AppendUpTo(*log, 10);
  disk.SetCapacity(disk.used_bytes());
  Lsn last = 10;
  Status status;
  while (status.ok()) {
    status = log->Append(0, PayloadOf(last + 1)).status();
    last += status.ok() ? 1 : 0;
  }
  EXPECT_EQ(status.code(), Code::kNoSpace);
  EXPECT_EQ(log->Append(0, "x").status().code(), Code::kNoSpace);
  EXPECT_EQ(log->TryResume().code(), Code::kNoSpace);
  EXPECT_EQ(PrefixOf(*log), last);
  disk.SetCapacity(UINT64_MAX);
  ASSERT_TRUE(log->TryResume().ok());
  EXPECT_TRUE(log->write_status().ok());
  AppendUpTo(*log, last + 10);
  EXPECT_EQ(PrefixOf(*log), last + 10);
  log.reset();
  EXPECT_EQ(PrefixOf(*OpenLog(disk)), last + 10);
}

TEST(Log, RecordRefusedForSpaceNeverComesBack) {
  SimDisk disk;
  auto log = OpenLog(disk);
  AppendUpTo(*log, 1);
  disk.FailOperation(0, SimFault::kNoSpace);
  EXPECT_EQ(log->Append(0, "refused").status().code(), Code::kNoSpace);
  disk.Crash();
  log = OpenLog(disk);
  EXPECT_EQ(PrefixOf(*log), 1u);
  EXPECT_TRUE(log->damage().empty());
}

TEST(Log, FullDiskStillOpensAndReads) {
  SimDisk disk;
  AppendUpTo(*OpenLog(disk), 10);
  disk.SetCapacity(disk.used_bytes());
  auto log = OpenLog(disk);
  EXPECT_EQ(PrefixOf(*log), 10u);
}

TEST(Log, TruncatingMakesRoomOnAFullDisk) {
  SimDisk disk;
  auto log = OpenLog(disk);
  AppendUpTo(*log, 40);
  disk.SetCapacity(disk.used_bytes());
  while (log->Append(0, std::string(900, 'x')).ok()) {
  }
  EXPECT_EQ(log->write_status().code(), Code::kNoSpace);
  ASSERT_TRUE(log->TruncateBefore(log->durable_lsn()).ok());
  EXPECT_TRUE(log->TryResume().ok());
  EXPECT_TRUE(log->Append(0, "room").ok());
}

TEST(Log, WatermarkFollowsTheClock) {
  SimDisk disk;
  SimClock clock;
  LogOptions options = SmallLog();
  options.watermark_interval_ms = 100;
  options.clock = &clock;
  auto log = OpenLog(disk, options);
  AppendUpTo(*log, 2);
  EXPECT_EQ(log->stats().watermark_lsn, 0u);
  clock.AdvanceMs(100);
  AppendUpTo(*log, 3);
  EXPECT_EQ(log->stats().watermark_lsn, 3u);
}

TEST(Log, WatermarkFollowsTheBytes) {
  SimDisk disk;
  LogOptions options = SmallLog();
  options.segment_bytes = 1 << 20;
  options.watermark_interval_bytes = 1000;
  auto log = OpenLog(disk, options);
  ASSERT_TRUE(log->Append(0, std::string(900, 'x')).ok());
  EXPECT_EQ(log->stats().watermark_lsn, 0u);
  ASSERT_TRUE(log->Append(0, std::string(100, 'x')).ok());
  EXPECT_EQ(log->stats().watermark_lsn, 2u);
}

TEST(Log, RecordInsideAPayloadIsNoRecord) {
  SimDisk disk;
  auto log = OpenLog(disk);
  AppendUpTo(*log, 3);
  // A record of this very log that says number 4 was durable, as a copy of it made elsewhere would.
  std::string inner;
  format::PutLogRecord(inner, 64, {.lsn = 5, .durable_lsn = 4, .log = log->uuid()}, "inner");
  // Torn in the middle of record 4: the copy within it must not pass for a later record.
  disk.FailOperation(0, SimFault::kIoError);
  EXPECT_FALSE(log->Append(0, inner + std::string(1000, 'x')).ok());
  log.reset();
  log = OpenLog(disk);
  EXPECT_TRUE(log->damage().empty()) << log->damage().ToString();
  EXPECT_EQ(log->durable_lsn(), 3u);
  EXPECT_GT(log->stats().torn_bytes_truncated, inner.size());
}

}  // namespace
}  // namespace rhizome::wal
