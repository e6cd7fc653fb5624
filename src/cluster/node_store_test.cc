#include "cluster/node_store.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/mutex.h"
#include "cluster/cluster_testing.h"
#include "cluster/query_codec.h"
#include "io/sim_disk.h"

namespace rhizome::cluster {
namespace {

using fabric::InventoryRequest;
using fabric::ReadRequest;
using fabric::VersionsRequest;
using format::Operation;
using format::Point;
using format::PointId;
using format::UpsertPoint;

constexpr fabric::ShardNumber kShard = 3;
constexpr fabric::ShardNumber kAbsent = 4;

Operation Upsert(uint64_t id, Version version) {
  return {version, UpsertPoint{Point{PointId(id), {1, 2}, "", "", ""}}};
}

fabric::ShardSpec Spec(fabric::ShardNumber shard) {
  CollectionSpec engine;
  engine.dimension = 2;
  fabric::ShardSpec spec;
  spec.shard = shard;
  spec.collection = {Uuid::FromName("c"), "c", 0, 8, 3, 0, EncodeSpec(engine)};
  spec.since = 7;
  return spec;
}

// A disk in memory whose log can be told to hold: every sync of a file of it waits until it is released.
class HeldDisk final : public io::Disk {
 public:
  void Hold() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    held_ = true;
  }
  void Release() EXCLUDES(mutex_) {
    {
      const MutexLock lock(mutex_);
      held_ = false;
    }
    released_.NotifyAll();
  }
  // Syncs that wait now.
  int waiting() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return waiting_;
  }

  Result<std::unique_ptr<io::File>> Open(const std::string& path, io::OpenMode mode) override {
    auto file = disk_.Open(path, mode);
    if (!file.ok() || path.find("/log/") == std::string::npos) return file;
    return std::unique_ptr<io::File>(std::make_unique<HeldFile>(*this, std::move(file).value()));
  }
  Result<std::unique_ptr<io::Mapping>> Map(const std::string& path, void* at) override { return disk_.Map(path, at); }
  Status Rename(const std::string& from, const std::string& to) override { return disk_.Rename(from, to); }
  Status Link(const std::string& from, const std::string& to) override { return disk_.Link(from, to); }
  Status Remove(const std::string& path) override { return disk_.Remove(path); }
  Status CreateDirectory(const std::string& path) override { return disk_.CreateDirectory(path); }
  Status RemoveDirectory(const std::string& path) override { return disk_.RemoveDirectory(path); }
  Result<std::vector<std::string>> List(const std::string& path) override { return disk_.List(path); }
  Status SyncDirectory(const std::string& path) override { return disk_.SyncDirectory(path); }
  Result<bool> Exists(const std::string& path) override { return disk_.Exists(path); }
  Result<io::PathInfo> Inspect(const std::string& path) override { return disk_.Inspect(path); }
  Result<uint64_t> FreeBytes(const std::string& path) override { return disk_.FreeBytes(path); }
  Result<std::shared_ptr<void>> Lock(const std::string& path) override { return disk_.Lock(path); }

 private:
  class HeldFile final : public io::File {
   public:
    HeldFile(HeldDisk& disk, std::unique_ptr<io::File> file) : disk_(disk), file_(std::move(file)) {}
    Status Append(std::string_view bytes) override { return file_->Append(bytes); }
    Status WriteAt(uint64_t offset, std::string_view bytes) override { return file_->WriteAt(offset, bytes); }
    Result<size_t> ReadInto(uint64_t offset, char* to, size_t length) const override {
      return file_->ReadInto(offset, to, length);
    }
    Status Sync() override {
      disk_.AwaitRelease();
      return file_->Sync();
    }
    Status Truncate(uint64_t length) override { return file_->Truncate(length); }
    Status Preallocate(uint64_t length) override { return file_->Preallocate(length); }
    Result<uint64_t> Size() const override { return file_->Size(); }

