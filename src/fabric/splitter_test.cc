#include "fabric/splitter.h"

#include <gtest/gtest.h>

#include "fabric/resharding.h"
#include "fabric/test_world.h"
#include "format/routing.h"

namespace rhizome::fabric {
namespace {

using format::DeletePoint;
using format::Operation;
using format::Point;
using format::PointId;
using format::UpsertPoint;

// Replicas of registers; each call takes a millisecond, and a shard can be made to take longer or to refuse.
class TestStore : public ReplicaStore {
 public:
  explicit TestStore(Loop& loop) : loop_(loop) {}
  Task<Status> Apply(ShardNumber shard, std::string batch) override {
    order.push_back(shard);
    (void)co_await Sleep(loop_, kTestMs + slow_ms[shard] * kTestMs);
    if (const auto refusal = refuses.find(shard); refusal != refuses.end()) co_return refusal->second;
    const auto decoded = format::DecodeOperationBatch(batch).value();
    for (const Operation& operation : decoded.operations) {
      Operation& held = shards[shard][operation.Key()];
      if (held.version < operation.version) held = operation;
    }
    for (const format::RequestFate& fate : decoded.fates) fates[shard].push_back(fate);
    co_return Status::Ok();
  }
  Task<Result<VersionsRequest::Reply>> Versions(ShardNumber shard, std::vector<std::string> keys,
                                                std::string) override {
    VersionsRequest::Reply reply;
    for (const std::string& key : keys) {
      const auto held = shards[shard].find(key);
      reply.versions.push_back(held == shards[shard].end() ? Version{} : held->second.version);
      reply.tombstones.push_back(false);
    }
    co_return reply;
  }
  Task<Result<ReadRequest::Reply>> Read(ShardNumber shard, std::vector<std::string> keys) override {
    ReadRequest::Reply reply;
    for (const std::string& key : keys) {
      const auto held = shards[shard].find(key);
      reply.registers.push_back(held == shards[shard].end() ? std::nullopt : std::optional(held->second));
    }
    read += keys.size();
    co_return reply;
  }
  Task<Result<format::InventoryPage>> Inventory(InventoryRequest request) override {
    format::InventoryPage page;
    const auto& all = shards[request.target.shard];
    for (auto at = all.upper_bound(request.after); at != all.end(); ++at) {
      if (page.entries.size() == request.limit) {
        page.next = page.entries.back().key;
        break;
      }
      page.entries.push_back({at->first, at->second.version, false});
    }
    co_return page;
  }
  Task<Result<format::RequestPage>> Requests(ShardNumber shard, std::string, uint32_t) override {
    format::RequestPage page;
    page.fates = fates[shard];
    co_return page;
  }
  Task<Result<std::string>> Query(std::vector<ShardNumber>, std::string) override { co_return Unused(); }
  Task<Result<format::RangeDigest>> Digest(ShardNumber, uint32_t, std::optional<Version>) override {
    co_return Unused();
  }
  Task<Status> Collect(ShardNumber, Version) override { co_return Unused(); }
  Task<Result<ScanRequest::Reply>> Scan(ScanRequest) override { co_return Unused(); }
  Task<Result<std::vector<std::string>>> Join(ShardNumber, std::vector<std::string>) override { co_return Unused(); }
  Task<Status> Probe() override { co_return Unused(); }
  Task<Status> Open(ShardSpec) override { co_return Unused(); }
  Task<Status> MarkComplete(ShardNumber, uint64_t) override { co_return Unused(); }
  Task<Status> Drop(ShardNumber) override { co_return Unused(); }
  std::vector<Held> List() override { return {}; }

  std::map<ShardNumber, std::map<std::string, Operation>> shards;
  std::map<ShardNumber, int64_t> slow_ms;
  std::map<ShardNumber, Status> refuses;
  std::vector<ShardNumber> order;
  std::map<ShardNumber, std::vector<format::RequestFate>> fates;
  size_t read = 0;

 private:
  static Status Unused() { return Status::Internal("not of a splitter"); }
  Loop& loop_;
};

constexpr ShardNumber kParent = 9;

class SplitterTest : public testing::Test {
 protected:
  SplitterTest() {
    truth_.Put(CollectionKey("c"), EncodeCollection({.id = Uuid::FromName("c"),
                                                     .name = "c",
                                                     .first_shard = kParent,
                                                     .partitions = 1,
                                                     .factor = 1,
                                                     .spec = {}}));
    truth_.Put(PlacementKey(kParent),
               EncodePlacement(
                   {.shard = kParent, .collection = Uuid::FromName("c"), .epoch = 1, .replicas = {1}, .next = {}}));
    Refresh();
    splitter_.OpenThrough([this](ShardNumber shard) { return Open(shard); });
  }
  ~SplitterTest() override { loop_.Stop(); }

