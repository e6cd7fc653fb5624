#include "cluster/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "base/scratch_testing.h"
#include "engines/vector/filter.h"
#include "io/disk.h"

namespace rhizome::cluster {
namespace {

using format::DeletePoint;
using format::Operation;
using format::Point;
using format::PointId;
using format::UpsertPoint;
using testing::ElementsAre;

class NodeTest : public testing::Test {
 protected:
  NodeTest() { Open(); }
  void Open() {
    node_.reset();
    NodeOptions options;
    options.data_dir = directory_;
    auto node = Node::Open(io::RealDisk(), options);
    ASSERT_TRUE(node.ok()) << node.status().ToString();
    node_ = std::move(node).value();
  }
  void Create(const std::string& name, uint32_t shards = 1) {
    CollectionSpec spec;
    spec.name = name;
    spec.dimension = 4;
    spec.shards = shards;
    const auto created = node_->CreateCollection(spec);
    ASSERT_TRUE(created.ok()) << created.status().ToString();
  }
  static Operation Upsert(uint64_t id, std::vector<float> vector, std::string text = "", std::string payload = "") {
    return {{}, UpsertPoint{Point{PointId(id), std::move(vector), "", std::move(text), std::move(payload)}}};
  }
  static std::vector<float> Vector(uint64_t n) {
    return {1.0f, static_cast<float>(n % 7), static_cast<float>(n % 11), static_cast<float>(n % 13)};
  }
  std::vector<std::string> Search(SearchRequest request) {
    const auto response = node_->Search(request);
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    std::vector<std::string> ids;
    for (const Hit& hit : response->hits) ids.push_back(hit.id.ToString());
    return ids;
  }

