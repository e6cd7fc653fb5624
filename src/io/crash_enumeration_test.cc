#include "io/crash_enumeration.h"

#include <gtest/gtest.h>

#include <set>

namespace rhizome::io {
namespace {

// What /a may hold in some crash state while `act` runs; "(none)" when it is missing.
std::set<std::string> Outcomes(SimDisk& disk, const std::function<void()>& act) {
  disk.StartTrace();
  act();
  std::set<std::string> outcomes;
  EnumerateCrashStates(disk.trace(), {}, [&](SimDisk& crashed, const CrashPoint&) {
    auto content = ReadWholeFile(crashed, "/a");
    outcomes.insert(content.ok() ? *content : "(none)");
  });
  return outcomes;
}

TEST(CrashEnumeration, AtomicWriteLeavesOldOrNewInEveryState) {
  SimDisk disk;
  ASSERT_TRUE(WriteFileAtomically(disk, "/a", "old").ok());
  EXPECT_EQ(Outcomes(disk, [&] { ASSERT_TRUE(WriteFileAtomically(disk, "/a", "new!").ok()); }),
            (std::set<std::string>{"old", "new!"}));
}

TEST(CrashEnumeration, FindsTheEmptyFileOfARenameWithoutSync) {
  SimDisk disk;
  ASSERT_TRUE(WriteFileAtomically(disk, "/a", "old").ok());
  const auto outcomes = Outcomes(disk, [&] {
    auto file = disk.Open("/b", OpenMode::kCreate).value();
    ASSERT_TRUE(file->Append("new!").ok());
    ASSERT_TRUE(disk.Rename("/b", "/a").ok());
  });
  EXPECT_TRUE(outcomes.contains(""));
}

TEST(CrashEnumeration, FindsWhatASkippedSyncLoses) {
  SimDisk disk({.sync_does_nothing = true});
  EXPECT_TRUE(Outcomes(disk, [&] { ASSERT_TRUE(WriteFileAtomically(disk, "/a", "new!").ok()); }).contains(""));
}

TEST(CrashEnumeration, SmallPointsAreExhaustive) {
  SimDisk disk;
  auto file = disk.Open("/a", OpenMode::kCreate).value();
  ASSERT_TRUE(disk.SyncDirectory("/").ok());
  disk.StartTrace();
  ASSERT_TRUE(file->Append(std::string(2 * kSimSectorBytes, 'x')).ok());
  uint64_t after_write = 0;
  std::set<std::string> contents;
  const auto counts = EnumerateCrashStates(disk.trace(), {}, [&](SimDisk& crashed, const CrashPoint& point) {
    EXPECT_TRUE(point.exhaustive);
    if (point.operations_done == 1) ++after_write;
    contents.insert(ReadWholeFile(crashed, "/a").value());
  });
  EXPECT_EQ(after_write, 3u * 2 * 2);  // three lengths, two sectors each kept or not
  EXPECT_EQ(contents.size(), 1u + 2 + 4);
  EXPECT_EQ(counts.points, 2u);
  EXPECT_EQ(counts.exhaustive_points, 2u);
}

TEST(CrashEnumeration, LargePointsAreSampledWithBothEnds) {
  SimDisk disk;
  auto file = disk.Open("/a", OpenMode::kCreate).value();
  ASSERT_TRUE(disk.SyncDirectory("/").ok());
  disk.StartTrace();
  const std::string bytes(100 * kSimSectorBytes, 'x');
  ASSERT_TRUE(file->Append(bytes).ok());
  std::set<std::string> contents;
  EnumerateCrashStates(disk.trace(), {.states_per_point_max = 16}, [&](SimDisk& crashed, const CrashPoint&) {
    contents.insert(ReadWholeFile(crashed, "/a").value());
  });
  EXPECT_TRUE(contents.contains("") && contents.contains(bytes));
  EXPECT_GT(contents.size(), 8u);
}

TEST(CrashEnumeration, MarksReachTheVisitor) {
  SimDisk disk;
  disk.StartTrace();
  auto file = disk.Open("/a", OpenMode::kCreate).value();
  disk.Mark(5);
  ASSERT_TRUE(file->Sync().ok());
  std::vector<uint64_t> marks;
  EnumerateCrashStates(disk.trace(), {.states_per_point_max = 1},
                       [&](SimDisk&, const CrashPoint& point) { marks.push_back(point.mark); });
  EXPECT_EQ(std::set<uint64_t>(marks.begin(), marks.end()), (std::set<uint64_t>{0, 5}));
}

TEST(CrashEnumeration, ReplayFollowsAFileRemovedWhileOpen) {
  SimDisk disk;
  auto file = disk.Open("/a", OpenMode::kCreate).value();
  disk.StartTrace();
  ASSERT_TRUE(disk.Remove("/a").ok() && disk.SyncDirectory("/").ok());
  file.reset();
  ASSERT_TRUE(disk.SyncDirectory("/").ok());
  const auto counts = EnumerateCrashStates(disk.trace(), {}, [](SimDisk&, const CrashPoint&) {});
  EXPECT_GT(counts.states, 0u);
}

}  // namespace
}  // namespace rhizome::io
