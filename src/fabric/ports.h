// The ports a member stands on: the network, its own replicas, coordination. Each has a real implementation and the
// simulator's.
//
// All are called on the loop, and their tasks resume on it. Every task ends: at the latest at its deadline, and with
// Cancelled soon after the loop began to stop. Implementations outlive the member.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/task.h"
#include "coordination/coordination.h"
#include "fabric/message.h"
#include "fabric/topology.h"

namespace rhizome::fabric {

// What travels beside a message: how long the caller waits, and who it is for.
struct CallContext {
  int64_t deadline_ns = 0;  // on the caller's Loop::NowNs; the receiver is told what is left
  std::string request_id;   // of the client's request, for every log line it causes
  std::string traceparent;  // W3C trace context
  bool background = false;  // healing and moving: may take its time, and goes behind what clients wait for
};

class Network {
 public:
  virtual ~Network() = default;
  // One attempt at one exchange with a member. Unavailable: it surely did not act on it. DeadlineExceeded: unknown.
  // Any other failure is the member's own answer.
  virtual Task<Result<std::string>> Call(MemberNumber to, std::string message, CallContext context) = 0;
};

struct ShardSpec {
  ShardNumber shard = 0;
  CollectionRecord collection;
  // Kept with the replica: the epoch at which this member became an owner, and whether the replica has since been
  // known to have all it is to have. An owner whose replica is not complete has no vote.
  uint64_t since = 0;
  bool complete = false;
};

// The replicas on this member's disk. Addressed by shard; NotFound for one that is not held.
class ReplicaStore {
 public:
  virtual ~ReplicaStore() = default;
  // Appends and applies a batch whose operations carry their versions and stamps; ends once it is durable and visible,
  // and every request it names is remembered.
  virtual Task<Status> Apply(ShardNumber shard, std::string batch) = 0;
  virtual Task<Result<VersionsRequest::Reply>> Versions(ShardNumber shard, std::vector<std::string> keys,
                                                        std::string request) = 0;
  virtual Task<Result<ReadRequest::Reply>> Read(ShardNumber shard, std::vector<std::string> keys) = 0;
  virtual Task<Result<std::string>> Query(std::vector<ShardNumber> shards, std::string query) = 0;
  virtual Task<Result<format::RangeDigest>> Digest(ShardNumber shard, uint32_t bits, std::optional<Version> below) = 0;
  virtual Task<Result<format::InventoryPage>> Inventory(InventoryRequest request) = 0;
  virtual Task<Status> Collect(ShardNumber shard, Version below) = 0;
  // What is remembered of clients' requests; Apply of a batch with fates adds to it.
  virtual Task<Result<format::RequestPage>> Requests(ShardNumber shard, std::string after, uint32_t limit) = 0;
  // The same things of a replica of series, which has no keys. Its Apply takes one record; its Versions are the highest
  // it knows, whatever is asked for; Read, Inventory and Collect are Unimplemented, Requests are none.
  //
  // What it holds in some leaves of its digest, as records to be applied elsewhere.
  virtual Task<Result<ScanRequest::Reply>> Scan(ScanRequest request) = 0;
  // Records joined into few that hold the same. Corruption when one of them is none.
  virtual Task<Result<std::vector<std::string>>> Join(ShardNumber shard, std::vector<std::string> records) = 0;
  // Writes a few bytes to where the replicas are written, and ends once they are durable: how long that takes is what
  // is asked.
  virtual Task<Status> Probe() = 0;
  // Makes an empty replica. Durable when it ends. AlreadyExists.
  virtual Task<Status> Open(ShardSpec spec) = 0;
  // The replica has everything: said once, durable when it ends. NotFound when it is not the one opened for `since`.
  virtual Task<Status> MarkComplete(ShardNumber shard, uint64_t since) = 0;
  // Removes a replica and all it holds. Durable when it ends.
  virtual Task<Status> Drop(ShardNumber shard) = 0;
  // What is held, and why a replica cannot be used ("" when it can).
  struct Held {
    ShardNumber shard = 0;
    Uuid collection;
    uint64_t since = 0;
    bool complete = false;
    std::string damage;
    // For status pages: why it takes no writes ("" when it does), and what is live in it.
    std::string refusal;
    uint64_t points = 0;
    uint64_t documents = 0;
  };
  virtual std::vector<Held> List() = 0;
};

// coordination::Coordination for coroutines.
class Truth {
 public:
  virtual ~Truth() = default;
  virtual Task<Result<coordination::Committed>> Commit(coordination::Transaction transaction) = 0;
  virtual Task<Result<coordination::Listing>> List(std::string prefix) = 0;
  virtual Task<Result<coordination::LeaseId>> Grant(int64_t ttl_ms) = 0;
  virtual Task<Result<int64_t>> KeepAlive(coordination::LeaseId lease) = 0;
  virtual Task<Status> Revoke(coordination::LeaseId lease) = 0;
  virtual Task<Result<int64_t>> AwaitChange(std::string prefix, int64_t after_revision, int64_t timeout_ms) = 0;
};

}  // namespace rhizome::fabric
