#include "cluster/cluster_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/cluster_view_testing.h"

namespace rhizome::cluster {
namespace {

using fabric::MemberState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Codes(const ClusterHealth& health) {
  std::vector<std::string> codes;
  for (const HealthReason& reason : health.reasons) codes.push_back(reason.code + " " + reason.subject);
  return codes;
}

TEST(ClusterStatus, CountsWhatThereIs) {
  const ClusterStatus status = StatusOf(HandMade().view);
  EXPECT_TRUE(status.clustered);
  EXPECT_EQ(status.total_nodes, 3U);
  EXPECT_EQ(status.healthy_nodes, 3U);
  EXPECT_EQ(status.total_shards, 2U);
  EXPECT_EQ(status.total_collections, 1U);
  EXPECT_EQ(status.total_vectors, 20U);
  EXPECT_EQ(status.replication_factor, 3U);
  EXPECT_EQ(status.consistency_level, "quorum");
  EXPECT_EQ(status.leader, "node2");
  EXPECT_EQ(status.coordination, "reachable");
  const NodeStatus& node = status.nodes[0];
  EXPECT_EQ(node.id, "node1");
  EXPECT_EQ(node.host, "127.0.0.1");
  EXPECT_EQ(node.port, 8001);
  EXPECT_EQ(node.status, "healthy");
  EXPECT_EQ(node.vector_count, 20U);
  EXPECT_THAT(node.collections, ElementsAre("books"));
}

TEST(ClusterStatus, AddressesOfVersionSixAreTakenApart) {
  HandMade made;
  made.Member(1).http_address = "[::1]:9000";
  const NodeStatus node = NodeOf(made.view, made.Member(1));
  EXPECT_EQ(node.host, "::1");
  EXPECT_EQ(node.port, 9000);
}

TEST(ClusterStatus, WhoIsSilentIsSuspectAndWithoutALeaseDown) {
  HandMade made;
  made.Silence(2);
  made.Kill(3);
  const ClusterStatus status = StatusOf(made.view);
  EXPECT_EQ(status.nodes[1].status, "suspect");
  EXPECT_EQ(status.nodes[2].status, "down");
  EXPECT_FALSE(status.nodes[2].answered);
  EXPECT_EQ(status.healthy_nodes, 1U);
  EXPECT_EQ(status.total_vectors, 20U);  // node1 has them all
}

TEST(ClusterStatus, WhoAnswersWithoutALeaseIsSuspect) {
  HandMade made;
  made.view.topology.live.erase(3);
  EXPECT_EQ(NodeOf(made.view, made.Member(3)).status, "suspect");
}

TEST(ClusterStatus, WhoHasGoneIsNotShown) {
  HandMade made;
  made.Member(3).state = MemberState::kGone;
  EXPECT_EQ(StatusOf(made.view).total_nodes, 2U);
}

TEST(ClusterStatus, ReplicasThatAreNotWholeDoNotCount) {
  HandMade made;
  for (auto& [number, report] : made.view.reports) report.shards.clear();
  made.Holds(1, 5, 7);
  made.view.reports[2].shards.push_back({.shard = 5, .points = 90, .complete = false, .damage = ""});
  made.view.reports[3].shards.push_back({.shard = 5, .points = 90, .complete = true, .damage = "torn"});
  EXPECT_EQ(StatusOf(made.view).total_vectors, 7U);
}

TEST(ClusterStatus, ReplicasLeftBehindDoNotCount) {
  HandMade made;
  made.Shard(6).replicas = {1, 2};
  EXPECT_EQ(NodeOf(made.view, made.Member(3)).vector_count, 10U);
  EXPECT_EQ(NodeOf(made.view, made.Member(2)).vector_count, 20U);
}

TEST(ClusterHealthTest, NothingIsWrongWithAWholeCluster) {
  const ClusterHealth health = HealthOf(HandMade().view);
  EXPECT_EQ(health.level, HealthLevel::kOk);
  EXPECT_THAT(health.reasons, IsEmpty());
}

TEST(ClusterHealthTest, OneDeadNodeDegradesItsShards) {
  HandMade made;
  made.Kill(3);
  const ClusterHealth health = HealthOf(made.view);
  EXPECT_EQ(health.level, HealthLevel::kDegraded);
  EXPECT_THAT(Codes(health),
              ElementsAre("node_down node3", "shard_under_replicated books/0", "shard_under_replicated books/1"));
}

TEST(ClusterHealthTest, WithoutAMajorityItIsCriticalAndThatComesFirst) {
  HandMade made;
  made.Kill(2);
  made.Kill(3);
  const ClusterHealth health = HealthOf(made.view);
  EXPECT_EQ(health.level, HealthLevel::kCritical);
  EXPECT_EQ(health.reasons[0].code, "shard_without_quorum");
}

TEST(ClusterHealthTest, AReplicaThatIsRebuiltDoesNotVote) {
  HandMade made;
  made.Kill(3);
  made.view.reports[2].shards[0].complete = false;
  EXPECT_EQ(HealthOf(made.view).reasons[0].code, "shard_without_quorum");
}

TEST(ClusterHealthTest, ADamagedReplicaIsNamed) {
  HandMade made;
  made.view.reports[2].shards[1].damage = "checksum of block 7";
  const ClusterHealth health = HealthOf(made.view);
  EXPECT_EQ(health.level, HealthLevel::kDegraded);
  ASSERT_THAT(Codes(health), ElementsAre("shard_under_replicated books/1", "replica_damaged books/1"));
  EXPECT_THAT(health.reasons[1].detail, HasSubstr("node2"));
  EXPECT_THAT(health.reasons[1].detail, HasSubstr("checksum of block 7"));
}

TEST(ClusterHealthTest, AReplicaWithoutRoomIsNamed) {
  HandMade made;
  made.view.reports[2].shards[1].refusal = "no space";
  const ClusterHealth health = HealthOf(made.view);
  EXPECT_THAT(Codes(health), ElementsAre("shard_under_replicated books/1", "replica_read_only books/1"));
  EXPECT_THAT(health.reasons[1].detail, HasSubstr("node2 takes no writes: no space"));
}

TEST(ClusterHealthTest, AnUnreachableCoordinationFreezesTheTopology) {
  HandMade made;
  made.view.frozen_ms = 12'300;
  const ClusterHealth health = HealthOf(made.view);
  EXPECT_EQ(health.level, HealthLevel::kDegraded);
  EXPECT_EQ(health.reasons[0].code, "coordination_unreachable");
  EXPECT_THAT(health.reasons[0].detail, HasSubstr("12.3 s"));
  EXPECT_EQ(StatusOf(made.view).coordination, "unreachable");
  EXPECT_EQ(StatusOf(made.view).unreachable_ms, 12'300);
}

TEST(ClusterHealthTest, ANodeCutOffFromCoordinationIsNamed) {
  HandMade made;
  made.view.reports[3].frozen_ms = 4'000;
  EXPECT_THAT(Codes(HealthOf(made.view)), ElementsAre("coordination_unreachable node3"));
}

TEST(ClusterHealthTest, WithoutALeaderNothingMoves) {
  HandMade made;
  made.view.topology.leader = 0;
  EXPECT_THAT(Codes(HealthOf(made.view)), ElementsAre("no_leader "));
}

TEST(ClusterHealthTest, AMoveIsWorthKnowingAndNothingIsWrong) {
  HandMade made;
  made.AddMember(4);
  made.Shard(5).next = {1, 2, 4};
  const ClusterHealth health = HealthOf(made.view);
  EXPECT_EQ(health.level, HealthLevel::kOk);
  EXPECT_THAT(Codes(health), ElementsAre("shard_moving books/0"));
}

TEST(ClusterHealthTest, WhatTheLeaderCannotDoIsSaid) {
  HandMade made;
  made.view.reports[2].blocked = {{6, "no member is left to take it"}};
  const ClusterHealth health = HealthOf(made.view);
  EXPECT_THAT(Codes(health), ElementsAre("change_blocked books/1"));
  EXPECT_EQ(health.reasons[0].detail, "no member is left to take it");
}

TEST(ClusterStatusTest, GatewaysAreListedWithTheirAgeAndAreNoNodes) {
  HandMade made;
  made.view.wall_ms = 100'000;
  made.view.topology.gateways = {{"gateway-2", "10.0.2.2:8000", 40'500}, {"gateway-1", "10.0.2.1:8000", 101'000}};
  const ClusterStatus status = StatusOf(made.view);
  EXPECT_EQ(status.total_nodes, 3U);
  ASSERT_EQ(status.gateways.size(), 2U);
  EXPECT_EQ(status.gateways[0].id, "gateway-1");
  EXPECT_EQ(status.gateways[0].age_s, 0);  // its clock is ahead
  EXPECT_EQ(status.gateways[1].host, "10.0.2.2");
  EXPECT_EQ(status.gateways[1].port, 8000);
  EXPECT_EQ(status.gateways[1].age_s, 59);
}

TEST(ClusterHealthTest, ANodeWhoseWritesTakeManyTimesAsLongIsNamedWithTheFigures) {
  HandMade made;
  made.view.reports[1].write_us = 2'000;
  made.view.reports[2].write_us = 3'000;
  made.view.reports[3].write_us = 40'000;  // slower, and nobody waits long
  EXPECT_EQ(HealthOf(made.view).level, HealthLevel::kOk);
  made.view.reports[3].write_us = 812'000;
  const ClusterHealth health = HealthOf(made.view);
  ASSERT_EQ(health.reasons.size(), 1U);
  EXPECT_EQ(health.reasons[0].code, "node_slow");
  EXPECT_EQ(health.reasons[0].subject, "node3");
  EXPECT_THAT(health.reasons[0].detail, testing::HasSubstr("takes 812.0 ms there, 3.0 ms on the others"));
}

TEST(ClusterHealthTest, ALinkInOneDirectionIsNoticed) {
  HandMade made;
  made.view.reports[2].suspects = {3};
  const ClusterHealth health = HealthOf(made.view);
  ASSERT_EQ(health.reasons.size(), 1U);
  EXPECT_EQ(health.reasons[0].code, "link_broken");
  EXPECT_EQ(health.reasons[0].subject, "node2");
  EXPECT_THAT(health.reasons[0].detail, testing::HasSubstr("node3"));
  // One that is down is silent for everybody, and that is said once.
  made.Kill(3);
  for (const HealthReason& reason : HealthOf(made.view).reasons) EXPECT_NE(reason.code, "link_broken");
}

TEST(ClusterHealthTest, ReasonsAreBounded) {
  HandMade made;
  made.Kill(3);
  for (fabric::ShardNumber shard = 7; shard < 1'000; ++shard) {
    made.view.topology.placements[shard] = made.view.topology.placements.at(6);
    made.Shard(shard).shard = shard;
  }
  made.view.topology.collections.at("books").value.partitions = 995;
  const ClusterHealth health = HealthOf(made.view);
  EXPECT_EQ(health.reasons.size(), kReasonsMax);
  EXPECT_GT(health.omitted, 700U);
}

TEST(ClusterShardingTest, ReshardingShowsHowManyReplicasAreFilled) {
  HandMadeControls controls;
  const uint64_t vectors = StatusOf(controls.made.view).total_vectors;
  ASSERT_TRUE(controls.Reshard("books", 4).ok());
  ClusterView& view = controls.made.view;
  view.reports[1].shards.push_back({.shard = 100, .points = 7, .complete = true, .damage = ""});
  view.reports[2].shards.push_back({.shard = 100, .points = 3, .copied = 3, .total = 9, .damage = ""});
  const CollectionSharding collection = ShardingOf(view).collections.at(0);
  EXPECT_EQ(collection.shards.size(), 2U);
  EXPECT_EQ(collection.next_partitions, 4U);
  EXPECT_EQ(collection.next_replicas, 12U);
  EXPECT_EQ(collection.next_filled, 1U);
  EXPECT_EQ(StatusOf(view).resharding, 1U);
  EXPECT_EQ(StatusOf(view).total_shards, 2U);
  EXPECT_EQ(StatusOf(view).total_vectors, vectors);  // nothing counts twice
  const ClusterHealth health = HealthOf(view);
  EXPECT_EQ(health.level, HealthLevel::kOk);
  EXPECT_EQ(health.reasons.at(0).code, "collection_resharding");
}

TEST(ClusterShardingTest, AMoveShowsWhoComesWhoGoesAndHowFarItIs) {
  HandMade made;
  made.AddMember(4);
  made.Shard(5).next = {1, 2, 4};
  made.Shard(5).epoch = 8;
  made.view.reports[4].shards.push_back({.shard = 5, .copied = 30, .total = 40, .damage = ""});
  made.view.reports[2].changes_waiting = 3;
  const ClusterSharding sharding = ShardingOf(made.view);
  EXPECT_EQ(sharding.moving, 1U);
  EXPECT_EQ(sharding.waiting, 3U);
  EXPECT_EQ(sharding.registers_copied, 30U);
  EXPECT_EQ(sharding.registers_total, 40U);
  const ShardStatus& shard = sharding.collections[0].shards[0];
  EXPECT_EQ(shard.epoch, 8U);
  EXPECT_EQ(shard.state, "moving");
  ASSERT_EQ(shard.replicas.size(), 4U);
  EXPECT_TRUE(shard.replicas[2].leaving);
  EXPECT_TRUE(shard.replicas[3].joining);
  EXPECT_EQ(shard.replicas[3].state, "copying");
  EXPECT_EQ(sharding.nodes[3].shards_in, 1U);
  EXPECT_EQ(sharding.nodes[2].shards_out, 1U);
}

TEST(ClusterShardingTest, SkewIsTheFullestOverTheMean) {
  HandMade made;
  for (auto& [number, report] : made.view.reports) report.shards[0].points = 30;  // and 10 in the other
  made.AddMember(4);
  const ClusterSharding sharding = ShardingOf(made.view);
  EXPECT_DOUBLE_EQ(sharding.collections[0].skew, 1.5);
  EXPECT_DOUBLE_EQ(sharding.skew, 2 / 1.5);  // six replicas on four nodes
}

TEST(FindMemberTest, TakesANameOrANumberOfOneThatHasNotGone) {
  HandMade made;
  EXPECT_EQ((*FindMember(made.view.topology, "node2"))->number, 2U);
  EXPECT_EQ((*FindMember(made.view.topology, "3"))->number, 3U);
  EXPECT_EQ(FindMember(made.view.topology, "node9").status().code(), Code::kNotFound);
  made.Member(3).name = "node2";
  EXPECT_EQ(FindMember(made.view.topology, "node2").status().code(), Code::kFailedPrecondition);
  made.Member(3).state = MemberState::kGone;
  EXPECT_EQ((*FindMember(made.view.topology, "node2"))->number, 2U);
}

TEST(CheckRemovalTest, IsRefusedWhereAFactorCouldNotBeMet) {
  HandMade made;
  const Status refused = CheckRemoval(made.view.topology, 1);
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_THAT(refused.message(), HasSubstr("books"));
  made.AddMember(4);
  EXPECT_TRUE(CheckRemoval(made.view.topology, 1).ok());
  made.Member(4).state = MemberState::kWaiting;  // takes no shards
  EXPECT_FALSE(CheckRemoval(made.view.topology, 1).ok());
}

TEST(CheckFactorTest, NeedsAsManyActiveNodes) {
  HandMade made;
  EXPECT_TRUE(CheckFactor(made.view.topology, 3).ok());
  EXPECT_EQ(CheckFactor(made.view.topology, 4).code(), Code::kFailedPrecondition);
}

TEST(CheckAddressTest, SaysWhereTheNodeReallyIs) {
  HandMade made;
  EXPECT_TRUE(CheckAddress(made.Member(2), {"node2", "localhost", 8002}).ok());
  EXPECT_EQ(CheckAddress(made.Member(2), {"node2", "127.0.0.1", 8003}).field(), "port");
  const Status host = CheckAddress(made.Member(2), {"node2", "10.0.0.1", 8002});
  EXPECT_EQ(host.field(), "host");
  EXPECT_THAT(host.message(), HasSubstr("127.0.0.1:8002"));
}

}  // namespace
}  // namespace rhizome::cluster
