#include "cluster/catalogue.h"

#include <gtest/gtest.h>

#include <set>

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

TEST_F(CatalogueTest, TheMetricsStoreIsThereAfterAReopenAndOnlyOnce) {
  EXPECT_FALSE(catalogue_->Series().has_value());
  const StreamsEntry added = catalogue_->AddSeries(4, 1234).value();
  Open();
  EXPECT_EQ(catalogue_->Series(), added);
  EXPECT_EQ(added.shards, 4u);
  EXPECT_EQ(added.created_ms, 1234);
  EXPECT_EQ(catalogue_->AddSeries(4, 0).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(catalogue_->AddSeries(0, 0).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(catalogue_->AddSeries(65, 0).status().code(), Code::kInvalidArgument);
}

TEST_F(CatalogueTest, StreamsOfMetricsAreNoCollections) {
  const CatalogueEntry before = catalogue_->Add(Spec("a", 3), 0).value();
  const StreamsEntry metrics = catalogue_->AddSeries(4, 0).value();
  const CatalogueEntry after = catalogue_->Add(Spec("b"), 0).value();
  EXPECT_EQ(metrics.first_stream, before.first_shard + 3);
  EXPECT_EQ(after.first_shard, metrics.first_stream + 4);
}

TEST_F(CatalogueTest, AGraphHasAsManyShardsAsItsCollectionAndGoesWithIt) {
  const CatalogueEntry notes = catalogue_->Add(Spec("notes", 3), 0).value();
  EXPECT_EQ(catalogue_->AddGraph("others", 0).status().code(), Code::kNotFound);
  const StreamsEntry added = catalogue_->AddGraph("notes", 77).value();
  EXPECT_EQ(added, (StreamsEntry{notes.first_shard + 3, 3, 77}));
  EXPECT_EQ(catalogue_->AddGraph("notes", 0).status().code(), Code::kAlreadyExists);
  Open();
  EXPECT_EQ(catalogue_->Graphs(), (std::map<Uuid, StreamsEntry>{{notes.id, added}}));
  ASSERT_TRUE(catalogue_->Remove("notes").ok());
  EXPECT_TRUE(catalogue_->Graphs().empty());
  Open();
  EXPECT_TRUE(catalogue_->Graphs().empty());
}

TEST_F(CatalogueTest, AnEntryOfMetricsThatNobodyWroteIsCorruption) {
  const std::string bytes = EncodeStreams({7, 4, 99});
  EXPECT_EQ(DecodeStreams(bytes).value(), (StreamsEntry{7, 4, 99}));
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeStreams(bytes.substr(0, length)).status().code(), Code::kCorruption);
  }
  EXPECT_EQ(DecodeStreams(bytes + "x").status().code(), Code::kCorruption);
  EXPECT_EQ(DecodeStreams(EncodeStreams({7, 0, 99})).status().code(), Code::kCorruption);
  EXPECT_EQ(DecodeStreams(EncodeStreams({7, 65, 99})).status().code(), Code::kCorruption);
  EXPECT_EQ(DecodeStreams(EncodeStreams({UINT32_MAX, 1, 99})).status().code(), Code::kCorruption);
}

TEST_F(CatalogueTest, ShardNumbersAreNeverGivenTwice) {
  const CatalogueEntry first = catalogue_->Add(Spec("a", 3), 0).value();
  ASSERT_TRUE(catalogue_->Remove("a").ok());
  Open();
  const CatalogueEntry second = catalogue_->Add(Spec("a"), 0).value();
  EXPECT_EQ(second.first_shard, first.first_shard + 3);
}

