#include "fabric/directory.h"

#include <gtest/gtest.h>

#include "fabric/test_world.h"

namespace rhizome::fabric {
namespace {

class DirectoryTest : public testing::Test {
 protected:
  ~DirectoryTest() override { loop_.Stop(); }
  void Place(uint64_t epoch) {
    truth_.Put(PlacementKey(1), EncodePlacement({.shard = 1, .epoch = epoch, .replicas = {1}}));
  }

  TestLoop loop_;
  Settings settings_;
  TestTruth truth_{loop_};
  Directory directory_{loop_, truth_, settings_};
};

TEST_F(DirectoryTest, KnowsWhatCoordinationHolds) {
  truth_.Put(MemberKey(3), EncodeMember({.number = 3, .name = "three"}));
  truth_.Put(LiveKey(3), "three");
  truth_.Put(LeaderKey(), "3");
  truth_.Put(CollectionKey("books"), EncodeCollection({.name = "books", .partitions = 2, .factor = 1}));
  Place(4);
  ASSERT_TRUE(loop_.Run(directory_.Refresh()).ok());
  const TopologyPointer topology = directory_.Now();
  EXPECT_EQ(topology->Member(3)->name, "three");
  EXPECT_TRUE(topology->live.contains(3));
  EXPECT_EQ(topology->leader, 3);
  EXPECT_GT(topology->leader_epoch, 0);
  EXPECT_EQ(topology->collections.at("books").value.partitions, 2);
  EXPECT_EQ(topology->Find(1)->epoch, 4);
}

TEST_F(DirectoryTest, GatewaysAreListedAndADamagedOneIsLeftOut) {
  truth_.Put(GatewayKey(Uuid::FromName("a")), EncodeGateway({"gateway-1", "10.0.2.1:8000", 77}));
  truth_.Put(GatewayKey(Uuid::FromName("b")), "nonsense");
  ASSERT_TRUE(loop_.Run(directory_.Refresh()).ok());
  EXPECT_EQ(directory_.Now()->gateways, (std::vector<GatewayRecord>{{"gateway-1", "10.0.2.1:8000", 77}}));
}

TEST_F(DirectoryTest, ListenersHearOfEachNewCopyOnce) {
  int heard = 0;
  directory_.Subscribe([&](const TopologyPointer&) { ++heard; });
  Place(1);
  ASSERT_TRUE(loop_.Run(directory_.Refresh()).ok());
  ASSERT_TRUE(loop_.Run(directory_.Refresh()).ok());
  EXPECT_EQ(heard, 1);
}

TEST_F(DirectoryTest, TheCopyStandsWhileCoordinationIsAway) {
  Place(1);
  ASSERT_TRUE(loop_.Run(directory_.Refresh()).ok());
  truth_.away = true;
  EXPECT_EQ(loop_.Run(directory_.Refresh()).code(), Code::kUnavailable);
  EXPECT_NE(directory_.frozen_since_ns(), 0);
  EXPECT_EQ(directory_.Now()->Find(1)->epoch, 1);
  truth_.away = false;
  ASSERT_TRUE(loop_.Run(directory_.Refresh()).ok());
  EXPECT_EQ(directory_.frozen_since_ns(), 0);
}

TEST_F(DirectoryTest, ARecordNobodyUnderstandsIsReportedAndNotAdopted) {
  Place(1);
  ASSERT_TRUE(loop_.Run(directory_.Refresh()).ok());
  truth_.Put(PlacementKey(2), "rubbish");
  const Status status = loop_.Run(directory_.Refresh());
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_THAT(status.ToString(), testing::HasSubstr(PlacementKey(2)));
  EXPECT_EQ(directory_.Now()->Find(2), nullptr);
}

Task<void> RefreshInto(Directory& directory, int& done) {
  if ((co_await directory.Refresh()).ok()) ++done;
}

TEST_F(DirectoryTest, ManyWhoAskAtOnceShareListings) {
  int done = 0;
  for (int n = 0; n < 100; ++n) Spawn(RefreshInto(directory_, done));
  loop_.RunFor(100);
  EXPECT_EQ(done, 100);
  EXPECT_LE(truth_.listings, 2);
}

TEST_F(DirectoryTest, RefreshesToAnEpochThatAPeerKnows) {
  Place(1);
  ASSERT_TRUE(loop_.Run(directory_.Refresh()).ok());
  Place(2);
  EXPECT_TRUE(loop_.Run(directory_.RefreshTo(1, 2)).ok());
  EXPECT_EQ(directory_.Now()->Find(1)->epoch, 2);
  EXPECT_EQ(loop_.Run(directory_.RefreshTo(1, 9)).code(), Code::kUnavailable);
}

TEST_F(DirectoryTest, RunNoticesChangesWithoutAHint) {
  Spawn(directory_.Run());
  loop_.RunFor(10);
  Place(7);
  loop_.RunFor(settings_.refresh_interval_ms * 2);
  ASSERT_NE(directory_.Now()->Find(1), nullptr);
  EXPECT_EQ(directory_.Now()->Find(1)->epoch, 7);
}

}  // namespace
}  // namespace rhizome::fabric
