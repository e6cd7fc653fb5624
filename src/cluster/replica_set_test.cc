#include "cluster/replica_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/node.h"
#include "engines/vector/snapshot.h"
#include "io/sim_disk.h"
#include "kv/rocks_file_system.h"
#include "kv/store.h"
#include "wal/log.h"

namespace rhizome::cluster {
namespace {

using format::Operation;
using format::Point;
using format::PointId;
using format::UpsertPoint;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ReplicaSpec Spec(uint32_t shard, uint32_t partition = 0) {
  ReplicaSpec replica;
  replica.spec.name = "c";
  replica.spec.dimension = 2;
  replica.spec.shards = 8;
  replica.spec.replication_factor = 3;
  replica.collection = Uuid::FromName("c");
  replica.partition = partition;
  replica.shard = shard;
  return replica;
}

class ReplicaSetTest : public testing::Test {
 protected:
  ReplicaSetTest() { Open(); }
  void Open() {
    node_.reset();
    NodeOptions options;
    options.data_dir = "/data";
    options.index_threads = 1;
    auto node = Node::Open(disk_, options);
    ASSERT_TRUE(node.ok()) << node.status().ToString();
    node_ = std::move(node).value();
  }
  void Add(const ReplicaSpec& spec) {
    const Status status = node_->AddReplica(spec);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  Status Merge(uint32_t shard, uint64_t id, uint64_t time) {
    const auto replica = node_->Replica(shard);
    if (!replica.ok()) return replica.status();
    return (*replica)->Merge({{{time, 1}, UpsertPoint{Point{PointId(id), {1, 2}, "", "", ""}}}});
  }
  std::vector<uint64_t> Points(uint32_t shard) {
    std::vector<uint64_t> ids;
    const auto replica = node_->Replica(shard).value();
    for (const auto& point : replica->engine().Scroll({}, 1000, nullptr, false).value().points) {
      ids.push_back(point.point.id.number());
    }
    return ids;
  }
  std::string FolderOf(uint32_t shard) {
    return "/data/shards/replica-" + std::to_string(node_->Replica(shard).value()->number());
  }

  io::SimDisk disk_;
  std::unique_ptr<Node> node_;
};

TEST_F(ReplicaSetTest, WhatWasMergedIsThereAfterAReopen) {
  ReplicaSpec spec = Spec(5, 3);
  spec.since = 77;
  Add(spec);
  ASSERT_TRUE(Merge(5, 1, 10).ok());
  Open();
  EXPECT_THAT(Points(5), ElementsAre(1));
  const ReplicaInfo info = node_->Replicas().at(0);
  EXPECT_EQ(info.spec.shard, 5u);
  EXPECT_EQ(info.spec.partition, 3u);
  EXPECT_EQ(info.spec.since, 77u);
  EXPECT_EQ(info.spec.collection, spec.collection);
  EXPECT_EQ(info.spec.spec.dimension, 2u);
  EXPECT_EQ(info.damage, "");
  EXPECT_EQ(info.refusal, "");
}

TEST_F(ReplicaSetTest, AFullDiskThatTheLogMeetsIsEveryReplicasRefusal) {
  Add(Spec(5));
  Add(Spec(6));
  ASSERT_TRUE(Merge(5, 1, 10).ok());
  disk_.SetCapacity(disk_.used_bytes());
  // What is older than what is there is logged and changes nothing: only the log grows.
  const std::string text(1'000'000, 'x');
  const Operation old{{9, 1}, UpsertPoint{Point{PointId(1), {1, 2}, "", text, ""}}};
  int merges = 0;
  while (merges < 200 && (*node_->Replica(5))->Merge({old}).ok()) ++merges;
  ASSERT_LT(merges, 200);
  for (const ReplicaInfo& info : node_->Replicas()) EXPECT_THAT(info.refusal, HasSubstr("no_space"));
}

TEST_F(ReplicaSetTest, AddingTwiceIsAddingOnce) {
  Add(Spec(5));
  ASSERT_TRUE(Merge(5, 1, 10).ok());
  ReplicaSpec again = Spec(5);
  again.since = 9;
  again.spec.replication_factor = 5;
  Add(again);
  EXPECT_THAT(Points(5), ElementsAre(1));
  EXPECT_EQ(node_->Replicas().size(), 1u);
  EXPECT_EQ(node_->Replicas()[0].spec.since, 0u);
}

TEST_F(ReplicaSetTest, ANumberIsOneShards) {
  Add(Spec(5));
  ReplicaSpec other = Spec(5);
  other.collection = Uuid::FromName("other");
  EXPECT_EQ(node_->AddReplica(other).code(), Code::kAlreadyExists);
  EXPECT_EQ(node_->AddReplica(Spec(5, 1)).code(), Code::kAlreadyExists);
  other = Spec(5);
  other.spec.dimension = 3;
  EXPECT_EQ(node_->AddReplica(other).code(), Code::kAlreadyExists);
}

TEST_F(ReplicaSetTest, AbsurdSpecsAreRefusedByField) {
  EXPECT_EQ(node_->AddReplica(Spec(0)).field(), "shard");
  ReplicaSpec spec = Spec(5);
  spec.collection = Uuid{};
  EXPECT_EQ(node_->AddReplica(spec).field(), "collection");
  spec = Spec(5);
  spec.spec.name = "../x";
  EXPECT_EQ(node_->AddReplica(spec).field(), "name");
  EXPECT_THAT(node_->Replicas(), IsEmpty());
}

TEST_F(ReplicaSetTest, WhatIsNotThereIsSaid) {
  EXPECT_EQ(node_->Replica(5).status().code(), Code::kNotFound);
  EXPECT_EQ(node_->DropReplica(5).code(), Code::kNotFound);
}

TEST_F(ReplicaSetTest, NothingOfADroppedReplicaReachesItsSuccessor) {
  Add(Spec(5));
  ASSERT_TRUE(Merge(5, 1, 10).ok());
  const std::string folder = FolderOf(5);
  ASSERT_TRUE(node_->DropReplica(5).ok());
  EXPECT_FALSE(disk_.Exists(folder).value());
  Add(Spec(5));
  ASSERT_TRUE(Merge(5, 2, 5).ok());
  EXPECT_THAT(Points(5), ElementsAre(2));
  EXPECT_EQ(node_->Replica(5).value()->engine().Versions(std::vector{"p" + PointId(1).Encode()}).value()[0].version,
            Version{});
  io::SimState state = disk_.state();  // as after a crash: both records are in the log
  node_.reset();
  io::SimDisk crashed(std::move(state), {});
  NodeOptions options;
  options.data_dir = "/data";
  node_ = Node::Open(crashed, options).value();
  EXPECT_THAT(Points(5), ElementsAre(2));
  node_.reset();
}

TEST_F(ReplicaSetTest, ADropLeavesNothingInTheDatabase) {
  Add(Spec(5));
  ASSERT_TRUE(Merge(5, 1, 10).ok());
  const uint32_t stream = node_->Replica(5).value()->number();
  ASSERT_TRUE(node_->DropReplica(5).ok());
  node_.reset();
  const auto env = kv::NewDiskEnv(disk_);
  kv::StoreOptions options;
  options.env = env.get();
  const auto store = kv::Store::Open("/data/database", options).value();
  EXPECT_FALSE(store->Scan(kv::Family::kPoints, "").Valid());
  EXPECT_EQ(store->Get(kv::Family::kMeta, vector::AppliedKey(stream)).value(), std::nullopt);
}

TEST_F(ReplicaSetTest, RowsThatAnInterruptedDropLeftGoAtTheNextStart) {
  Add(Spec(5));
  ASSERT_TRUE(Merge(5, 1, 10).ok());
  node_.reset();
  const auto env = kv::NewDiskEnv(disk_);
  kv::StoreOptions options;
  options.env = env.get();
  {
    const auto store = kv::Store::Open("/data/database", options).value();
    kv::WriteBatch batch;
    for (const char* row : {"a", "b"}) batch.Put(kv::Family::kPoints, vector::ShardPrefix(4711) + row, "");
    ASSERT_TRUE(store->Write(batch).ok());
    ASSERT_TRUE(store->Flush().ok());
  }
  Open();
  EXPECT_THAT(Points(5), ElementsAre(1));
  node_.reset();
  const auto store = kv::Store::Open("/data/database", options).value();
  EXPECT_FALSE(store->Scan(kv::Family::kPoints, vector::ShardPrefix(4711)).Valid());
}

TEST_F(ReplicaSetTest, AReplicaHeldAcrossItsDropTakesNoWrites) {
  Add(Spec(5));
  ASSERT_TRUE(Merge(5, 1, 10).ok());
  const auto held = node_->Replica(5).value();
  ASSERT_TRUE(node_->DropReplica(5).ok());
  EXPECT_EQ(held->Merge({{{20, 1}, format::DeletePoint{PointId(1)}}}).code(), Code::kNotFound);
  EXPECT_EQ(held->engine().points(), 1u);
}

TEST_F(ReplicaSetTest, ReplicasAndCollectionsDoNotMeet) {
  CollectionSpec local;
  local.name = "local";
  local.dimension = 2;
  local.shards = 2;
  ASSERT_TRUE(node_->CreateCollection(local).ok());
  for (uint32_t shard = 1; shard <= 4; ++shard) {
    Add(Spec(shard, shard));
    ASSERT_TRUE(Merge(shard, 100 + shard, 10).ok());
  }
  local.name = "later";
  ASSERT_TRUE(node_->CreateCollection(local).ok());
  for (const char* name : {"local", "later"}) {
    ASSERT_TRUE(node_->Write(name, {{{}, UpsertPoint{Point{PointId(1), {1, 2}, "", "", ""}}}}).ok());
  }
  Open();
  for (uint32_t shard = 1; shard <= 4; ++shard) EXPECT_THAT(Points(shard), ElementsAre(100 + shard));
  EXPECT_EQ(node_->Count("local", nullptr).value(), 1u);
  EXPECT_EQ(node_->Count("later", nullptr).value(), 1u);
  EXPECT_EQ(node_->Stats()["points"], 6.0);
  std::vector<std::string> shards;
  for (const ShardInfo& info : node_->Shards()) {
    shards.push_back(info.collection + " " + std::to_string(info.shard) + " " + info.state);
  }
  EXPECT_THAT(shards, testing::IsSupersetOf({"c 1 active", "c 2 active", "c 3 active", "c 4 active"}));
  EXPECT_EQ(shards.size(), 8u);
}

TEST_F(ReplicaSetTest, ACheckpointCoversReplicas) {
  Add(Spec(5));
  ASSERT_TRUE(Merge(5, 1, 10).ok());
  ASSERT_TRUE(node_->Checkpoint().ok());
  const ShardInfo info = node_->Shards().at(0);
  EXPECT_GT(info.applied_lsn, 0u);
  EXPECT_EQ(info.checkpoint_lsn, info.applied_lsn);
}

// A version that knows no replicas would take their folders for what a drop has left behind.
TEST_F(ReplicaSetTest, ADirectoryWithReplicasSaysSo) {
  const auto format = [this] { return io::ReadWholeFile(disk_, "/data/FORMAT").value(); };
  EXPECT_EQ(format(), "rhizome data directory 1\n");
  Add(Spec(5));
  EXPECT_EQ(format(), "rhizome data directory 2\n");
  Open();
  EXPECT_EQ(format(), "rhizome data directory 2\n");
}

TEST_F(ReplicaSetTest, ADamagedSnapshotCostsOneReplicaOnly) {
  Add(Spec(5));
  Add(Spec(6, 1));
  for (const uint32_t shard : {5, 6}) ASSERT_TRUE(Merge(shard, 1, 10).ok());
  const std::string folder = FolderOf(5);
  node_.reset();  // checkpoints
  ASSERT_TRUE(disk_.FlipBit(folder + "/MANIFEST", 12, 3).ok());
  Open();
  EXPECT_EQ(node_->ReadOnlyReason(), "");
  EXPECT_EQ(node_->Replica(5).status().code(), Code::kCorruption);
  EXPECT_EQ(node_->AddReplica(Spec(5)).code(), Code::kCorruption);
  EXPECT_THAT(node_->Replicas().at(0).damage, HasSubstr("manifest"));
  EXPECT_EQ(node_->Shards().at(0).state, "damaged");
  EXPECT_EQ(node_->Replicas().at(1).damage, "");
  EXPECT_TRUE(Merge(6, 2, 20).ok());
  EXPECT_TRUE(node_->Checkpoint().ok());  // the damaged one needs no log: its peers have everything
  ASSERT_TRUE(node_->DropReplica(5).ok());
  Add(Spec(5));
  ASSERT_TRUE(Merge(5, 9, 30).ok());
  Open();
  EXPECT_THAT(Points(5), ElementsAre(9));
  EXPECT_THAT(Points(6), ElementsAre(1, 2));
}

TEST_F(ReplicaSetTest, ARecordThatCannotBeAppliedCostsOneReplicaOnly) {
  Add(Spec(5));
  Add(Spec(6, 1));
  const uint32_t stream = node_->Replica(5).value()->number();
  ASSERT_TRUE(Merge(5, 1, 10).ok());
  node_.reset();
  {
    const auto log = wal::Log::Open(disk_, "/data/log").value();
    ASSERT_TRUE(log->Append(stream, "not a batch").ok());
    const std::vector<Operation> good = {{{20, 1}, UpsertPoint{Point{PointId(7), {1, 2}, "", "", ""}}}};
    ASSERT_TRUE(log->Append(stream + 1, format::EncodeBatch(good)).ok());
  }
  Open();
  EXPECT_EQ(node_->ReadOnlyReason(), "");
  EXPECT_THAT(node_->Replicas().at(0).damage, HasSubstr("operation batch"));
  EXPECT_EQ(Merge(5, 2, 20).code(), Code::kCorruption);
  EXPECT_THAT(Points(6), ElementsAre(7));
}

TEST_F(ReplicaSetTest, ALogThatLostItsEndDamagesThemAll) {
  Add(Spec(5));
  Add(Spec(6, 1));
  ASSERT_TRUE(Merge(5, 1, 10).ok());
  node_.reset();
  ASSERT_TRUE(io::RemoveTree(disk_, "/data/log").ok());
  Open();
  EXPECT_THAT(node_->ReadOnlyReason(), HasSubstr("records are missing"));
  for (const ReplicaInfo& info : node_->Replicas()) EXPECT_THAT(info.damage, HasSubstr("records are missing"));
  EXPECT_EQ(node_->Replica(6).status().code(), Code::kCorruption);
}

TEST_F(ReplicaSetTest, VersionsAreAboveWhatWasMerged) {
  const Version future{uint64_t{4'000'000'000'000} << 16, 9};
  Add(Spec(5));
  ASSERT_TRUE(Merge(5, 1, future.time).ok());
  EXPECT_GT(node_->versions().Next(), future);
  Open();
  EXPECT_GT(node_->versions().Next(), future);
}

}  // namespace
}  // namespace rhizome::cluster
