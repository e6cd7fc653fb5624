// Crash enumeration, failure at the k-th call, truncation at every byte, every flipped bit.
#include <gtest/gtest.h>

#include "io/crash_enumeration.h"
#include "wal/log.h"
#include "wal/log_testing.h"

namespace rhizome::wal {
namespace {

using io::SimDisk;
using io::SimFault;

// Appends records until `last`, as one caller would, marking on the disk what was acknowledged.
void AppendAndMark(SimDisk& disk, Log& log, Lsn last) {
  while (log.durable_lsn() < last) {
    const Lsn next = log.durable_lsn() + 1;
    // Every third append is a batch, so that groups of several records meet the crash.
    std::vector<std::string> payloads;
    for (Lsn lsn = next; lsn < next + (next % 3 == 0 ? 3 : 1); ++lsn) payloads.push_back(PayloadOf(lsn));
    std::vector<LogEntry> entries;
    for (const std::string& payload : payloads) entries.push_back({0, payload});
    if (!log.AppendBatch(entries).ok()) return;
    disk.Mark(log.durable_lsn());
  }
}

// A life of a log: created, filled over several segments, closed, reopened, truncated, filled again.
void Live(SimDisk& disk, Lsn last) {
  for (const Lsn until : {last / 2, last}) {
    auto log = Log::Open(disk, "/log", SmallLog());
    if (!log.ok()) return;
    AppendAndMark(disk, **log, until);
    (void)(*log)->TruncateBefore(until / 2).ok();
    (void)(*log)->Flush().ok();
    AppendAndMark(disk, **log, until + 2);
  }
}

// What recovery must give: no damage, consecutive records with the payloads they were given, up to at least `acked`.
testing::AssertionResult Recovers(SimDisk& disk, Lsn acked) {
  auto log = Log::Open(disk, "/log", SmallLog());
  if (!log.ok()) return testing::AssertionFailure() << log.status().ToString();
  if (!(*log)->damage().empty()) return testing::AssertionFailure() << (*log)->damage().ToString();
  const Readback read = ReadAll(**log);
  if (!read.status.ok()) return testing::AssertionFailure() << read.status.ToString();
  Lsn last = (*log)->stats().first_lsn - 1;
  for (const auto& [lsn, payload] : read.records) {
    if (lsn != last + 1 || payload != PayloadOf(lsn)) return testing::AssertionFailure() << "wrong record " << lsn;
    last = lsn;
  }
  if (last < acked) return testing::AssertionFailure() << "acknowledged " << acked << ", recovered " << last;
  // And the recovered log works and keeps what it acknowledges.
  const auto next = (*log)->Append(0, PayloadOf(last + 1));
  if (!next.ok() || *next != last + 1) return testing::AssertionFailure() << "append: " << next.status().ToString();
  return testing::AssertionSuccess();
}

TEST(LogCrash, EveryCrashStateRecoversToAPrefixPastTheLastAcknowledgement) {
  SimDisk disk;
  disk.StartTrace();
  Live(disk, 120);
  uint64_t failures = 0;
  const auto counts = io::EnumerateCrashStates(disk.trace(), {}, [&](SimDisk& crashed, const io::CrashPoint& point) {
    const auto recovered = Recovers(crashed, point.mark);
    if (!recovered && ++failures < 5) ADD_FAILURE() << "crash after " << point.after << ": " << recovered.message();
  });
  EXPECT_EQ(failures, 0u);
  EXPECT_GT(counts.states, 1000u);
  RecordProperty("crash_states", static_cast<int>(counts.states));
}

TEST(LogCrash, CrashDuringRecoveryIsRecoveredToo) {
  SimDisk disk;
  AppendAndMark(disk, *Log::Open(disk, "/log", SmallLog()).value(), 10);
  auto log = Log::Open(disk, "/log", SmallLog()).value();
  disk.FailOperation(1, SimFault::kSyncLies);
  EXPECT_FALSE(log->Append(0, PayloadOf(log->durable_lsn() + 1)).ok());
  const Lsn acked = log->durable_lsn();
  disk.Crash();
  disk.StartTrace();
  Live(disk, 16);
  io::EnumerateCrashStates(disk.trace(), {}, [&](SimDisk& crashed, const io::CrashPoint& point) {
    const auto recovered = Recovers(crashed, std::max(acked, point.mark));
    EXPECT_TRUE(recovered) << "crash after " << point.after << ": " << recovered.message();
  });
}

// The enumeration must be able to fail: a disk whose syncs do nothing has crash states that lose acknowledged records.
TEST(LogCrash, EnumerationCatchesASkippedSync) {
  SimDisk disk({.sync_does_nothing = true});
  disk.StartTrace();
  Live(disk, 12);
  uint64_t caught = 0;
  io::EnumerateCrashStates(
      disk.trace(), {.states_per_point_max = 8},
      [&](SimDisk& crashed, const io::CrashPoint& point) { caught += Recovers(crashed, point.mark) ? 0 : 1; });
  EXPECT_GT(caught, 0u);
}

TEST(LogCrash, FailureAtEveryCallLosesNothingAcknowledged) {
  SimDisk counting;
  Live(counting, 24);
  const uint64_t calls = counting.operations();
  for (const SimFault fault : {SimFault::kIoError, SimFault::kNoSpace, SimFault::kSyncLies}) {
    for (uint64_t k = 0; k < calls; ++k) {
      for (const bool crash : {false, true}) {
        SimDisk disk({.seed = k});
        disk.StartTrace();
        disk.FailOperation(k, fault);
        Live(disk, 24);
        Lsn acked = 0;
        for (const io::SimOperation& operation : disk.trace().operations) {
          if (operation.kind == io::SimOperation::Kind::kMark) acked = operation.offset;
        }
        if (crash) disk.Crash();
        const auto recovered = Recovers(disk, acked);
        ASSERT_TRUE(recovered) << "call " << k << ", fault " << static_cast<int>(fault) << ", crash " << crash << ": "
                               << recovered.message();
      }
    }
  }
}

// NoSpace is a definite answer: no crash after it brings back a part that had fitted.
TEST(LogCrash, RecordRefusedForSpaceIsInNoLaterCrashState) {
  SimDisk disk;
  auto log = Log::Open(disk, "/log", SmallLog()).value();
  ASSERT_TRUE(log->Append(0, "kept").ok());
  disk.StartTrace();
  disk.FailOperation(0, SimFault::kNoSpace);  // half is written: the first of two equal records
  const std::vector<LogEntry> batch = {{0, "refused"}, {0, "as well"}};
  ASSERT_EQ(log->AppendBatch(batch).status().code(), Code::kNoSpace);
  disk.Mark(1);
  uint64_t states = 0;
  io::EnumerateCrashStates(disk.trace(), {}, [&](SimDisk& crashed, const io::CrashPoint& point) {
    if (point.mark == 0) return;
    ++states;
    EXPECT_EQ(ReadAll(*Log::Open(crashed, "/log", SmallLog()).value()).records.size(), 1u);
  });
  EXPECT_GT(states, 0u);
}

class SmallLogImage {
 public:
  // Records 1..last over several segments; the watermark stands at `marked`, as a crash would leave it.
  SmallLogImage(Lsn marked, Lsn last) {
    SimDisk disk;
    {
      auto log = Log::Open(disk, "/log", SmallLog()).value();
      AppendAndMark(disk, *log, marked);
      CHECK(log->Flush().ok());
      marked_ = log->durable_lsn();
      AppendAndMark(disk, *log, last);
      last_ = log->durable_lsn();
      image_ = disk.state();
      disk.Crash();  // keeps Close from moving the watermark
    }
    SimDisk view(image_, {});
    names_ = view.List("/log").value();
  }
  SimDisk Disk() const { return SimDisk(image_, {}); }
  const std::vector<std::string>& names() const { return names_; }
  Lsn marked() const { return marked_; }
  Lsn last() const { return last_; }

