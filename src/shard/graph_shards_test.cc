#include "shard/graph_shards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "format/derivation_builder.h"
#include "format/entity_name.h"
#include "format/graph_key.h"
#include "io/sim_disk.h"
#include "kv/rocks_file_system.h"

namespace rhizome::shard {
namespace {

using format::EntityIdOf;
using format::GraphOperation;
using format::GraphOrigin;
using testing::ElementsAre;

constexpr uint32_t kFirstStream = 7;
constexpr uint32_t kCount = 4;

GraphOrigin Document(const std::string& id) {
  return {GraphOrigin::Kind::kDocument, format::PointId::FromString(id).value()};
}

GraphOperation Says(const std::string& id, const std::string& object) {
  format::DerivationBuilder builder;
  const auto subject = builder.Mention("topic", "work", 0).value();
  builder.AddFact({subject, "mentions", builder.Mention(object, "thing", 0).value()});
  return {{}, format::PutDerivation{Document(id), builder.Build()}};
}

class GraphShardsTest : public testing::Test {
 protected:
  GraphShardsTest() {
    env_ = kv::NewDiskEnv(disk_);
    kv::StoreOptions options;
    options.env = env_.get();
    store_ = kv::Store::Open("/db", options).value();
    log_ = wal::Log::Open(disk_, "/log").value();
    Open();
  }
  ~GraphShardsTest() override {
    graph_.reset();
    log_.reset();
    store_.reset();
  }
  void Open() {
    graph_.reset();
    graph_ = GraphShards::Open({*store_, kFirstStream, kCount}, *log_, versions_).value();
  }
  void WriteDocuments(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(graph_->Write({Says("d" + std::to_string(i), "thing " + std::to_string(i % 3))}).ok());
    }
  }

  io::SimDisk disk_;
  std::unique_ptr<rocksdb::Env> env_;
  SimClock clock_;
  HybridClock versions_{clock_, 1};
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<wal::Log> log_;
  std::unique_ptr<GraphShards> graph_;
};

TEST_F(GraphShardsTest, DocumentsAreSpreadAndReadsAreUnited) {
  WriteDocuments(40);
  for (uint32_t i = 0; i < kCount; ++i) EXPECT_GT(graph_->at(i).engine().counts().documents, 0u) << i;
  EXPECT_EQ(graph_->counts().documents, 40u);
  EXPECT_EQ(graph_->counts().facts, 40u);

  const std::vector<graph::EntityId> ids = {EntityIdOf("topic"), EntityIdOf("thing 0"), EntityIdOf("nobody")};
  const auto statistics = graph_->Statistics(ids).value();
  EXPECT_EQ(statistics[0].documents, 40u);
  EXPECT_EQ(statistics[1].documents, 14u);
  EXPECT_EQ(statistics[2].documents, 0u);
  const auto entities = graph_->Entities(ids).value();
  EXPECT_EQ(entities[0]->statistics.documents, 40u);
  EXPECT_FALSE(entities[2].has_value());
}

TEST_F(GraphShardsTest, ANameThatSeveralShardsKnowIsFoundOnce) {
  WriteDocuments(40);
  EXPECT_THAT(graph_->FindName("topic").value(), ElementsAre(graph::NameEntry{"topic", EntityIdOf("topic"), false}));
  const auto page = graph_->NamesFrom("t", "", 2).value();
  ASSERT_EQ(page.entries.size(), 2u);
  EXPECT_EQ(page.entries[0].name, "thing 0");
  EXPECT_EQ(page.entries[1].name, "thing 1");
  EXPECT_EQ(graph_->NamesFrom("t", page.next, 2).value().entries[0].name, "thing 2");
}

TEST_F(GraphShardsTest, PagesOfFactsGoThroughAllShardsWithoutGapsOrRepetitions) {
  WriteDocuments(40);
  std::set<graph::FactId> seen;
  graph::FactQuery query{EntityIdOf("topic")};
  query.limit = 7;
  size_t pages = 0;
  do {
    const auto page = graph_->Facts(query).value();
    for (const auto& fact : page.facts) EXPECT_TRUE(seen.insert(fact.id).second);
    query.after = page.next;
    ASSERT_LT(++pages, 100u);
  } while (!query.after.empty());
  EXPECT_EQ(seen.size(), 40u);
  for (const graph::FactId& id : seen) EXPECT_TRUE(graph_->FindFact(id, {}).value().has_value());
  EXPECT_FALSE(graph_->FindFact({1, 2}, {}).value().has_value());
}

TEST_F(GraphShardsTest, NeighboursOfAChunkCarryTheNumbersOfAllShards) {
  WriteDocuments(40);
  graph::NeighbourQuery query;
  query.chunks = {{Document("d0").id, 0}};
  query.entities = {EntityIdOf("thing 1")};
  const auto neighbours = graph_->FindNeighbours(query).value();
  ASSERT_EQ(neighbours.chunks[0].entities.size(), 2u);
  EXPECT_EQ(neighbours.chunks[0].entities[0].documents, 14u);
  EXPECT_EQ(neighbours.chunks[0].entities[1].documents, 40u);
  EXPECT_EQ(neighbours.entities[0].documents, 13u);
  EXPECT_EQ(neighbours.entities[0].passages.size(), 13u);
}

TEST_F(GraphShardsTest, ABatchOverSeveralShardsIsCheckedBeforeAnyOfItIsWritten) {
  std::vector<GraphOperation> batch;
  for (int i = 0; i < 12; ++i) batch.push_back(Says("d" + std::to_string(i), "thing"));
  std::get<format::PutDerivation>(batch[9].body).derivation.facts[0].weight = -1;
  const Status status = graph_->Write(batch);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.field().substr(0, 13), "operations[9]") << status.ToString();
  EXPECT_EQ(graph_->counts().documents, 0u);
}