TEST_F(CatalogueTest, WhatIsThereTwiceOrNotAtAllIsSaid) {
  ASSERT_TRUE(catalogue_->Add(Spec("a"), 0).ok());
  EXPECT_EQ(catalogue_->Add(Spec("a"), 0).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(catalogue_->Remove("b").code(), Code::kNotFound);
}

TEST_F(CatalogueTest, WhatIsRemovedStaysAway) {
  ASSERT_TRUE(catalogue_->Add(Spec("a"), 0).ok());
  ASSERT_TRUE(catalogue_->Remove("a").ok());
  Open();
  EXPECT_TRUE(catalogue_->List().empty());
}

ReplicaSpec Replica(uint32_t shard) {
  ReplicaSpec replica;
  replica.spec = Spec("c", 8);
  replica.collection = Uuid::FromName("c");
  replica.partition = 2;
  replica.shard = shard;
  replica.since = 9;
  return replica;
}

TEST_F(CatalogueTest, AReplicaIsThereAfterAReopen) {
  const ReplicaEntry added = catalogue_->AddReplica(Replica(70), 1234).value();
  Open();
  const ReplicaEntry found = catalogue_->FindReplica(70).value();
  EXPECT_EQ(found.stream, added.stream);
  EXPECT_EQ(found.created_ms, 1234);
  EXPECT_EQ(found.spec.collection, Replica(70).collection);
  EXPECT_EQ(found.spec.partition, 2u);
  EXPECT_EQ(found.spec.since, 9u);
  EXPECT_EQ(catalogue_->Replicas().size(), 1u);
}

TEST_F(CatalogueTest, StreamsOfReplicasAreNeverGivenTwice) {
  const uint32_t first = catalogue_->AddReplica(Replica(70), 0).value().stream;
  EXPECT_EQ(catalogue_->AddReplica(Replica(70), 0).value().stream, first);
  ASSERT_TRUE(catalogue_->RemoveReplica(70).ok());
  EXPECT_EQ(catalogue_->RemoveReplica(70).code(), Code::kNotFound);
  EXPECT_EQ(catalogue_->FindReplica(70).status().code(), Code::kNotFound);
  Open();
  const CatalogueEntry collection = catalogue_->Add(Spec("a", 3), 0).value();
  const uint32_t second = catalogue_->AddReplica(Replica(70), 0).value().stream;
  EXPECT_EQ(std::set<uint32_t>({first, collection.first_shard, second}).size(), 3u);
  EXPECT_EQ(second, first + 4);
}

// What failed may yet have reached the database: another entry must not share its numbers after a restart.
TEST_F(CatalogueTest, NumbersOfAFailedAddAreSpent) {
  disk_.SetCapacity(disk_.used_bytes());
  EXPECT_EQ(catalogue_->Add(Spec("ghost", 2), 0).status().code(), Code::kNoSpace);
  disk_.SetCapacity(UINT64_MAX);
  ASSERT_TRUE(store_->TryResume().ok());
  ASSERT_TRUE(catalogue_->Add(Spec("a"), 0).ok());
  Open();
  std::set<uint32_t> numbers;
  uint32_t shards = 0;
  for (const CatalogueEntry& entry : catalogue_->List()) {
    for (uint32_t n = 0; n < entry.spec.shards; ++n) numbers.insert(entry.first_shard + n);
    shards += entry.spec.shards;
  }
  EXPECT_EQ(numbers.size(), shards);
  EXPECT_EQ(catalogue_->Add(Spec("b"), 0).value().first_shard, 4u);
}

TEST(ReplicaEntry, EveryTruncationAndImpossibleValueIsCorruption) {
  const std::string bytes = EncodeReplica({Replica(70), 5, 7});
  EXPECT_TRUE(DecodeReplica(bytes).ok());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeReplica(std::string_view(bytes).substr(0, length)).status().code(), Code::kCorruption);
  }
  EXPECT_EQ(DecodeReplica(bytes + "x").status().code(), Code::kCorruption);
  EXPECT_EQ(DecodeReplica(EncodeReplica({Replica(0), 5, 7})).status().code(), Code::kCorruption);
  EXPECT_EQ(DecodeReplica("\x03" + bytes.substr(1)).status().code(), Code::kCorruption);
}

TEST(ReplicaEntry, OneOfSeriesReadsBackAndNeedsNothingOfPoints) {
  ReplicaEntry entry{Replica(70), 5, 7};
  entry.spec.kind = ReplicaKind::kSeries;
  entry.spec.spec = {};
  entry.spec.spec.name = "metrics:default";
  entry.spec.spec.shards = 8;
  const std::string bytes = EncodeReplica(entry);
  EXPECT_EQ(bytes[0], 2);
  const auto decoded = DecodeReplica(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->spec.kind, ReplicaKind::kSeries);
  EXPECT_EQ(decoded->spec.spec.name, "metrics:default");
  EXPECT_EQ(decoded->stream, 7u);
  // Its name is none of points.
  EXPECT_EQ(DecodeReplica("\x01" + bytes.substr(1)).status().code(), Code::kCorruption);
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
