#include "cluster_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace rhizome::app {
namespace {

using testing::HasSubstr;
using testing::Not;

boost::json::object Parsed(std::string_view text) { return boost::json::parse(text).as_object(); }

TEST(ClusterTables, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(Table({{"A", "B"}, {"wide", "x"}, {"ü", "y"}}), "A     B\nwide  x\nü     y\n");
}

TEST(ClusterTables, ComparisonShowsEveryReplicaOfAShardThatDiffers) {
  EXPECT_EQ(ComparisonText(Parsed(R"({"equal":true,"shards":8})")), "equal: all replicas of 8 shards\n");
  const std::string text = ComparisonText(Parsed(R"({"equal":false,"shards":8,"different":1,"unknown":0,"unequal":[
      {"collection":"books","partition":3,"state":"different","replicas":[
       {"node":"node1","answered":true,"registers":1234,"digest":"00aa"},
       {"node":"node2","answered":false,"detail":"silent"}]}]})"));
  EXPECT_THAT(text, HasSubstr("not equal: of 8 shards, 1 different and 0 unknown"));
  EXPECT_THAT(text, HasSubstr("books       3          different  node1  1,234      00aa"));
  EXPECT_THAT(text, HasSubstr("books       3          different  node2  ?          silent"));
}

TEST(ClusterTables, StatusShowsEveryNodeAndItsLeader) {
  const std::string text = StatusText(Parsed(R"({"clustered":true,"total_nodes":3,"healthy_nodes":2,"total_shards":8,
      "total_collections":1,"total_vectors":12345,"replication_factor":3,"consistency_level":"quorum","leader":"node1",
      "coordination":"unreachable","unreachable_ms":12000,"moving":1,"nodes":[
      {"id":"node1","host":"127.0.0.1","port":8001,"status":"healthy","state":"active","load":0.31,"leader":true,
       "answered":true,"vector_count":12345,"shards":8,"collections":["a","b"]},
      {"id":"node2","host":"127.0.0.1","port":8002,"status":"down","state":"active","answered":false,"shards":8}]})"));
  EXPECT_THAT(text, HasSubstr("2 of 3 nodes healthy, leader node1, coordination unreachable for 12 s"));
  EXPECT_THAT(text, HasSubstr("12,345 points in 8 shards of 1 collection, kept 3 times, quorum by default"));
  EXPECT_THAT(text, HasSubstr("1 shard moving"));
  EXPECT_THAT(text, HasSubstr("node1 *  127.0.0.1:8001  healthy  active  31 %  8       12,345  2"));
  EXPECT_THAT(text, HasSubstr("down     active  ?     8       ?"));
  EXPECT_THAT(text, Not(HasSubstr("alone")));
}

TEST(ClusterTables, HealthNamesReasons) {
  const std::string text = HealthText(Parsed(R"({"status":"degraded","omitted":3,"reasons":[
      {"level":"degraded","code":"node_down","subject":"node2","detail":"holds no lease"},
      {"level":"ok","code":"shard_moving","subject":"a/1","detail":"is being copied"}]})"));
  EXPECT_THAT(text, testing::StartsWith("degraded\n"));
  EXPECT_THAT(text, HasSubstr("degraded  node_down     node2  holds no lease\n"));
  EXPECT_THAT(text, HasSubstr("note      shard_moving  a/1    is being copied\n"));
  EXPECT_THAT(text, HasSubstr("and 3 more"));
}

TEST(ClusterTables, ShardsShowWhoJoinsAndWhoLeaves) {
  const auto sharding = Parsed(R"({"moving":1,"waiting":2,"registers_copied":1500,"registers_total":2000,"skew":1.25,
      "collections":[{"name":"a","shards":[{"partition":0,"shard":7,"epoch":3,"state":"moving","points":10,
      "blocked":"no room","replicas":[{"node":"n1","state":"active"},{"node":"n2","state":"silent","leaving":true},
      {"node":"n3","state":"copying","copied":1500,"total":2000,"joining":true}]}]}],
      "nodes":[{"id":"n1","shards":1,"shards_in":0,"shards_out":0,"points":10}]})");
  const std::string text = ShardsTable(sharding);
  EXPECT_THAT(text, HasSubstr("moving  10      n1, -n2 silent, +n3 copying 1,500/2,000"));
  EXPECT_THAT(text, HasSubstr("a/0 waits: no room"));
  EXPECT_EQ(ShardsUnderWay(sharding), 3U);
  EXPECT_EQ(MovingText(sharding), "3 shards left to move, 1,500 of 2,000 registers copied");
}

TEST(ClusterTables, ANodeIsFoundByNameOrNumber) {
  const auto status = Parsed(R"({"nodes":[{"id":"n1","number":4,"shards":7}]})");
  EXPECT_EQ(ShardsOf(status, "n1"), 7U);
  EXPECT_EQ(ShardsOf(status, "4"), 7U);
  EXPECT_EQ(ShardsOf(status, "n2"), std::nullopt);
}

TEST(ClusterTables, ReshardingShowsHowFarItIs) {
  const auto sharding = Parsed(R"({"collections":[{"name":"a","shards":[{},{}],"next_partitions":0},
      {"name":"b","shards":[{},{}],"next_partitions":4,"next_replicas":12,"next_filled":5}]})");
  EXPECT_EQ(ReshardingText(sharding, "b"), "2 to 4 partitions: 5 of 12 replicas filled");
  EXPECT_EQ(ReshardingText(sharding, "a"), "");
  EXPECT_EQ(ReshardingText(sharding, "c"), "");
  EXPECT_EQ(PartitionsOf(sharding, "b"), 2U);
  EXPECT_EQ(PartitionsOf(sharding, "c"), 0U);
}

TEST(ClusterTables, NothingMoves) {
  EXPECT_EQ(MovingText(Parsed(R"({"moving":0,"waiting":0,"skew":1.04})")), "nothing moves; skew 1.04");
}

TEST(ClusterTables, RebalanceShowsThePlan) {
  EXPECT_THAT(RebalanceText(Parsed(R"({"balanced":true})")), HasSubstr("nothing has to move"));
  const std::string text = RebalanceText(Parsed(R"({"balanced":false,"moving":1,"waiting":2,"planned":[
      {"collection":"a","partition":4,"cause":"balance","reason":"n4 has room"}],"blocked":[]})"));
  EXPECT_THAT(text, HasSubstr("1 moving, 2 waiting, 1 planned"));
  EXPECT_THAT(text, HasSubstr("a/4  balance  n4 has room"));
}

TEST(ClusterTables, WhatIsMissingIsEmpty) {
  EXPECT_THAT(StatusText({}), HasSubstr("0 of 0 nodes healthy, leader none"));
  EXPECT_EQ(HealthText({}), "\n");
  EXPECT_THAT(ShardsTable({}), HasSubstr("COLLECTION"));
}

}  // namespace
}  // namespace rhizome::app