   private:
    HeldDisk& disk_;
    const std::unique_ptr<io::File> file_;
  };

  void AwaitRelease() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ++waiting_;
    while (held_) released_.Wait(mutex_);
    --waiting_;
  }

  io::SimDisk disk_;
  Mutex mutex_;
  CondVar released_;
  bool held_ GUARDED_BY(mutex_) = false;
  int waiting_ GUARDED_BY(mutex_) = 0;
};

class NodeStoreTest : public testing::Test {
 protected:
  explicit NodeStoreTest(NodeStoreOptions options = {2, 1, 2, 1, 100}) {
    NodeOptions node;
    node.data_dir = "/data";
    node.index_threads = 1;
    node_ = Node::Open(disk_, node).value();
    store_ = std::make_unique<NodeStore>(loop_, *node_, options);
  }
  ~NodeStoreTest() override {
    disk_.Release();
    loop_.BeginStop();
    store_.reset();
    loop_.End();
  }

  template <typename R>
  R Ask(std::function<Task<R>()> start) {
    return calls_.One<R>(std::move(start));
  }
  Status Open(const fabric::ShardSpec& spec) {
    return Ask<Status>([&] { return store_->Open(spec); });
  }
  Status Apply(fabric::ShardNumber shard, const std::string& batch) {
    return Ask<Status>([&] { return store_->Apply(shard, batch); });
  }
  Result<VersionsRequest::Reply> Versions(fabric::ShardNumber shard, const std::string& request = "") {
    return Ask<Result<VersionsRequest::Reply>>([&] { return store_->Versions(shard, {key_}, request); });
  }
  Result<ReadRequest::Reply> Read(fabric::ShardNumber shard) {
    return Ask<Result<ReadRequest::Reply>>([&] { return store_->Read(shard, {key_}); });
  }
  Result<std::string> Query(fabric::ShardNumber shard, const std::string& query = EncodeQuery(CountQuery{})) {
    return Ask<Result<std::string>>([&] { return store_->Query({shard}, query); });
  }
  Result<format::RangeDigest> Digest(fabric::ShardNumber shard) {
    return Ask<Result<format::RangeDigest>>([&] { return store_->Digest(shard, 0, std::nullopt); });
  }
  // What each call about a shard ends with.
  std::map<std::string, Status> EveryCall(fabric::ShardNumber shard) {
    std::map<std::string, Status> ended;
    ended["apply"] = Apply(shard, format::EncodeBatch(std::vector{Upsert(1, {9, 1})}));
    ended["versions"] = Versions(shard).status();
    ended["read"] = Read(shard).status();
    ended["query"] = Query(shard).status();
    ended["digest"] = Digest(shard).status();
    ended["inventory"] = Ask<Result<format::InventoryPage>>([&] {
                           return store_->Inventory({{shard, 1}, 0, {0}, "", 10});
                         }).status();
    ended["requests"] = Ask<Result<format::RequestPage>>([&] { return store_->Requests(shard, "", 10); }).status();
    ended["collect"] = Ask<Status>([&] { return store_->Collect(shard, {1, 1}); });
    ended["complete"] = Ask<Status>([&] { return store_->MarkComplete(shard, 7); });
    ended["drop"] = Ask<Status>([&] { return store_->Drop(shard); });
    return ended;
  }

  const std::string key_ = Upsert(1, {}).Key();
  HeldDisk disk_;
  ThreadLoop loop_;
  LoopCalls calls_{loop_};
  std::unique_ptr<Node> node_;
  std::unique_ptr<NodeStore> store_;
};

TEST_F(NodeStoreTest, WhatIsAppliedIsRead) {
  ASSERT_TRUE(Open(Spec(kShard)).ok());
  const Operation upsert = Upsert(1, {9, 1});
  ASSERT_TRUE(Apply(kShard, format::EncodeBatch(std::vector{upsert})).ok());
  EXPECT_EQ(Versions(kShard)->versions, std::vector{upsert.version});
  ASSERT_TRUE(Read(kShard)->registers[0].has_value());
  EXPECT_EQ(Read(kShard)->registers[0]->version, upsert.version);
  EXPECT_EQ(Digest(kShard)->leaves[0].count, 1u);
}

