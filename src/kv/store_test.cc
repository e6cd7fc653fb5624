#include "kv/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/scratch_testing.h"

namespace rhizome::kv {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest() { Reopen(); }
  void Reopen() {
    store_.reset();
    store_ = Store::Open(path_, {}).value();
  }
  void Put(Family family, std::string_view key, std::string_view value) {
    WriteBatch batch;
    batch.Put(family, key, value);
    ASSERT_TRUE(store_->Write(batch).ok());
  }
  std::vector<std::string> Keys(std::string_view prefix, std::string_view from = {}) {
    std::vector<std::string> keys;
    Cursor cursor = store_->Scan(Family::kPoints, prefix, from);
    for (; cursor.Valid(); cursor.Next()) keys.emplace_back(cursor.key());
    EXPECT_TRUE(cursor.status().ok());
    return keys;
  }

  const ScratchFolder folder_;
  const std::string& path_ = folder_.path();
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, WhatIsPutIsRead) {
  Put(Family::kPoints, "k", "v");
  EXPECT_EQ(store_->Get(Family::kPoints, "k").value(), "v");
}

TEST_F(StoreTest, WhatABatchIsHandedOverIsPutAndDeleted) {
  Put(Family::kGraph, "gone", "v");
  WriteBatch batch;
  batch.Adopt(Family::kGraph, "gone", std::nullopt);
  batch.Adopt(Family::kGraph, "k", "");
  batch.Adopt(Family::kGraph, "l", "v");
  ASSERT_TRUE(store_->Write(batch).ok());
  const std::vector<std::string> keys = {"gone", "k", "l"};
  EXPECT_THAT(store_->MultiGet(Family::kGraph, keys).value(), testing::ElementsAre(std::nullopt, "", "v"));
}

TEST_F(StoreTest, ASnapshotStaysAsItWas) {
  Put(Family::kPoints, "a", "1");
  Put(Family::kPoints, "b", "2");
  const Snapshot before = store_->TakeSnapshot();
  Put(Family::kPoints, "a", "changed");
  Put(Family::kPoints, "c", "3");
  WriteBatch gone;
  gone.Delete(Family::kPoints, "b");
  ASSERT_TRUE(store_->Write(gone).ok());
  ASSERT_TRUE(store_->Flush().ok());
  EXPECT_EQ(store_->Get(Family::kPoints, "a", &before).value(), "1");
  EXPECT_EQ(store_->Get(Family::kPoints, "a").value(), "changed");
  const std::vector<std::string> keys = {"a", "b", "c"};
  EXPECT_THAT(store_->MultiGet(Family::kPoints, keys, &before).value(),
              testing::ElementsAre(std::optional<std::string>("1"), std::optional<std::string>("2"), std::nullopt));
  std::vector<std::string> seen;
  for (Cursor cursor = store_->Scan(Family::kPoints, "", "", Store::Cache::kSpare, &before); cursor.Valid();
       cursor.Next()) {
    seen.emplace_back(cursor.key());
  }
  EXPECT_THAT(seen, testing::ElementsAre("a", "b"));
}

TEST_F(StoreTest, FamiliesAreSeparate) {
  Put(Family::kPoints, "k", "v");
  EXPECT_EQ(store_->Get(Family::kDocuments, "k").value(), std::nullopt);
}

TEST_F(StoreTest, MultiGetKeepsTheOrderAndTheGaps) {
  Put(Family::kPoints, "a", "1");
  Put(Family::kPoints, "c", "3");
  const std::vector<std::string> keys = {"c", "b", "a"};
  EXPECT_THAT(store_->MultiGet(Family::kPoints, keys).value(),
              testing::ElementsAre(std::optional<std::string>("3"), std::nullopt, std::optional<std::string>("1")));
}

TEST_F(StoreTest, ScanStaysInsideItsPrefix) {
  for (const char* key : {"a1", "b1", "b2", "c1"}) Put(Family::kPoints, key, "");
  EXPECT_THAT(Keys("b"), testing::ElementsAre("b1", "b2"));
  EXPECT_THAT(Keys("b", "b2"), testing::ElementsAre("b2"));
}

TEST_F(StoreTest, WhatWasFlushedIsThereAfterReopening) {
  Put(Family::kMeta, "k", "v");
  ASSERT_TRUE(store_->Flush().ok());
  Reopen();
  EXPECT_EQ(store_->Get(Family::kMeta, "k").value(), "v");
}

TEST_F(StoreTest, ADamagedTableFileIsReportedNotReturned) {
  Put(Family::kPoints, "k", std::string(5000, 'v'));
  ASSERT_TRUE(store_->Flush().ok());
  store_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file.put('\x7F');
  }
  const auto reopened = Store::Open(path_, {});
  const Code code = reopened.ok() ? (*reopened)->Get(Family::kPoints, "k").status().code() : reopened.status().code();
  EXPECT_EQ(code, Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::kv
