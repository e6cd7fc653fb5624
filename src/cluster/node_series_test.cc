// A node's metrics store: made when it is first needed, on the node's log, there again after a crash.
#include <gtest/gtest.h>

#include <thread>

#include "base/clock.h"
#include "cluster/node.h"
#include "io/sim_disk.h"
#include "shard/series_shards.h"
#include "shard/series_testing.h"

namespace rhizome::cluster {
namespace {

using shard::NamedSample;
using shard::Shown;

class NodeSeriesTest : public testing::Test {
 protected:
  NodeSeriesTest() {
    options_.data_dir = "/data";
    options_.memtable_bytes = 1 << 20;
    Open();
  }
  void Open() {
    node_.reset();
    auto node = Node::Open(disk_, options_);
    ASSERT_TRUE(node.ok()) << node.status().ToString();
    node_ = std::move(node).value();
  }
  void CrashAndOpen() {
    disk_.Crash();
    Open();
  }
  Status Write(const NamedSample& sample) {
    ASSIGN_OR_RETURN(const auto shards, node_->MakeSeries());
    const std::string batch = shard::BatchOf({sample});
    return shards->at(shards->ShardOf(format::SeriesBatch::Trusted(batch).LabelsOf(0))).Write(batch);
  }
  Shown All() {
    const auto shards = node_->Series().value();
    Shown all;
    for (size_t i = 0; shards != nullptr && i < shards->size(); ++i) all.merge(shard::ShownBy(shards->at(i).engine()));
    return all;
  }
  std::string Format() { return io::ReadWholeFile(disk_, "/data/FORMAT").value(); }
  static int64_t Now() { return SystemClock().WallMs(); }

  io::SimDisk disk_;
  NodeOptions options_;
  std::unique_ptr<Node> node_;
};

TEST_F(NodeSeriesTest, AFolderWithoutMetricsStaysAsItWas) {
  EXPECT_EQ(node_->Series().value(), nullptr);
  Open();
  EXPECT_EQ(Format(), "rhizome data directory 1\n");
  ASSERT_TRUE(node_->MakeSeries().ok());
  EXPECT_EQ(Format(), "rhizome data directory 3\n");
}

TEST_F(NodeSeriesTest, AReplicaDoesNotTakeTheMetricsMarkAway) {
  ASSERT_TRUE(node_->MakeSeries().ok());
  ReplicaSpec replica;
  replica.shard = 5;
  replica.collection = Uuid::Random();
  replica.spec.name = "c";
  ASSERT_TRUE(node_->AddReplica(replica).ok());
  EXPECT_EQ(Format(), "rhizome data directory 3\n");
}

TEST_F(NodeSeriesTest, WhatWasAcknowledgedIsThereAfterACrash) {
  const int64_t now = Now();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Write({"m" + std::to_string(i), now, 1.0 * i}).ok());
  const Shown before = All();
  EXPECT_EQ(before.size(), 20u);
  CrashAndOpen();
  EXPECT_EQ(All(), before);
  ASSERT_TRUE(node_->Checkpoint().ok());
  ASSERT_TRUE(Write({"m0", now + 1, 7}).ok());
  CrashAndOpen();
  EXPECT_EQ(All().at("m0"), (std::map<int64_t, double>{{now, 0}, {now + 1, 7}}));
  EXPECT_EQ(All().size(), 20u);
}

TEST_F(NodeSeriesTest, CollectionsAndMetricsShareTheLogAndNothingElse) {
  CollectionSpec spec;
  spec.name = "c";
  spec.dimension = 2;
  spec.shards = 2;
  ASSERT_TRUE(node_->CreateCollection(spec).ok());
  const auto upsert = [&](uint64_t id) {
    return node_->Write("c", {{{}, format::UpsertPoint{{format::PointId(id), {1, 0}, "", "", ""}}}});
  };
  const int64_t now = Now();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Write({"m" + std::to_string(i), now, 1}).ok());
    ASSERT_TRUE(upsert(static_cast<uint64_t>(i)).ok());
  }
  CrashAndOpen();
  EXPECT_EQ(All().size(), 10u);
  EXPECT_EQ(node_->Count("c", nullptr).value(), 10u);
}

