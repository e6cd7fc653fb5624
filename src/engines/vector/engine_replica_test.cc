#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engines/vector/replica_testing.h"

namespace rhizome::vector {
namespace {

using format::Operation;
using format::PointId;
using format::PutDocument;
using format::RegisterVersion;
using format::RequestRecord;
using testing::ElementsAre;
using testing::IsEmpty;

std::string PointKey(uint64_t id) { return "p" + PointId(id).Encode(); }
std::string DocumentKey(std::string_view id) { return "d" + Named(id).Encode(); }

class EngineReplicaTest : public testing::Test {
 protected:
  std::vector<RegisterVersion> Versions(std::vector<std::string> keys) { return replica_->Versions(keys).value(); }
  TestReplica replica_;
};

TEST_F(EngineReplicaTest, VersionsNameDeletesAndWhatWasNeverWritten) {
  replica_.Apply({Upsert(1, {5, 1}), Delete(2, {6, 1}), Put("doc", {7, 2}, 2)});
  replica_.Apply({Remove("gone", {8, 1})});
  const std::vector<std::string> keys = {DocumentKey("doc"), PointKey(1), PointKey(9), PointKey(2),
                                         DocumentKey("gone")};
  EXPECT_THAT(Versions(keys),
              ElementsAre(RegisterVersion{keys[0], {7, 2}, false}, RegisterVersion{keys[1], {5, 1}, false},
                          RegisterVersion{keys[2], {}, false}, RegisterVersion{keys[3], {6, 1}, true},
                          RegisterVersion{keys[4], {8, 1}, true}));
}

TEST_F(EngineReplicaTest, WhatIsNoRegisterIsNamedByItsPlace) {
  const std::string chunk = "p" + PointId::OfChunk(Named("doc"), 0).Encode();
  for (const std::string& bad : {std::string(), std::string("x1"), chunk}) {
    const std::vector<std::string> keys = {PointKey(1), bad};
    EXPECT_EQ(replica_->Versions(keys).status().field(), "keys[1]");
    EXPECT_EQ(replica_->ReadRegisters(keys).status().field(), "keys[1]");
  }
}

class EveryMetricReplica : public testing::TestWithParam<Metric> {};
INSTANTIATE_TEST_SUITE_P(Metrics, EveryMetricReplica, testing::Values(Metric::kCosine, Metric::kDot, Metric::kL2),
                         [](const auto& param) { return std::string(MetricName(param.param)); });

TEST_P(EveryMetricReplica, ACopyMadeOfWhatWasReadIsEqualInAllItsAnswers) {
  TestReplica source(GetParam()), copy(GetParam());
  for (uint64_t id = 0; id < 40; ++id) source.Apply({Upsert(id, {100 + id, 1}, "word" + std::to_string(id % 5))});
  source.Apply({Delete(3, {500, 1}), Put("doc", {501, 1}, 4), Put("empty", {502, 1}, 0), Remove("gone", {503, 2})});
  source.Apply({{{504, 1}, format::UpsertPoint{{Named("only text"), {}, "", "text", ""}}}});
  std::vector<std::string> keys;
  for (const RegisterVersion& entry : source.All()) keys.push_back(entry.key);
  std::vector<Operation> operations;
  for (auto& read : source->ReadRegisters(keys).value()) operations.push_back(*read);
  ASSERT_TRUE(copy->Validate(operations).ok());
  copy.Apply(operations);
  ExpectEqual(source, copy);
  const std::vector<float> vector = TestVector(1);
  const Query query{vector, "word3 chunk", 50, nullptr, true, 0};
  const Candidates a = source->Search(query).value(), b = copy->Search(query).value();
  ASSERT_EQ(a.dense.size(), b.dense.size());
  for (size_t i = 0; i < a.dense.size(); ++i) {
    EXPECT_EQ(a.dense[i].id, b.dense[i].id);
    EXPECT_EQ(a.dense[i].score, b.dense[i].score);  // to the last bit
  }
  EXPECT_EQ(a.text.size(), b.text.size());
}

TEST_F(EngineReplicaTest, AReadRegisterIsTheOperationThatWroteIt) {
  const Operation put = Put("doc", {7, 2}, 3);
  replica_.Apply({put, Delete(2, {6, 1})});
  const Operation read = *replica_.Read(put.Key());
  const auto& document = std::get<PutDocument>(read.body);
  EXPECT_EQ(document.record, std::get<PutDocument>(put.body).record);
  EXPECT_EQ(document.chunks.size(), 3u);
  EXPECT_EQ(document.chunks[2].text, "chunk of 7");
  EXPECT_EQ(document.chunks[2].title, "t7");
  EXPECT_EQ(replica_.Read(PointKey(2)), Delete(2, {6, 1}));
  EXPECT_EQ(replica_.Read(PointKey(3)), std::nullopt);
}

TEST_F(EngineReplicaTest, PagesOfAnInventoryJoinWithoutGapOrRepeat) {
  for (uint64_t id = 0; id < 20; ++id) {
    replica_.Apply({Upsert(id, {10 + id, 1}), Put("doc" + std::to_string(id), {50 + id, 1}, 2)});
  }
  replica_.Apply({Delete(30, {100, 1})});
  std::vector<RegisterVersion> joined;
  std::string after;
  do {
    const format::InventoryPage page = replica_->Inventory({0}, 0, after, 3).value();
    joined.insert(joined.end(), page.entries.begin(), page.entries.end());
    after = page.next;
  } while (!after.empty());
  EXPECT_EQ(joined, replica_.All());
  EXPECT_EQ(joined.size(), 41u);
  EXPECT_TRUE(std::is_sorted(joined.begin(), joined.end(), [](auto& a, auto& b) { return a.key < b.key; }));
}

TEST_F(EngineReplicaTest, LeavesShareTheInventoryOut) {
  for (uint64_t id = 0; id < 50; ++id) replica_.Apply({Upsert(id, {10 + id, 1})});
  size_t total = 0;
  const format::RangeDigest digest = replica_->Digest(3, {}).value();
  for (uint32_t leaf = 0; leaf < 8; ++leaf) {
    const auto entries = replica_->Inventory({leaf}, 3, "", 100).value().entries;
    for (const RegisterVersion& entry : entries) EXPECT_EQ(format::LeafOf(entry.key, 3), leaf);
    EXPECT_EQ(entries.size(), digest.leaves[leaf].count);
    total += entries.size();
  }
  EXPECT_EQ(total, 50u);
  EXPECT_THAT(replica_->Inventory({}, 3, "", 100).value().entries, IsEmpty());
}

TEST_F(EngineReplicaTest, AbsurdQuestionsAreRefusedByField) {
  EXPECT_EQ(replica_->Inventory({0}, 13, "", 1).status().field(), "bits");
  EXPECT_EQ(replica_->Digest(13, {}).status().field(), "bits");
  EXPECT_EQ(replica_->Inventory({0}, 0, "", 0).status().field(), "limit");
  EXPECT_EQ(replica_->Inventory({8}, 3, "", 1).status().field(), "leaves");
  EXPECT_EQ(replica_->Inventory({0}, 0, "nonsense", 1).status().field(), "after");
}

TEST_F(EngineReplicaTest, ADigestIsThatOfTheInventory) {
  replica_.Apply({Upsert(1, {5, 1}), Delete(2, {6, 1}), Put("doc", {7, 2}, 4)});
  format::RangeDigest expected(5), below(5);
  for (const RegisterVersion& entry : replica_.All()) {
    AddToDigest(expected, entry);
    if (entry.version < Version{7, 2}) AddToDigest(below, entry);
  }
  EXPECT_EQ(replica_.Digest(), expected);
  const format::RangeDigest read_below = replica_->Digest(5, Version{7, 2}).value();
  EXPECT_EQ(read_below, below);
  EXPECT_NE(expected, below);
}

TEST_F(EngineReplicaTest, ADigestFollowsEveryChange) {
  std::set<uint64_t> seen;
  const auto is_new = [&] { return seen.insert(replica_->Digest(0, {}).value().leaves[0].hash).second; };
  EXPECT_TRUE(is_new());
  replica_.Apply({Upsert(1, {5, 1})});
  EXPECT_TRUE(is_new());
  replica_.Apply({Delete(1, {6, 1})});
  EXPECT_TRUE(is_new());
  EXPECT_FALSE(is_new());
  EXPECT_NE(replica_->Digest(1, {}).value().bits, replica_->Digest(0, {}).value().bits);
  EXPECT_EQ(replica_->Digest(0, Version{6, 1}).value().leaves[0].count, 0u);
  ASSERT_TRUE(replica_->CollectTombstones({7, 0}).ok());
  EXPECT_FALSE(is_new());  // as at the beginning
  EXPECT_EQ(replica_->Digest(0, {}).value().leaves[0].count, 0u);
}

TEST_F(EngineReplicaTest, OnlyDeletesBelowTheBoundAreForgotten) {
  replica_.Apply(
      {Upsert(1, {5, 1}), Delete(2, {6, 1}), Delete(3, {9, 1}), Remove("old", {7, 1}), Put("doc", {4, 1}, 1)});
  ASSERT_TRUE(replica_->CollectTombstones({9, 1}).ok());
  EXPECT_THAT(replica_.All(),
              ElementsAre(RegisterVersion{DocumentKey("doc"), {4, 1}, false},
                          RegisterVersion{PointKey(1), {5, 1}, false}, RegisterVersion{PointKey(3), {9, 1}, true}));
  ASSERT_TRUE(replica_.store().Flush().ok());
  const auto before = replica_.All();
  replica_.CrashAndReplay();
  EXPECT_EQ(replica_.All(), before);
}

TEST_F(EngineReplicaTest, ManyDeletesAreForgotten) {
  for (uint64_t from = 0; from < 2000; from += 500) {
    std::vector<Operation> batch;
    for (uint64_t id = from; id < from + 500; ++id) batch.push_back(Delete(id, {10 + id, 1}));
    replica_.Apply(batch);
  }
  ASSERT_TRUE(replica_->CollectTombstones({5000, 1}).ok());
  EXPECT_THAT(replica_.All(), IsEmpty());
}

TEST_F(EngineReplicaTest, AForgottenDeleteNoLongerStandsInTheWay) {
  replica_.Apply({Upsert(1, {5, 1}), Put("doc", {5, 2}, 3)});
  replica_.Apply({Delete(1, {9, 1}), Remove("doc", {9, 2})});
  ASSERT_TRUE(replica_->CollectTombstones({10, 0}).ok());
  replica_.Apply({Upsert(1, {7, 1}), Put("doc", {7, 2}, 2)});  // memory still knows the versions of the deletes
  const auto check = [this] {
    EXPECT_EQ(replica_->points(), 3u);
    EXPECT_EQ(std::get<PutDocument>(replica_.Read(DocumentKey("doc"))->body).chunks.size(), 2u);
    EXPECT_EQ(replica_.Read(PointKey(1))->version, (Version{7, 1}));
  };
  check();
  ASSERT_TRUE(replica_.store().Flush().ok());  // the database is ahead of memory, which has no snapshot
  replica_.CrashAndReplay();
  check();
}

// The log still holds a write that lost to a delete nobody knows any more.
TEST_F(EngineReplicaTest, AReplayBringsNothingBackThatAForgottenDeleteRemoved) {
  replica_.Apply({Upsert(1, {5, 1}), Put("doc", {5, 2}, 2)});
  replica_.Apply({Delete(1, {9, 1}), Remove("doc", {9, 2}), Delete(2, {9, 3}), Remove("late", {9, 4})});
  replica_.Apply({Upsert(2, {6, 1}), Put("late", {6, 2}, 2)});  // too late when they came
  ASSERT_TRUE(replica_->CollectTombstones({10, 0}).ok());
  replica_.Apply({Delete(2, {4, 1})});  // older than the write it follows in the log
  ASSERT_TRUE(replica_.store().Flush().ok());
  replica_.CrashAndReplay();
  EXPECT_EQ(replica_->points(), 0u);
  EXPECT_EQ(replica_->documents(), 0u);
  EXPECT_THAT(replica_.All(), ElementsAre(RegisterVersion{PointKey(2), {4, 1}, true}));
  EXPECT_TRUE(replica_->Compact().ok());
}

format::IdempotencyKey KeyOf(uint8_t key) { return Of({}, key).request->key; }
Version At(int64_t ms) { return {static_cast<uint64_t>(ms) << 16, 1}; }

TEST_F(EngineReplicaTest, ARequestIsKnownOnceItsEffectIs) {
  EXPECT_EQ(replica_->FindRequest(KeyOf(1)).value(), std::nullopt);
  replica_.Apply({Of(Upsert(1, {5, 1}), 1), Of(Upsert(2, {6, 1}), 1), Of(Upsert(3, {4, 1}), 2)});
  const auto check = [this] {
    EXPECT_EQ(replica_->FindRequest(KeyOf(1)).value(), (RequestRecord{{6, 1}, 77}));
    EXPECT_EQ(replica_->FindRequest(KeyOf(2)).value(), (RequestRecord{{4, 1}, 77}));
  };
  check();
  replica_.CrashAndReplay();
  check();
}

TEST_F(EngineReplicaTest, OfOperationsOfOneRequestTheHigherVersionIsKept) {
  replica_.Apply({Of(Upsert(1, {8, 1}), 1)});
  replica_.Apply({Of(Upsert(1, {5, 1}), 1)});
  EXPECT_EQ(replica_->FindRequest(KeyOf(1)).value()->version, (Version{8, 1}));
  replica_.Apply({Of(Upsert(1, {9, 1}), 1)});
  EXPECT_EQ(replica_->FindRequest(KeyOf(1)).value()->version, (Version{9, 1}));
}

// A point, a document, and deletes of both.
std::vector<Operation> EveryStampedKind() {
  return {Of(Upsert(1, {5, 1}), 1), Of(Put("doc", {5, 1}, 3), 1), Of(Delete(2, {5, 1}), 2),
          Of(Remove("gone", {5, 1}), 2)};
}

TEST_F(EngineReplicaTest, ACopyOfARegisterRemembersItsRequest) {
  replica_.Apply(EveryStampedKind());
  for (const RegisterVersion& entry : replica_.All()) {
    TestReplica copy;
    const Operation read = *replica_.Read(entry.key);
    copy.Apply({read});
    EXPECT_EQ(copy->FindRequest(read.request->key).value(), (RequestRecord{{5, 1}, 77}));
    EXPECT_EQ(copy.Read(entry.key), read);
  }
}

TEST_F(EngineReplicaTest, AStampOutlivesRestartSnapshotAndCompaction) {
  replica_.Apply(EveryStampedKind());
  const auto check = [this] {
    for (const Operation& operation : EveryStampedKind()) {
      EXPECT_EQ(replica_.Read(operation.Key())->request, operation.request);
    }
  };
  check();
  replica_.CrashAndReplay();
  check();
  replica_.CheckpointNow();
  ASSERT_TRUE(replica_->Compact().ok());
  replica_.CrashAndReplay();
  check();
}

TEST_F(EngineReplicaTest, ALaterWriteWithoutAKeyLeavesNoStamp) {
  replica_.Apply({Of(Upsert(1, {5, 1}), 1), Of(Put("doc", {5, 1}, 3), 1)});
  replica_.Apply({Upsert(1, {6, 1}), Remove("doc", {6, 1})});
  EXPECT_EQ(replica_.Read(PointKey(1))->request, std::nullopt);
  EXPECT_EQ(replica_.Read(DocumentKey("doc"))->request, std::nullopt);
}

TEST_F(EngineReplicaTest, ARequestIsRememberedWhereItsRegisterComesTooLate) {
  replica_.Apply({Upsert(1, {9, 1}), Put("doc", {9, 1}, 1)});
  replica_.Apply({Of(Upsert(1, {5, 1}), 1), Of(Put("doc", {5, 1}, 2), 2)});
  EXPECT_EQ(replica_.Read(PointKey(1))->version, (Version{9, 1}));
  EXPECT_EQ(replica_->FindRequest(KeyOf(1)).value()->version, (Version{5, 1}));
  EXPECT_EQ(replica_->FindRequest(KeyOf(2)).value()->version, (Version{5, 1}));
}

TEST_F(EngineReplicaTest, ARequestIsRememberedByItsFateAlone) {
  replica_.Apply({}, {{KeyOf(1), {{5, 1}, 77}}, {KeyOf(2), {{6, 1}, 78}}});
  replica_.CrashAndReplay();
  EXPECT_EQ(replica_->FindRequest(KeyOf(1)).value(), (RequestRecord{{5, 1}, 77}));
  EXPECT_EQ(replica_->FindRequest(KeyOf(2)).value(), (RequestRecord{{6, 1}, 78}));
  EXPECT_THAT(replica_.All(), IsEmpty());
}

TEST_F(EngineReplicaTest, RequestsAreListedInPages) {
  std::vector<format::RequestFate> fates;
  for (uint8_t key = 0; key < 5; ++key) fates.push_back({KeyOf(key), {{uint64_t{5} + key, 1}, key}});
  replica_.Apply({}, fates);
  std::vector<format::RequestFate> seen;
  std::string after;
  do {
    const format::RequestPage page = replica_->Requests(after, 2).value();
    EXPECT_LE(page.fates.size(), 2u);
    seen.insert(seen.end(), page.fates.begin(), page.fates.end());
    after = page.next;
  } while (!after.empty());
  EXPECT_EQ(seen, fates);
}

TEST_F(EngineReplicaTest, AListOfRequestsNeedsALimitAndAKey) {
  EXPECT_EQ(replica_->Requests("", 0).status().field(), "limit");
  EXPECT_EQ(replica_->Requests("short", 1).status().field(), "request");
}

TEST_F(EngineReplicaTest, OldRequestsAreDropped) {
  replica_.Apply({Of(Upsert(1, At(1000)), 1), Of(Upsert(2, At(2000)), 2)});
  ASSERT_TRUE(replica_->DropRequests(2000).ok());
  EXPECT_EQ(replica_->FindRequest(KeyOf(1)).value(), std::nullopt);
  EXPECT_TRUE(replica_->FindRequest(KeyOf(2)).value().has_value());
}

TEST_F(EngineReplicaTest, ADroppedRequestDoesNotComeBackWithItsRegister) {
  replica_.Apply({Of(Upsert(1, At(1000)), 1)});
  const Operation read = *replica_.Read(PointKey(1));
  ASSERT_TRUE(replica_->DropRequests(2000).ok());
  replica_.Apply({read}, {{KeyOf(3), {At(1000), 77}}});
  EXPECT_EQ(replica_->FindRequest(KeyOf(1)).value(), std::nullopt);
  EXPECT_EQ(replica_->FindRequest(KeyOf(3)).value(), std::nullopt);
  EXPECT_EQ(replica_.Read(PointKey(1)), read);
}

TEST_F(EngineReplicaTest, ADroppedShardLeavesNothingInTheDatabase) {
  replica_.Apply({Of(Upsert(1, {5, 1}), 1), Delete(2, {6, 1}), Put("doc", {7, 1}, 2)});
  ASSERT_TRUE(VectorEngine::DropRows(replica_.store(), 7, {}).ok());
  for (const kv::Family family :
       {kv::Family::kMeta, kv::Family::kPoints, kv::Family::kDocuments, kv::Family::kContent}) {
    EXPECT_FALSE(replica_.store().Scan(family, "").Valid());
  }
}

TEST_F(EngineReplicaTest, RowsAreDroppedInAsManyStepsAsTheyNeed) {
  kv::WriteBatch batch;
  for (uint32_t i = 0; i < 10'000; ++i) batch.Put(kv::Family::kPoints, ShardPrefix(9) + ShardPrefix(i), "");
  batch.Put(kv::Family::kPoints, ShardPrefix(10), "next");
  ASSERT_TRUE(replica_.store().Write(batch).ok());
  ASSERT_TRUE(VectorEngine::DropRows(replica_.store(), 9, std::chrono::milliseconds(1)).ok());
  EXPECT_FALSE(replica_.store().Scan(kv::Family::kPoints, ShardPrefix(9)).Valid());
  EXPECT_TRUE(replica_.store().Scan(kv::Family::kPoints, ShardPrefix(10)).Valid());
}

TEST_F(EngineReplicaTest, RowsOfShardsThatAreNotKeptGo) {
  replica_.Apply({Of(Upsert(1, {5, 1}), 1), Put("doc", {7, 1}, 2)});
  const auto keys = [this] {
    std::vector<std::string> all;
    for (const kv::Family family :
         {kv::Family::kMeta, kv::Family::kPoints, kv::Family::kDocuments, kv::Family::kContent}) {
      for (kv::Cursor at = replica_.store().Scan(family, ""); at.Valid(); at.Next()) all.emplace_back(at.key());
    }
    return all;
  };
  const std::vector<std::string> before = keys();
  kv::WriteBatch batch;
  batch.Put(kv::Family::kMeta, "collection/c", "");
  for (const uint32_t shard : {0u, 6u, 8u, UINT32_MAX}) {
    batch.Put(kv::Family::kPoints, ShardPrefix(shard) + "p", "");
    batch.Put(kv::Family::kContent, ShardPrefix(shard) + "c", "");
    batch.Put(kv::Family::kMeta, RequestPrefix(shard) + "r", "");
    batch.Put(kv::Family::kMeta, AppliedKey(shard), "");
  }
  ASSERT_TRUE(replica_.store().Write(batch).ok());
  ASSERT_TRUE(VectorEngine::DropRowsExcept(replica_.store(), {7}).ok());
  std::vector<std::string> expected = before;
  expected.emplace_back("collection/c");
  EXPECT_THAT(keys(), testing::UnorderedElementsAreArray(expected));
}

TEST_F(EngineReplicaTest, AKeyWithoutAShardIsCorruption) {
  kv::WriteBatch batch;
  batch.Put(kv::Family::kPoints, "abc", "");
  ASSERT_TRUE(replica_.store().Write(batch).ok());
  EXPECT_EQ(VectorEngine::DropRowsExcept(replica_.store(), {7}).code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::vector
