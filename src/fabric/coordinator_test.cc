#include "fabric/coordinator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "fabric/test_world.h"
#include "format/routing.h"

namespace rhizome::fabric {
namespace {

using format::DeletePoint;
using format::Operation;
using format::Point;
using format::PointId;
using format::UpsertPoint;

constexpr ShardNumber kShard = 5;

Operation Upsert(uint64_t id, const std::string& text, Version version = {}) {
  return {version, UpsertPoint{Point{PointId(id), {}, "", text, ""}}};
}

// A replica that keeps registers by version, as every member's does.
struct Registers {
  std::map<std::string, Operation> held;
  std::optional<format::RequestStamp> stamp;
  std::optional<Version> stamped;
  Status refuses;  // what it answers instead, when not OK

  Result<std::string> Answer(const Request& request) {
    if (!refuses.ok()) return refuses;
    if (const auto* apply = std::get_if<ApplyRequest>(&request)) {
      const auto batch = format::DecodeOperationBatch(apply->batch).value();
      for (const auto& fate : batch.fates) stamp = {fate.key, fate.record.content_hash}, stamped = fate.record.version;
      for (const Operation& operation : batch.operations) {
        Operation& mine = held[operation.Key()];
        if (mine.version < operation.version) mine = operation;
        if (operation.request) stamp = operation.request, stamped = operation.version;
      }
      return EncodeReply(ApplyRequest::Reply{});
    }
    if (const auto* versions = std::get_if<VersionsRequest>(&request)) {
      VersionsRequest::Reply reply;
      for (const std::string& key : versions->keys) {
        const auto found = held.find(key);
        reply.versions.push_back(found == held.end() ? Version{} : found->second.version);
        reply.tombstones.push_back(found != held.end() && std::holds_alternative<DeletePoint>(found->second.body));
      }
      if (stamp && versions->request == std::string(stamp->key.begin(), stamp->key.end())) {
        reply.request = stamped;
        reply.content_hash = stamp->content_hash;
      }
      return EncodeReply(reply);
    }
    if (const auto* read = std::get_if<ReadRequest>(&request)) {
      ReadRequest::Reply reply;
      for (const std::string& key : read->keys) {
        const auto found = held.find(key);
        reply.registers.emplace_back();
        if (found != held.end()) reply.registers.back() = found->second;
      }
      return EncodeReply(reply);
    }
    if (const auto* inventory = std::get_if<InventoryRequest>(&request)) {
      InventoryRequest::Reply reply;
      for (auto at = held.upper_bound(inventory->after); at != held.end(); ++at) {
        if (reply.page.entries.size() == inventory->limit) {
          reply.page.next = reply.page.entries.back().key;
          break;
        }
        reply.page.entries.push_back(
            {at->first, at->second.version, std::holds_alternative<DeletePoint>(at->second.body)});
      }
      return EncodeReply(reply);
    }
    if (std::holds_alternative<QueryRequest>(request)) return EncodeReply(QueryRequest::Reply{"found"});
    return EncodeReply(HintRequest::Reply{});
  }
};

class CoordinatorTest : public testing::Test {
 protected:
  CoordinatorTest() {
    for (MemberNumber n = 1; n <= 4; ++n) {
      truth_.Put(MemberKey(n), EncodeMember({.number = n, .name = "m" + std::to_string(n)}));
      network_.answers[n] = [this, n](const Request& request) { return replicas_[n].Answer(request); };
    }
    Place({1, 2, 3});
    EXPECT_TRUE(loop_.Run(directory_.Refresh()).ok());
    peers_.Follow(*directory_.Now());
  }
  ~CoordinatorTest() override { loop_.Stop(); }

