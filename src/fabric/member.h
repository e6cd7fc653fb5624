// Member: one process's part in the cluster: its seat in coordination, its replicas, its view of the others, and the
// coordinator that clients' requests go through. The same code runs on threads and wires and in the simulator.
//
// On the loop. Start (again, when it failed), then everything else, then Stop; the ports outlive it.
#pragma once

#include <memory>
#include <string>

#include "base/version.h"
#include "fabric/coordinator.h"
#include "fabric/custodian.h"
#include "fabric/directory.h"
#include "fabric/hints.h"
#include "fabric/leader.h"
#include "fabric/peers.h"
#include "fabric/repair.h"
#include "fabric/replica.h"
#include "fabric/splitter.h"

namespace rhizome::fabric {

// Who this process is. A member keeps its number with its data directory; without data it gets one for its lifetime.
struct Identity {
  MemberRecord record;     // number 0: not given yet
  bool holds_data = true;  // false: a gateway; it is not in the topology and only coordinates
};

struct Ports {
  Loop& loop;
  Network& network;
  Truth& truth;
  ReplicaStore* store = nullptr;  // null exactly when it holds no data
  Clock& clock;                   // the same time as the loop's wall clock
};

struct NewCollection {
  std::string name;
  uint32_t partitions = 0;
  uint32_t factor = 0;
  std::string spec;
  ShardKind kind = ShardKind::kRegisters;
};

class Member {
 public:
  Member(Ports ports, Identity identity, Settings settings);
  ~Member();

  // Takes a seat: a member number if it has none yet, a number for its versions, a lease. Then starts its background
  // work. Keep `identity()` with the data: a number given is this directory's for good.
  Task<Status> Start();
  // Ends everything that runs; call after the loop has begun to stop.
  Task<void> Stop();

  const Identity& identity() const { return identity_; }
  Task<Result<std::string>> Handle(std::string message, CallContext context);
  Coordinator& coordinator() { return *coordinator_; }
  Directory& directory() { return *directory_; }
  Peers& peers() { return *peers_; }
  Repair* repair() { return repair_.get(); }
  Custodian* custodian() { return custodian_.get(); }
  Leader* leader() { return leader_.get(); }
  Hints& hints() { return *hints_; }
  Replica& replica() { return *replica_; }

  // The catalogue: compare-and-swaps in coordination. AlreadyExists; FailedPrecondition when too few members are there.
  Task<Result<CollectionRecord>> Create(NewCollection collection);
  Task<Status> Drop(std::string name);  // NotFound
  Task<Status> SetFactor(std::string name, uint32_t factor);
  // Gives a collection so many partitions, a multiple of those it has; the leader ends what this begins (resharding.h).
  // What is under way already, or done, is no error. Errors: BeginResharding's.
  Task<Status> Reshard(std::string name, uint32_t partitions);
  // NotFound; FailedPrecondition when it is not being resharded, or not any more.
  Task<Status> CancelReshard(std::string name);
  // For operators: kActive admits one that waits and keeps one that was leaving, kLeaving drains a member (the leader
  // makes it kGone once it holds nothing), kGone gives its shards to others at once.
  Task<Status> SetMemberState(MemberNumber member, MemberState state);

  // For operators' pages: how every member that has not gone says it is. A failure in place of one that does not
  // answer within `timeout_ms`.
  Task<std::map<MemberNumber, Result<StatusRequest::Reply>>> AskStatus(int64_t timeout_ms);
  // Asks the desk of the member that leads, which may be this one. Unavailable while nobody leads.
  Task<Result<std::string>> AskLeader(std::string question, CallContext context);
  // Tells every member to compare its replicas now.
  Task<std::map<MemberNumber, Result<RepairRequest::Reply>>> AskRepair(int64_t timeout_ms);
  // What every replica of every shard holds, shard after shard, at the epoch known here; without the newcomers of a
  // move. A failure in place of one that did not answer or was not asked within `timeout_ms`.
  using Digests = std::map<ShardNumber, std::map<MemberNumber, Result<DigestRequest::Reply>>>;
  Task<Digests> AskDigests(int64_t timeout_ms);

 private:
  void Compose();
  Task<Status> TakeNumber(std::string what, uint32_t& number);
  Task<Status> WriteRecord();
  Task<Status> TakeLease();
  Task<void> KeepLease();
  Task<void> PingPeers();
  Task<void> PingOne(MemberNumber member);
  Task<void> ProbeStore();
  template <typename R>
  Task<std::map<MemberNumber, Result<typename R::Reply>>> AskEverybody(int64_t timeout_ms);
  // What a key holds; an empty value and revision 0 when it does not exist.
  Task<Result<coordination::KeyValue>> ReadKey(std::string key);
  struct Counter {
    uint32_t last = 0;
    int64_t mod_revision = 0;
  };
  Task<Result<Counter>> ReadCounter(std::string what);
  Task<Status> PutKept(std::string key, int64_t mod_revision, std::string value);

  Ports ports_;
  Identity identity_;
  const Settings settings_;
  coordination::LeaseId lease_ = coordination::kNoLease;
  int64_t since_ms_ = 0;  // of a gateway: when it came
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<HybridClock> versions_;
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<Peers> peers_;
  std::unique_ptr<Caller> caller_;
  std::unique_ptr<Hints> hints_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<Splitter> splitter_;
  std::unique_ptr<Repair> repair_;
  std::unique_ptr<Custodian> custodian_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<Leader> leader_;
};

}  // namespace rhizome::fabric
