// `rhizome cluster`: asks a server about the cluster it is part of, and has it changed.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <chrono>
#include <thread>

#include "client.h"
#include "cluster_tables.h"
#include "commands.h"

namespace rhizome::app {
namespace {

using boost::json::object;
using boost::json::value;

constexpr auto kPollEvery = std::chrono::milliseconds(500);
// The leader looks every half a second and may be about to begin.
constexpr int kQuietPolls = 4;
constexpr int kGonePolls = 40;

void PrintJson(const value& answer) { fmt::print("{}\n", boost::json::serialize(answer)); }

Result<object> Ask(Client& client, const std::string& method, const std::string& path, const value& body = nullptr) {
  ASSIGN_OR_RETURN(value answer, client.Send(method, path, body));
  if (!answer.is_object()) return Status::Corruption("the server does not answer like a Rhizome server");
  return std::move(answer.as_object());
}

// Until nothing has been under way for a while. What goes on does so in the cluster; stopping here stops nothing.
Status Follow(Client& client) {
  const bool terminal = isatty(STDERR_FILENO) == 1;
  std::string shown;
  for (int quiet = 0; quiet < kQuietPolls;) {
    ASSIGN_OR_RETURN(const object sharding, Ask(client, "GET", "/cluster/sharding"));
    quiet = ShardsUnderWay(sharding) == 0 ? quiet + 1 : 0;
    const std::string text = MovingText(sharding);
    if (terminal) {
      fmt::print(stderr, "\r\033[K{}", text);
    } else if (text != shown) {
      fmt::print(stderr, "{}\n", text);
    }
    std::fflush(stderr);
    shown = text;
    std::this_thread::sleep_for(kPollEvery);
  }
  if (terminal) fmt::print(stderr, "\n");
  return Status::Ok();
}

Status Show(Client& client, const ClusterArguments& arguments, const std::string& path,
            std::string (*render)(const object&)) {
  ASSIGN_OR_RETURN(const object answer, Ask(client, "GET", path));
  if (arguments.json) {
    PrintJson(answer);
  } else {
    fmt::print("{}", render(answer));
  }
  return Status::Ok();
}

Status ShowHealth(Client& client, const ClusterArguments& arguments, int& exit_code) {
  ASSIGN_OR_RETURN(const object health, Ask(client, "GET", "/cluster/health"));
  if (arguments.json) {
    PrintJson(health);
  } else {
    fmt::print("{}", HealthText(health));
  }
  const value* status = health.if_contains("status");
  const std::string text = status != nullptr && status->is_string() ? std::string(status->as_string()) : "";
  exit_code = text == "ok" ? 0 : text == "degraded" ? 2 : 3;
  return Status::Ok();
}

Status Compare(Client& client, const ClusterArguments& arguments, int& exit_code) {
  ASSIGN_OR_RETURN(const object comparison, Ask(client, "GET", "/cluster/comparison"));
  if (arguments.json) {
    PrintJson(comparison);
  } else {
    fmt::print("{}", ComparisonText(comparison));
  }
  const value* equal = comparison.if_contains("equal");
  exit_code = equal != nullptr && equal->is_bool() && equal->as_bool() ? 0 : 2;
  return Status::Ok();
}

Status PrintChange(const ClusterArguments& arguments, const object& answer) {
  if (arguments.json) {
    PrintJson(answer);
    return Status::Ok();
  }
  const auto text = [&answer](std::string_view key) {
    const value* found = answer.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
  };
  fmt::print("{}: {}, was {}; {}\n", arguments.node, text("state"), text("before"), text("detail"));
  return Status::Ok();
}

Status Add(Client& client, const ClusterArguments& arguments) {
  const size_t colon = arguments.address.rfind(':');
  const int port = colon == std::string::npos ? 0 : std::atoi(arguments.address.c_str() + colon + 1);
  if (port < 1 || port > 65535) return Status::InvalidArgument("address", "must be HOST:PORT of the node's HTTP");
  ASSIGN_OR_RETURN(const object answer,
                   Ask(client, "POST", "/cluster/nodes",
                       {{"node_id", arguments.node}, {"host", arguments.address.substr(0, colon)}, {"port", port}}));
  RETURN_IF_ERROR(PrintChange(arguments, answer));
  return arguments.wait ? Follow(client) : Status::Ok();
}

// Nothing moves any more: either it holds nothing and is gone, or what it holds cannot be moved.
Status AwaitGone(Client& client, const ClusterArguments& arguments) {
  for (int polls = 0; polls < kGonePolls; ++polls) {
    ASSIGN_OR_RETURN(const object status, Ask(client, "GET", "/cluster/status"));
    const std::optional<uint64_t> shards = ShardsOf(status, arguments.node);
    if (!shards) {
      if (!arguments.json) fmt::print("{} is gone; its process can be stopped.\n", arguments.node);
      return Status::Ok();
    }
    if (*shards > 0) {
      return Status::FailedPrecondition(
          fmt::format("{} still has {} shards and nothing moves; 'rhizome cluster health' "
                      "says what they wait for",
                      arguments.node, *shards));
    }
    std::this_thread::sleep_for(kPollEvery);
  }
  return Status::Unavailable(arguments.node + " holds nothing any more and is still listed; no node seems to lead");
}

Status Remove(Client& client, const ClusterArguments& arguments) {
  const std::string path = "/cluster/nodes/" + arguments.node + (arguments.force ? "?force=true" : "");
  ASSIGN_OR_RETURN(const object answer, Ask(client, "DELETE", path));
  RETURN_IF_ERROR(PrintChange(arguments, answer));
  if (!arguments.wait) return Status::Ok();
  RETURN_IF_ERROR(Follow(client));
  return AwaitGone(client, arguments);
}

Status Rebalance(Client& client, const ClusterArguments& arguments) {
  ASSIGN_OR_RETURN(const object plan, Ask(client, "POST", "/cluster/rebalance"));
  if (arguments.json) {
    PrintJson(plan);
  } else {
    fmt::print("{}", RebalanceText(plan));
  }
  const value* balanced = plan.if_contains("balanced");
  const bool done = balanced != nullptr && balanced->is_bool() && balanced->as_bool();
  return arguments.wait && !done ? Follow(client) : Status::Ok();
}

Status Repair(Client& client, const ClusterArguments& arguments) {
  ASSIGN_OR_RETURN(const object report, Ask(client, "POST", "/cluster/repair"));
  if (arguments.json) {
    PrintJson(report);
    return Status::Ok();
  }
  fmt::print("{} nodes compare their replicas: {} comparisons wait. 'rhizome cluster status' shows the rest.\n",
             boost::json::serialize(report.at("nodes")), boost::json::serialize(report.at("comparisons")));
  for (const value& node : report.at("silent").as_array()) {
    fmt::print("{} did not answer\n", boost::json::serialize(node));
  }
  return Status::Ok();
}

Status SetFactor(Client& client, const ClusterArguments& arguments) {
  ASSIGN_OR_RETURN(const object answer, Ask(client, "PATCH", "/collections/" + arguments.collection,
                                            {{"replication_factor", arguments.factor}}));
  if (arguments.json) {
    PrintJson(answer);
  } else {
    fmt::print("{} is to be kept {} times\n", arguments.collection, arguments.factor);
  }
  return arguments.wait ? Follow(client) : Status::Ok();
}

// Until the next partitions have taken over. Whoever stops waiting stops nothing.
Status FollowResharding(Client& client, const std::string& collection, uint64_t partitions) {
  uint64_t now = 0;
  const bool terminal = isatty(STDERR_FILENO) == 1;
  std::string shown;
  while (true) {
    ASSIGN_OR_RETURN(const object sharding, Ask(client, "GET", "/cluster/sharding"));
    const std::string text = ReshardingText(sharding, collection);
    now = PartitionsOf(sharding, collection);
    if (text.empty()) break;
    if (terminal) {
      fmt::print(stderr, "\r\033[K{}", text);
    } else if (text != shown) {
      fmt::print(stderr, "{}\n", text);
    }
    std::fflush(stderr);
    shown = text;
    std::this_thread::sleep_for(kPollEvery);
  }
  if (terminal && !shown.empty()) fmt::print(stderr, "\n");
  if (now == partitions) return Status::Ok();
  return Status::FailedPrecondition(fmt::format("{} has {} partitions: it was cancelled or dropped", collection, now));
}

Status Reshard(Client& client, const ClusterArguments& arguments) {
  if (!arguments.cancel && arguments.partitions == 0) {
    return Status::InvalidArgument("--partitions", "is required, or --cancel");
  }
  const std::string path = "/collections/" + arguments.collection + "/reshard";
  ASSIGN_OR_RETURN(const object answer, arguments.cancel
                                            ? Ask(client, "DELETE", path)
                                            : Ask(client, "POST", path, {{"partitions", arguments.partitions}}));
  if (!arguments.cancel && arguments.wait) {
    RETURN_IF_ERROR(FollowResharding(client, arguments.collection, arguments.partitions));
  }
  if (arguments.json) {
    PrintJson(answer);
  } else if (arguments.cancel) {
    fmt::print("{} stays as it is\n", arguments.collection);
  } else {
    fmt::print("{} {} {} partitions\n", arguments.collection, arguments.wait ? "has" : "is to have",
               arguments.partitions);
  }
  return Status::Ok();
}

Status Run(Client& client, const ClusterArguments& arguments, int& exit_code) {
  if (arguments.action == "status") return Show(client, arguments, "/cluster/status", StatusText);
  if (arguments.action == "nodes") return Show(client, arguments, "/cluster/status", NodesTable);
  if (arguments.action == "shards") return Show(client, arguments, "/cluster/sharding", ShardsTable);
  if (arguments.action == "health") return ShowHealth(client, arguments, exit_code);
  if (arguments.action == "compare") return Compare(client, arguments, exit_code);
  if (arguments.action == "add") return Add(client, arguments);
  if (arguments.action == "remove") return Remove(client, arguments);
  if (arguments.action == "rebalance") return Rebalance(client, arguments);
  if (arguments.action == "repair") return Repair(client, arguments);
  if (arguments.action == "reshard") return Reshard(client, arguments);
  CHECK(arguments.action == "factor");
  return SetFactor(client, arguments);
}

}  // namespace

int Cluster(const ClusterArguments& arguments) {
  Client client(arguments.server, arguments.api_key);
  int exit_code = 0;
  const Status status = Run(client, arguments, exit_code);
  if (status.ok()) return exit_code;
  fmt::print(stderr, "rhizome cluster {}: {}\n", arguments.action, status.ToString());
  return 1;
}

}  // namespace rhizome::app