TEST_F(NodeStoreTest, AnAppliedRequestIsToldWithItsVersion) {
  ASSERT_TRUE(Open(Spec(kShard)).ok());
  Operation upsert = Upsert(1, {9, 1});
  upsert.request = {{1}, 77};
  ASSERT_TRUE(Apply(kShard, format::EncodeBatch(std::vector{upsert})).ok());
  const auto told = Versions(kShard, format::ToBytes({1}));
  EXPECT_EQ(told->request, upsert.version);
  EXPECT_EQ(told->content_hash, 77u);
  EXPECT_EQ(Versions(kShard, format::ToBytes({2}))->request, std::nullopt);
  const auto page = Ask<Result<format::RequestPage>>([&] { return store_->Requests(kShard, "", 10); });
  EXPECT_EQ(page->fates, (std::vector{format::RequestFate{{1}, {upsert.version, 77}}}));
}

TEST_F(NodeStoreTest, ARequestKeyOfAnotherLengthIsRefused) {
  ASSERT_TRUE(Open(Spec(kShard)).ok());
  EXPECT_EQ(Versions(kShard, "short").status().field(), "request");
}

TEST_F(NodeStoreTest, EveryCallAboutAShardThatIsNotHereIsNotFound) {
  ASSERT_TRUE(Open(Spec(kShard)).ok());
  for (const auto& [call, status] : EveryCall(kAbsent)) EXPECT_EQ(status.code(), Code::kNotFound) << call;
}

TEST_F(NodeStoreTest, BytesThatAreNoBatchAreCorruption) {
  ASSERT_TRUE(Open(Spec(kShard)).ok());
  EXPECT_EQ(Apply(kShard, "not a batch").code(), Code::kCorruption);
}

TEST_F(NodeStoreTest, BytesThatAreNoQueryAreCorruption) {
  ASSERT_TRUE(Open(Spec(kShard)).ok());
  EXPECT_EQ(Query(kShard, "not a query").status().code(), Code::kCorruption);
}

TEST_F(NodeStoreTest, AReplicaIsOpenedOnce) {
  ASSERT_TRUE(Open(Spec(kShard)).ok());
  EXPECT_EQ(Open(Spec(kShard)).code(), Code::kAlreadyExists);
}

TEST_F(NodeStoreTest, AnEngineSpecThatIsNoneIsRefused) {
  fabric::ShardSpec spec = Spec(kShard);
  spec.collection.spec = "none";
  EXPECT_EQ(Open(spec).code(), Code::kCorruption);
  EXPECT_TRUE(store_->List().empty());
}

TEST_F(NodeStoreTest, AReplicaIsCompleteOnlyAsTheOneThatWasOpened) {
  ASSERT_TRUE(Open(Spec(kShard)).ok());
  EXPECT_EQ(Ask<Status>([&] { return store_->MarkComplete(kShard, 8); }).code(), Code::kNotFound);
  EXPECT_FALSE(store_->List()[0].complete);
  ASSERT_TRUE(Ask<Status>([&] { return store_->MarkComplete(kShard, 7); }).ok());
  EXPECT_TRUE(store_->List()[0].complete);
}

TEST_F(NodeStoreTest, WhatIsDroppedIsNotListed) {
  ASSERT_TRUE(Open(Spec(kShard)).ok());
  ASSERT_EQ(store_->List().size(), 1u);
  EXPECT_EQ(store_->List()[0].since, 7u);
  ASSERT_TRUE(Ask<Status>([&] { return store_->Drop(kShard); }).ok());
  EXPECT_TRUE(store_->List().empty());
}

