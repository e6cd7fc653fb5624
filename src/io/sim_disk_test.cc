#include "io/sim_disk.h"

#include <gtest/gtest.h>

#include <set>

namespace rhizome::io {
namespace {

// Keeps the same end of every choice.
class Extreme final : public CrashChooser {
 public:
  explicit Extreme(bool newest) : newest_(newest) {}
  uint64_t Choose(uint64_t count) override { return newest_ ? count - 1 : 0; }

 private:
  const bool newest_;
};

std::unique_ptr<File> Create(SimDisk& disk, const std::string& path) {
  return disk.Open(path, OpenMode::kCreateOrOpen).value();
}

void CrashKeeping(SimDisk& disk, bool newest) {
  Extreme chooser(newest);
  disk.Crash(chooser);
}

TEST(SimDisk, BehavesAsTheRealOne) {
  SimDisk disk;
  ASSERT_TRUE(CreateDirectories(disk, "/d/e").ok());
  ASSERT_TRUE(WriteFileAtomically(disk, "/d/a", "one").ok());
  ASSERT_TRUE(WriteFileAtomically(disk, "/d/a", "two").ok());
  EXPECT_EQ(ReadWholeFile(disk, "/d/a").value(), "two");
  EXPECT_EQ(disk.List("/d").value(), (std::vector<std::string>{"a", "e"}));
  EXPECT_EQ(disk.Open("/d/none", OpenMode::kRead).status().code(), Code::kNotFound);
  EXPECT_EQ(disk.Open("/d/a", OpenMode::kCreate).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(disk.RemoveDirectory("/d").code(), Code::kFailedPrecondition);
  ASSERT_TRUE(disk.Rename("/d", "/f").ok());
  EXPECT_EQ(std::string(disk.Map("/f/a").value()->data(), 3), "two");
  ASSERT_TRUE(RemoveTree(disk, "/f").ok());
  EXPECT_EQ(disk.used_bytes(), 0u);
}

TEST(SimDisk, InspectTellsFilesFromFolders) {
  SimDisk disk;
  ASSERT_TRUE(disk.CreateDirectory("d").ok());
  ASSERT_TRUE(WriteFileAtomically(disk, "d/f", "123").ok());
  EXPECT_EQ(disk.Inspect("d")->kind, PathKind::kDirectory);
  EXPECT_EQ(disk.Inspect("d/f")->kind, PathKind::kFile);
  EXPECT_EQ(disk.Inspect("d/f")->size, 3u);
  EXPECT_EQ(disk.Inspect("d/none").status().code(), Code::kNotFound);
}

TEST(SimDisk, LockExcludesUntilDroppedOrCrashed) {
  SimDisk disk;
  auto lock = disk.Lock("/lock").value();
  EXPECT_EQ(disk.Lock("/lock").status().code(), Code::kFailedPrecondition);
  lock = nullptr;
  lock = disk.Lock("/lock").value();
  disk.Crash();
  EXPECT_TRUE(disk.Lock("/lock").ok());
}

TEST(SimDisk, SyncedFileInSyncedDirectorySurvives) {
  SimDisk disk;
  auto file = Create(disk, "/a");
  ASSERT_TRUE(file->Append("kept").ok() && file->Sync().ok() && disk.SyncDirectory("/").ok());
  ASSERT_TRUE(file->Append(" lost").ok());
  CrashKeeping(disk, false);
  EXPECT_EQ(ReadWholeFile(disk, "/a").value(), "kept");
}

TEST(SimDisk, FileWithoutSyncedDirectoryMayVanish) {
  for (const bool newest : {false, true}) {
    SimDisk disk;
    auto file = Create(disk, "/a");
    ASSERT_TRUE(file->Append("x").ok() && file->Sync().ok());
    CrashKeeping(disk, newest);
    EXPECT_EQ(disk.Exists("/a").value(), newest);
  }
}

TEST(SimDisk, UnsyncedRenameIsKeptWholeOrNotAtAll) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimDisk disk({.seed = seed});
    ASSERT_TRUE(WriteFileAtomically(disk, "/a", "old").ok());
    ASSERT_TRUE(WriteFileAtomically(disk, "/b", "new").ok());
    ASSERT_TRUE(disk.Rename("/b", "/a").ok());
    disk.Crash();
    const std::string a = ReadWholeFile(disk, "/a").value();
    EXPECT_EQ(disk.Exists("/b").value(), a == "old");
    seen.insert(a);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"old", "new"}));
}

TEST(SimDisk, DirectorySyncCarriesTheOtherHalfOfARename) {
  SimDisk disk;
  ASSERT_TRUE(CreateDirectories(disk, "/x").ok() && CreateDirectories(disk, "/y").ok());
  ASSERT_TRUE(Create(disk, "/x/a")->Sync().ok());
  ASSERT_TRUE(disk.Rename("/x/a", "/y/b").ok() && disk.SyncDirectory("/y").ok());
  CrashKeeping(disk, true);
  EXPECT_FALSE(disk.Exists("/x/a").value());
  EXPECT_TRUE(disk.Exists("/y/b").value());
}

TEST(SimDisk, CrashKeepsASubsetOfSectors) {
  const std::string old_bytes(3 * kSimSectorBytes, 'o');
  const std::string new_bytes(3 * kSimSectorBytes, 'n');
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimDisk disk({.seed = seed});
    ASSERT_TRUE(WriteFileAtomically(disk, "/a", old_bytes).ok());
    auto file = Create(disk, "/a");
    ASSERT_TRUE(file->WriteAt(0, new_bytes).ok());
    disk.Crash();
    const std::string found = ReadWholeFile(disk, "/a").value();
    std::string pattern;
    for (int i = 0; i < 3; ++i) {
      const std::string sector = found.substr(i * kSimSectorBytes, kSimSectorBytes);
      ASSERT_TRUE(sector == std::string(kSimSectorBytes, 'o') || sector == std::string(kSimSectorBytes, 'n'));
      pattern += sector[0];
    }
    seen.insert(pattern);
  }
  EXPECT_EQ(seen.size(), 8u);
}