  void Place(std::vector<MemberNumber> replicas, std::vector<MemberNumber> next = {}) {
    truth_.Put(PlacementKey(kShard),
               EncodePlacement({.shard = kShard, .epoch = ++epoch_, .replicas = replicas, .next = next}));
  }
  CallContext Within(int64_t ms) { return {.deadline_ns = loop_.NowNs() + ms * kTestMs}; }
  Result<WriteReceipt> Write(std::vector<Operation> operations, Level level = Level::kQuorum,
                             std::optional<format::RequestStamp> request = {}) {
    return loop_.Run(coordinator_.Write({kShard, std::move(operations), false, level, request, Within(3'000)}));
  }
  Result<std::vector<std::optional<Operation>>> Read(uint64_t id, Level level = Level::kQuorum) {
    return loop_.Run(coordinator_.Read({kShard, {Upsert(id, "").Key()}, level, Within(3'000)}));
  }
  QueryAnswers Query(Level level = Level::kOne) {
    return loop_.Run(coordinator_.Query({{kShard}, "what", level, Within(3'000)}));
  }
  Result<WriteReceipt> Bring(std::vector<Operation> operations, Level level = Level::kQuorum) {
    return loop_.Run(coordinator_.Write({kShard, std::move(operations), true, level, {}, Within(3'000)}));
  }
  Result<format::InventoryPage> Inventory(uint32_t limit = 10, const std::string& after = "") {
    return loop_.Run(coordinator_.Inventory({kShard, after, limit, Level::kQuorum, Within(3'000)}));
  }
  void Have(MemberNumber member, const Operation& operation) { replicas_[member].held[operation.Key()] = operation; }
  std::string TextAt(MemberNumber member, uint64_t id) {
    const auto found = replicas_[member].held.find(Upsert(id, "").Key());
    if (found == replicas_[member].held.end()) return "(none)";
    const auto* upsert = std::get_if<UpsertPoint>(&found->second.body);
    return upsert == nullptr ? "(deleted)" : upsert->point.text;
  }

  TestLoop loop_;
  Settings settings_;
  SimClock clock_;
  TestTruth truth_{loop_};
  TestNetwork network_{loop_};
  Peers peers_{loop_, settings_, 0};
  Caller caller_{loop_, network_, peers_, settings_};
  Directory directory_{loop_, truth_, settings_};
  Hints hints_{caller_, directory_, nullptr, settings_, 0};
  HybridClock versions_{clock_, 42};
  Coordinator coordinator_{caller_, directory_, hints_, versions_};
  std::map<MemberNumber, Registers> replicas_;
  uint64_t epoch_ = 0;
};

TEST_F(CoordinatorTest, AQuorumWriteIsAtAMajority) {
  const auto written = Write({Upsert(1, "one")});
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  EXPECT_GE(written->acknowledged.size(), 2);
  loop_.RunFor(100);
  for (const MemberNumber n : {1, 2, 3}) EXPECT_EQ(TextAt(n, 1), "one");
}

TEST_F(CoordinatorTest, AQuorumWriteGoesAboveWhatAMajorityHasSeen) {
  const Version far{static_cast<uint64_t>(clock_.WallMs() + 3'600'000) << 16, 9};
  Have(2, Upsert(1, "from a clock that is ahead", far));
  Have(3, Upsert(1, "from a clock that is ahead", far));
  const auto written = Write({Upsert(1, "later")});
  ASSERT_TRUE(written.ok());
  EXPECT_GT(written->version, far);
  loop_.RunFor(100);
  EXPECT_EQ(TextAt(2, 1), "later");
}

// How often a member was asked for something about a shard.
int TimesAsked(const TestNetwork& network, MemberNumber member) {
  return static_cast<int>(std::count_if(network.asked.begin(), network.asked.end(),
                                        [member](const auto& asked) { return asked.first == member; }));
}

TEST_F(CoordinatorTest, ADeadMajorityDoesNotMultiplyTheLoadOfTheLiving) {
  network_.answers.erase(2);
  network_.answers.erase(3);
  for (int i = 0; i < 500; ++i) EXPECT_FALSE(Write({Upsert(1, "one")}).ok());
  EXPECT_GE(TimesAsked(network_, 1), 500);
  EXPECT_LE(TimesAsked(network_, 1), 500 + 50 + 10);  // a tenth, and the few there are from the start
}

TEST_F(CoordinatorTest, ADeadPeerDoesNotMultiplyTheLoadOfSearches) {
  network_.answers.erase(3);
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(Query().failed.empty());
  EXPECT_LE(TimesAsked(network_, 1) + TimesAsked(network_, 2), 500 + 50 + 10);
}

TEST_F(CoordinatorTest, OneFailureIsMendedByARepetition) {
  network_.answers.erase(2);
  network_.answers.erase(3);
  network_.answers[1] = [this, n = MemberNumber{1}, refused = false](const Request& request) mutable {
    if (!std::exchange(refused, true)) {
      network_.answers[2] = [this](const Request& later) { return replicas_[2].Answer(later); };
    }
    return replicas_[n].Answer(request);
  };
  EXPECT_TRUE(Write({Upsert(1, "one")}).ok());
}

TEST_F(CoordinatorTest, OneOwnerAwayIsNoHindrance) {
  network_.silent = {3};
  EXPECT_TRUE(Write({Upsert(1, "one")}).ok());
  EXPECT_EQ((*Read(1))[0]->version, replicas_[1].held.begin()->second.version);
}

TEST_F(CoordinatorTest, WithoutAMajorityNothingIsWrittenAndItIsSaid) {
  network_.answers.erase(2);
  network_.answers.erase(3);
  const auto written = Write({Upsert(1, "one")});
  EXPECT_EQ(written.status().code(), Code::kUnavailable);
  EXPECT_EQ(TextAt(1, 1), "(none)");
}

TEST_F(CoordinatorTest, AllNamesWhoIsMissingAndWritesNothing) {
  network_.answers.erase(3);
  const auto written = Write({Upsert(1, "one")}, Level::kAll);
  EXPECT_EQ(written.status().code(), Code::kUnavailable);
  EXPECT_THAT(std::string(written.status().message()), testing::HasSubstr("member 3"));
  EXPECT_EQ(TextAt(1, 1), "(none)");
}

TEST_F(CoordinatorTest, AWriteThatSomebodyMayHaveIsUnknown) {
  // They say their versions and then fall silent.
  for (const MemberNumber n : {2, 3}) {
    network_.answers[n] = [this, n](const Request& request) -> Result<std::string> {
      if (std::holds_alternative<ApplyRequest>(request)) return Status::DeadlineExceeded("the answer was lost");
      return replicas_[n].Answer(request);
    };
  }
  const auto written = Write({Upsert(1, "one")});
  EXPECT_EQ(written.status().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(TextAt(1, 1), "one");
}

TEST_F(CoordinatorTest, RefusalsByEveryOwnerAreToldAsTheyAre) {
  for (const MemberNumber n : {1, 2, 3}) {
    network_.answers[n] = [this, n](const Request& request) -> Result<std::string> {
      if (std::holds_alternative<ApplyRequest>(request)) return Status::NoSpace("full");
      return replicas_[n].Answer(request);
    };
  }
  const auto written = Write({Upsert(1, "one")});
  EXPECT_EQ(written.status().code(), Code::kUnavailable);
  EXPECT_THAT(std::string(written.status().message()), testing::HasSubstr("full"));
}

TEST_F(CoordinatorTest, AWriteRepeatedAtANewEpochKeepsItsVersion) {
  const auto refused = std::make_shared<bool>(false);
  for (const MemberNumber n : {1, 2, 3}) {
    network_.answers[n] = [this, n, refused](const Request& request) -> Result<std::string> {
      const auto* apply = std::get_if<ApplyRequest>(&request);
      if (apply != nullptr && apply->target.epoch < epoch_) {
        *refused = true;
        (void)replicas_[n].Answer(request);
        return StaleEpoch(epoch_);
      }
      return replicas_[n].Answer(request);
    };
  }
  Place({1, 2, 3});  // the coordinator does not know yet
  const auto written = Write({Upsert(1, "one")});
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  EXPECT_TRUE(*refused);
  std::set<std::string> batches;
  for (const auto& [to, apply] : network_.Asked<ApplyRequest>()) batches.insert(apply.batch);
  EXPECT_EQ(batches.size(), 1);
}

TEST_F(CoordinatorTest, WhileMovingANewMajorityMustHaveItToo) {
  Place({1, 2, 3}, {2, 3, 4});
  ASSERT_TRUE(loop_.Run(directory_.Refresh()).ok());
  network_.answers.erase(3);
  network_.answers.erase(4);
  EXPECT_FALSE(Write({Upsert(1, "one")}).ok());
}

TEST_F(CoordinatorTest, WhileMovingAWriteAtOneIsAtOneThatStays) {
  Place({1, 2, 3}, {2, 3});
  ASSERT_TRUE(loop_.Run(directory_.Refresh()).ok());
  network_.answers.erase(2);
  const auto three = network_.answers.extract(3);
  EXPECT_EQ(Write({Upsert(1, "one")}, Level::kOne).status().code(), Code::kDeadlineExceeded);
  network_.answers[3] = three.mapped();
  EXPECT_TRUE(Write({Upsert(1, "one")}, Level::kOne).ok());
  EXPECT_EQ(TextAt(3, 1), "one");
}

TEST_F(CoordinatorTest, ARequestThatIsRememberedWhereItsRegistersAreNotIsWrittenAgain) {
  // Who copies a replica may hear of a request that came to the other one after its registers were copied.
  const format::RequestStamp stamp{{1}, 77};
  const auto first = Write({Upsert(1, "one"), Upsert(2, "two")}, Level::kAll, stamp);
  ASSERT_TRUE(first.ok());
  for (auto& [member, replica] : replicas_) replica.held.erase(Upsert(1, "").Key());
  const auto again = Write({Upsert(1, "one"), Upsert(2, "two")}, Level::kAll, stamp);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->version, first->version);
  EXPECT_EQ(again->versions, std::vector<Version>(2, first->version));
  for (const MemberNumber member : {1U, 2U, 3U}) EXPECT_EQ(TextAt(member, 1), "one") << member;
}

TEST_F(CoordinatorTest, ARepetitionLeavesWhatReplacedIt) {
  const format::RequestStamp stamp{{1}, 77};
  const auto first = Write({Upsert(1, "one"), Upsert(2, "two")}, Level::kAll, stamp);
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(Write({{{}, DeletePoint{PointId(uint64_t{1})}}}, Level::kAll).ok());
  replicas_[3] = {};
  const auto again = Write({Upsert(1, "one"), Upsert(2, "two")}, Level::kAll, stamp);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->versions, std::vector<Version>(2, first->version));
  for (const MemberNumber member : {1U, 2U}) EXPECT_EQ(TextAt(member, 1), "(deleted)") << member;
  EXPECT_EQ(TextAt(3, 2), "two");
  EXPECT_EQ(replicas_[3].stamped, first->version);
}

TEST_F(CoordinatorTest, ARepetitionGoesToThoseWhoDoNotHaveWhatReplacedIt) {
  // A quorum without the one owner that has what replaced it has to answer with it, not with what was before.
  const format::RequestStamp stamp{{1}, 77};
  ASSERT_TRUE(Write({Upsert(1, "before")}, Level::kAll).ok());
  const auto before = replicas_;
  const auto first = Write({Upsert(1, "one")}, Level::kAll, stamp);
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(Write({Upsert(1, "newer")}, Level::kAll).ok());
  for (const MemberNumber member : {1U, 2U}) replicas_[member] = before.at(member);
  ASSERT_TRUE(Write({Upsert(1, "one")}, Level::kAll, stamp).ok());
  for (const MemberNumber member : {1U, 2U}) EXPECT_EQ(TextAt(member, 1), "one") << member;
  EXPECT_EQ(TextAt(3, 1), "newer");
}

TEST_F(CoordinatorTest, ARepetitionFinishesWhatOnlySomeHave) {
  const format::RequestStamp stamp{{1}, 77};
  ASSERT_TRUE(Write({Upsert(1, "one")}, Level::kAll, stamp).ok());
  for (const MemberNumber member : {2U, 3U}) replicas_[member].held.clear();
  ASSERT_TRUE(Write({Upsert(1, "one")}, Level::kAll, stamp).ok());
  EXPECT_EQ(TextAt(2, 1), "one");
  EXPECT_EQ(TextAt(3, 1), "one");
}

TEST_F(CoordinatorTest, ARepeatedRequestGetsTheVersionOfTheFirst) {
  const format::RequestStamp stamp{{1, 2, 3}, 77};
  const auto first = Write({Upsert(1, "one")}, Level::kQuorum, stamp);
  ASSERT_TRUE(first.ok());
  const auto again = Write({Upsert(1, "one")}, Level::kQuorum, stamp);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->version, first->version);
  EXPECT_TRUE(again->repeated);
}

TEST_F(CoordinatorTest, AnIdempotencyKeyIsForOneRequest) {
  ASSERT_TRUE(Write({Upsert(1, "one")}, Level::kQuorum, format::RequestStamp{{1}, 77}).ok());
  const auto other = Write({Upsert(1, "two")}, Level::kQuorum, format::RequestStamp{{1}, 78});
  EXPECT_EQ(other.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(other.status().field(), "idempotency_key");
}

TEST_F(CoordinatorTest, EveryRegisterOfARequestCarriesItsStamp) {
  const format::RequestStamp stamp{{1}, 77};
  ASSERT_TRUE(Write({Upsert(1, "one"), Upsert(2, "two")}, Level::kAll, stamp).ok());
  for (const auto& [member, replica] : replicas_) {
    for (const auto& [key, operation] : replica.held) EXPECT_EQ(operation.request, stamp);
  }
}

TEST_F(CoordinatorTest, WhatOnlyAReadSpreadIsNotDoneAgain) {
  const format::RequestStamp stamp{{1}, 77};
  Operation first = Upsert(1, "one", Version{9, 1});
  first.request = stamp;
  Have(1, first);
  network_.delay_ms[3] = 50;  // so that the first two decide
  ASSERT_TRUE(Read(1).ok());
  network_.answers.erase(1);
  const auto again = Write({Upsert(1, "one")}, Level::kQuorum, stamp);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->version, (Version{9, 1}));
}

TEST_F(CoordinatorTest, OfSeveralVersionsOfOneRequestTheHighestIsFinished) {
  const format::RequestStamp stamp{{1}, 77};
  for (const MemberNumber member : {1U, 2U, 3U}) {
    replicas_[member].stamp = stamp;
    replicas_[member].stamped = Version{9, member};
  }
  const auto again = Write({Upsert(1, "one"), Upsert(2, "two")}, Level::kAll, stamp);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->version, (Version{9, 3}));
  EXPECT_EQ(TextAt(1, 1), "one");
  EXPECT_EQ(TextAt(1, 2), "two");
}

TEST_F(CoordinatorTest, WhatIsBroughtKeepsItsVersionAndItsStamp) {
  Operation brought = Upsert(1, "one", Version{9, 1});
  brought.request = {{1}, 77};
  const auto receipt = Bring({brought, Upsert(2, "two", Version{7, 1})}, Level::kAll);
  ASSERT_TRUE(receipt.ok());
  EXPECT_EQ(receipt->version, (Version{9, 1}));
  EXPECT_EQ(replicas_[1].held.at(brought.Key()), brought);
  EXPECT_TRUE(network_.Asked<VersionsRequest>().empty());
}

TEST_F(CoordinatorTest, WhatIsBroughtNeverOverwritesWhatIsNewer) {
  for (const MemberNumber member : {1U, 2U, 3U}) Have(member, Upsert(1, "newer", Version{20, 1}));
  ASSERT_TRUE(Bring({Upsert(1, "older", Version{9, 1})}, Level::kAll).ok());
  EXPECT_EQ(TextAt(1, 1), "newer");
}

TEST_F(CoordinatorTest, WhatIsBroughtIsSentAgainUnderTheSameVersion) {
  Place({1, 2, 3});  // an epoch that is not known here yet
  int refusals = 0;
  for (const MemberNumber member : {1U, 2U, 3U}) {
    network_.answers[member] = [this, member, &refusals](const Request& request) -> Result<std::string> {
      const auto* apply = std::get_if<ApplyRequest>(&request);
      if (apply != nullptr && apply->target.epoch != epoch_) {
        ++refusals;
        return StaleEpoch(epoch_);
      }
      return replicas_[member].Answer(request);
    };
  }
  ASSERT_TRUE(Bring({Upsert(1, "one", Version{9, 1})}, Level::kAll).ok());
  EXPECT_EQ(refusals, 3);
  EXPECT_EQ(replicas_[1].held.begin()->second.version, (Version{9, 1}));
}

TEST_F(CoordinatorTest, WritesAfterWhatWasBroughtAreAboveIt) {
  const Version far{uint64_t{1} << 60, 1};
  ASSERT_TRUE(Bring({Upsert(1, "brought", far)}).ok());
  EXPECT_GT(Write({Upsert(2, "later")}, Level::kOne)->version, far);
}

TEST_F(CoordinatorTest, AnInventoryHasTheNewestThatAMajorityKnows) {
  Have(1, Upsert(1, "old", Version{5, 1}));
  Have(2, {Version{9, 1}, DeletePoint{PointId(1)}});
  Have(2, Upsert(2, "only here", Version{6, 1}));
  network_.answers.erase(3);
  const auto page = Inventory();
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->entries, (std::vector<format::RegisterVersion>{{Upsert(1, "").Key(), {9, 1}, true},
                                                                 {Upsert(2, "").Key(), {6, 1}, false}}));
  EXPECT_EQ(page->next, "");
}

// What lies behind the end of a shorter page may be missing in it.
TEST_F(CoordinatorTest, AnInventoryEndsWhereTheFirstOfItsPagesEnds) {
  for (const uint64_t id : {1U, 2U, 3U, 4U}) Have(1, Upsert(id, "", Version{5, 1}));
  for (const uint64_t id : {3U, 4U, 5U}) Have(2, Upsert(id, "", Version{5, 1}));
  network_.answers.erase(3);
  std::vector<std::string> keys;
  std::string after;
  do {
    const auto page = Inventory(2, after);
    ASSERT_TRUE(page.ok());
    for (const format::RegisterVersion& entry : page->entries) keys.push_back(entry.key);
    after = page->next;
  } while (!after.empty());
  std::vector<std::string> all;
  for (const uint64_t id : {1U, 2U, 3U, 4U, 5U}) all.push_back(Upsert(id, "").Key());
  EXPECT_EQ(keys, all);
}

TEST_F(CoordinatorTest, AnInventoryWithoutAMajorityIsUnavailable) {
  network_.answers.erase(2);
  network_.answers.erase(3);
  EXPECT_EQ(Inventory().status().code(), Code::kUnavailable);
}

TEST_F(CoordinatorTest, AnInventoryOfAShardThatIsNotThereIsNotFound) {
  const auto page = loop_.Run(coordinator_.Inventory({99, "", 10, Level::kQuorum, Within(3'000)}));
  EXPECT_EQ(page.status().code(), Code::kNotFound);
}

TEST_F(CoordinatorTest, AReadWritesBackWhatNoMajorityHas) {
  Have(1, Upsert(1, "new", Version{9, 1}));
  Have(2, Upsert(1, "old", Version{5, 1}));
  Have(3, Upsert(1, "old", Version{5, 1}));
  network_.delay_ms[3] = 50;  // so that the first two decide
  const auto read = Read(1);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ((*read)[0]->version, (Version{9, 1}));
  EXPECT_EQ(TextAt(2, 1), "new");
}

TEST_F(CoordinatorTest, AReadWritesBackToTheThirdOwnerWhenTheSecondsDiskIsFull) {
  Have(1, Upsert(1, "new", Version{9, 1}));
  Have(2, Upsert(1, "old", Version{5, 1}));
  Have(3, Upsert(1, "old", Version{5, 1}));
  network_.delay_ms[3] = 50;  // so that the first two decide
  network_.answers[2] = [this](const Request& request) -> Result<std::string> {
    if (std::holds_alternative<ApplyRequest>(request)) return Status::NoSpace("full");
    return replicas_[2].Answer(request);
  };
  const auto read = Read(1);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ((*read)[0]->version, (Version{9, 1}));
  EXPECT_EQ(TextAt(2, 1), "old");
  EXPECT_EQ(TextAt(3, 1), "new");
}

TEST_F(CoordinatorTest, AReadThatCannotWriteBackFails) {
  Have(1, Upsert(1, "new", Version{9, 1}));
  network_.answers.erase(3);
  network_.answers[2] = [this](const Request& request) -> Result<std::string> {
    if (std::holds_alternative<ApplyRequest>(request)) return Status::NoSpace("full");
    return replicas_[2].Answer(request);
  };
  EXPECT_FALSE(Read(1).ok());
}

TEST_F(CoordinatorTest, ADeleteIsReadAsATombstone) {
  for (const MemberNumber n : {1, 2, 3}) Have(n, {Version{9, 1}, DeletePoint{PointId(1)}});
  const auto read = Read(1);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(std::holds_alternative<DeletePoint>((*read)[0]->body));
}

TEST_F(CoordinatorTest, AtOneTheNextOwnerAnswersForOneThatFails) {
  Have(3, Upsert(1, "one", Version{9, 1}));
  network_.answers.erase(1);
  network_.answers.erase(2);
  const auto read = Read(1, Level::kOne);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE((*read)[0].has_value());
}

TEST_F(CoordinatorTest, AnUnknownShardIsNotFound) {
  const auto read = loop_.Run(coordinator_.Read({99, {"p"}, Level::kQuorum, Within(100)}));
  EXPECT_EQ(read.status().code(), Code::kNotFound);
}

TEST_F(CoordinatorTest, AQueryAtOneAsksOneOwner) {
  const QueryAnswers answers = Query();
  EXPECT_EQ(answers.parts.size(), 1);
  EXPECT_TRUE(answers.failed.empty());
  EXPECT_EQ(network_.Asked<QueryRequest>().size(), 1);
}

TEST_F(CoordinatorTest, AQueryGoesToAnotherOwnerWhenOneFails) {
  for (const MemberNumber n : {1, 2}) network_.answers[n] = [](const Request&) { return Status::Unavailable("busy"); };
  for (int turn = 0; turn < 10; ++turn) {
    const QueryAnswers answers = Query();
    ASSERT_EQ(answers.parts.size(), 1);
    EXPECT_EQ(answers.parts[0].member, 3);
  }
}

TEST_F(CoordinatorTest, AQueryAsksASecondOwnerWhenTheFirstIsSlow) {
  for (const MemberNumber n : {1, 2, 3}) peers_.Answered(n, kTestMs);
  network_.delay_ms = {{1, 1'500}, {2, 1'500}, {3, 0}};
  const int64_t began_ns = loop_.NowNs();
  const QueryAnswers answers = Query();
  ASSERT_EQ(answers.parts.size(), 1);
  EXPECT_EQ(answers.parts[0].member, 3);
  EXPECT_LT(loop_.NowNs() - began_ns, 1'000 * kTestMs);
}

TEST_F(CoordinatorTest, AQueryAtQuorumHearsAMajority) {
  network_.answers.erase(2);
  const QueryAnswers answers = Query(Level::kQuorum);
  EXPECT_EQ(answers.parts.size(), 2);
  EXPECT_TRUE(answers.failed.empty());
}

TEST_F(CoordinatorTest, AQueryAtQuorumCountsAnswersOfOneEpochOnly) {
  // Whoever joins answers while it is still empty; as one of the new owners alone it has to be asked again.
  Place({1, 2, 3}, {2, 3, 4});
  ASSERT_TRUE(loop_.Run(directory_.Refresh()).ok());
  const uint64_t moving = epoch_;
  for (const MemberNumber n : {1U, 2U, 3U}) {
    network_.answers[n] = [this, n, moving](const Request& request) -> Result<std::string> {
      const auto* query = std::get_if<QueryRequest>(&request);
      if (query == nullptr || query->targets[0].epoch != moving) return replicas_[n].Answer(request);
      if (epoch_ == moving) Place({2, 3, 4});
      return StaleEpoch(epoch_);
    };
  }
  const QueryAnswers answers = Query(Level::kQuorum);
  EXPECT_TRUE(answers.failed.empty());
  std::vector<uint64_t> asked;
  for (const auto& [member, query] : network_.Asked<QueryRequest>()) {
    if (member == 4) asked.push_back(query.targets[0].epoch);
  }
  EXPECT_EQ(asked, (std::vector<uint64_t>{moving, moving + 1}));
}

TEST_F(CoordinatorTest, ShardsWithoutAnswersAreNamedWithTheReason) {
  network_.answers.clear();
  for (const Level level : {Level::kOne, Level::kQuorum}) {
    const QueryAnswers answers = Query(level);
    EXPECT_TRUE(answers.parts.empty());
    ASSERT_TRUE(answers.failed.contains(kShard));
    EXPECT_FALSE(answers.failed.at(kShard).ok());
  }
}

TEST_F(CoordinatorTest, VersionsTellsTheNewestAMajorityKnows) {
  Have(1, {Version{9, 1}, DeletePoint{PointId(1)}});
  Have(2, Upsert(1, "old", Version{5, 1}));
  network_.answers.erase(3);
  const auto versions =
      loop_.Run(coordinator_.Versions({kShard, {Upsert(1, "").Key()}, Level::kQuorum, Within(1'000)}));
  ASSERT_TRUE(versions.ok());
  EXPECT_EQ(versions->versions[0], (Version{9, 1}));
  EXPECT_TRUE(versions->tombstones[0]);
}

TEST_F(CoordinatorTest, AnAnswerAboutOtherKeysCountsForNothing) {
  for (const MemberNumber n : {1, 2}) {
    network_.answers[n] = [](const Request&) -> Result<std::string> { return EncodeReply(ReadRequest::Reply{}); };
  }
  EXPECT_FALSE(Read(1).ok());
}

// The shard has been split: two others have taken over, and its owners do not know it any more.
class SplitShardTest : public CoordinatorTest {
 protected:
  static constexpr ShardNumber kFirst = 20;

  void Split() {
    coordination::Transaction transaction;
    transaction.changes = {
        {CollectionKey("c"),
         EncodeCollection({.name = "c", .first_shard = kFirst, .partitions = 2, .factor = 3, .spec = {}})},
        {PlacementKey(kShard), std::nullopt}};
    for (ShardNumber child = kFirst; child < kFirst + 2; ++child) {
      const Placement placement{.shard = child, .epoch = 2, .replicas = {1, 2, 3}, .next = {}, .parent = kShard};
      transaction.changes.push_back({PlacementKey(child), EncodePlacement(placement)});
    }
    CHECK(truth_.state.Commit(transaction).ok());
    for (const MemberNumber n : {1, 2, 3}) network_.answers[n] = [this, n](const Request& r) { return After(n, r); };
  }
  Result<std::string> After(MemberNumber member, const Request& request) {
    std::optional<ShardNumber> asked;
    std::visit(
        [&asked](const auto& fields) {
          if constexpr (requires { fields.target; }) asked = fields.target.shard;
        },
        request);
    if (const auto* query = std::get_if<QueryRequest>(&request)) asked = query->targets.front().shard;
    if (asked == kShard) return Status::Unavailable("coordination does not know that shard");
    if (const auto* inventory = std::get_if<InventoryRequest>(&request)) return Page(member, *inventory);
    return replicas_[member].Answer(request);
  }
  // Two registers at a time, of those that belong to the shard.
  Result<std::string> Page(MemberNumber member, const InventoryRequest& request) {
    format::InventoryPage page;
    for (const auto& [key, operation] : replicas_[member].held) {
      if (key <= request.after) continue;
      if (kFirst + format::PartitionOfKey(key, 2).value() != request.target.shard) continue;
      if (page.entries.size() == 2) {
        page.next = page.entries.back().key;
        break;
      }
      page.entries.push_back({key, operation.version, false});
    }
    return EncodeReply(InventoryRequest::Reply{page});
  }
  std::vector<Operation> Eight(const std::string& text) {
    std::vector<Operation> operations;
    for (uint64_t id = 0; id < 8; ++id) operations.push_back(Upsert(id, text));
    return operations;
  }
};

TEST_F(SplitShardTest, AWriteGoesToThoseThatTookOver) {
  Split();
  const auto written = Write(Eight("one"));
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  for (const auto& [member, apply] : network_.Asked<ApplyRequest>()) {
    const auto batch = format::DecodeBatch(apply.batch).value();
    for (const Operation& operation : batch) {
      EXPECT_EQ(apply.target.shard, kFirst + format::PartitionOf(operation.id(), 2));
    }
  }
  EXPECT_EQ(Read(7)->front()->version, replicas_[1].held.at(Upsert(7, "").Key()).version);
}

TEST_F(SplitShardTest, AWriteThatWasSentKeepsItsVersion) {
  // The first owner takes it; then the shard is split, and the others refuse.
  for (const MemberNumber n : {1, 2, 3}) {
    network_.answers[n] = [this, n](const Request& request) -> Result<std::string> {
      if (!std::holds_alternative<ApplyRequest>(request)) return replicas_[n].Answer(request);
      if (n != 1) return StaleEpoch(0);
      const auto answer = replicas_[n].Answer(request);
      Split();
      return answer;
    };
  }
  const auto written = Write(Eight("one"));
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  loop_.RunFor(100);
  std::set<Version> versions;
  for (const auto& [member, apply] : network_.Asked<ApplyRequest>()) {
    const auto batch = format::DecodeBatch(apply.batch).value();
    for (const Operation& operation : batch) versions.insert(operation.version);
  }
  EXPECT_EQ(versions, (std::set<Version>{written->version}));
  for (const MemberNumber n : {1, 2, 3}) EXPECT_EQ(replicas_[n].held.size(), 8u);
}

TEST_F(SplitShardTest, APartThatNobodyTakesMakesTheWriteUnknown) {
  Split();
  for (const MemberNumber n : {1, 2, 3}) {
    network_.answers[n] = [this, n](const Request& request) -> Result<std::string> {
      const auto* apply = std::get_if<ApplyRequest>(&request);
      if (apply != nullptr && apply->target.shard == kFirst + 1) return Status::NoSpace("full");
      return After(n, request);
    };
  }
  EXPECT_EQ(Write(Eight("one")).status().code(), Code::kDeadlineExceeded);
}

TEST_F(SplitShardTest, AnswersComeInTheOrderOfTheKeys) {
  for (uint64_t id = 0; id < 8; ++id) {
    for (const MemberNumber n : {1, 2, 3}) Have(n, Upsert(id, "", Version{id + 1, 1}));
  }
  Split();
  std::vector<std::string> keys;
  for (uint64_t id = 0; id < 9; ++id) keys.push_back(Upsert(id, "").Key());
  const auto registers = loop_.Run(coordinator_.Read({kShard, keys, Level::kQuorum, Within(3'000)}));
  const auto versions = loop_.Run(coordinator_.Versions({kShard, keys, Level::kQuorum, Within(3'000)}));
  ASSERT_TRUE(registers.ok() && versions.ok());
  for (uint64_t id = 0; id < 8; ++id) {
    EXPECT_EQ(registers->at(id)->version.time, id + 1);
    EXPECT_EQ(versions->versions.at(id).time, id + 1);
  }
  EXPECT_FALSE(registers->at(8).has_value());
  EXPECT_EQ(versions->versions.at(8), Version{});
}

TEST_F(SplitShardTest, AnInventoryGoesOnInTheOrderOfTheKeys) {
  for (uint64_t id = 0; id < 8; ++id) {
    for (const MemberNumber n : {1, 2, 3}) Have(n, Upsert(id, "", Version{id + 1, 1}));
  }
  Split();
  std::vector<std::string> walked;
  std::string after;
  do {
    const auto page = loop_.Run(coordinator_.Inventory({kShard, after, 2, Level::kQuorum, Within(3'000)}));
    ASSERT_TRUE(page.ok()) << page.status().ToString();
    for (const auto& entry : page->entries) walked.push_back(entry.key);
    after = page->next;
  } while (!after.empty());
  EXPECT_EQ(walked.size(), 8u);
  EXPECT_TRUE(std::is_sorted(walked.begin(), walked.end()));
}

TEST_F(SplitShardTest, AQuerySaysThatItsShardIsNotThereAnyMore) {
  Split();
  const QueryAnswers answers = Query(Level::kQuorum);
  ASSERT_TRUE(answers.failed.contains(kShard));
  EXPECT_EQ(answers.failed.at(kShard).code(), Code::kNotFound);
}

TEST_F(SplitShardTest, AShardWithoutSuccessorsIsNotFound) {
  coordination::Transaction transaction;
  transaction.changes = {{PlacementKey(kShard), std::nullopt}};
  CHECK(truth_.state.Commit(transaction).ok());
  for (const MemberNumber n : {1, 2, 3}) replicas_[n].refuses = Status::Unavailable("not here");
  EXPECT_EQ(Write({Upsert(1, "one")}).status().code(), Code::kNotFound);
  EXPECT_EQ(Read(1).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace rhizome::fabric
