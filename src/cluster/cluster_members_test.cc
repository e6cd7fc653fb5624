// Three members in one process: real wire, real disks, one coordination.
#include <atomic>
#include <set>
#include <thread>

#include "cluster/cluster_operations.h"
#include "cluster/cluster_testing.h"
#include "cluster/member_controls.h"

namespace rhizome::cluster {
namespace {

using format::DeletePoint;
using format::Operation;
using format::Point;
using format::PointId;
using format::UpsertPoint;
using testing::HasSubstr;

class MembersTest : public ClusterTest {
 protected:
  void Create(const std::string& through = "a", uint32_t shards = 4, uint32_t factor = 3) {
    CollectionSpec spec;
    spec.name = "c";
    spec.dimension = 4;
    spec.shards = shards;
    spec.replication_factor = factor;
    const auto created = On(through).CreateCollection(spec);
    ASSERT_TRUE(created.ok()) << created.status().ToString();
  }
  static std::vector<float> Vector(uint64_t n) {
    return {1.0f, static_cast<float>(n % 7), static_cast<float>(n % 11), static_cast<float>(n % 13)};
  }
  static Operation Upsert(uint64_t id, const std::string& text = "word") {
    return {{}, UpsertPoint{Point{PointId(id), Vector(id), "", text, R"({"n":)" + std::to_string(id) + "}"}}};
  }
  Status WriteMany(const std::string& through, uint64_t from, uint64_t to, const std::string& text = "word") {
    std::vector<Operation> operations;
    for (uint64_t id = from; id < to; ++id) operations.push_back(Upsert(id, text));
    return On(through).Write("c", std::move(operations));
  }
  static ReadOptions At(Consistency level) {
    ReadOptions options;
    options.consistency = level;
    options.deadline_ns = SystemClock().MonotonicNs() + 10'000'000'000;
    return options;
  }
  static WriteOptions Writing(Consistency level) {
    WriteOptions options;
    options.consistency = level;
    options.deadline_ns = SystemClock().MonotonicNs() + 5'000'000'000;
    return options;
  }
  static SearchRequest Near(uint64_t id, uint32_t top_k = 5) {
    SearchRequest request;
    request.collection = "c";
    request.mode = SearchMode::kDense;
    request.vector = Vector(id);
    request.top_k = top_k;
    request.exact = true;
    return request;
  }
  std::set<std::string> Found(const std::string& through, const SearchRequest& request, Consistency level) {
    const auto response = On(through).Search(request, At(level));
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    std::set<std::string> ids;
    if (!response.ok()) return ids;
    EXPECT_TRUE(response->failed_partitions.empty());
    for (const Hit& hit : response->hits) ids.insert(hit.id.ToString());
    return ids;
  }
};

TEST_F(MembersTest, WhatOneTakesAnotherAnswers) {
  StartThree();
  Create("a");
  const Status written = WriteMany("a", 0, 100);
  ASSERT_TRUE(written.ok()) << written.ToString();
  const PointId ids[] = {PointId(7), PointId(500)};
  const auto got = On("b").Get("c", ids, true);
  ASSERT_TRUE(got.ok()) << got.status().ToString();
  ASSERT_TRUE(got->at(0).has_value());
  EXPECT_EQ(got->at(0)->point.text, "word");
  EXPECT_EQ(got->at(0)->point.vector.size(), 4u);
  EXPECT_FALSE(got->at(1).has_value());
  const auto found = On("c").Search(Near(7, 1), At(Consistency::kQuorum));
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  ASSERT_EQ(found->hits.size(), 1u);
  EXPECT_EQ(found->hits[0].id, PointId(7));
  EXPECT_EQ(found->hits[0].payload, R"({"n":7})");
  EXPECT_EQ(On("b").Count("c", nullptr, At(Consistency::kQuorum)).value(), 100u);
  EXPECT_EQ(On("b").Count("c", nullptr, At(Consistency::kAll)).value(), 100u);
  // A single replica may be a moment behind.
  EXPECT_TRUE(Eventually(5, [&] { return On("b").Count("c", nullptr, At(Consistency::kOne)).value() == 100u; }));
  EXPECT_TRUE(Eventually(5, [&] { return On("c").GetCollection("c")->points == 100u; }));
}

TEST_F(MembersTest, ComparingAsksEveryReplicaAndKnowsNothingOfASilentOne) {
  StartThree();
  Create("a");
  ASSERT_TRUE(WriteMany("a", 0, 57).ok());
  StartGateway("g");
  ClusterRuntime& gateway = *processes_.at("g").runtime;
  MemberControls controls(gateway.calls(), gateway.member(), 3, {}, [&gateway] { return gateway.Troubles(); });
  ClusterOperations operations(controls);
  EXPECT_TRUE(Eventually(10, [&] { return operations.Compare().value().equal; }));
  Stop("c");
  const ClusterComparison comparison = operations.Compare().value();
  EXPECT_FALSE(comparison.equal);
  EXPECT_EQ(comparison.unknown, 4u);
  EXPECT_EQ(comparison.different, 0u);
}

TEST_F(MembersTest, AScrollWalksEverythingOnceAtEveryLevel) {
  StartThree();
  Create("a");
  ASSERT_TRUE(WriteMany("a", 0, 57).ok());
  ASSERT_TRUE(Eventually(5, [&] { return Agree(3); }));
  for (const Consistency level : {Consistency::kOne, Consistency::kQuorum}) {
    std::vector<std::string> walked;
    ScrollRequest request;
    request.collection = "c";
    request.limit = 10;
    while (true) {
      const auto page = On("b").Scroll(request, At(level));
      ASSERT_TRUE(page.ok()) << page.status().ToString();
      for (const auto& stored : page->points) walked.push_back(stored.point.id.Encode());
      if (!page->next) break;
      request.after = page->next;
    }
    EXPECT_EQ(walked.size(), 57u);
    EXPECT_TRUE(std::is_sorted(walked.begin(), walked.end()));
    EXPECT_EQ(std::set<std::string>(walked.begin(), walked.end()).size(), 57u);
  }
}

TEST_F(MembersTest, WithOneGoneQuorumGoesOnAndAllSaysWho) {
  StartThree();
  Create("a");
  ASSERT_TRUE(WriteMany("a", 0, 50).ok());
  const fabric::MemberNumber gone = NumberOf("c");
  Stop("c");
  ASSERT_TRUE(WriteMany("a", 50, 100).ok());
  const PointId ids[] = {PointId(60)};
  EXPECT_TRUE(On("b").Get("c", ids, false)->at(0).has_value());
  EXPECT_TRUE(Found("b", Near(60), Consistency::kQuorum).contains("60"));
  const Status refused = On("a").Write("c", {Upsert(200)}, Writing(Consistency::kAll));
  EXPECT_EQ(refused.code(), Code::kUnavailable) << refused.ToString();
  EXPECT_THAT(std::string(refused.message()), HasSubstr("member " + std::to_string(gone)));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("of collection c"));
  EXPECT_FALSE(On("a").Get("c", std::vector{PointId(200)}, false)->at(0).has_value());
}

TEST_F(MembersTest, OneThatWasAwayCatchesUpUntilDigestsAreEqual) {
  StartThree();
  Create("a");
  ASSERT_TRUE(WriteMany("a", 0, 50).ok());
  const fabric::MemberNumber number = NumberOf("c");
  Stop("c");
  ASSERT_TRUE(WriteMany("b", 40, 120, "newer").ok());
  ASSERT_TRUE(On("a").Write("c", {{{}, DeletePoint{PointId(3)}}}).ok());
  Start("c");
  EXPECT_EQ(NumberOf("c"), number);
  EXPECT_TRUE(Eventually(20, [&] { return Digests().size() == 4 && Agree(3); }));
  EXPECT_FALSE(On("c").Get("c", std::vector{PointId(3)}, false, At(Consistency::kAll))->at(0).has_value());
  EXPECT_EQ(On("c").Get("c", std::vector{PointId(45)}, false, At(Consistency::kOne))->at(0)->point.text, "newer");
}

TEST_F(MembersTest, AQuorumSearchNeverShowsWhatWasDeletedWhileAReplicaWasAway) {
  StartThree();
  Create("a", 2);
  ASSERT_TRUE(WriteMany("a", 0, 40).ok());
  Stop("c");
  std::vector<Operation> deletes;
  for (uint64_t id = 0; id < 30; ++id) deletes.push_back({{}, DeletePoint{PointId(id)}});
  ASSERT_TRUE(On("a").Write("c", std::move(deletes)).ok());
  Start("c");
  // From the first moment on, through the member that was away too.
  for (int round = 0; round < 20; ++round) {
    const auto found = On("c").Search(Near(round, 10), At(Consistency::kQuorum));
    if (!found.ok()) continue;  // not in service yet
    EXPECT_EQ(found->hits.size(), 10u);
    for (const Hit& hit : found->hits) EXPECT_GE(hit.id.number(), 30u);
  }
  EXPECT_TRUE(Eventually(10, [&] { return Agree(3); }));
}

TEST_F(MembersTest, AFourthMemberIsGivenShardsWhileWritesGoOn) {
  StartThree();
  Create("a", 8);
  ASSERT_TRUE(WriteMany("a", 0, 200).ok());
  Start("d");
  uint64_t next = 200;
  EXPECT_TRUE(Eventually(40, [&] {
    const Status written = WriteMany("b", next, next + 5);
    EXPECT_TRUE(written.ok()) << written.ToString();
    next += 5;
    return processes_.at("d").node->Replicas().size() >= 4;
  }));
  EXPECT_TRUE(Eventually(20, [&] {
    size_t held = 0;
    for (auto& [name, process] : processes_) held += process.node->Replicas().size();
    return held == 24;
  }));
  EXPECT_TRUE(Eventually(10, [&] { return Agree(3); }));
  EXPECT_EQ(On("d").Count("c", nullptr, At(Consistency::kQuorum)).value(), next);
}

TEST_F(MembersTest, AGatewayHoldsNothingAndAnswersEverything) {
  StartThree();
  StartGateway("g");
  Create("g");
  ASSERT_TRUE(WriteMany("g", 0, 20).ok());
  EXPECT_TRUE(Found("g", Near(5), Consistency::kQuorum).contains("5"));
  EXPECT_TRUE(On("g").Shards().empty());
  EXPECT_TRUE(Eventually(5, [&] { return On("g").ListCollections()->at(0).points == 20u; }));
  ASSERT_TRUE(On("g").DropCollection("c").ok());
  EXPECT_EQ(On("g").GetSpec("c").status().code(), Code::kNotFound);
  EXPECT_TRUE(Eventually(10, [&] { return Digests().empty(); }));  // after the grace their files go, too
}

TEST_F(MembersTest, DocumentsAreReadAndFoundByContentAcrossMembers) {
  StartThree();
  Create("a");
  format::PutDocument put;
  put.record.id = PointId::FromString("manual").value();
  put.record.content_hash = {1, 2};
  put.record.title = "Manual";
  put.record.chunk_count = 2;
  for (uint32_t i = 0; i < 2; ++i) {
    put.chunks.push_back({PointId::OfChunk(put.record.id, i), Vector(i), "Manual", "chunk " + std::to_string(i), ""});
  }
  ASSERT_TRUE(On("a").Write("c", {{{}, put}}).ok());
  const auto stored = On("b").GetDocument("c", put.record.id);
  ASSERT_TRUE(stored.ok() && stored->has_value());
  EXPECT_EQ((*stored)->record.title, "Manual");
  EXPECT_EQ(On("c").FindContent("c", {1, 2}).value(), put.record.id);
  const auto chunk = On("b").Get("c", std::vector{PointId::OfChunk(put.record.id, 1)}, false);
  EXPECT_EQ(chunk->at(0)->point.text, "chunk 1");
  ASSERT_TRUE(On("a").Write("c", {{{}, format::DeleteDocument{put.record.id}}}).ok());
  EXPECT_FALSE(On("c").FindContent("c", {1, 2}).value().has_value());
  EXPECT_FALSE(On("b").GetDocument("c", put.record.id).value().has_value());
}

TEST_F(MembersTest, ARepeatedRequestDoesNotUndoWhatCameAfterIt) {
  StartThree();
  Create("a");
  WriteOptions options = Writing(Consistency::kQuorum);
  options.idempotency_key = "order-1";
  ASSERT_TRUE(On("a").Write("c", {Upsert(1, "first"), Upsert(2, "first")}, options).ok());
  ASSERT_TRUE(On("b").Write("c", {Upsert(1, "second")}).ok());
  ASSERT_TRUE(On("c").Write("c", {Upsert(1, "first"), Upsert(2, "first")}, options).ok());
  EXPECT_EQ(On("a").Get("c", std::vector{PointId(1)}, false)->at(0)->point.text, "second");
  EXPECT_EQ(On("b").Write("c", {Upsert(1, "third")}, options).field(), "idempotency_key");
}

// Writers at quorum, readers and a walk through other members, while two partitions become four.
TEST_F(MembersTest, ACollectionIsReshardedWhileItIsWrittenAndRead) {
  StartThree();
  Create("a", 2);
  ASSERT_TRUE(WriteMany("a", 0, 300).ok());
  ASSERT_TRUE(On("a").Write("c", {{{}, DeletePoint{PointId(3)}}}).ok());
  std::atomic<bool> over = false;
  std::atomic<uint64_t> written = 300;
  std::thread writer([&] {
    while (!over) {
      const uint64_t next = written;
      const Status status = WriteMany("b", next, next + 5);
      EXPECT_TRUE(status.ok()) << status.ToString();
      written = next + 5;
    }
  });
  std::thread reader([&] {
    for (uint64_t round = 0; !over; ++round) {
      const uint64_t known = written;
      const PointId ids[] = {PointId(round % known), PointId(known - 1)};
      const auto got = On("c").Get("c", ids, false);
      EXPECT_TRUE(got.ok()) << got.status().ToString();
      if (got.ok()) EXPECT_TRUE(got->at(1).has_value() && (round % known == 3 || got->at(0).has_value()));
      EXPECT_TRUE(Found("c", Near(7, 1), Consistency::kQuorum).contains("7"));
    }
  });
  const auto reshard = [&](uint32_t partitions) {
    ClusterRuntime& runtime = *processes_.at("a").runtime;
    return runtime.calls().One<Status>([&runtime, partitions] { return runtime.member().Reshard("c", partitions); });
  };
  EXPECT_EQ(reshard(3).field(), "partitions");
  EXPECT_TRUE(reshard(4).ok());
  const auto partitions = [&](const std::string& name) { return On(name).GetSpec("c")->shards; };
  EXPECT_TRUE(Eventually(60, [&] { return partitions("b") == 4 && partitions("c") == 4; }));
  const uint64_t at_the_change = written;
  EXPECT_TRUE(Eventually(30, [&] { return written > at_the_change + 20; }));
  over = true;
  writer.join();
  reader.join();
  // Everything once, on four shards and no other.
  EXPECT_EQ(On("a").Count("c", nullptr, At(Consistency::kQuorum)).value(), written - 1);
  EXPECT_FALSE(On("a").Get("c", std::vector{PointId(3)}, false)->at(0).has_value());
  EXPECT_TRUE(Eventually(30, [&] { return Digests().size() == 4 && Agree(3); }));
  EXPECT_TRUE(Eventually(10, [&] { return On("b").GetCollection("c")->points == written - 1; }));
}

TEST_F(MembersTest, AReshardingThatIsCancelledLeavesNothing) {
  StartThree();
  Create("a", 2);
  ASSERT_TRUE(WriteMany("a", 0, 50).ok());
  ClusterRuntime& runtime = *processes_.at("a").runtime;
  const auto cancel = [&runtime] {
    return runtime.calls().One<Status>([&runtime] { return runtime.member().CancelReshard("c"); });
  };
  EXPECT_EQ(cancel().code(), Code::kFailedPrecondition);
  // Without its third owner's answer it cannot end before that one's lease has.
  Stop("c");
  const Status begun = runtime.calls().One<Status>([&runtime] { return runtime.member().Reshard("c", 4); });
  ASSERT_TRUE(begun.ok()) << begun.ToString();
  const Status cancelled = cancel();
  if (!cancelled.ok()) EXPECT_EQ(cancelled.code(), Code::kFailedPrecondition) << cancelled.ToString();
  const uint32_t shards = cancelled.ok() ? 2 : 4;
  ASSERT_TRUE(WriteMany("b", 50, 80).ok());
  EXPECT_EQ(On("b").GetSpec("c")->shards, shards);
  Start("c");
  EXPECT_TRUE(Eventually(30, [&] { return Digests().size() == shards && Agree(3); }));
  EXPECT_EQ(On("b").Count("c", nullptr, At(Consistency::kQuorum)).value(), 80u);
}

TEST_F(MembersTest, BadInputIsRefusedBeforeAnybodyIsAsked) {
  StartThree();
  Create("a");
  Operation wrong = Upsert(1);
  std::get<UpsertPoint>(wrong.body).point.vector = {1, 2};
  EXPECT_EQ(On("b").Write("c", {Upsert(0), wrong}).field(), "operations[1].vector");
  SearchRequest request = Near(1);
  request.vector = {1};
  EXPECT_EQ(On("b").Search(request).status().field(), "vector");
  EXPECT_EQ(On("b").Write("nobody", {Upsert(0)}).code(), Code::kNotFound);
  EXPECT_EQ(On("b").Count("c", nullptr).value(), 0u);
  CollectionSpec spec;
  spec.name = "wide";
  spec.dimension = 4;
  spec.replication_factor = 4;
  EXPECT_EQ(On("a").CreateCollection(spec).status().code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace rhizome::cluster
