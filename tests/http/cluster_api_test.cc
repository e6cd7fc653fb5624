// The operator's routes: of a server alone, and of a cluster made by hand.
#include "api_fixture.h"
#include "cluster/cluster_view_testing.h"

namespace rhizome::gateway {
namespace {

using fabric::MemberState;
using testing::HasSubstr;

class ServerAlone : public ApiFixture {
 protected:
  ServerAlone() { OpenNode(); }
};

TEST_F(ServerAlone, IsAClusterOfOne) {
  Do("POST", "/collections", R"({"name":"a","dimension":2,"shards":2})");
  Do("POST", "/vectors", R"({"collection":"a","points":[{"id":1,"vector":[1,0]},{"id":2,"vector":[0,1]}]})");
  const auto status = Do("GET", "/cluster/status");
  EXPECT_EQ(status.at("clustered"), false);
  EXPECT_EQ(status.at("total_nodes"), 1);
  EXPECT_EQ(status.at("total_shards"), 2);
  EXPECT_EQ(status.at("total_collections"), 1);
  EXPECT_EQ(status.at("total_vectors"), 2);
  EXPECT_EQ(status.at("nodes").at(0).at("vector_count"), 2);
  EXPECT_EQ(status.at("nodes").at(0).at("collections").at(0), "a");
  EXPECT_EQ(Do("GET", "/cluster/health").at("status"), "ok");
  const auto sharding = Do("GET", "/cluster/sharding");
  EXPECT_EQ(sharding.at("collections").at(0).at("shards").as_array().size(), 2U);
  EXPECT_EQ(sharding.at("moving"), 0);
}

TEST_F(ServerAlone, RefusesWhatNeedsOthersAndSaysHowToFormACluster) {
  const Reply reply = Call("POST", "/cluster/nodes", R"({"node_id":"node4","host":"localhost","port":8004})");
  EXPECT_EQ(reply.status, 409);
  EXPECT_THAT(reply.body, HasSubstr("--etcd"));
  EXPECT_EQ(Refusal("DELETE", "/cluster/nodes/alone"), "409");
  EXPECT_EQ(Refusal("DELETE", "/cluster/nodes/nobody"), "404");
  EXPECT_EQ(Refusal("POST", "/cluster/rebalance"), "409");
  EXPECT_EQ(Refusal("POST", "/cluster/repair"), "409");
  EXPECT_EQ(Refusal("GET", "/cluster/comparison"), "409");
  Do("POST", "/collections", R"({"name":"b","dimension":2})");
  const Reply reshard = Call("POST", "/collections/b/reshard", R"({"partitions":16})");
  EXPECT_EQ(reshard.status, 409);
  EXPECT_THAT(reshard.body, HasSubstr("--etcd"));
  EXPECT_EQ(Refusal("DELETE", "/collections/b/reshard"), "409");
  EXPECT_EQ(Refusal("POST", "/collections/none/reshard", R"({"partitions":16})"), "404");
}

TEST_F(ServerAlone, KeepsOneCopyOfACollection) {
  Do("POST", "/collections", R"({"name":"a","dimension":2})");
  EXPECT_EQ(Do("PATCH", "/collections/a", R"({"replication_factor":1})").at("replication_factor"), 1);
  EXPECT_EQ(Refusal("PATCH", "/collections/a", R"({"replication_factor":2})"), "409");
  EXPECT_EQ(Refusal("PATCH", "/collections/none", R"({"replication_factor":1})"), "404");
  EXPECT_EQ(Refusal("PATCH", "/collections/a", R"({"replication_factor":17})"), "400 replication_factor");
  EXPECT_EQ(Refusal("PATCH", "/collections/a", R"({"shards":4})"), "400 replication_factor");
  EXPECT_EQ(Refusal("PATCH", "/collections/a", R"({"replication_factor":1,"shards":4})"), "400 shards");
}

class InCluster : public ApiFixture {
 protected:
  InCluster() {
    cluster_ = &in_cluster_;
    OpenNode();
  }
  cluster::HandMadeControls controls_;
  cluster::HandMade& made_ = controls_.made;
  cluster::ClusterOperations in_cluster_{controls_};
};

TEST_F(InCluster, StatusShowsEveryNode) {
  made_.Kill(3);
  const auto status = Do("GET", "/cluster/status");
  EXPECT_EQ(status.at("clustered"), true);
  EXPECT_EQ(status.at("total_nodes"), 3);
  EXPECT_EQ(status.at("healthy_nodes"), 2);
  EXPECT_EQ(status.at("leader"), "node2");
  const auto& nodes = status.at("nodes").as_array();
  EXPECT_EQ(nodes[0].at("id"), "node1");
  EXPECT_EQ(nodes[0].at("port"), 8001);
  EXPECT_EQ(nodes[2].at("status"), "down");
  EXPECT_EQ(nodes[2].at("answered"), false);
}

TEST_F(InCluster, HealthSaysWhatIsWrong) {
  made_.Kill(3);
  const auto health = Do("GET", "/cluster/health");
  EXPECT_EQ(health.at("status"), "degraded");
  EXPECT_EQ(health.at("reasons").at(0).at("code"), "node_down");
  EXPECT_EQ(health.at("reasons").at(0).at("subject"), "node3");
}

TEST_F(InCluster, ANodeIsAdmittedAndEmptied) {
  made_.AddMember(4);
  made_.Member(4).state = MemberState::kWaiting;
  const auto added = Do("POST", "/cluster/nodes", R"({"node_id":"node4","host":"localhost","port":8004})");
  EXPECT_EQ(added.at("before"), "waiting");
  EXPECT_EQ(added.at("state"), "active");
  const Reply removed = Call("DELETE", "/cluster/nodes/node4");
  EXPECT_EQ(removed.status, 202);
  EXPECT_EQ(Parsed(removed).at("state"), "leaving");
  EXPECT_EQ(Parsed(removed).at("progress"), "/cluster/sharding");
}

TEST_F(InCluster, BadRequestsAreRefusedByField) {
  EXPECT_EQ(Refusal("POST", "/cluster/nodes", R"({"node_id":"node4","host":"localhost"})"), "400 port");
  EXPECT_EQ(Refusal("POST", "/cluster/nodes", R"({"node_id":"node4","host":"localhost","port":0})"), "400 port");
  EXPECT_EQ(Refusal("POST", "/cluster/nodes", R"({"node_id":"node2","host":"localhost","port":1})"), "400 port");
  EXPECT_EQ(Refusal("POST", "/cluster/nodes", R"({"node_id":"node9","host":"localhost","port":8009})"), "404");
  EXPECT_EQ(Refusal("DELETE", "/cluster/nodes/node9"), "404");
  EXPECT_EQ(Refusal("DELETE", "/cluster/nodes/node1?force=perhaps"), "400 force");
  EXPECT_EQ(Refusal("DELETE", "/cluster/nodes/node1"), "409");
  EXPECT_EQ(Call("DELETE", "/cluster/nodes/node1?force=true").status, 202);
}

TEST_F(InCluster, RebalanceShowsThePlan) {
  EXPECT_EQ(Parsed(Call("POST", "/cluster/rebalance")).at("balanced"), true);
  made_.AddMember(4);
  const auto plan = Parsed(Call("POST", "/cluster/rebalance"));
  EXPECT_EQ(plan.at("balanced"), false);
  ASSERT_FALSE(plan.at("planned").as_array().empty());
  EXPECT_EQ(plan.at("planned").at(0).at("collection"), "books");
  EXPECT_EQ(plan.at("planned").at(0).at("cause"), "balance");
}

TEST_F(InCluster, ACollectionIsReshardedAndShowsHowFarItIs) {
  const Reply begun = Call("POST", "/collections/books/reshard", R"({"partitions":4})");
  EXPECT_EQ(begun.status, 202);
  EXPECT_EQ(Parsed(begun).at("partitions"), 2);
  EXPECT_EQ(Parsed(begun).at("next_partitions"), 4);
  EXPECT_EQ(Do("GET", "/cluster/status").at("resharding"), 1);
  EXPECT_EQ(Do("GET", "/cluster/status").at("total_shards"), 2);
  const auto collection = Do("GET", "/cluster/sharding").at("collections").at(0);
  EXPECT_EQ(collection.at("next_partitions"), 4);
  EXPECT_EQ(collection.at("next_replicas"), 12);
  EXPECT_EQ(collection.at("next_filled"), 0);
  EXPECT_EQ(Parsed(Call("DELETE", "/collections/books/reshard")).at("next_partitions"), 0);
  EXPECT_EQ(Refusal("POST", "/collections/books/reshard", R"({"partitions":65})"), "400 partitions");
  EXPECT_EQ(Refusal("POST", "/collections/books/reshard", R"({"shards":4})"), "400 partitions");
}

TEST_F(InCluster, RepairSaysWhoDoesNotAnswer) {
  made_.Kill(3);
  const auto repair = Parsed(Call("POST", "/cluster/repair"));
  EXPECT_EQ(repair.at("nodes"), 2);
  EXPECT_EQ(repair.at("silent").at(0), "node3");
}

TEST_F(InCluster, ComparisonShowsTheReplicasThatDiffer) {
  EXPECT_EQ(Do("GET", "/cluster/comparison").at("equal"), true);
  made_.view.reports[2].shards[0].points = 7;
  const auto comparison = Do("GET", "/cluster/comparison");
  EXPECT_EQ(comparison.at("equal"), false);
  EXPECT_EQ(comparison.at("different"), 1);
  const auto& shard = comparison.at("unequal").at(0);
  EXPECT_EQ(shard.at("state"), "different");
  EXPECT_EQ(shard.at("replicas").at(1).at("node"), "node2");
  EXPECT_EQ(shard.at("replicas").at(1).at("registers"), 7);
}

TEST_F(InCluster, HealthOfTheProcessTellsOfAFrozenTopology) {
  EXPECT_TRUE(Do("GET", "/health").at("notices").as_array().empty());
  made_.view.frozen_ms = 4'000;
  EXPECT_THAT(Call("GET", "/health").body, HasSubstr("topology is frozen"));
}

}  // namespace
}  // namespace rhizome::gateway