  const ScratchFolder folder_;
  const std::string& directory_ = folder_.path();
  std::unique_ptr<Node> node_;
};

TEST_F(NodeTest, WhatWasWrittenIsThereAfterAReopen) {
  Create("c", 3);
  for (uint64_t id = 0; id < 50; ++id) ASSERT_TRUE(node_->Write("c", {Upsert(id, Vector(id), "word")}).ok());
  ASSERT_TRUE(node_->Write("c", {{{}, DeletePoint{PointId(7)}}}).ok());
  Open();
  EXPECT_EQ(node_->Count("c", nullptr).value(), 49u);
  EXPECT_EQ(node_->GetCollection("c")->points, 49u);
}

TEST_F(NodeTest, KeepsOneCopyAndSaysSo) {
  CollectionSpec spec;
  spec.name = "c";
  spec.dimension = 4;
  spec.replication_factor = 3;
  const Status refused = node_->CreateCollection(spec).status();
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_EQ(refused.field(), "replication_factor");
}

TEST_F(NodeTest, ARepeatedRequestDoesNotUndoWhatCameAfterIt) {
  Create("c", 2);
  WriteOptions options;
  options.idempotency_key = "order-1";
  const auto batch = [](const std::string& text) {
    return std::vector<Operation>{Upsert(1, Vector(1), text), Upsert(2, Vector(2), text)};
  };
  ASSERT_TRUE(node_->Write("c", batch("first"), options).ok());
  ASSERT_TRUE(node_->Write("c", {Upsert(1, Vector(1), "second")}).ok());
  Open();
  ASSERT_TRUE(node_->Write("c", batch("first"), options).ok());
  EXPECT_EQ(node_->Get("c", std::vector{PointId(1)}, false)->at(0)->point.text, "second");
  EXPECT_EQ(node_->Write("c", batch("third"), options).field(), "idempotency_key");
  options.idempotency_key = "order-2";
  EXPECT_TRUE(node_->Write("c", batch("third"), options).ok());
}

TEST_F(NodeTest, PartitionsAnswerAsOne) {
  Create("one", 1);
  Create("many", 8);
  std::vector<Operation> batch;
  for (uint64_t id = 0; id < 200; ++id) {
    batch.push_back(Upsert(id, {1, static_cast<float>(id), 0, 0}, "text " + std::to_string(id)));
  }
  ASSERT_TRUE(node_->Write("one", batch).ok());
  ASSERT_TRUE(node_->Write("many", batch).ok());
  SearchRequest request;
  request.mode = SearchMode::kDense;
  request.vector = {1, 17, 0, 0};
  request.exact = true;
  request.collection = "one";
  const auto expected = Search(request);
  request.collection = "many";
  EXPECT_EQ(Search(request), expected);
  EXPECT_EQ(expected.size(), 10u);
  EXPECT_EQ(expected[0], "17");
}

TEST_F(NodeTest, ScrollWalksAllPartitionsInIdOrder) {
  Create("c", 5);
  for (uint64_t id = 0; id < 60; ++id) ASSERT_TRUE(node_->Write("c", {Upsert(id, Vector(id))}).ok());
  std::vector<uint64_t> seen;
  ScrollRequest request{"c", {}, 7, nullptr, true};
  do {
    const ScrollResponse page = node_->Scroll(request).value();
    for (const StoredPointView& view : page.points) seen.push_back(view.point.id.number());
    request.after = page.next;
  } while (request.after);
  EXPECT_EQ(seen.size(), 60u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_F(NodeTest, GetAnswersInTheOrderAskedWithGaps) {
  Create("c", 4);
  ASSERT_TRUE(node_->Write("c", {Upsert(1, Vector(1)), Upsert(2, Vector(2))}).ok());
  const std::vector<PointId> ids = {PointId(2), PointId(99), PointId(1)};
  const auto found = node_->Get("c", ids, false).value();
  EXPECT_EQ(found[0]->point.id, PointId(2));
  EXPECT_FALSE(found[1]);
  EXPECT_EQ(found[2]->point.id, PointId(1));
}

TEST_F(NodeTest, ABadOperationRefusesTheWholeBatchAndNamesItsPlace) {
  Create("c", 4);
  std::vector<Operation> batch;
  for (uint64_t id = 0; id < 20; ++id) batch.push_back(Upsert(id, Vector(id)));
  std::get<UpsertPoint>(batch[13].body).point.vector = {1, 2};
  const Status status = node_->Write("c", batch);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.field(), "operations[13].vector");
  EXPECT_EQ(node_->Count("c", nullptr).value(), 0u);
}

TEST_F(NodeTest, HybridFindsWhatEitherLegFinds) {
  Create("c");
  ASSERT_TRUE(node_->Write("c", {Upsert(1, {1, 0, 0, 0}, "apples"), Upsert(2, {0, 1, 0, 0}, "pears")}).ok());
  SearchRequest request;
  request.collection = "c";
  request.vector = {1, 0, 0, 0};
  request.text = "pears";
  request.top_k = 2;
  EXPECT_THAT(Search(request), testing::UnorderedElementsAre("1", "2"));
}

TEST_F(NodeTest, MinScoreAndFilterNarrowTheAnswer) {
  Create("c");
  ASSERT_TRUE(node_
                  ->Write("c", {Upsert(1, {1, 0, 0, 0}, "", R"({"kind":"a"})"),
                                Upsert(2, {1, 0.1f, 0, 0}, "", R"({"kind":"b"})"),
                                Upsert(3, {0, 0, 1, 0}, "", R"({"kind":"b"})")})
                  .ok());
  SearchRequest request;
  request.collection = "c";
  request.mode = SearchMode::kDense;
  request.vector = {1, 0, 0, 0};
  request.min_score = 0.5f;
  EXPECT_THAT(Search(request), ElementsAre("1", "2"));
  request.filter = std::make_shared<vector::Filter>(
      vector::ParseFilter(boost::json::parse(R"({"field":"kind","match":"b"})")).value());
  EXPECT_THAT(Search(request), ElementsAre("2"));
}

TEST_F(NodeTest, ConcurrentWritersAreAllAcknowledgedAndOrdered) {
  Create("c", 2);
  std::vector<std::thread> writers;
  for (uint64_t w = 0; w < 4; ++w) {
    writers.emplace_back([this, w] {
      for (uint64_t i = 0; i < 50; ++i) {
        EXPECT_TRUE(node_->Write("c", {Upsert(w * 1000 + i, Vector(i)), Upsert(5000 + i, Vector(w))}).ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(node_->Count("c", nullptr).value(), 250u);
  Open();
  EXPECT_EQ(node_->Count("c", nullptr).value(), 250u);
}

TEST_F(NodeTest, ADroppedCollectionIsGoneForGoodAndItsNameIsFree) {
  Create("c", 2);
  ASSERT_TRUE(node_->Write("c", {Upsert(1, Vector(1))}).ok());
  ASSERT_TRUE(node_->DropCollection("c").ok());
  EXPECT_EQ(node_->Write("c", {Upsert(1, Vector(1))}).code(), Code::kNotFound);
  EXPECT_EQ(node_->DropCollection("c").code(), Code::kNotFound);
  Create("c", 2);
  EXPECT_EQ(node_->Count("c", nullptr).value(), 0u);
  Open();
  EXPECT_EQ(node_->Count("c", nullptr).value(), 0u);
}

TEST_F(NodeTest, ACollectionCanBeMadeOnlyOnce) {
  Create("c");
  CollectionSpec spec;
  spec.name = "c";
  EXPECT_EQ(node_->CreateCollection(spec).status().code(), Code::kAlreadyExists);
}

TEST_F(NodeTest, WhoLosesTheRaceToCreateACollectionCanUseItAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      CollectionSpec spec;
      spec.name = "raced";
      spec.dimension = 4;
      const auto created = node_->CreateCollection(spec);
      if (!created.ok()) {
        EXPECT_EQ(created.status().code(), Code::kAlreadyExists);
      }
      EXPECT_TRUE(node_->Write("raced", {Upsert(static_cast<uint64_t>(i), Vector(1))}).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(node_->Count("raced", nullptr).value(), 4u);
}

TEST_F(NodeTest, AbsurdSpecsAreRefusedByField) {
  const auto field_of = [](CollectionSpec spec) { return std::string(ValidateSpec(spec).field()); };
  EXPECT_EQ(field_of({"../x"}), "name");
  EXPECT_EQ(field_of({std::string(129, 'a')}), "name");
  EXPECT_EQ(field_of({"c", 5000}), "dimension");
  EXPECT_EQ(field_of({"c", 4, vector::Metric::kCosine, "", "english", 0}), "shards");
  EXPECT_EQ(field_of({"c", 0, vector::Metric::kCosine, "model"}), "dimension");
}

TEST_F(NodeTest, ASecondProcessIsKeptOut) {
  NodeOptions options;
  options.data_dir = directory_;
  EXPECT_EQ(Node::Open(io::RealDisk(), options).status().code(), Code::kFailedPrecondition);
}

TEST_F(NodeTest, ADirectoryOfAnotherFormatIsRefused) {
  node_.reset();
  std::ofstream(directory_ + "/FORMAT") << "rhizome data directory 9\n";
  NodeOptions options;
  options.data_dir = directory_;
  EXPECT_EQ(Node::Open(io::RealDisk(), options).status().code(), Code::kFailedPrecondition);
}

TEST_F(NodeTest, ACheckpointLeavesNothingToReplay) {
  Create("c");
  ASSERT_TRUE(node_->Write("c", {Upsert(1, Vector(1))}).ok());
  ASSERT_TRUE(node_->Checkpoint().ok());
  for (const ShardInfo& shard : node_->Shards()) EXPECT_EQ(shard.checkpoint_lsn, shard.applied_lsn);
}

TEST_F(NodeTest, ALogThatIsGoneIsDamage) {
  Create("c");
  ASSERT_TRUE(node_->Write("c", {Upsert(1, Vector(1))}).ok());
  node_.reset();
  std::filesystem::remove_all(directory_ + "/log");
  Open();
  EXPECT_THAT(node_->ReadOnlyReason(), testing::HasSubstr("records are missing"));
  EXPECT_EQ(node_->Write("c", {Upsert(2, Vector(2))}).code(), Code::kReadOnly);
}

TEST_F(NodeTest, UpdatingForEverDoesNotGrowForEver) {
  Create("c");
  for (uint64_t round = 0; round < 50; ++round) {
    std::vector<Operation> batch;
    for (uint64_t id = 0; id < 1000; ++id) batch.push_back(Upsert(id, Vector(id + round)));
    ASSERT_TRUE(node_->Write("c", std::move(batch)).ok());
  }
  // The housekeeper compacts once 20,000 slots are there and most of them are dead.
  for (int wait = 0; wait < 600 && node_->Shards()[0].slots > 20'000; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_LE(node_->Shards()[0].slots, 20'000u);
  EXPECT_EQ(node_->Count("c", nullptr).value(), 1000u);
  Open();
  EXPECT_EQ(node_->Count("c", nullptr).value(), 1000u);
}

TEST_F(NodeTest, ADamagedSnapshotMakesTheNodeReadOnlyAndIsReported) {
  Create("good");
  Create("bad");
  ASSERT_TRUE(node_->Write("good", {Upsert(1, Vector(1))}).ok());
  ASSERT_TRUE(node_->Write("bad", {Upsert(1, Vector(1))}).ok());
  const Uuid bad = node_->GetCollection("bad")->id;
  node_.reset();
  std::filesystem::resize_file(directory_ + "/shards/" + bad.ToString() + "-0/MANIFEST", 20);
  Open();
  EXPECT_THAT(node_->ReadOnlyReason(), testing::HasSubstr("collection bad"));
  EXPECT_EQ(node_->Write("good", {Upsert(2, Vector(1))}).code(), Code::kReadOnly);
  EXPECT_EQ(node_->Count("good", nullptr).value(), 1u);
  SearchRequest request;
  request.collection = "bad";
  request.mode = SearchMode::kDense;
  request.vector = Vector(1);
  EXPECT_EQ(node_->Search(request).status().code(), Code::kCorruption);
}

TEST_F(NodeTest, ADamagedPartitionIsNamedOrFailsTheSearchAsAsked) {
  Create("c", 2);
  for (uint64_t id = 0; id < 20; ++id) ASSERT_TRUE(node_->Write("c", {Upsert(id, Vector(id))}).ok());
  const Uuid id = node_->GetCollection("c")->id;
  node_.reset();
  std::filesystem::resize_file(directory_ + "/shards/" + id.ToString() + "-1/MANIFEST", 20);
  Open();
  SearchRequest request;
  request.collection = "c";
  request.mode = SearchMode::kDense;
  request.vector = Vector(1);
  EXPECT_THAT(node_->Search(request)->failed_partitions, testing::ElementsAre(1u));
  ReadOptions options;
  options.all_or_error = true;
  EXPECT_EQ(node_->Search(request, options).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::cluster
