// ClusterRuntime: one process's seat in a cluster, put together: the loop, the wire, coordination's threads, the
// replicas on its disk, the fabric's member, and the Cluster that gateway and pipeline talk to.
//
// A member that holds data keeps its number in its data directory (file MEMBER) next to the node's own; a process
// without data (a gateway) gets none and serves nobody.
//
// Start blocks until coordination has given the seat; Stop until everything that runs has ended: what is under way is
// cancelled, so callers hear Cancelled or "unknown". Thread-safe but for Start and Stop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "cluster/cluster.h"
#include "cluster/loop_calls.h"
#include "cluster/node.h"
#include "cluster/node_store.h"
#include "cluster/pooled_truth.h"
#include "cluster/rpc_network.h"
#include "cluster/thread_loop.h"
#include "coordination/coordination.h"
#include "fabric/member.h"
#include "fabric/settings.h"
#include "io/disk.h"

namespace rhizome::cluster {

struct ClusterOptions {
  std::string name;                    // [A-Za-z0-9_-]{1,64}; with TLS the name in this process's certificate
  std::string listen = "127.0.0.1:0";  // where members call; port 0 lets the kernel choose
  std::string advertise;               // host:port others reach it at; "": where it listens
  std::string http_address;            // told to operators
  std::string zone;                    // "": none
  uint64_t capacity_bytes = 0;         // disk it may fill, a weight in placement
  rpc::TlsOptions tls;
  bool insecure = false;              // plain text beyond loopback
  bool waits_to_be_admitted = false;  // takes no shards until an operator says so; for a member that is new
  int64_t slow_request_ms = 1'000;    // messages of others that take longer are logged
  CollectionDefaults defaults{8, 3};
  fabric::Settings settings;
  NodeStoreOptions store;
};

// What the runtime stands on; all outlive it.
struct ClusterPorts {
  coordination::Coordination& coordination;
  Node* node = nullptr;  // null: a process without data
  // Where the node's data lies.
  io::Disk* disk = nullptr;
  std::string data_dir;
};

class ClusterRuntime {
 public:
  // InvalidArgument names the option; Unavailable when the port or coordination cannot be had; FailedPrecondition when
  // the member was removed from the cluster.
  static Result<std::unique_ptr<ClusterRuntime>> Start(ClusterOptions options, ClusterPorts ports);
  ~ClusterRuntime();  // Stop
  ClusterRuntime(const ClusterRuntime&) = delete;
  ClusterRuntime& operator=(const ClusterRuntime&) = delete;

  // Calls of other members under way are waited for up to `drain_ms`; then everything ends. A second call does nothing.
  void Stop(int64_t drain_ms);

  Cluster& database() { return *cluster_; }
  // On the loop only, by way of calls().
  fabric::Member& member() { return *member_; }
  LoopCalls& calls() { return calls_; }
  ThreadLoop& loop() { return loop_; }
  // Members that are not as they should be, this one among them, as seen up to half a second ago; for people.
  std::vector<std::string> Troubles() const EXCLUDES(mutex_);
  uint16_t port() const { return network_->port(); }

 private:
  ClusterRuntime(ClusterOptions options, ClusterPorts ports);
  Status Open();
  Status OpenWire();
  Result<fabric::Identity> LoadIdentity();
  Status KeepIdentity(const fabric::Identity& identity);
  Task<void> ReportLoad();
  Task<void> NoteTroubles() EXCLUDES(mutex_);
  Task<Status> EndOnLoop();

  const ClusterOptions options_;
  const ClusterPorts ports_;
  ThreadLoop loop_;
  LoopCalls calls_;
  fabric::Gate gate_;
  std::unique_ptr<PooledTruth> truth_;
  std::unique_ptr<NodeStore> store_;
  std::unique_ptr<RpcNetwork> network_;
  std::unique_ptr<fabric::Member> member_;
  std::unique_ptr<Cluster> cluster_;
  bool stopped_ = false;

  mutable Mutex mutex_;
  std::vector<std::string> troubles_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::cluster
