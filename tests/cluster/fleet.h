// Fleet: a whole cluster of real processes: etcd members, nodes and gateways, each node and gateway on a host of its
// own (private_network.h), and what an operator or a fault does to them.
//
// Machines are named n1, n2, … and g1, …; nodes come first. A machine keeps its address and its data folder over
// restarts. Everything is gone when the object is. Not thread-safe: one thread starts, ends and asks; clients use
// gateways() from threads of their own.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/scratch_testing.h"
#include "child.h"
#include "coordination/etcd_server.h"
#include "http_session.h"
#include "private_network.h"

namespace rhizome::chaos {

struct FleetOptions {
  size_t nodes = 3;
  size_t gateways = 1;
  int64_t lease_ms = 3'000;
  std::vector<std::string> node_flags;
  size_t small_disk_mib = 0;  // above 0: n1 keeps its data on a file system of that size
};

class Fleet {
 public:
  // Returns once every process is ready and the cluster says that it is well.
  static Result<std::unique_ptr<Fleet>> Start(FleetOptions options);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  size_t nodes() const { return nodes_.size(); }
  std::vector<Endpoint> gateways() const;
  Endpoint http(size_t node) const;
  const std::string& name(size_t node) const { return nodes_[node]->name; }
  // By name; nodes() when there is none.
  size_t Find(const std::string& name) const;
  std::string rpc_address(size_t node) const;
  PrivateNetwork::Host host(size_t node) const { return nodes_[node]->host; }
  PrivateNetwork::Host gateway_host(size_t gateway) const { return gateways_[gateway]->host; }
  const std::string& data_dir(size_t node) const { return nodes_[node]->data_dir; }
  Child& process(size_t node) { return *nodes_[node]->child; }
  Child& gateway(size_t gateway) { return *gateways_[gateway]->child; }
  PrivateNetwork& network() { return network_; }
  coordination::EtcdServers& etcd() { return *etcd_; }

  void Kill(size_t node) { process(node).Kill(); }
  // Starts it on what it had and does not wait.
  void Restart(size_t node) { process(node).Start(); }
  // One more machine; does not wait.
  Result<size_t> AddNode();
  // Starts, resumes and joins again everything that there is.
  Status HealAll();

  // Waits until it says that it can serve.
  Status AwaitReady(size_t node, int64_t timeout_ms = 60'000);
  // One request through the first gateway; Unavailable when the answer was not a good one.
  Result<boost::json::object> Ask(std::string_view method, std::string_view target, std::string_view body = {});
  // "ok", "degraded", "critical", or "" when it cannot be asked.
  std::string Health();
  // Whether the gateway hears every node that is listed.
  bool AllAnswer();
  // Until Health is ok and no shard moves or waits.
  Status AwaitWell(int64_t timeout_ms = 90'000);
  Status CreateCollection(const std::string& name, uint32_t dimension, uint32_t shards, uint32_t factor = 3);
  // Whether the cluster counts a node as its member; true while it cannot be asked.
  bool IsListed(const std::string& node);

  // What each process printed last, for failure messages.
  std::string Logs() const;

 private:
  struct Machine {
    std::string name;
    PrivateNetwork::Host host = 0;
    std::string data_dir;  // "": a gateway
    std::unique_ptr<Child> child;
  };

  Fleet(FleetOptions options, PrivateNetwork network) : options_(std::move(options)), network_(std::move(network)) {}
  Status StartAll();
  Result<std::unique_ptr<Machine>> MakeMachine(const std::string& role, const std::string& name);
  Status AwaitAnswer(Machine& machine, int64_t timeout_ms);

  const FleetOptions options_;
  ScratchFolder folder_;
  PrivateNetwork network_;
  std::unique_ptr<coordination::EtcdServers> etcd_;
  std::vector<std::unique_ptr<Machine>> nodes_;
  std::vector<std::unique_ptr<Machine>> gateways_;
  std::string mounted_;
};

int64_t NowMs();
// Whether `condition` became true within the time; asks every 50 ms.
template <typename Condition>
bool Eventually(int64_t timeout_ms, Condition condition);
void SleepMs(int64_t ms);

template <typename Condition>
bool Eventually(int64_t timeout_ms, Condition condition) {
  const int64_t deadline = NowMs() + timeout_ms;
  while (!condition()) {
    if (NowMs() > deadline) return false;
    SleepMs(50);
  }
  return true;
}

}  // namespace rhizome::chaos
