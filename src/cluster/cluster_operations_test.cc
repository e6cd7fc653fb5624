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

TEST_F(ClusterOperationsTest, RepairSaysWhoDidNotAnswer) {
  made_.Kill(3);
  const RepairReport report = operations_.Repair().value();
  EXPECT_EQ(report.nodes, 2U);
  EXPECT_EQ(report.comparisons, 8U);
  EXPECT_THAT(report.silent, ElementsAre("node3"));
}

TEST_F(ClusterOperationsTest, AFrozenTopologyIsNoticed) {
  EXPECT_TRUE(operations_.Notices().empty());
  made_.view.frozen_ms = 2'500;
  EXPECT_THAT(operations_.Notices(), ElementsAre(HasSubstr("2.5 s")));
}

TEST_F(ClusterOperationsTest, WithoutAViewEverythingIsUnavailable) {
  controls_.reachable = false;
  EXPECT_EQ(operations_.Status().status().code(), Code::kUnavailable);
  EXPECT_EQ(operations_.Health().status().code(), Code::kUnavailable);
  EXPECT_EQ(operations_.Sharding().status().code(), Code::kUnavailable);
  EXPECT_EQ(operations_.RemoveNode("node1", true).status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace rhizome::cluster