 private:
  io::SimState image_;
  std::vector<std::string> names_;
  Lsn marked_ = 0;
  Lsn last_ = 0;
};

// After any damage: what is read is an exact prefix; it reaches the watermark, or damage is reported.
testing::AssertionResult IsHonest(SimDisk& disk, const SmallLogImage& image) {
  disk.Crash();  // frees the lock of the image's maker
  auto log = Log::Open(disk, "/log", SmallLog());
  if (!log.ok()) return testing::AssertionFailure() << log.status().ToString();
  const bool damaged = !(*log)->damage().empty();
  const Readback read = ReadAll(**log);
  Lsn last = 0;
  if (!IsPrefix(read.records, last)) return testing::AssertionFailure() << "wrong data";
  if (damaged != (read.status.code() == Code::kCorruption)) {
    return testing::AssertionFailure() << "damage and read disagree: " << read.status.ToString();
  }
  if (!damaged && last < image.marked()) return testing::AssertionFailure() << "silently lost from " << last + 1;
  if (damaged && (*log)->Append(0, "x").status().code() != Code::kReadOnly) {
    return testing::AssertionFailure() << "a damaged log took an append";
  }
  return testing::AssertionSuccess();
}

std::string Damage(SimDisk& disk) {
  disk.Crash();
  return Log::Open(disk, "/log", SmallLog()).value()->damage().ToString();
}

TEST(LogDamage, TruncationAtEveryByteIsATornTailOrReported) {
  const SmallLogImage image(8, 16);
  for (const std::string& name : image.names()) {
    const std::string path = "/log/" + name;
    SimDisk whole = image.Disk();
    const uint64_t size = whole.Open(path, io::OpenMode::kRead).value()->Size().value();
    for (uint64_t length = 0; length < size; ++length) {
      SimDisk disk = image.Disk();
      auto file = disk.Open(path, io::OpenMode::kReadWrite).value();
      ASSERT_TRUE(file->Truncate(length).ok() && file->Sync().ok());
      const auto honest = IsHonest(disk, image);
      ASSERT_TRUE(honest) << name << " cut to " << length << ": " << honest.message();
    }
  }
}

TEST(LogDamage, EveryFlippedBitIsATornTailOrReported) {
  const SmallLogImage image(4, 8);
  for (const std::string& name : image.names()) {
    const std::string path = "/log/" + name;
    SimDisk whole = image.Disk();
    const uint64_t size = whole.Open(path, io::OpenMode::kRead).value()->Size().value();
    for (uint64_t bit = 0; bit < size * 8; ++bit) {
      SimDisk disk = image.Disk();
      ASSERT_TRUE(disk.FlipBit(path, bit / 8, static_cast<int>(bit % 8)).ok());
      const auto honest = IsHonest(disk, image);
      ASSERT_TRUE(honest) << name << " bit " << bit << ": " << honest.message();
    }
  }
}

TEST(LogDamage, CleanlyClosedLogNoticesEveryTruncation) {
  SimDisk disk;
  { AppendAndMark(disk, *Log::Open(disk, "/log", SmallLog()).value(), 4); }
  const io::SimState image = disk.state();
  const uint64_t size = disk.Open("/log/0000000000000001.log", io::OpenMode::kRead).value()->Size().value();
  for (uint64_t length = 0; length < size; ++length) {
    SimDisk cut(image, {});
    ASSERT_TRUE(cut.Open("/log/0000000000000001.log", io::OpenMode::kReadWrite).value()->Truncate(length).ok());
    auto log = Log::Open(cut, "/log", SmallLog()).value();
    EXPECT_FALSE(log->damage().empty()) << length;
  }
}

TEST(LogDamage, MiddleOfADurableGroupIsReportedExactly) {
  const SmallLogImage image(4, 4);
  SimDisk disk = image.Disk();
  // Record 1 spans bytes 64..: flip a bit of its payload.
  ASSERT_TRUE(disk.FlipBit("/log/0000000000000001.log", 64 + 56, 0).ok());
  EXPECT_EQ(Damage(disk), "0000000000000001.log at byte 64, " + std::to_string(56 + PayloadOf(1).size()) +
                              " bytes: checksum mismatch; records 1..1 lost");
}

TEST(LogDamage, LaterRecordProvesDurabilityWithoutTheWatermark) {
  const SmallLogImage image(0, 4);
  ASSERT_EQ(image.marked(), 0u);
  SimDisk disk = image.Disk();
  ASSERT_TRUE(disk.FlipBit("/log/0000000000000001.log", 64 + 56, 0).ok());
  EXPECT_NE(Damage(disk), "");
}

TEST(LogDamage, MissingSegmentIsReported) {
  const SmallLogImage image(40, 60);
  ASSERT_GT(image.names().size(), 5u);  // lock, segments, watermark
  for (size_t i = 0; i + 1 < image.names().size(); ++i) {
    if (!image.names()[i].ends_with(".log")) continue;
    SimDisk disk = image.Disk();
    ASSERT_TRUE(disk.Remove("/log/" + image.names()[i]).ok() && disk.SyncDirectory("/log").ok());
    const auto honest = IsHonest(disk, image);
    EXPECT_TRUE(honest) << image.names()[i] << ": " << honest.message();
    EXPECT_NE(Damage(disk), "") << image.names()[i];
  }
}

TEST(LogDamage, LostWatermarkIsReportedAndEverythingStaysReadable) {
  const SmallLogImage image(10, 10);
  SimDisk disk = image.Disk();
  ASSERT_TRUE(disk.Remove("/log/watermark").ok() && disk.SyncDirectory("/log").ok());
  disk.Crash();
  auto log = Log::Open(disk, "/log", SmallLog()).value();
  EXPECT_EQ(log->damage().ToString(), "watermark at byte 0: no valid slot");
  EXPECT_EQ(log->damage().LostRecords(), 0u);
  EXPECT_EQ(ReadAll(*log).records.size(), image.last());
}

TEST(LogDamage, DamagedLogIsNeverChanged) {
  const SmallLogImage image(4, 8);
  SimDisk disk = image.Disk();
  disk.Crash();
  ASSERT_TRUE(disk.FlipBit("/log/0000000000000001.log", 70, 0).ok());
  disk.StartTrace();
  {
    auto log = Log::Open(disk, "/log", SmallLog()).value();
    EXPECT_FALSE(log->damage().empty());
    EXPECT_EQ(log->TruncateBefore(5).code(), Code::kReadOnly);
    EXPECT_EQ(log->TryResume().code(), Code::kReadOnly);
  }
  EXPECT_TRUE(disk.trace().operations.empty());
}

}  // namespace
}  // namespace rhizome::wal