// One thread and one place in the queue for writes, on a disk that can be told to hold every sync.
class NarrowStoreTest : public NodeStoreTest {
 protected:
  NarrowStoreTest() : NodeStoreTest({1, 1, 1, 1, 1}) {
    EXPECT_TRUE(Open(Spec(kShard)).ok());
    disk_.Hold();
  }
  // Begins a write that stays where it is; `ended_` counts those that came to an end.
  void BeginWrite(uint64_t id) {
    writers_.emplace_back([this, id] {
      const std::string batch = format::EncodeBatch(std::vector{Upsert(id, {9, 1})});
      const Status status = Ask<Status>([&] {
        ++begun_;
        return store_->Apply(kShard, batch);
      });
      last_ = static_cast<int>(status.code());
      ++ended_;
    });
  }
  // One write on the thread, one in the queue.
  void FillWriteLane() {
    BeginWrite(1);
    ASSERT_TRUE(Eventually(60, [this] { return disk_.waiting() > 0; }));
    BeginWrite(2);
    ASSERT_TRUE(Eventually(60, [this] { return begun_ == 2; }));
    ASSERT_EQ(ended_, 0);
  }
  ~NarrowStoreTest() override {
    disk_.Release();
    for (std::thread& writer : writers_) writer.join();
  }

  std::vector<std::thread> writers_;
  std::atomic<int> begun_{0};
  std::atomic<int> ended_{0};
  std::atomic<int> last_{0};
};

TEST_F(NarrowStoreTest, AFullQueueRefusesAtOnce) {
  FillWriteLane();
  EXPECT_EQ(Apply(kShard, format::EncodeBatch(std::vector{Upsert(3, {9, 1})})).code(), Code::kResourceExhausted);
  EXPECT_EQ(ended_, 0);
}

TEST_F(NarrowStoreTest, ABusyLaneIsALoad) {
  EXPECT_LT(store_->LoadPermille(), 1'000u);
  FillWriteLane();
  EXPECT_EQ(store_->LoadPermille(), 1'000u);
}

TEST_F(NarrowStoreTest, WritesThatWaitHoldUpNoOtherLane) {
  FillWriteLane();
  EXPECT_TRUE(Versions(kShard).ok());
  EXPECT_TRUE(Read(kShard).ok());
  EXPECT_TRUE(Query(kShard).ok());
  EXPECT_TRUE(Digest(kShard).ok());
  EXPECT_EQ(ended_, 0);
}

TEST_F(NarrowStoreTest, WhatWaitsIsCancelledAtOnce) {
  FillWriteLane();
  loop_.Post([this] { store_->CancelAll(); });
  ASSERT_TRUE(Eventually(60, [this] { return ended_ == 2; }));
  EXPECT_EQ(last_, static_cast<int>(Code::kCancelled));
  EXPECT_GT(disk_.waiting(), 0);
}

TEST_F(NarrowStoreTest, WhatWaitedIsDoneOnceItCan) {
  FillWriteLane();
  disk_.Release();
  ASSERT_TRUE(Eventually(60, [this] { return ended_ == 2; }));
  EXPECT_EQ(last_, static_cast<int>(Code::kOk));
  EXPECT_EQ(Digest(kShard)->leaves[0].count, 2u);
}

class ClosedStoreTest : public NodeStoreTest {
 protected:
  ClosedStoreTest() : NodeStoreTest({1, 1, 1, 1, 0}) {}
};

TEST_F(ClosedStoreTest, EveryLaneIsBounded) {
  for (const auto& [call, status] : EveryCall(kShard)) EXPECT_EQ(status.code(), Code::kResourceExhausted) << call;
  EXPECT_EQ(Open(Spec(kShard)).code(), Code::kResourceExhausted);
}

TEST_F(NodeStoreTest, NothingBeginsWhileTheLoopStops) {
  ASSERT_TRUE(Open(Spec(kShard)).ok());
  loop_.BeginStop();
  EXPECT_EQ(Read(kShard).status().code(), Code::kCancelled);
}

}  // namespace
}  // namespace rhizome::cluster
