#include "cluster/cluster_operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/cluster_view_testing.h"

namespace rhizome::cluster {
namespace {

using fabric::MemberState;
using testing::ElementsAre;
using testing::HasSubstr;

class ClusterOperationsTest : public testing::Test {
 protected:
  HandMadeControls controls_;
  HandMade& made_ = controls_.made;
  ClusterOperations operations_{controls_};
};

TEST_F(ClusterOperationsTest, AWaitingNodeIsAdmitted) {
  made_.AddMember(4);
  made_.Member(4).state = MemberState::kWaiting;
  const NodeChange change = operations_.AddNode({"node4", "localhost", 8004}).value();
  EXPECT_EQ(change.before, "waiting");
  EXPECT_EQ(change.state, "active");
  EXPECT_EQ(change.node.state, "active");
  EXPECT_EQ(made_.Member(4).state, MemberState::kActive);
}

TEST_F(ClusterOperationsTest, ANodeThatIsThereStaysAsItIs) {
  EXPECT_EQ(operations_.AddNode({"node1", "localhost", 8001})->before, "active");
}

TEST_F(ClusterOperationsTest, AnUnknownNodeIsToldHowToStart) {
  const auto refused = operations_.AddNode({"node9", "localhost", 8009});
  EXPECT_EQ(refused.status().code(), Code::kNotFound);
  EXPECT_THAT(refused.status().message(), HasSubstr("rhizome node --node-name node9"));
}

TEST_F(ClusterOperationsTest, AnotherAddressIsRefused) {
  made_.AddMember(4);
  made_.Member(4).state = MemberState::kWaiting;
  EXPECT_EQ(operations_.AddNode({"node4", "localhost", 9999}).status().field(), "port");
  EXPECT_EQ(made_.Member(4).state, MemberState::kWaiting);
}

TEST_F(ClusterOperationsTest, ANodeIsEmptiedBeforeItGoes) {
  made_.AddMember(4);
  const NodeChange change = operations_.RemoveNode("node1", false).value();
  EXPECT_EQ(change.state, "leaving");
  EXPECT_EQ(change.node.shards, 2U);
  EXPECT_EQ(made_.Member(1).state, MemberState::kLeaving);
}

TEST_F(ClusterOperationsTest, ALeavingNodeCanBeKept) {
  made_.Member(1).state = MemberState::kLeaving;
  EXPECT_EQ(operations_.AddNode({"node1", "localhost", 8001})->detail, "it stays");
  EXPECT_EQ(made_.Member(1).state, MemberState::kActive);
}

TEST_F(ClusterOperationsTest, RemovingTooManyIsRefusedUnlessForced) {
  const auto refused = operations_.RemoveNode("node1", false);
  EXPECT_EQ(refused.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(refused.status().message(), HasSubstr("force=true"));
  EXPECT_EQ(made_.Member(1).state, MemberState::kActive);
  EXPECT_EQ(operations_.RemoveNode("node1", true)->state, "gone");
  EXPECT_EQ(made_.Member(1).state, MemberState::kGone);
}

TEST_F(ClusterOperationsTest, RemovingAnUnknownNodeIsNotFound) {
  EXPECT_EQ(operations_.RemoveNode("node9", true).status().code(), Code::kNotFound);
}

TEST_F(ClusterOperationsTest, AFactorNeedsAsManyNodes) {
  EXPECT_EQ(operations_.SetFactor("books", 4).code(), Code::kFailedPrecondition);
  EXPECT_EQ(operations_.SetFactor("none", 2).code(), Code::kNotFound);
  ASSERT_TRUE(operations_.SetFactor("books", 2).ok());
  EXPECT_EQ(made_.view.topology.collections.at("books").value.factor, 2U);
}

TEST_F(ClusterOperationsTest, ReshardingIsBegunAndTakenBack) {
  const Resharding begun = operations_.Reshard("books", 4).value();
  EXPECT_EQ(begun.partitions, 2U);
  EXPECT_EQ(begun.next_partitions, 4U);
  EXPECT_EQ(operations_.CancelReshard("books")->next_partitions, 0U);
}

TEST_F(ClusterOperationsTest, RepairSaysWhoDidNotAnswer) {
  made_.Kill(3);
  const RepairReport report = operations_.Repair().value();
  EXPECT_EQ(report.nodes, 2U);
  EXPECT_EQ(report.comparisons, 8U);
  EXPECT_THAT(report.silent, ElementsAre("node3"));
}

TEST_F(ClusterOperationsTest, ReplicasThatHoldTheSameAreEqual) {
  const ClusterComparison report = operations_.Compare().value();
  EXPECT_TRUE(report.equal);
  EXPECT_EQ(report.shards, 2U);
  EXPECT_TRUE(report.unequal.empty());
}

TEST_F(ClusterOperationsTest, AReplicaThatLacksSomethingIsShownBesideTheOthers) {
  made_.view.reports[2].shards[1].points = 9;
  const ClusterComparison report = operations_.Compare().value();
  EXPECT_FALSE(report.equal);
  EXPECT_EQ(report.different, 1U);
  ASSERT_EQ(report.unequal.size(), 1U);
  EXPECT_EQ(report.unequal[0].collection, "books");
  EXPECT_EQ(report.unequal[0].partition, 1U);
  ASSERT_EQ(report.unequal[0].replicas.size(), 3U);
  EXPECT_EQ(report.unequal[0].replicas[1].node, "node2");
  EXPECT_EQ(report.unequal[0].replicas[1].registers, 9U);
  EXPECT_EQ(report.unequal[0].replicas[0].digest, report.unequal[0].replicas[2].digest);
  EXPECT_NE(report.unequal[0].replicas[0].digest, report.unequal[0].replicas[1].digest);
}

TEST_F(ClusterOperationsTest, ASilentReplicaIsNotAssumedToBeEqual) {
  made_.Kill(3);
  ClusterComparison report = operations_.Compare().value();
  EXPECT_FALSE(report.equal);
  EXPECT_EQ(report.different, 0U);
  EXPECT_EQ(report.unknown, 2U);
  EXPECT_FALSE(report.unequal[0].replicas[2].answered);
  EXPECT_THAT(report.unequal[0].replicas[2].detail, HasSubstr("silent"));
  made_.view.reports[2].shards[0].points = 9;  // the other two differ all the same
  report = operations_.Compare().value();
  EXPECT_EQ(report.different, 1U);
  EXPECT_EQ(report.unknown, 1U);
}

TEST_F(ClusterOperationsTest, AFrozenTopologyIsNoticed) {
  EXPECT_TRUE(operations_.Notices().empty());
  made_.view.frozen_ms = 2'500;
  EXPECT_THAT(operations_.Notices(), ElementsAre(HasSubstr("2.5 s")));
  controls_.troubles = {"node2 does not answer"};
  EXPECT_THAT(operations_.Notices(), ElementsAre("node2 does not answer", HasSubstr("2.5 s")));
}

TEST_F(ClusterOperationsTest, WithoutAViewEverythingIsUnavailable) {
  controls_.reachable = false;
  EXPECT_EQ(operations_.Status().status().code(), Code::kUnavailable);
  EXPECT_EQ(operations_.Health().status().code(), Code::kUnavailable);
  EXPECT_EQ(operations_.Sharding().status().code(), Code::kUnavailable);
  EXPECT_EQ(operations_.Compare().status().code(), Code::kUnavailable);
  EXPECT_EQ(operations_.RemoveNode("node1", true).status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace rhizome::cluster
