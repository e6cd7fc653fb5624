#include "cluster/catalogue.h"

#include <gtest/gtest.h>

#include "io/sim_disk.h"
#include "kv/rocks_file_system.h"

namespace rhizome::cluster {
namespace {

CollectionSpec Spec(const std::string& name, uint32_t shards = 1) {
  CollectionSpec spec;
  spec.name = name;
  spec.dimension = 4;
  spec.shards = shards;
  return spec;
}

class CatalogueTest : public testing::Test {
 protected:
  CatalogueTest() {
    EXPECT_TRUE(disk_.CreateDirectory("/db").ok());
    env_ = kv::NewDiskEnv(disk_);
    Open();
  }
  void Open() {
    catalogue_.reset();
    store_.reset();
    kv::StoreOptions options;
    options.env = env_.get();
    store_ = kv::Store::Open("/db", options).value();
    catalogue_ = Catalogue::Open(*store_).value();
  }

  io::SimDisk disk_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<Catalogue> catalogue_;
};

TEST_F(CatalogueTest, ACollectionIsThereAfterAReopen) {
  const CatalogueEntry added = catalogue_->Add(Spec("c", 3), 1234).value();
  Open();
  const auto entries = catalogue_->List();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].id, added.id);
  EXPECT_EQ(entries[0].created_ms, 1234);
  EXPECT_EQ(entries[0].spec.shards, 3u);
}

TEST_F(CatalogueTest, ShardNumbersAreNeverGivenTwice) {
  const CatalogueEntry first = catalogue_->Add(Spec("a", 3), 0).value();
  ASSERT_TRUE(catalogue_->Remove("a", {}).ok());
  Open();
  const CatalogueEntry second = catalogue_->Add(Spec("a"), 0).value();
  EXPECT_EQ(second.first_shard, first.first_shard + 3);
}

TEST_F(CatalogueTest, WhatIsThereTwiceOrNotAtAllIsSaid) {
  ASSERT_TRUE(catalogue_->Add(Spec("a"), 0).ok());
  EXPECT_EQ(catalogue_->Add(Spec("a"), 0).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(catalogue_->Remove("b", {}).code(), Code::kNotFound);
}

TEST_F(CatalogueTest, RemovingCarriesItsCleanupAlong) {
  ASSERT_TRUE(catalogue_->Add(Spec("a"), 0).ok());
  kv::WriteBatch put;
  put.Put(kv::Family::kPoints, "k", "v");
  ASSERT_TRUE(store_->Write(put).ok());
  kv::WriteBatch cleanup;
  cleanup.Delete(kv::Family::kPoints, "k");
  ASSERT_TRUE(catalogue_->Remove("a", std::move(cleanup)).ok());
  Open();
  EXPECT_TRUE(catalogue_->List().empty());
  EXPECT_EQ(store_->Get(kv::Family::kPoints, "k").value(), std::nullopt);
}

TEST(CatalogueEntry, EveryTruncationIsCorruption) {
  const std::string bytes = EncodeEntry({Spec("name", 2), Uuid::Random(), 5, 7});
  EXPECT_TRUE(DecodeEntry(bytes).ok());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeEntry(std::string_view(bytes).substr(0, length)).status().code(), Code::kCorruption);
  }
}

}  // namespace
}  // namespace rhizome::cluster