  Task<Status> Open(ShardNumber shard) {
    opened_.insert(shard);
    co_return opens_;
  }
  void Refresh() { EXPECT_TRUE(loop_.Run(directory_.Refresh()).ok()); }
  void Begin() {
    const auto begin = BeginResharding(*directory_.Now(), "c", 2, {kParent, 0}).value();
    EXPECT_TRUE(truth_.state.Commit(begin)->succeeded);
    Refresh();
  }
  void Cancel() {
    const auto& record = directory_.Now()->collections.at("c").value;
    EXPECT_TRUE(truth_.state.Commit(CancelResharding(*directory_.Now(), record))->succeeded);
    Refresh();
  }
  static Operation Upsert(uint64_t id, uint64_t time) {
    return {Version{time, 1}, UpsertPoint{Point{PointId(id), {}, "", "t", ""}}};
  }
  static ShardNumber ChildOf(uint64_t id) { return kParent + 1 + format::PartitionOf(PointId(id), 2); }
  static std::string Batch(uint64_t first, uint64_t last, uint64_t time) {
    std::vector<Operation> operations;
    for (uint64_t id = first; id <= last; ++id) operations.push_back(Upsert(id, time));
    return format::EncodeBatch(operations);
  }
  Status Apply(uint64_t first, uint64_t last, uint64_t time) {
    return loop_.Run(splitter_.Apply(kParent, Batch(first, last, time)));
  }
  Result<Splitter::Filled> Fill(ShardNumber child) {
    return loop_.Run(splitter_.Fill(
        *directory_.Now()->Find(child), [] { return true; }, [](const Splitter::Filled&) {}));
  }
  bool Holds(ShardNumber shard, uint64_t id, uint64_t time) {
    const auto held = store_.shards[shard].find(Upsert(id, 0).Key());
    return held != store_.shards[shard].end() && held->second.version.time == time;
  }

