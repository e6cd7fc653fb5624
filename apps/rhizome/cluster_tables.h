// What `rhizome cluster` prints: tables and lines for people from the server's JSON. Pure functions; members that are
// missing or of another type count as empty, so that an older server's answer is shown as far as it goes.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rhizome::app {

// Columns as wide as their widest cell, two spaces apart; the first row is the head.
std::string Table(const std::vector<std::vector<std::string>>& rows);

std::string StatusText(const boost::json::object& status);          // of GET /cluster/status
std::string NodesTable(const boost::json::object& status);          // likewise
std::string HealthText(const boost::json::object& health);          // of GET /cluster/health
std::string ComparisonText(const boost::json::object& comparison);  // of GET /cluster/comparison
std::string ShardsTable(const boost::json::object& sharding);       // of GET /cluster/sharding
std::string RebalanceText(const boost::json::object& plan);         // of POST /cluster/rebalance
std::string MovingText(const boost::json::object& sharding);        // one line: what still moves, and how far it is

// One line: how far a collection is on its way to more partitions, by GET /cluster/sharding; "" when it is not.
std::string ReshardingText(const boost::json::object& sharding, const std::string& collection);
// How many it has, likewise; 0: there is no such collection.
uint64_t PartitionsOf(const boost::json::object& sharding, const std::string& collection);

// Replicas of the node with this name or number, by GET /cluster/status; nullopt when it is not part of the cluster.
std::optional<uint64_t> ShardsOf(const boost::json::object& status, const std::string& node);

// Shards that move or wait to, by GET /cluster/sharding.
uint64_t ShardsUnderWay(const boost::json::object& sharding);

}  // namespace rhizome::app
