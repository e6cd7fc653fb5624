// Operations: what an operator asks of a running server, and what it says of the cluster it is part of. Two
// implementations: a server alone (alone_operations.h) and a cluster's member or gateway (cluster_operations.h).
//
// The figures are of one moment and for people: each node is asked for its own, and those that do not answer are left
// out of the sums. Nothing here decides anything about data. Times are milliseconds.
//
// Thread-safe; calls block until every node has answered or was given up, about a second. Changes are durable when the
// call returns; moving data goes on afterwards, and Sharding says how far it is. Errors: NotFound names what is not
// there; FailedPrecondition says what stands against it and what to do; InvalidArgument names the field; Unavailable
// while coordination cannot be reached.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace rhizome::cluster {

struct NodeStatus {
  std::string id;  // its name
  uint32_t number = 0;
  std::string host;
  uint16_t port = 0;
  std::string status;  // "healthy", "suspect" (silent for now, or without a lease), "down"
  std::string state;   // "active", "waiting", "leaving"
  std::string zone;
  double load = 0;  // 0 to 1
  bool leader = false;
  bool answered = false;  // else the figures below are not known and 0
  uint64_t vector_count = 0;
  uint64_t shards = 0;                   // replicas it is an owner of, with those it is to get
  uint64_t hints = 0;                    // registers it keeps for nodes that are away
  uint64_t repairs_waiting = 0;          // replicas to be compared
  uint64_t registers_repaired = 0;       // since it started
  std::vector<std::string> collections;  // it holds shards of, by name
};

struct GatewayStatus {
  std::string id;  // its name
  std::string host;
  uint16_t port = 0;
  int64_t age_s = 0;  // since it came
};

struct ClusterStatus {
  bool clustered = false;  // false: a server alone
  uint64_t total_nodes = 0;
  uint64_t healthy_nodes = 0;
  uint64_t total_shards = 0;
  uint64_t total_collections = 0;
  uint64_t total_vectors = 0;
  uint32_t replication_factor = 1;  // of new collections
  std::string consistency_level;    // of writes and key reads that do not ask for another
  std::string leader;               // its name, "" for none
  std::string coordination;         // "embedded", "reachable", "unreachable"
  int64_t unreachable_ms = 0;       // for how long: so long the topology has been frozen
  uint64_t moving = 0;              // shards under way to other nodes
  uint64_t resharding = 0;          // collections on their way to more partitions
  std::vector<NodeStatus> nodes;    // by id
  std::vector<GatewayStatus> gateways;
};

enum class HealthLevel { kOk, kDegraded, kCritical };
std::string_view HealthLevelName(HealthLevel level);

struct HealthReason {
  HealthLevel level = HealthLevel::kOk;  // kOk: worth knowing, nothing is wrong
  std::string code;                      // docs/operations.md explains each
  std::string subject;                   // a node's name, "collection/partition", or ""
  std::string detail;                    // for people
};

struct ClusterHealth {
  HealthLevel level = HealthLevel::kOk;  // the worst of the reasons
  std::vector<HealthReason> reasons;     // the worst first; at most kReasonsMax
  uint64_t omitted = 0;                  // more of them
};
inline constexpr size_t kReasonsMax = 200;

struct ReplicaStatus {
  std::string node;
  std::string state;     // "active", "copying", "read_only", "damaged", "silent"
  uint64_t points = 0;   // live ones it counts
  uint64_t copied = 0;   // registers, while copying
  uint64_t total = 0;    // as far as known
  bool leaving = false;  // not an owner any more once the change under way ends
  bool joining = false;  // an owner only then
  std::string detail;    // what is damaged
};

struct ShardStatus {
  std::string collection;
  uint32_t partition = 0;
  uint32_t shard = 0;
  uint64_t epoch = 0;
  std::string state;  // "healthy", "moving", "under_replicated", "no_quorum"
  uint64_t points = 0;
  std::vector<ReplicaStatus> replicas;
  std::string blocked;  // why the change it needs cannot be made
};

struct CollectionSharding {
  std::string name;
  uint32_t replication_factor = 1;
  uint64_t points = 0;
  double skew = 1;  // points of its fullest shard over the mean; 1: even
  std::vector<ShardStatus> shards;
  // While it is resharded: how many partitions it will have, and the replicas of these that hold all they are to hold.
  uint32_t next_partitions = 0;  // 0: it is not
  uint64_t next_replicas = 0;
  uint64_t next_filled = 0;
};

