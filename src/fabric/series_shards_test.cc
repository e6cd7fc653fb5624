// Shards of series: records appended at a level, hinted as they are, and copied where digests differ.
#include <gtest/gtest.h>

#include <set>

#include "fabric/coordinator.h"
#include "fabric/repair.h"
#include "fabric/test_world.h"
#include "format/series_batch.h"
#include "format/series_record.h"

namespace rhizome::fabric {
namespace {

constexpr ShardNumber kShard = 5;
constexpr MemberNumber kSelf = 1;

std::string Record(const std::string& metric, double value) {
  format::SeriesBatchBuilder builder;
  format::LabelsBuilder labels;
  labels.Set("__name__", metric);
  builder.Add(builder.SeriesOf(labels.Build()), 1'000, value);
  return builder.Encode();
}

Version VersionOf(const std::string& record) { return format::SeriesBatch::Decode(record)->version(); }

using Records = std::set<std::string>;

format::RangeDigest DigestOf(const Records& records, uint32_t bits) {
  format::RangeDigest digest(bits);
  for (const std::string& record : records) AddToDigest(digest, {record, Version{1, 1}, false});
  return digest;
}

// A replica of records, in memory; joining adds a mark that says that it was done.
class RecordStore : public ReplicaStore {
 public:
  Task<Status> Apply(ShardNumber, std::string batch) override {
    if (refuses.ok()) held.insert(std::move(batch));
    co_return refuses;
  }
  Task<Result<format::RangeDigest>> Digest(ShardNumber, uint32_t bits, std::optional<Version> below) override {
    asked_below = below;
    co_return DigestOf(held, bits);
  }
  Task<Result<std::vector<std::string>>> Join(ShardNumber, std::vector<std::string> records) override {
    if (!joins.ok()) co_return joins;
    std::string all = "joined:";
    for (const std::string& record : records) all += record;
    co_return std::vector{all};
  }
  Task<Result<VersionsRequest::Reply>> Versions(ShardNumber, std::vector<std::string>, std::string) override {
    co_return Never();
  }
  Task<Result<ReadRequest::Reply>> Read(ShardNumber, std::vector<std::string>) override { co_return Never(); }
  Task<Result<std::string>> Query(std::vector<ShardNumber>, std::string) override { co_return Never(); }
  Task<Result<format::InventoryPage>> Inventory(InventoryRequest) override { co_return Never(); }
  Task<Status> Collect(ShardNumber, Version) override { co_return Never(); }
  Task<Result<format::RequestPage>> Requests(ShardNumber, std::string, uint32_t) override { co_return Never(); }
  Task<Result<ScanRequest::Reply>> Scan(ScanRequest) override { co_return Never(); }
  Task<Status> Probe() override { co_return Never(); }
  Task<Status> Open(ShardSpec) override { co_return Never(); }
  Task<Status> MarkComplete(ShardNumber, uint64_t) override { co_return Never(); }
  Task<Status> Drop(ShardNumber) override { co_return Never(); }
  std::vector<Held> List() override { return {}; }

  Records held;
  Status refuses;
  Status joins;
  std::optional<Version> asked_below;

 private:
  static Status Never() { return Status::Internal("not asked for in these tests"); }
};

class SeriesShardsTest : public testing::Test {
 protected:
  SeriesShardsTest() {
    settings_.hint_bytes_max = 2'000;
    for (MemberNumber n = 1; n <= 3; ++n) {
      truth_.Put(MemberKey(n), EncodeMember({.number = n, .name = "m" + std::to_string(n)}));
      network_.answers[n] = [this, n](const Request& request) { return Answer(n, request); };
    }
    CollectionRecord collection;
    collection.id = Uuid::FromName("metrics");
    collection.name = "metrics:default";
    collection.first_shard = kShard;
    collection.partitions = 1;
    collection.factor = 3;
    collection.kind = ShardKind::kSeries;
    truth_.Put(CollectionKey(collection.name), EncodeCollection(collection));
    truth_.Put(PlacementKey(kShard),
               EncodePlacement({.shard = kShard, .collection = collection.id, .epoch = 1, .replicas = {1, 2, 3}}));
    EXPECT_TRUE(loop_.Run(directory_.Refresh()).ok());
    peers_.Follow(*directory_.Now());
  }
  ~SeriesShardsTest() override { loop_.Stop(); }

  Result<std::string> Answer(MemberNumber member, const Request& request) {
    if (const auto refusal = refuses_.find(member); refusal != refuses_.end()) return refusal->second;
    if (refuses_once_.erase(member) > 0) return Status::Unavailable("a moment");
    if (const auto* apply = std::get_if<ApplyRequest>(&request)) {
      applied_[member].insert(apply->batch);
      return EncodeReply(ApplyRequest::Reply{});
    }
    if (const auto* versions = std::get_if<VersionsRequest>(&request)) {
      VersionsRequest::Reply reply;
      reply.versions.assign(versions->keys.size(), highest_[member]);
      reply.tombstones.assign(versions->keys.size(), false);
      return EncodeReply(reply);
    }
    if (const auto* digest = std::get_if<DigestRequest>(&request)) {
      return EncodeReply(DigestRequest::Reply{DigestOf(applied_[member], digest->bits)});
    }
    if (const auto* scan = std::get_if<ScanRequest>(&request)) return EncodeReply(PageOf(applied_[member], *scan));
    return EncodeReply(KeepRequest::Reply{});
  }
  // One record in each page.
  ScanRequest::Reply PageOf(const Records& records, const ScanRequest& scan) const {
    ScanRequest::Reply page;
    const auto next = scan.after.empty() || circles_ ? records.begin() : records.upper_bound(scan.after);
    if (next == records.end()) return page;
    page.records = {*next};
    page.items = 1;
    if (std::next(next) != records.end()) page.next = *next;
    return page;
  }
  Result<WriteReceipt> Append(std::string record, Level level = Level::kQuorum, bool after_all = false) {
    const CallContext context{.deadline_ns = loop_.NowNs() + 3'000 * kTestMs};
    return loop_.Run(coordinator_.Append({kShard, std::move(record), after_all, level, context}));
  }

  TestLoop loop_;
  Settings settings_;
  SimClock clock_;
  TestTruth truth_{loop_};
  TestNetwork network_{loop_};
  Peers peers_{loop_, settings_, kSelf};
  Caller caller_{loop_, network_, peers_, settings_};
  Directory directory_{loop_, truth_, settings_};
  RecordStore store_;
  Hints hints_{caller_, directory_, &store_, settings_, kSelf};
  HybridClock versions_{clock_, 42};
  Coordinator coordinator_{caller_, directory_, hints_, versions_};
  Splitter splitter_{loop_, directory_, store_, settings_};
  Repair repair_{caller_, directory_, {store_, splitter_}, settings_, kSelf};
  std::map<MemberNumber, Records> applied_;
  std::map<MemberNumber, Version> highest_;
  std::map<MemberNumber, Status> refuses_;
  std::set<MemberNumber> refuses_once_;
  bool circles_ = false;
};

TEST_F(SeriesShardsTest, ARecordIsStampedOnceAndTheSameBytesReachEveryOwner) {
  const auto written = Append(Record("up", 1));
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  EXPECT_GE(written->acknowledged.size(), 2u);
  loop_.RunFor(100);
  ASSERT_EQ(applied_[1].size(), 1u);
  EXPECT_EQ(applied_[1], applied_[2]);
  EXPECT_EQ(applied_[1], applied_[3]);
  EXPECT_EQ(VersionOf(*applied_[1].begin()), written->version);
  EXPECT_TRUE(network_.Asked<VersionsRequest>().empty());
}

TEST_F(SeriesShardsTest, ARepetitionKeepsTheVersion) {
  refuses_once_ = {2, 3};
  const auto written = Append(Record("up", 1));
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  loop_.RunFor(1'000);
  for (const MemberNumber n : {1, 2, 3}) EXPECT_EQ(applied_[n].size(), 1u) << n;
  EXPECT_EQ(applied_[1], applied_[2]);
}

TEST_F(SeriesShardsTest, WithoutAMajorityNothingIsAcknowledged) {
  refuses_[2] = refuses_[3] = Status::Unavailable("away");
  EXPECT_EQ(Append(Record("up", 1)).status().code(), Code::kDeadlineExceeded);  // one has it: unknown
  EXPECT_TRUE(Append(Record("up", 2), Level::kOne).ok());
  refuses_[1] = Status::Unavailable("away");
  EXPECT_EQ(Append(Record("up", 3)).status().code(), Code::kUnavailable);
}

TEST_F(SeriesShardsTest, WhatComesAfterAllIsAboveWhatAMajorityHas) {
  highest_[2] = highest_[3] = Version{uint64_t{1} << 50, 7};
  const auto written = Append(Record("up", 1), Level::kQuorum, true);
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  EXPECT_GT(written->version, highest_[2]);
}

TEST_F(SeriesShardsTest, AnAbsentOwnerIsHandedItsRecordsJoined) {
  refuses_[3] = Status::Unavailable("away");
  ASSERT_TRUE(Append(Record("up", 1)).ok());
  ASSERT_TRUE(Append(Record("up", 2)).ok());
  loop_.RunFor(100);
  EXPECT_EQ(hints_.pending(), 2u);
  refuses_.clear();
  hints_.Deliver(3);
  loop_.RunFor(100);
  ASSERT_EQ(applied_[3].size(), 1u);
  EXPECT_TRUE(applied_[3].begin()->starts_with("joined:"));
  EXPECT_EQ(hints_.pending(), 0u);
}

TEST_F(SeriesShardsTest, AHolderThatIsAnotherIsSentTheRecord) {
  hints_.Note({kShard, 1}, 3, {{}, Record("up", 1)}, {2});
  loop_.RunFor(100);
  const auto asked = network_.Asked<KeepRequest>();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].first, 2u);
  EXPECT_EQ(asked[0].second.record, Record("up", 1));
}

TEST_F(SeriesShardsTest, RecordsBeyondTheBytesThatAreKeptAreLeftToComparing) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(hints_.Keep(KeepRequest{{kShard, 1}, 3, Record("up", i)}).ok());
  EXPECT_GT(hints_.pending(), 0u);
  EXPECT_LE(hints_.pending() * Record("up", 1).size(), settings_.hint_bytes_max);
  EXPECT_EQ(hints_.TakeOverflowed().size(), 1u);
  // Delivered, there is room again.
  hints_.Deliver(3);
  loop_.RunFor(1'000);
  EXPECT_EQ(hints_.pending(), 0u);
  EXPECT_TRUE(hints_.Keep(KeepRequest{{kShard, 1}, 3, Record("up", 1)}).ok());
  EXPECT_EQ(hints_.pending(), 1u);
  EXPECT_TRUE(hints_.TakeOverflowed().empty());
}

TEST_F(SeriesShardsTest, BytesThatAreNoRecordAreLeftToComparingAndNotKeptForEver) {
  ASSERT_TRUE(hints_.Keep(KeepRequest{{kShard, 1}, 3, "no record"}).ok());
  store_.joins = Status::Corruption("no record");
  hints_.Deliver(3);
  loop_.RunFor(100);
  EXPECT_EQ(hints_.pending(), 0u);
  EXPECT_EQ(hints_.TakeOverflowed().size(), 1u);
  EXPECT_TRUE(applied_[3].empty());
}

TEST_F(SeriesShardsTest, AHintForAShardThatIsNotHereIsRefused) {
  EXPECT_EQ(hints_.Keep(KeepRequest{{kShard + 1, 1}, 3, Record("up", 1)}).code(), Code::kNotFound);
}

TEST_F(SeriesShardsTest, APullBringsWhatLeavesThatDifferHoldThere) {
  for (int i = 0; i < 9; ++i) applied_[2].insert(Record("up", i));
  store_.held.insert(Record("up", 3));
  const auto report = loop_.Run(repair_.Pull({kShard, 1}, 2));
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(store_.held, applied_[2]);
  EXPECT_EQ(store_.asked_below, std::nullopt);
  EXPECT_EQ(loop_.Run(repair_.Pull({kShard, 1}, 2))->copied, 0u);
}

TEST_F(SeriesShardsTest, ComparisonsLeaveOutWhatIsUnderWayAndCopiesNothing) {
  loop_.RunFor(10 * 3'600'000);
  const int64_t now_ms = loop_.WallMs();
  ASSERT_TRUE(loop_.Run(repair_.Pull({kShard, 1}, 2, Repair::Extent::kRecent)).ok());
  ASSERT_TRUE(store_.asked_below.has_value());
  EXPECT_LE(store_.asked_below->WallMs(), now_ms);
  EXPECT_GT(store_.asked_below->WallMs(), now_ms - 60'000);
  ASSERT_TRUE(loop_.Run(repair_.Pull({kShard, 1}, 2, Repair::Extent::kPast)).ok());
  EXPECT_EQ(store_.asked_below->WallMs() % (2 * 3'600'000), 0);
  EXPECT_LT(store_.asked_below->WallMs(), now_ms);
}

TEST_F(SeriesShardsTest, PagesThatTurnInCirclesEndThePull) {
  for (int i = 0; i < 3; ++i) applied_[2].insert(Record("up", i));
  circles_ = true;
  EXPECT_EQ(loop_.Run(repair_.Pull({kShard, 1}, 2)).status().code(), Code::kCorruption);
}

TEST_F(SeriesShardsTest, ARecordThatCannotBeAppliedEndsThePull) {
  applied_[2].insert(Record("up", 1));
  store_.refuses = Status::NoSpace("full");
  EXPECT_EQ(loop_.Run(repair_.Pull({kShard, 1}, 2)).status().code(), Code::kNoSpace);
}

}  // namespace
}  // namespace rhizome::fabric