TEST(SimDisk, UnsyncedOverwriteNeverDamagesBytesItDidNotChange) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk disk({.seed = seed});
    ASSERT_TRUE(WriteFileAtomically(disk, "/a", "durable").ok());
    auto file = Create(disk, "/a");
    ASSERT_TRUE(file->Append(std::string(2000, 'x')).ok());
    disk.Crash();
    EXPECT_EQ(ReadWholeFile(disk, "/a").value().substr(0, 7), "durable");
  }
}

TEST(SimDisk, SameSeedSameCrash) {
  const auto run = [](uint64_t seed) {
    SimDisk disk({.seed = seed});
    (void)disk.SyncDirectory("/").ok();
    auto file = Create(disk, "/a");
    EXPECT_TRUE(disk.SyncDirectory("/").ok() && file->Append(std::string(5000, 'x')).ok());
    disk.Crash();
    return ReadWholeFile(disk, "/a").value();
  };
  EXPECT_EQ(run(7), run(7));
}

TEST(SimDisk, FileOpenedBeforeACrashIsDead) {
  SimDisk disk;
  auto file = Create(disk, "/a");
  disk.Crash();
  EXPECT_EQ(file->Append("x").code(), Code::kIoError);
  EXPECT_EQ(file->ReadAt(0, 1).status().code(), Code::kIoError);
}

TEST(SimDisk, ChosenOperationFailsOnce) {
  SimDisk disk;
  auto file = Create(disk, "/a");
  disk.FailOperation(1, SimFault::kIoError);
  EXPECT_TRUE(file->Append("ab").ok());
  EXPECT_EQ(file->Append("cdef").code(), Code::kIoError);
  EXPECT_EQ(file->ReadAt(0, 9).value(), "abcd");  // half of it was written
  EXPECT_TRUE(file->Append("g").ok());
}

TEST(SimDisk, LyingSyncLosesWhatItFailedOn) {
  SimDisk disk;
  auto file = Create(disk, "/a");
  ASSERT_TRUE(disk.SyncDirectory("/").ok());
  ASSERT_TRUE(file->Append(std::string(kSimSectorBytes, 'a')).ok());
  disk.FailOperation(0, SimFault::kSyncLies);
  EXPECT_EQ(file->Sync().code(), Code::kIoError);
  EXPECT_EQ(file->ReadAt(0, 1).value(), "a");  // the page cache still shows it
  ASSERT_TRUE(file->Append("b").ok());
  EXPECT_TRUE(file->Sync().ok());  // the lie
  CrashKeeping(disk, true);
  EXPECT_EQ(ReadWholeFile(disk, "/a").value(), std::string(kSimSectorBytes, '\0') + "b");
}

TEST(SimDisk, FullDiskTakesWhatFits) {
  SimDisk disk({.capacity_bytes = 10});
  auto file = Create(disk, "/a");
  ASSERT_TRUE(file->Append("123456").ok());
  EXPECT_EQ(file->Append("7890ab").code(), Code::kNoSpace);
  EXPECT_EQ(ReadWholeFile(disk, "/a").value(), "1234567890");
  EXPECT_EQ(disk.FreeBytes("/").value(), 0u);
  file.reset();
  ASSERT_TRUE(disk.Remove("/a").ok());
  EXPECT_EQ(disk.FreeBytes("/").value(), 10u);
}

TEST(SimDisk, PreallocatedSpaceIsTakenAndUsable) {
  SimDisk disk({.capacity_bytes = 100});
  auto file = Create(disk, "/a");
  ASSERT_TRUE(file->Preallocate(80).ok());
  EXPECT_EQ(file->Size().value(), 0u);
  auto other = Create(disk, "/b");
  EXPECT_EQ(other->Append(std::string(30, 'x')).code(), Code::kNoSpace);
  EXPECT_TRUE(file->Append(std::string(80, 'x')).ok());
  EXPECT_EQ(file->Preallocate(200).code(), Code::kNoSpace);
}

TEST(SimDisk, FlippedBitSurvivesACrash) {
  SimDisk disk;
  ASSERT_TRUE(WriteFileAtomically(disk, "/a", "a").ok());
  ASSERT_TRUE(disk.FlipBit("/a", 0, 1).ok());
  CrashKeeping(disk, true);
  EXPECT_EQ(ReadWholeFile(disk, "/a").value(), "c");
}

TEST(SimDisk, DirectoryMadeAtTheSecondAttemptSurvivesACrash) {
  SimDisk counting;
  ASSERT_TRUE(CreateDirectories(counting, "/x/y").ok());
  for (uint64_t failing = 0; failing < counting.operations(); ++failing) {
    SimDisk disk;
    disk.FailOperation(failing, SimFault::kIoError);
    EXPECT_FALSE(CreateDirectories(disk, "/x/y").ok());
    ASSERT_TRUE(CreateDirectories(disk, "/x/y").ok());
    CrashKeeping(disk, false);
    EXPECT_TRUE(disk.Exists("/x/y").value()) << failing;
  }
}

TEST(SimDisk, PlantedSyncBugLosesSyncedBytes) {
  SimDisk disk({.sync_does_nothing = true, .directory_sync_does_nothing = true});
  ASSERT_TRUE(WriteFileAtomically(disk, "/a", "x").ok());
  CrashKeeping(disk, false);
  EXPECT_FALSE(disk.Exists("/a").value());
}

}  // namespace
}  // namespace rhizome::io
