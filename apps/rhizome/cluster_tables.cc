#include "cluster_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "progress.h"

namespace rhizome::app {
namespace {

using boost::json::object;
using boost::json::value;

std::string TextOf(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

uint64_t NumberOf(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  if (found == nullptr || !found->is_number()) return 0;
  boost::system::error_code error;
  const auto number = found->to_number<uint64_t>(error);
  return error ? 0 : number;
}

double RealOf(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_number() ? found->to_number<double>() : 0.0;
}

bool IsTrue(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_bool() && found->as_bool();
}

std::vector<object> ObjectsOf(const object& from, std::string_view key) {
  std::vector<object> objects;
  const value* found = from.if_contains(key);
  if (found == nullptr || !found->is_array()) return objects;
  for (const value& item : found->as_array()) {
    if (item.is_object()) objects.push_back(item.as_object());
  }
  return objects;
}

std::string Count(uint64_t number, std::string_view one, std::string_view many) {
  return Grouped(number) + " " + std::string(number == 1 ? one : many);
}

// Code points, not bytes: names are ASCII, reasons may not be.
size_t Width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string ReplicaText(const object& replica) {
  std::string text = TextOf(replica, "node");
  const std::string state = TextOf(replica, "state");
  if (state == "copying") {
    text += fmt::format(" copying {}/{}", Grouped(NumberOf(replica, "copied")), Grouped(NumberOf(replica, "total")));
  } else if (state != "active") {
    text += " " + state;
  }
  if (IsTrue(replica, "joining")) return "+" + text;
  return IsTrue(replica, "leaving") ? "-" + text : text;
}

}  // namespace

std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] + 2 - Width(row[i]), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string NodesTable(const object& status) {
  std::vector<std::vector<std::string>> rows{
      {"NODE", "ADDRESS", "STATUS", "STATE", "LOAD", "SHARDS", "POINTS", "COLLECTIONS"}};
  for (const object& node : ObjectsOf(status, "nodes")) {
    const value* collections = node.if_contains("collections");
    const size_t count = collections != nullptr && collections->is_array() ? collections->as_array().size() : 0;
    const bool answered = IsTrue(node, "answered");
    rows.push_back({TextOf(node, "id") + (IsTrue(node, "leader") ? " *" : ""),
                    fmt::format("{}:{}", TextOf(node, "host"), NumberOf(node, "port")), TextOf(node, "status"),
                    TextOf(node, "state"), answered ? fmt::format("{:.0f} %", 100 * RealOf(node, "load")) : "?",
                    Grouped(NumberOf(node, "shards")), answered ? Grouped(NumberOf(node, "vector_count")) : "?",
                    Grouped(count)});
  }
  return Table(rows);
}

std::string StatusText(const object& status) {
  const std::string leader = TextOf(status, "leader");
  std::string coordination = TextOf(status, "coordination");
  if (coordination == "unreachable") {
    coordination += fmt::format(" for {:.0f} s: the topology is frozen", RealOf(status, "unreachable_ms") / 1e3);
  }
  std::string text = fmt::format(
      "{} of {} healthy, leader {}, coordination {}\n{} in {} of {}, kept {}, {} by default\n",
      NumberOf(status, "healthy_nodes"), Count(NumberOf(status, "total_nodes"), "node", "nodes"),
      leader.empty() ? "none" : leader, coordination, Count(NumberOf(status, "total_vectors"), "point", "points"),
      Count(NumberOf(status, "total_shards"), "shard", "shards"),
      Count(NumberOf(status, "total_collections"), "collection", "collections"),
      Count(NumberOf(status, "replication_factor"), "time", "times"), TextOf(status, "consistency_level"));
  if (!IsTrue(status, "clustered")) text += "this server runs alone\n";
  if (NumberOf(status, "moving") > 0) text += Count(NumberOf(status, "moving"), "shard", "shards") + " moving\n";
  text += "\n" + NodesTable(status);
  std::vector<std::vector<std::string>> gateways{{"GATEWAY", "ADDRESS", "SINCE"}};
  for (const object& gateway : ObjectsOf(status, "gateways")) {
    gateways.push_back({TextOf(gateway, "id"), fmt::format("{}:{}", TextOf(gateway, "host"), NumberOf(gateway, "port")),
                        fmt::format("{} s", Grouped(NumberOf(gateway, "age_s")))});
  }
  return gateways.size() == 1 ? text : text + "\n" + Table(gateways);
}

std::string HealthText(const object& health) {
  std::string text = TextOf(health, "status") + "\n";
  std::vector<std::vector<std::string>> rows;
  for (const object& reason : ObjectsOf(health, "reasons")) {
    const std::string level = TextOf(reason, "level");
    rows.push_back(
        {level == "ok" ? "note" : level, TextOf(reason, "code"), TextOf(reason, "subject"), TextOf(reason, "detail")});
  }
  text += Table(rows);
  if (NumberOf(health, "omitted") > 0) text += fmt::format("and {} more\n", Grouped(NumberOf(health, "omitted")));
  return text;
}

std::string ComparisonText(const object& comparison) {
  const uint64_t shards = NumberOf(comparison, "shards");
  if (IsTrue(comparison, "equal")) return "equal: all replicas of " + Count(shards, "shard", "shards") + "\n";
  std::string text = fmt::format("not equal: of {}, {} different and {} unknown\n", Count(shards, "shard", "shards"),
                                 NumberOf(comparison, "different"), NumberOf(comparison, "unknown"));
  std::vector<std::vector<std::string>> rows{{"COLLECTION", "PARTITION", "STATE", "NODE", "REGISTERS", "DIGEST"}};
  for (const object& shard : ObjectsOf(comparison, "unequal")) {
    for (const object& replica : ObjectsOf(shard, "replicas")) {
      const bool answered = IsTrue(replica, "answered");
      rows.push_back({TextOf(shard, "collection"), std::to_string(NumberOf(shard, "partition")), TextOf(shard, "state"),
                      TextOf(replica, "node"), answered ? Grouped(NumberOf(replica, "registers")) : "?",
                      TextOf(replica, answered ? "digest" : "detail")});
    }
  }
  return text + Table(rows);
}

std::string ShardsTable(const object& sharding) {
  std::vector<std::vector<std::string>> rows{
      {"COLLECTION", "PARTITION", "SHARD", "EPOCH", "STATE", "POINTS", "REPLICAS"}};
  std::string blocked;
  for (const object& collection : ObjectsOf(sharding, "collections")) {
    const std::string name = TextOf(collection, "name");
    for (const object& shard : ObjectsOf(collection, "shards")) {
      std::string replicas;
      for (const object& replica : ObjectsOf(shard, "replicas")) {
        replicas += (replicas.empty() ? "" : ", ") + ReplicaText(replica);
      }
      const std::string partition = std::to_string(NumberOf(shard, "partition"));
      rows.push_back({name, partition, std::to_string(NumberOf(shard, "shard")),
                      std::to_string(NumberOf(shard, "epoch")), TextOf(shard, "state"),
                      Grouped(NumberOf(shard, "points")), replicas});
      if (!TextOf(shard, "blocked").empty()) {
        blocked += fmt::format("{}/{} waits: {}\n", name, partition, TextOf(shard, "blocked"));
      }
    }
  }
  std::vector<std::vector<std::string>> nodes{{"NODE", "SHARDS", "IN", "OUT", "POINTS"}};
  for (const object& node : ObjectsOf(sharding, "nodes")) {
    nodes.push_back({TextOf(node, "id"), Grouped(NumberOf(node, "shards")), Grouped(NumberOf(node, "shards_in")),
                     Grouped(NumberOf(node, "shards_out")), Grouped(NumberOf(node, "points"))});
  }
  return Table(rows) + blocked + "\n" + Table(nodes) + MovingText(sharding) + "\n";
}

std::string RebalanceText(const object& plan) {
  if (IsTrue(plan, "balanced")) return "Balanced: nothing has to move.\n";
  std::string text = fmt::format("{} moving, {} waiting, {} planned\n", NumberOf(plan, "moving"),
                                 NumberOf(plan, "waiting"), ObjectsOf(plan, "planned").size());
  std::vector<std::vector<std::string>> rows;
  for (const char* list : {"planned", "blocked"}) {
    for (const object& move : ObjectsOf(plan, list)) {
      rows.push_back({fmt::format("{}/{}", TextOf(move, "collection"), NumberOf(move, "partition")),
                      TextOf(move, "cause"), TextOf(move, "reason")});
    }
  }
  return text + Table(rows);
}

std::optional<uint64_t> ShardsOf(const object& status, const std::string& node) {
  for (const object& listed : ObjectsOf(status, "nodes")) {
    if (TextOf(listed, "id") == node || std::to_string(NumberOf(listed, "number")) == node) {
      return NumberOf(listed, "shards");
    }
  }
  return std::nullopt;
}

uint64_t ShardsUnderWay(const object& sharding) { return NumberOf(sharding, "moving") + NumberOf(sharding, "waiting"); }

std::string ReshardingText(const object& sharding, const std::string& collection) {
  for (const object& listed : ObjectsOf(sharding, "collections")) {
    if (TextOf(listed, "name") != collection || NumberOf(listed, "next_partitions") == 0) continue;
    return fmt::format("{} to {} partitions: {} of {} replicas filled", ObjectsOf(listed, "shards").size(),
                       NumberOf(listed, "next_partitions"), Grouped(NumberOf(listed, "next_filled")),
                       Grouped(NumberOf(listed, "next_replicas")));
  }
  return "";
}

uint64_t PartitionsOf(const object& sharding, const std::string& collection) {
  for (const object& listed : ObjectsOf(sharding, "collections")) {
    if (TextOf(listed, "name") == collection) return ObjectsOf(listed, "shards").size();
  }
  return 0;
}

std::string MovingText(const object& sharding) {
  const uint64_t under_way = ShardsUnderWay(sharding);
  if (under_way == 0) return fmt::format("nothing moves; skew {:.2f}", RealOf(sharding, "skew"));
  return fmt::format("{} left to move, {} of {} registers copied", Count(under_way, "shard", "shards"),
                     Grouped(NumberOf(sharding, "registers_copied")), Grouped(NumberOf(sharding, "registers_total")));
}

}  // namespace rhizome::app
