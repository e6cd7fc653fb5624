// Replicas of series at a node, beside those of points.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/node.h"
#include "io/sim_disk.h"
#include "shard/series_shard.h"
#include "shard/series_testing.h"

namespace rhizome::cluster {
namespace {

using shard::BatchOf;
using testing::HasSubstr;

constexpr int64_t kNow = 1'700'000'000'000;

ReplicaSpec Spec(uint32_t shard) {
  ReplicaSpec replica;
  replica.kind = ReplicaKind::kSeries;
  replica.spec.name = "metrics:default";
  replica.spec.shards = 8;
  replica.collection = Uuid::FromName("metrics");
  replica.shard = shard;
  return replica;
}

class SeriesReplicaTest : public testing::Test {
 protected:
  SeriesReplicaTest() { Open(); }
  void Open() {
    node_.reset();
    NodeOptions options;
    options.data_dir = "/data";
    options.index_threads = 1;
    options.memtable_bytes = 1 << 20;
    auto node = Node::Open(disk_, options);
    ASSERT_TRUE(node.ok()) << node.status().ToString();
    node_ = std::move(node).value();
  }
  Status Merge(uint32_t shard, const std::string& metric, double value) {
    const auto replica = node_->SeriesReplica(shard);
    if (!replica.ok()) return replica.status();
    std::string batch = BatchOf({{metric, kNow, value}});
    format::StampVersion(batch, {static_cast<uint64_t>(kNow) << 16, 1});
    return (*replica)->Merge(batch);
  }
  shard::Shown All(uint32_t shard) { return shard::ShownBy(node_->SeriesReplica(shard).value()->engine()); }

  io::SimDisk disk_;
  std::unique_ptr<Node> node_;
};

TEST_F(SeriesReplicaTest, WhatIsMergedIsThereAfterARestartFromTheLogOrFromBlocks) {
  ASSERT_TRUE(node_->AddReplica(Spec(5)).ok());
  ASSERT_TRUE(Merge(5, "a", 1).ok());
  ASSERT_TRUE(node_->Checkpoint().ok());
  ASSERT_TRUE(Merge(5, "b", 2).ok());
  Open();
  EXPECT_EQ(All(5), (shard::Shown{{"a", {{kNow, 1}}}, {"b", {{kNow, 2}}}}));
  EXPECT_EQ(node_->Replicas().at(0).spec.kind, ReplicaKind::kSeries);
  EXPECT_FALSE(node_->Replicas().at(0).spec.complete);
  ASSERT_TRUE(node_->MarkReplicaComplete(5, 0).ok());
  Open();
  EXPECT_TRUE(node_->Replicas().at(0).spec.complete);
}

TEST_F(SeriesReplicaTest, ACheckpointCutsTheLogBehindThem) {
  ASSERT_TRUE(node_->AddReplica(Spec(5)).ok());
  ASSERT_TRUE(Merge(5, "a", 1).ok());
  ASSERT_TRUE(node_->Checkpoint().ok());
  const ShardInfo info = node_->Shards().at(0);
  EXPECT_GT(info.applied_lsn, 0u);
  EXPECT_EQ(info.checkpoint_lsn, info.applied_lsn);
}

TEST_F(SeriesReplicaTest, ADirectoryWithOneSaysSo) {
  ASSERT_TRUE(node_->AddReplica(Spec(5)).ok());
  EXPECT_EQ(io::ReadWholeFile(disk_, "/data/FORMAT").value(), "rhizome data directory 4\n");
  Open();
  EXPECT_EQ(io::ReadWholeFile(disk_, "/data/FORMAT").value(), "rhizome data directory 4\n");
}

TEST_F(SeriesReplicaTest, EachKindRefusesToBeTheOther) {
  ASSERT_TRUE(node_->AddReplica(Spec(5)).ok());
  EXPECT_EQ(node_->Replica(5).status().code(), Code::kInvalidArgument);
  ReplicaSpec points = Spec(6);
  points.kind = ReplicaKind::kPoints;
  points.spec.name = "c";
  points.spec.dimension = 2;
  ASSERT_TRUE(node_->AddReplica(points).ok());
  EXPECT_EQ(node_->SeriesReplica(6).status().code(), Code::kInvalidArgument);
  points.shard = 5;
  EXPECT_EQ(node_->AddReplica(points).code(), Code::kAlreadyExists);
}

TEST_F(SeriesReplicaTest, OneThatIsDroppedLeavesNothingToTheNext) {
  ASSERT_TRUE(node_->AddReplica(Spec(5)).ok());
  ASSERT_TRUE(Merge(5, "a", 1).ok());
  const auto held = node_->SeriesReplica(5).value();
  ASSERT_TRUE(node_->DropReplica(5).ok());
  EXPECT_EQ(held->Merge(BatchOf({{"b", kNow, 1}})).code(), Code::kNotFound);
  EXPECT_EQ(node_->SeriesReplica(5).status().code(), Code::kNotFound);
  ASSERT_TRUE(node_->AddReplica(Spec(5)).ok());
  EXPECT_TRUE(All(5).empty());
  Open();
  EXPECT_TRUE(All(5).empty());
}

TEST_F(SeriesReplicaTest, DamageCostsOneReplicaAndNotTheNode) {
  for (const uint32_t shard : {5, 6}) {
    ASSERT_TRUE(node_->AddReplica(Spec(shard)).ok());
    ASSERT_TRUE(Merge(shard, "a", 1).ok());
  }
  node_.reset();  // checkpoints
  // The first replica's folder is that of the lowest stream.
  const std::string folder = "/data/shards/" + disk_.List("/data/shards").value().at(0);
  ASSERT_TRUE(disk_.Remove(folder + "/MANIFEST").ok());
  Open();
  EXPECT_EQ(node_->ReadOnlyReason(), "");
  EXPECT_EQ(node_->SeriesReplica(5).status().code(), Code::kCorruption);
  EXPECT_THAT(node_->Replicas().at(0).damage, HasSubstr("is gone"));
  EXPECT_EQ(node_->Shards().at(0).state, "damaged");
  EXPECT_EQ(All(6).size(), 1u);
  ASSERT_TRUE(Merge(6, "b", 1).ok());
  ASSERT_TRUE(node_->DropReplica(5).ok());
  ASSERT_TRUE(node_->AddReplica(Spec(5)).ok());
  EXPECT_TRUE(All(5).empty());
}

}  // namespace
}  // namespace rhizome::cluster