  TestLoop loop_;
  TestTruth truth_{loop_};
  Settings settings_{.repair_pause_ms = 1, .repair_page_keys = 3};
  Directory directory_{loop_, truth_, settings_};
  TestStore store_{loop_};
  Splitter splitter_{loop_, directory_, store_, settings_};
  std::set<ShardNumber> opened_;
  Status opens_;
};

TEST_F(SplitterTest, AShardThatIsNotSplitTakesItsBatchesAlone) {
  EXPECT_TRUE(Apply(1, 4, 5).ok());
  EXPECT_EQ(store_.order, (std::vector<ShardNumber>{kParent}));
}

TEST_F(SplitterTest, ABatchGoesToTheChildrenFirst) {
  Begin();
  EXPECT_TRUE(Apply(1, 8, 5).ok());
  EXPECT_EQ(store_.order, (std::vector<ShardNumber>{kParent + 1, kParent + 2, kParent}));
  EXPECT_EQ(opened_, (std::set<ShardNumber>{kParent + 1, kParent + 2}));
  for (uint64_t id = 1; id <= 8; ++id) {
    EXPECT_TRUE(Holds(ChildOf(id), id, 5));
    EXPECT_FALSE(Holds(2 * kParent + 3 - ChildOf(id), id, 5));
    EXPECT_TRUE(Holds(kParent, id, 5));
  }
}

TEST_F(SplitterTest, EveryChildRemembersTheRequests) {
  const std::vector<format::RequestFate> fates(1);
  ASSERT_TRUE(loop_.Run(splitter_.Apply(kParent, format::EncodeBatch({}, fates))).ok());
  Begin();
  ASSERT_TRUE(Fill(kParent + 1).ok());
  EXPECT_EQ(store_.fates[kParent + 1].size(), 1u);
  ASSERT_TRUE(loop_.Run(splitter_.Apply(kParent, format::EncodeBatch({}, fates))).ok());
  EXPECT_EQ(store_.fates[kParent + 1].size(), 2u);
  EXPECT_EQ(store_.fates[kParent + 2].size(), 1u);
}

TEST_F(SplitterTest, WhatAChildRefusesTheParentDoesNotTake) {
  Begin();
  store_.refuses[kParent + 1] = Status::NoSpace("full");
  EXPECT_EQ(Apply(1, 8, 5).code(), Code::kNoSpace);
  EXPECT_TRUE(store_.shards[kParent].empty());
  store_.refuses.clear();
  opens_ = Status::Unavailable("not yet");
  EXPECT_EQ(Apply(1, 8, 5).code(), Code::kUnavailable);
  EXPECT_TRUE(store_.shards[kParent].empty());
}

TEST_F(SplitterTest, WhatAChildTookAndTheParentRefusedIsUnknown) {
  Begin();
  store_.refuses[kParent] = Status::NoSpace("full");
  EXPECT_EQ(Apply(1, 8, 5).code(), Code::kDeadlineExceeded);
  store_.refuses = {{kParent + 2, Status::NoSpace("full")}};
  EXPECT_EQ(Apply(1, 8, 5).code(), Code::kDeadlineExceeded);
}

TEST_F(SplitterTest, ABatchThatOutlivesACancelledSplitGoesToTheParent) {
  Begin();
  store_.slow_ms[kParent + 1] = 20;
  Status applied = Status::Internal("still under way");
  Spawn([](Splitter& splitter, std::string batch, Status& to) -> Task<void> {
    to = co_await splitter.Apply(kParent, std::move(batch));
  }(splitter_, Batch(1, 8, 5), applied));
  store_.refuses[kParent + 1] = Status::NotFound("dropped");
  Cancel();
  loop_.RunFor(100);
  EXPECT_TRUE(applied.ok()) << applied.ToString();
  EXPECT_TRUE(Holds(kParent, 1, 5));
}

TEST_F(SplitterTest, BytesThatAreNoBatchReachNobody) {
  Begin();
  EXPECT_EQ(loop_.Run(splitter_.Apply(kParent, "nonsense")).code(), Code::kCorruption);
  EXPECT_TRUE(store_.order.empty());
}

TEST_F(SplitterTest, ACopyBringsEachChildItsOwn) {
  ASSERT_TRUE(Apply(1, 20, 5).ok());
  Begin();
  uint64_t copied = 0;
  for (const ShardNumber child : {kParent + 1, kParent + 2}) copied += Fill(child)->copied;
  EXPECT_EQ(copied, 20u);
  for (uint64_t id = 1; id <= 20; ++id) EXPECT_TRUE(Holds(ChildOf(id), id, 5));
  EXPECT_EQ(store_.shards[kParent + 1].size() + store_.shards[kParent + 2].size(), 20u);
  // What is there is not read again.
  store_.read = 0;
  EXPECT_EQ(Fill(kParent + 1)->copied, 0u);
  EXPECT_EQ(store_.read, 0u);
}

TEST_F(SplitterTest, ACopyWaitsForBatchesThatBeganWithoutTheChildren) {
  store_.slow_ms[kParent] = 200;
  Status applied = Status::Internal("still under way");
  Spawn([](Splitter& splitter, std::string batch, Status& to) -> Task<void> {
    to = co_await splitter.Apply(kParent, std::move(batch));
  }(splitter_, Batch(1, 4, 5), applied));
  Begin();
  EXPECT_FALSE(applied.ok());
  ASSERT_TRUE(Fill(kParent + 1).ok());
  ASSERT_TRUE(Fill(kParent + 2).ok());
  EXPECT_TRUE(applied.ok());
  for (uint64_t id = 1; id <= 4; ++id) EXPECT_TRUE(Holds(ChildOf(id), id, 5));
}

TEST_F(SplitterTest, ACopyThatIsNotWantedAnyMoreEnds) {
  ASSERT_TRUE(Apply(1, 20, 5).ok());
  Begin();
  int asked = 0;
  const auto filled = loop_.Run(splitter_.Fill(
      *directory_.Now()->Find(kParent + 1), [&asked] { return ++asked < 3; }, [](const Splitter::Filled&) {}));
  EXPECT_EQ(filled.status().code(), Code::kCancelled);
  EXPECT_LT(store_.shards[kParent + 1].size(), 10u);
}

TEST_F(SplitterTest, ACopyThatFailsSaysSo) {
  ASSERT_TRUE(Apply(1, 20, 5).ok());
  Begin();
  store_.refuses[kParent + 1] = Status::NoSpace("full");
  EXPECT_EQ(Fill(kParent + 1).status().code(), Code::kNoSpace);
}

}  // namespace
}  // namespace rhizome::fabric
