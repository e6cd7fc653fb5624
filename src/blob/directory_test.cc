#include "blob/directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/scratch_testing.h"
#include "blob/blob_testing.h"
#include "io/crash_enumeration.h"
#include "io/sim_disk.h"

namespace rhizome::blob {
namespace {

class DirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Directory::Open(disk_, root_ + "/store");
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = std::move(opened).value();
  }
  std::string Path(const std::string& name) const { return root_ + "/store/" + name; }
  void Link(const std::string& to, const std::string& at) { ASSERT_EQ(symlink(to.c_str(), at.c_str()), 0); }

  io::Disk& disk_ = io::RealDisk();
  const ScratchFolder folder_;
  const std::string& root_ = folder_.path();
  std::unique_ptr<Directory> store_;
};

TEST_F(DirectoryTest, KeepsTheContract) { BlobContract(*store_); }

TEST(DirectoryOnSimDisk, KeepsTheContract) {
  io::SimDisk disk;
  const auto store = Directory::Open(disk, "store").value();
  BlobContract(*store);
}

TEST_F(DirectoryTest, ReopenedItHasWhatItHad) {
  ASSERT_TRUE(store_->Put("a/b", "bytes").ok());
  const auto again = Directory::Open(disk_, root_ + "/store/").value();
  EXPECT_EQ(again->Get("a/b", 5).value(), "bytes");
  EXPECT_EQ(again->Describe(), "dir:" + root_ + "/store");
}

TEST_F(DirectoryTest, AFileInPlaceOfTheFolderIsAnError) {
  ASSERT_TRUE(io::WriteFileAtomically(disk_, root_ + "/file", "x").ok());
  EXPECT_FALSE(Directory::Open(disk_, root_ + "/file").ok());
  EXPECT_EQ(Directory::Open(disk_, "").status().code(), Code::kInvalidArgument);
}

TEST_F(DirectoryTest, ALinkedObjectIsRefusedAndNotListed) {
  ASSERT_TRUE(io::WriteFileAtomically(disk_, root_ + "/secret", "secret").ok());
  Link(root_ + "/secret", Path("object"));
  EXPECT_EQ(store_->Get("object", 100).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(store_->GetRange("object", 0, 1).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(store_->SizeOf("object").status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(store_->Delete("object").code(), Code::kFailedPrecondition);
  EXPECT_THAT(NamesOf(store_->List("", "", 10).value()), testing::IsEmpty());
}

TEST_F(DirectoryTest, ALinkedFolderIsRefusedAndNotEntered) {
  ASSERT_TRUE(io::CreateDirectories(disk_, root_ + "/elsewhere").ok());
  ASSERT_TRUE(io::WriteFileAtomically(disk_, root_ + "/elsewhere/file", "secret").ok());
  Link(root_ + "/elsewhere", Path("folder"));
  EXPECT_EQ(store_->Get("folder/file", 100).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(store_->Put("folder/new-file", "x").code(), Code::kFailedPrecondition);
  EXPECT_FALSE(disk_.Exists(root_ + "/elsewhere/new-file").value());
  EXPECT_THAT(NamesOf(store_->List("", "", 10).value()), testing::IsEmpty());
}

TEST_F(DirectoryTest, NothingIsWrittenThroughALink) {
  ASSERT_TRUE(io::WriteFileAtomically(disk_, root_ + "/victim", "untouched").ok());
  Link(root_ + "/victim", Path("object.new"));  // where a write begins
  Link(root_ + "/victim", Path("object"));      // where it ends
  ASSERT_TRUE(store_->Put("object", "bytes").ok());
  EXPECT_EQ(io::ReadWholeFile(disk_, root_ + "/victim").value(), "untouched");
  EXPECT_EQ(store_->Get("object", 5).value(), "bytes");
}

TEST_F(DirectoryTest, AFolderIsNoObject) {
  ASSERT_TRUE(store_->Put("a/b", "x").ok());
  EXPECT_EQ(store_->Get("a", 1).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(store_->Put("a", "x").code(), Code::kFailedPrecondition);
  EXPECT_EQ(store_->Put("a/b/c", "x").code(), Code::kFailedPrecondition);
}

TEST_F(DirectoryTest, WhatIsNotOursIsNotListed) {
  ASSERT_TRUE(store_->Put("ours", "x").ok());
  for (const std::string name : {".hidden", "with space", "half.new"}) {
    ASSERT_TRUE(io::WriteFileAtomically(disk_, Path(name), "x").ok());
  }
  EXPECT_THAT(NamesOf(store_->List("", "", 10).value()), testing::ElementsAre("ours"));
}

// A Put that has returned survives; one that has not is there whole or not at all.
TEST(DirectoryOnSimDisk, EveryCrashLeavesWholeObjects) {
  io::SimDisk disk;
  const auto store = Directory::Open(disk, "store").value();
  disk.StartTrace();
  const std::vector<std::pair<std::string, std::string>> puts = {
      {"a/1", std::string(1'500, 'a')}, {"a/b/2", "bb"}, {"a/1", std::string(1'200, 'c')}, {"d", ""}};
  for (size_t i = 0; i < puts.size(); ++i) {
    ASSERT_TRUE(store->Put(puts[i].first, puts[i].second).ok());
    disk.Mark(i + 1);
  }
  ASSERT_TRUE(store->Delete("a/b/2").ok());
  disk.Mark(puts.size() + 1);
  const auto counts = io::EnumerateCrashStates(disk.trace(), {}, [&](io::SimDisk& after, const io::CrashPoint& point) {
    const auto found = Directory::Open(after, "store").value();
    const auto get = [&](const std::string& name) {
      const auto bytes = found->Get(name, 10'000);
      return bytes.ok() ? *bytes : bytes.status().code() == Code::kNotFound ? "none" : bytes.status().ToString();
    };
    const auto acceptable = [&](const std::string& name) {
      std::set<std::string> accepted = {"none"};
      for (size_t i = 0; i < puts.size(); ++i) {
        if (puts[i].first != name) continue;
        if (i < point.mark) accepted.clear();
        if (i <= point.mark) accepted.insert(puts[i].second);
      }
      if (name == "a/b/2" && point.mark >= puts.size()) accepted.insert("none");
      if (name == "a/b/2" && point.mark > puts.size()) accepted = {"none"};
      return accepted;
    };
    for (const std::string name : {"a/1", "a/b/2", "d"}) {
      EXPECT_TRUE(acceptable(name).contains(get(name))) << name << " after " << point.after;
    }
  });
  EXPECT_GT(counts.states, 50u);
}

TEST(DirectoryOnSimDisk, AFailedWriteLeavesTheOldObject) {
  for (uint64_t nth = 0;; ++nth) {
    io::SimDisk disk;
    const auto store = Directory::Open(disk, "store").value();
    ASSERT_TRUE(store->Put("a/object", "old").ok());
    const uint64_t before = disk.operations();
    disk.FailOperation(nth, io::SimFault::kNoSpace);
    const Status put = store->Put("a/object", "new");
    if (disk.operations() - before <= nth) break;  // every call has failed once
    const std::string now = store->Get("a/object", 10).value();
    EXPECT_TRUE(now == "old" || now == "new") << nth;
    if (put.ok()) EXPECT_EQ(now, "new") << nth;
    EXPECT_TRUE(store->Put("a/object", "newer").ok()) << nth;
  }
}

}  // namespace
}  // namespace rhizome::blob