TEST_F(NodeSeriesTest, TheNumberOfShardsIsThatOfTheFirstTime) {
  options_.series_shards = 3;
  Open();
  ASSERT_TRUE(Write({"a", Now(), 1}).ok());
  options_.series_shards = 7;
  Open();
  EXPECT_EQ(node_->MakeSeries().value()->size(), 3u);
  EXPECT_EQ(All().size(), 1u);
}

TEST_F(NodeSeriesTest, TheHousekeeperCheckpointsMetricsToo) {
  options_.checkpoint_log_bytes = 1 << 20;
  Open();
  const int64_t now = Now();
  std::vector<NamedSample> samples;
  for (int i = 0; i < 10'000; ++i) samples.push_back({"a", now + i % 1'000, 0.5 * i});
  const std::string batch = shard::BatchOf(samples);
  const auto shards = node_->MakeSeries().value();
  const int64_t deadline_ns = SystemClock().MonotonicNs() + 120'000'000'000;
  while (node_->Stats().at("checkpoints_total") < 2 && SystemClock().MonotonicNs() < deadline_ns) {
    ASSERT_TRUE(shards->at(0).Write(batch).ok());
  }
  EXPECT_GE(node_->Stats().at("checkpoints_total"), 2);
  EXPECT_GT(shards->at(0).engine().checkpoint_lsn(), 0u);
}

TEST_F(NodeSeriesTest, WhatSeriesTakeThatAreLongIdleAsksForNoCheckpoints) {
  options_.checkpoint_log_bytes = 1 << 20;
  Open();
  const auto shards = node_->MakeSeries().value();
  std::vector<NamedSample> samples;
  for (int i = 0; i < 40'000; ++i) samples.push_back({"m" + std::to_string(i), Now(), 1});
  ASSERT_TRUE(shards->at(0).Write(shard::BatchOf(samples)).ok());
  // The series are idle from here on, and gone after two more.
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(shards->at(0).Write(shard::BatchOf({{"a", Now() + i, 1}})).ok());
    ASSERT_TRUE(node_->Checkpoint().ok());
  }
  ASSERT_GT(shards->sample_bytes(), options_.checkpoint_log_bytes);
  ASSERT_LT(shards->at(0).engine().counts().series, 10u);
  const double before = node_->Stats().at("checkpoints_total");
  ASSERT_TRUE(shards->at(0).Write(shard::BatchOf({{"a", Now() + 3, 1}})).ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // the housekeeper looks ten times a second
  // One may have been asked for before.
  EXPECT_LE(node_->Stats().at("checkpoints_total"), before + 1);
}

TEST_F(NodeSeriesTest, ADamagedStoreMakesTheNodeReadOnlyAndTheLogIsKept) {
  ASSERT_TRUE(Write({"a", Now(), 1}).ok());
  node_.reset();
  ASSERT_TRUE(disk_.FlipBit("/data/metrics/0/MANIFEST", 9, 1).ok());
  Open();
  EXPECT_EQ(node_->Series().status().code(), Code::kCorruption);
  EXPECT_EQ(node_->MakeSeries().status().code(), Code::kCorruption);
  EXPECT_NE(node_->ReadOnlyReason().find("metrics"), std::string::npos);
  EXPECT_EQ(node_->WriteStatus().code(), Code::kReadOnly);
  EXPECT_EQ(node_->Checkpoint().code(), Code::kReadOnly);
}

TEST_F(NodeSeriesTest, AnInterruptedMakingIsMadeAnew) {
  uint64_t failures = 0;
  for (uint64_t nth = 0;; ++nth) {
    disk_.FailOperation(nth, io::SimFault::kIoError);
    if (node_->MakeSeries().ok()) break;
    ++failures;
    disk_.FailOperation(UINT64_MAX, io::SimFault::kIoError);
    CrashAndOpen();
  }
  EXPECT_GT(failures, 5u);
  ASSERT_TRUE(Write({"a", Now(), 1}).ok());
  CrashAndOpen();
  EXPECT_EQ(All().size(), 1u);
}

}  // namespace
}  // namespace rhizome::cluster