TEST_F(GraphShardsTest, OperationsWithVersionsMergeInAnyOrder) {
  GraphOperation old = Says("d", "log"), young = Says("d", "shard");
  old.version = Version{.time = 1'000, .node = 3};
  young.version = Version{.time = 2'000, .node = 3};
  ASSERT_TRUE(graph_->Merge({young}).ok());
  ASSERT_TRUE(graph_->Merge({old}).ok());
  ASSERT_TRUE(graph_->Merge({young}).ok());
  EXPECT_EQ(graph_->FindDerivation(Document("d")).value()->entities[0].name, "shard");
  EXPECT_EQ(graph_->Merge({Says("d", "x")}).code(), Code::kInvalidArgument);
}

TEST_F(GraphShardsTest, WhatIsDeletedIsGoneFromAllAnswers) {
  WriteDocuments(3);
  ASSERT_TRUE(graph_->Write({{{}, format::DeleteRegister{format::GraphKeyOf(Document("d1"))}}}).ok());
  EXPECT_TRUE(graph_->FindName("thing 1").value().empty());
  EXPECT_EQ(graph_->counts().documents, 2u);
  EXPECT_FALSE(graph_->FindDerivation(Document("d1")).value().has_value());
}

TEST_F(GraphShardsTest, CheckpointsMakeTheLogUnneeded) {
  WriteDocuments(10);
  EXPECT_TRUE(graph_->dirty());
  EXPECT_LT(graph_->UnneededLsn(), log_->durable_lsn());
  ASSERT_TRUE(graph_->Checkpoint().ok());
  EXPECT_FALSE(graph_->dirty());
  EXPECT_GE(graph_->UnneededLsn(), log_->durable_lsn());
  Open();
  EXPECT_EQ(graph_->counts().documents, 10u);
}

TEST_F(GraphShardsTest, StreamsAreFoundAndOthersAreNot) {
  EXPECT_EQ(graph_->FindStream(kFirstStream + 2), &graph_->at(2));
  EXPECT_EQ(graph_->FindStream(kFirstStream - 1), nullptr);
  EXPECT_EQ(graph_->FindStream(kFirstStream + kCount), nullptr);
}

TEST_F(GraphShardsTest, AStoppedGraphRefusesWritesWithTheReason) {
  graph_->Stop(Status::NotFound("gone"));
  EXPECT_EQ(graph_->Write({Says("d", "log")}).code(), Code::kNotFound);
  EXPECT_EQ(graph_->write_status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace rhizome::shard
