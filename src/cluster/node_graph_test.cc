// The knowledge graphs of a node's collections: made when they are first needed, on the node's log, there again after a
// crash, gone with their collection.
#include <gtest/gtest.h>

#include "cluster/node.h"
#include "engines/graph/rows.h"
#include "format/derivation_builder.h"
#include "format/entity_name.h"
#include "io/sim_disk.h"
#include "kv/rocks_file_system.h"
#include "shard/graph_shards.h"

namespace rhizome::cluster {
namespace {

using format::GraphOperation;
using format::GraphOrigin;

class NodeGraphTest : public testing::Test {
 protected:
  NodeGraphTest() {
    options_.data_dir = "/data";
    options_.memtable_bytes = 1 << 20;
    Open();
    Create("notes");
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
  void Create(const std::string& name) {
    CollectionSpec spec;
    spec.name = name;
    spec.dimension = 2;
    spec.shards = 3;
    ASSERT_TRUE(node_->CreateCollection(spec).ok());
  }
  // Document `id` says that it mentions `entity`.
  static GraphOperation Document(const std::string& id, const std::string& entity) {
    format::DerivationBuilder builder;
    const auto subject = builder.Mention(id, "work", 0).value();
    builder.AddFact({subject, "mentions", builder.Mention(entity, "thing", 0).value()});
    return {{},
            format::PutDerivation{{GraphOrigin::Kind::kDocument, format::PointId::FromString(id).value()},
                                  builder.Build()}};
  }
  Status Write(const std::string& collection, std::vector<GraphOperation> operations) {
    ASSIGN_OR_RETURN(const auto graph, node_->MakeGraph(collection));
    return graph->Write(std::move(operations));
  }
  uint64_t Documents(const std::string& collection) {
    const auto graph = node_->Graph(collection).value();
    return graph == nullptr ? 0 : graph->counts().documents;
  }
  std::string Format() { return io::ReadWholeFile(disk_, "/data/FORMAT").value(); }

  io::SimDisk disk_;
  NodeOptions options_;
  std::unique_ptr<Node> node_;
};

TEST_F(NodeGraphTest, AFolderWithoutGraphsStaysAsItWas) {
  EXPECT_EQ(node_->Graph("notes").value(), nullptr);
  EXPECT_EQ(Format(), "rhizome data directory 1\n");
  ASSERT_TRUE(node_->MakeGraph("notes").ok());
  EXPECT_EQ(Format(), "rhizome data directory 5\n");
}

TEST_F(NodeGraphTest, AGraphIsACollections) {
  EXPECT_EQ(node_->Graph("others").status().code(), Code::kNotFound);
  EXPECT_EQ(node_->MakeGraph("others").status().code(), Code::kNotFound);
  EXPECT_EQ(node_->MakeGraph("notes").value()->size(), 3u);
  EXPECT_EQ(node_->MakeGraph("notes").value(), node_->Graph("notes").value());
}

TEST_F(NodeGraphTest, WhatWasAcknowledgedIsThereAfterACrash) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Write("notes", {Document("d" + std::to_string(i), "Log")}).ok());
  CrashAndOpen();
  EXPECT_EQ(Documents("notes"), 20u);
  ASSERT_TRUE(node_->Checkpoint().ok());
  ASSERT_TRUE(Write("notes", {Document("d20", "Log")}).ok());
  CrashAndOpen();
  EXPECT_EQ(Documents("notes"), 21u);
  const auto id = format::EntityIdOf("log");
  const auto statistics = node_->Graph("notes").value()->Statistics(std::span(&id, 1)).value();
  EXPECT_EQ(statistics[0].documents, 21u);
}

TEST_F(NodeGraphTest, ACheckpointFreesTheLog) {
  const std::string long_name(400, 'x');
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Write("notes", {Document("d" + std::to_string(i), long_name)}).ok());
  ASSERT_TRUE(node_->Checkpoint().ok());
  const auto graph = node_->Graph("notes").value();
  EXPECT_FALSE(graph->dirty());
  for (uint32_t i = 0; i < graph->size(); ++i) {
    EXPECT_EQ(graph->at(i).engine().checkpoint_lsn(), graph->at(i).engine().applied_lsn());
  }
}

TEST_F(NodeGraphTest, TwoCollectionsKnowNothingOfEachOther) {
  Create("letters");
  ASSERT_TRUE(Write("notes", {Document("d", "Log")}).ok());
  ASSERT_TRUE(Write("letters", {Document("d", "Shard"), Document("e", "Shard")}).ok());
  CrashAndOpen();
  EXPECT_EQ(Documents("notes"), 1u);
  EXPECT_EQ(Documents("letters"), 2u);
  EXPECT_TRUE(node_->Graph("letters").value()->FindName("log").value().empty());
}

TEST_F(NodeGraphTest, AGraphGoesWithItsCollection) {
  ASSERT_TRUE(Write("notes", {Document("d", "Log")}).ok());
  const auto held = node_->Graph("notes").value();
  ASSERT_TRUE(node_->DropCollection("notes").ok());
  EXPECT_EQ(held->Write({Document("e", "Log")}).code(), Code::kNotFound);
  EXPECT_EQ(node_->Graph("notes").status().code(), Code::kNotFound);
  Create("notes");
  EXPECT_EQ(node_->Graph("notes").value(), nullptr);
  CrashAndOpen();
  ASSERT_TRUE(node_->MakeGraph("notes").ok());
  EXPECT_EQ(Documents("notes"), 0u);
}

TEST_F(NodeGraphTest, ADamagedGraphMakesTheNodeReadOnlyAndTheLogIsKept) {
  ASSERT_TRUE(Write("notes", {Document("d", "Log")}).ok());
  const uint32_t stream = node_->Graph("notes").value()->at(1).stream();
  node_.reset();
  {
    const auto env = kv::NewDiskEnv(disk_);
    kv::StoreOptions options;
    options.env = env.get();
    const auto store = kv::Store::Open("/data/database", options).value();
    kv::WriteBatch batch;
    batch.Put(kv::Family::kGraph, graph::TablePrefix(graph::ShardPrefix(stream), graph::Table::kState), "\xff");
    ASSERT_TRUE(store->Write(batch).ok());
    ASSERT_TRUE(store->Flush().ok());
  }
  Open();
  EXPECT_EQ(node_->Graph("notes").status().code(), Code::kCorruption);
  EXPECT_EQ(node_->MakeGraph("notes").status().code(), Code::kCorruption);
  EXPECT_NE(node_->ReadOnlyReason().find("knowledge graph"), std::string::npos);
  EXPECT_EQ(node_->WriteStatus().code(), Code::kReadOnly);
  EXPECT_EQ(node_->Checkpoint().code(), Code::kReadOnly);
}

TEST_F(NodeGraphTest, AnInterruptedMakingIsMadeAnew) {
  uint64_t failures = 0;
  for (uint64_t nth = 0;; ++nth) {
    disk_.FailOperation(nth, io::SimFault::kIoError);
    const bool made = node_->MakeGraph("notes").ok();
    disk_.FailOperation(UINT64_MAX, io::SimFault::kIoError);
    if (made) break;
    ++failures;
    CrashAndOpen();
  }
  EXPECT_GT(failures, 0u);
  ASSERT_TRUE(Write("notes", {Document("d", "Log")}).ok());
  CrashAndOpen();
  EXPECT_EQ(Documents("notes"), 1u);
}

}  // namespace
}  // namespace rhizome::cluster