struct NodeShare {
  std::string id;
  uint64_t shards = 0;  // replicas, once what is under way has ended
  uint64_t shards_in = 0;
  uint64_t shards_out = 0;
  uint64_t points = 0;
};

struct ClusterSharding {
  uint64_t moving = 0;
  uint64_t waiting = 0;  // shards whose change waits for others to end
  uint64_t registers_copied = 0;
  uint64_t registers_total = 0;
  double skew = 1;  // replicas of the fullest active node over the mean
  std::vector<CollectionSharding> collections;
  std::vector<NodeShare> nodes;
};

struct NodeAddress {
  std::string id;
  std::string host;
  uint16_t port = 0;
};

struct NodeChange {
  NodeStatus node;
  std::string state;  // as it is now: "active", "leaving", "gone"
  std::string before;
  std::string detail;  // for people: what happens next
};

struct PlannedMove {
  std::string collection;
  uint32_t partition = 0;
  std::string cause;   // "balance", "leaving", …
  std::string reason;  // for people
};

struct RebalanceReport {
  bool balanced = false;
  uint64_t moving = 0;
  uint64_t waiting = 0;
  std::vector<PlannedMove> planned;
  std::vector<PlannedMove> blocked;
};

struct Resharding {
  std::string collection;
  uint32_t partitions = 0;       // that are asked now
  uint32_t next_partitions = 0;  // on the way there; 0: nothing is under way
};

struct RepairReport {
  uint64_t nodes = 0;        // that compare now
  uint64_t comparisons = 0;  // that wait on them
  std::vector<std::string> silent;
};

struct ReplicaDigest {
  std::string node;
  bool answered = false;
  uint64_t registers = 0;  // points, documents and what is remembered of deleted ones
  std::string digest;      // of all of them, in hex: the same exactly where they are
  std::string detail;      // why it did not answer
};

struct ShardComparison {
  std::string collection;
  uint32_t partition = 0;
  uint32_t shard = 0;
  std::string state;  // "equal", "different", "unknown": not all answered, and those that did are equal
  std::vector<ReplicaDigest> replicas;
};

struct ClusterComparison {
  bool equal = false;  // all replicas of all shards answered and hold the same
  uint64_t shards = 0;
  uint64_t different = 0;
  uint64_t unknown = 0;
  std::vector<ShardComparison> unequal;  // at most kReasonsMax
};

class Operations {
 public:
  virtual ~Operations() = default;
  virtual Result<ClusterStatus> Status() = 0;
  virtual Result<ClusterHealth> Health() = 0;
  virtual Result<ClusterSharding> Sharding() = 0;
  // Lets a node that waits have shards; keeps one that was leaving. The node itself has registered in coordination.
  virtual Result<NodeChange> AddNode(const NodeAddress& node) = 0;
  // `id` is a name or a number. Empties the node; with `force` its shards are given to others at once, and what only
  // it had is lost.
  virtual Result<NodeChange> RemoveNode(const std::string& id, bool force) = 0;
  // What the leader, which balances by itself all the time, is doing and will do.
  virtual Result<RebalanceReport> Rebalance() = 0;
  // Has every replica compared with its co-owners' now instead of at the next interval.
  virtual Result<RepairReport> Repair() = 0;
  // Whether all replicas hold the same now: each is asked for a digest of what it holds. Under writes some are a moment
  // behind others. Takes as long as the slowest replica reads its keys, half a minute at most.
  virtual Result<ClusterComparison> Compare() = 0;
  // InvalidArgument, NotFound, FailedPrecondition when there are too few nodes. Replicas are added or dropped
  // afterwards.
  virtual rhizome::Status SetFactor(const std::string& collection, uint32_t factor) = 0;
  // Gives a collection so many partitions, a multiple of those it has, while it is read and written. InvalidArgument,
  // NotFound, FailedPrecondition while another one is under way, Unavailable while a shard of it moves.
  virtual Result<Resharding> Reshard(const std::string& collection, uint32_t partitions) = 0;
  // Leaves it as it is. FailedPrecondition when it is not being resharded, or not any more.
  virtual Result<Resharding> CancelReshard(const std::string& collection) = 0;
  // What is not as it should be beyond this process, for people. Asks nobody and never blocks.
  virtual std::vector<std::string> Notices() = 0;
};

}  // namespace rhizome::cluster
