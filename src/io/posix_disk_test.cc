#include "io/posix_disk.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/scratch_testing.h"

namespace rhizome::io {
namespace {

class PosixDiskTest : public testing::Test {
 protected:
  void SetUp() override {}
  void TearDown() override { EXPECT_TRUE(RemoveTree(disk_, root_).ok()); }
  std::string Path(const std::string& name) const { return root_ + "/" + name; }
  void Write(const std::string& name, std::string_view bytes) {
    auto file = disk_.Open(Path(name), OpenMode::kCreateOrOpen);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    ASSERT_TRUE((*file)->Append(bytes).ok());
  }

  Disk& disk_ = RealDisk();
  const ScratchFolder folder_;
  const std::string& root_ = folder_.path();
};

TEST_F(PosixDiskTest, AppendedBytesAreReadBack) {
  Write("a", "hello ");
  Write("a", "world");
  EXPECT_EQ(ReadWholeFile(disk_, Path("a")).value(), "hello world");
}

TEST_F(PosixDiskTest, ReadPastTheEndIsShort) {
  Write("a", "12345");
  auto file = disk_.Open(Path("a"), OpenMode::kRead).value();
  EXPECT_EQ(file->ReadAt(3, 100).value(), "45");
  EXPECT_EQ(file->ReadAt(9, 1).value(), "");
}

TEST_F(PosixDiskTest, WriteAtBeyondTheEndMovesWhereAppendWrites) {
  auto file = disk_.Open(Path("a"), OpenMode::kCreate).value();
  ASSERT_TRUE(file->WriteAt(2, "ab").ok());
  ASSERT_TRUE(file->Append("c").ok());
  EXPECT_EQ(file->ReadAt(0, 9).value(), std::string("\0\0abc", 5));
}

TEST_F(PosixDiskTest, TruncateMovesWhereAppendWrites) {
  auto file = disk_.Open(Path("a"), OpenMode::kCreate).value();
  ASSERT_TRUE(file->Append("abcdef").ok());
  ASSERT_TRUE(file->Truncate(2).ok());
  ASSERT_TRUE(file->Append("X").ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(file->ReadAt(0, 9).value(), "abX");
}

TEST_F(PosixDiskTest, PreallocateReservesAndKeepsTheLength) {
  auto file = disk_.Open(Path("a"), OpenMode::kCreate).value();
  ASSERT_TRUE(file->Preallocate(1 << 20).ok());
  EXPECT_EQ(file->Size().value(), 0u);
  struct stat info {};
  ASSERT_EQ(stat(Path("a").c_str(), &info), 0);
  EXPECT_GE(info.st_blocks * 512, 1 << 20);
}

TEST_F(PosixDiskTest, OpenModesTellMissingFromPresent) {
  EXPECT_EQ(disk_.Open(Path("a"), OpenMode::kRead).status().code(), Code::kNotFound);
  EXPECT_EQ(disk_.Open(Path("a"), OpenMode::kReadWrite).status().code(), Code::kNotFound);
  Write("a", "x");
  EXPECT_EQ(disk_.Open(Path("a"), OpenMode::kCreate).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(disk_.Open(root_, OpenMode::kRead).status().code(), Code::kIoError);
}

TEST_F(PosixDiskTest, MappingIsAPrivateCopy) {
  Write("a", "abc");
  auto mapping = disk_.Map(Path("a")).value();
  ASSERT_EQ(mapping->size(), 3u);
  mapping->data()[0] = 'X';
  EXPECT_EQ(std::string(mapping->data(), 3), "Xbc");
  EXPECT_EQ(ReadWholeFile(disk_, Path("a")).value(), "abc");
}

TEST_F(PosixDiskTest, MappingGoesWhereAsked) {
  const size_t length = 1 << 16;
  void* range = mmap(nullptr, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(range, MAP_FAILED);
  Write("a", "abc");
  {
    auto mapping = disk_.Map(Path("a"), range).value();
    EXPECT_EQ(mapping->data(), range);
    EXPECT_EQ(std::string(mapping->data(), 3), "abc");
  }
  Write("b", "def");
  auto again = disk_.Map(Path("b"), range).value();
  EXPECT_EQ(std::string(again->data(), 3), "def");
  again.reset();
  munmap(range, length);
}

TEST_F(PosixDiskTest, EmptyFileMaps) {
  Write("a", "");
  EXPECT_EQ(disk_.Map(Path("a")).value()->size(), 0u);
  EXPECT_EQ(disk_.Map(Path("none")).status().code(), Code::kNotFound);
}

TEST_F(PosixDiskTest, DirectoryOperationsDoWhatTheySay) {
  ASSERT_TRUE(disk_.CreateDirectory(Path("d")).ok());
  EXPECT_EQ(disk_.CreateDirectory(Path("d")).code(), Code::kAlreadyExists);
  Write("d/b", "1");
  Write("d/a", "2");
  EXPECT_EQ(disk_.List(Path("d")).value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(disk_.RemoveDirectory(Path("d")).code(), Code::kFailedPrecondition);
  ASSERT_TRUE(disk_.Rename(Path("d/a"), Path("d/b")).ok());
  EXPECT_EQ(ReadWholeFile(disk_, Path("d/b")).value(), "2");
  ASSERT_TRUE(disk_.Link(Path("d/b"), Path("d/c")).ok());
  ASSERT_TRUE(disk_.Remove(Path("d/b")).ok());
  EXPECT_FALSE(disk_.Exists(Path("d/b")).value());
  EXPECT_EQ(ReadWholeFile(disk_, Path("d/c")).value(), "2");
  EXPECT_EQ(disk_.Remove(Path("d/b")).code(), Code::kNotFound);
  EXPECT_TRUE(disk_.SyncDirectory(Path("d")).ok());
  EXPECT_GT(disk_.FreeBytes(root_).value(), 0u);
}

TEST_F(PosixDiskTest, CreateDirectoriesMakesEveryParent) {
  ASSERT_TRUE(CreateDirectories(disk_, Path("x/y/z")).ok());
  ASSERT_TRUE(CreateDirectories(disk_, Path("x/y/z")).ok());
  EXPECT_TRUE(disk_.List(Path("x/y/z")).ok());
  Write("file", "");
  EXPECT_FALSE(CreateDirectories(disk_, Path("file")).ok());
}

TEST_F(PosixDiskTest, AtomicWriteReplacesTheWholeFile) {
  ASSERT_TRUE(WriteFileAtomically(disk_, Path("a"), "a longer old content").ok());
  ASSERT_TRUE(WriteFileAtomically(disk_, Path("a"), "new").ok());
  EXPECT_EQ(ReadWholeFile(disk_, Path("a")).value(), "new");
  EXPECT_EQ(disk_.List(root_).value(), std::vector<std::string>{"a"});
}

TEST_F(PosixDiskTest, RemoveTreeTakesFilesAndFoldersAndNothing) {
  ASSERT_TRUE(CreateDirectories(disk_, Path("x/y")).ok());
  Write("x/y/f", "1");
  EXPECT_TRUE(RemoveTree(disk_, Path("x")).ok());
  EXPECT_FALSE(disk_.Exists(Path("x")).value());
  EXPECT_TRUE(RemoveTree(disk_, Path("x")).ok());
}

TEST_F(PosixDiskTest, InspectTellsFilesFoldersAndLinksApart) {
  Write("file", "12345");
  ASSERT_EQ(symlink(Path("file").c_str(), Path("link").c_str()), 0);
  EXPECT_EQ(disk_.Inspect(Path("file"))->kind, PathKind::kFile);
  EXPECT_EQ(disk_.Inspect(Path("file"))->size, 5u);
  EXPECT_EQ(disk_.Inspect(root_)->kind, PathKind::kDirectory);
  EXPECT_EQ(disk_.Inspect(Path("link"))->kind, PathKind::kOther);
  EXPECT_EQ(disk_.Inspect(Path("none")).status().code(), Code::kNotFound);
}

TEST_F(PosixDiskTest, RemoveTreeLeavesWhatALinkPointsTo) {
  ASSERT_TRUE(CreateDirectories(disk_, Path("kept")).ok());
  ASSERT_TRUE(CreateDirectories(disk_, Path("gone")).ok());
  Write("kept/file", "12345");
  ASSERT_EQ(symlink(Path("kept").c_str(), Path("gone/link").c_str()), 0);
  ASSERT_EQ(symlink("nowhere", Path("gone/dangling").c_str()), 0);
  ASSERT_TRUE(RemoveTree(disk_, Path("gone")).ok());
  EXPECT_FALSE(disk_.Exists(Path("gone")).value());
  EXPECT_TRUE(disk_.Exists(Path("kept/file")).value());
}

TEST_F(PosixDiskTest, LockExcludesASecondHolderUntilDropped) {
  auto lock = disk_.Lock(Path("lock"));
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(disk_.Lock(Path("lock")).status().code(), Code::kFailedPrecondition);
  *lock = nullptr;
  EXPECT_TRUE(disk_.Lock(Path("lock")).ok());
}

TEST_F(PosixDiskTest, LockExcludesAnotherProcess) {
  auto lock = disk_.Lock(Path("lock"));
  ASSERT_TRUE(lock.ok());
  const std::string path = Path("lock");
  const pid_t child = fork();
  if (child == 0) _exit(disk_.Lock(path).status().code() == Code::kFailedPrecondition ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace rhizome::io
