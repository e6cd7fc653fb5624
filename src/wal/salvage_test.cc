#include "wal/salvage.h"

#include <gtest/gtest.h>

#include "io/sim_disk.h"
#include "wal/log_testing.h"

namespace rhizome::wal {
namespace {

using io::SimDisk;

constexpr char kFirstSegment[] = "/log/0000000000000001.log";

void Fill(SimDisk& disk, Lsn last) {
  auto log = Log::Open(disk, "/log", SmallLog()).value();
  for (Lsn lsn = 1; lsn <= last; ++lsn) ASSERT_TRUE(log->Append(7, PayloadOf(lsn)).ok());
  ASSERT_TRUE(log->Close().ok());
}

std::map<Lsn, std::string> Expected(Lsn last, const std::vector<Lsn>& lost) {
  std::map<Lsn, std::string> records;
  for (Lsn lsn = 1; lsn <= last; ++lsn) records[lsn] = PayloadOf(lsn);
  for (const Lsn lsn : lost) records.erase(lsn);
  return records;
}

TEST(Salvage, KeepsEveryValidRecordUnderItsLsnAndNamesTheLost) {
  SimDisk disk;
  Fill(disk, 30);
  const uint64_t second = 64 + 56 + PayloadOf(1).size();
  ASSERT_TRUE(disk.FlipBit(kFirstSegment, second + 20, 3).ok());
  const auto report = Salvage(disk, "/log", "/fresh");
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->records_kept, 29u);
  EXPECT_EQ(report->lost.LostRecords(), 1u);
  ASSERT_EQ(report->lost.ranges.size(), 1u);
  EXPECT_EQ(report->lost.ranges[0].first_lost_lsn, 2u);
  EXPECT_EQ(report->lost.ranges[0].offset, second);

  auto fresh = Log::Open(disk, "/fresh", SmallLog()).value();
  EXPECT_TRUE(fresh->damage().empty()) << fresh->damage().ToString();
  EXPECT_EQ(ReadAll(*fresh).records, Expected(30, {2}));
  EXPECT_EQ(fresh->Append(7, PayloadOf(31)).value(), 31u);
}

TEST(Salvage, NewLogSurvivesReopeningWithItsGap) {
  SimDisk disk;
  Fill(disk, 30);
  ASSERT_TRUE(disk.FlipBit(kFirstSegment, 70, 3).ok());
  ASSERT_TRUE(Salvage(disk, "/log", "/fresh").ok());
  disk.Crash();
  {
    auto fresh = Log::Open(disk, "/fresh", SmallLog()).value();
    ASSERT_TRUE(fresh->Append(7, PayloadOf(31)).ok());
  }
  auto fresh = Log::Open(disk, "/fresh", SmallLog()).value();
  EXPECT_EQ(ReadAll(*fresh).records, Expected(31, {1}));
}

TEST(Salvage, LsnsOfALostTailAreNotHandedOutAgain) {
  SimDisk disk;
  Fill(disk, 3);
  auto file = disk.Open(kFirstSegment, io::OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->Truncate(64 + 10).ok() && file->Sync().ok());
  const auto report = Salvage(disk, "/log", "/fresh").value();
  EXPECT_EQ(report.records_kept, 0u);
  EXPECT_EQ(report.lost.LostRecords(), 3u);
  auto fresh = Log::Open(disk, "/fresh", SmallLog()).value();
  EXPECT_TRUE(fresh->damage().empty()) << fresh->damage().ToString();
  EXPECT_EQ(fresh->Append(7, "x").value(), 4u);
}

TEST(Salvage, HealthyLogIsCopiedWhole) {
  SimDisk disk;
  Fill(disk, 10);
  const auto report = Salvage(disk, "/log", "/fresh").value();
  EXPECT_TRUE(report.lost.empty());
  EXPECT_EQ(report.ToString().substr(0, 15), "10 records kept");
  EXPECT_EQ(ReadAll(*Log::Open(disk, "/fresh", SmallLog()).value()).records, Expected(10, {}));
}

TEST(Salvage, EveryFlippedBitLosesAtMostTheRecordItHit) {
  SimDisk disk;
  Fill(disk, 4);
  const io::SimState image = disk.state();
  const uint64_t size = disk.Open(kFirstSegment, io::OpenMode::kRead).value()->Size().value();
  for (uint64_t bit = 0; bit < size * 8; bit += 3) {
    SimDisk flipped(image, {});
    ASSERT_TRUE(flipped.FlipBit(kFirstSegment, bit / 8, static_cast<int>(bit % 8)).ok());
    const auto report = Salvage(flipped, "/log", "/fresh");
    ASSERT_TRUE(report.ok()) << bit << report.status().ToString();
    EXPECT_FALSE(report->lost.empty()) << bit;
    EXPECT_GE(report->records_kept, 3u) << bit;
    EXPECT_EQ(report->records_kept + report->lost.LostRecords(), 4u) << bit << report->ToString();
    auto fresh = Log::Open(flipped, "/fresh", SmallLog());
    ASSERT_TRUE(fresh.ok() && (*fresh)->damage().empty()) << bit;
  }
}

TEST(Salvage, RefusesToOverwriteAndToReadALiveLog) {
  SimDisk disk;
  Fill(disk, 1);
  EXPECT_EQ(Salvage(disk, "/none", "/fresh").status().code(), Code::kNotFound);
  EXPECT_EQ(Salvage(disk, "/log", "/log").status().code(), Code::kAlreadyExists);
  auto live = Log::Open(disk, "/log", SmallLog()).value();
  EXPECT_EQ(Salvage(disk, "/log", "/fresh").status().code(), Code::kFailedPrecondition);
}

TEST(Salvage, FullDiskLeavesNoHalfLog) {
  SimDisk disk;
  Fill(disk, 30);
  disk.SetCapacity(disk.used_bytes() + 2000);
  EXPECT_EQ(Salvage(disk, "/log", "/fresh").status().code(), Code::kNoSpace);
  EXPECT_FALSE(disk.Exists("/fresh").value());
  EXPECT_FALSE(disk.Exists("/fresh.partial").value());
}

TEST(Salvage, EmptyDirectoryHoldsNoLog) {
  SimDisk disk;
  ASSERT_TRUE(disk.CreateDirectory("/log").ok());
  EXPECT_EQ(Salvage(disk, "/log", "/fresh").status().code(), Code::kNotFound);
  EXPECT_FALSE(disk.Exists("/fresh").value());
}

}  // namespace
}  // namespace rhizome::wal
