// Replica: what a member answers to the others' messages.
//
// Every request about a shard is held against the epoch: a lower one than known here is refused, a higher one makes
// this member catch up with the topology first. An apply is held against it again before it is acknowledged, because
// whoever copies this replica for a new owner may have read it in between.
//
// On the loop.
#pragma once

#include <functional>
#include <string>

#include "fabric/custodian.h"
#include "fabric/directory.h"
#include "fabric/hints.h"
#include "fabric/leader.h"
#include "fabric/peers.h"
#include "fabric/write_pace.h"

namespace rhizome::fabric {

class Replica {
 public:
  struct Parts {
    Directory* directory;
    Peers* peers;
    Hints* hints;
    ReplicaStore* store;  // these two are null for a member without data
    Custodian* custodian;
    Repair* repair = nullptr;
    Leader* leader = nullptr;
    Splitter* splitter = nullptr;
  };
  Replica(Loop& loop, Parts parts);

  // Carries out one message and gives its encoded answer. `message` comes from the network and may be anything.
  Task<Result<std::string>> Handle(std::string message, CallContext context);
  // This member's load as it tells others, 0 to 1000.
  void SetLoad(uint32_t permille) { load_permille_ = permille; }
  // Whether it takes writes, as it tells others.
  void SetReadOnly(bool read_only) { read_only_ = read_only; }
  bool read_only() const { return read_only_; }
  // Who answers questions about what this member does beside; empty: nobody.
  using Desk = std::function<Task<Result<std::string>>(std::string question)>;
  void SetDesk(Desk desk) { desk_ = std::move(desk); }
  const Desk& desk() const { return desk_; }
  // How this member is, as operators are told.
  StatusRequest::Reply Describe() const;
  uint32_t load_permille() const { return load_permille_; }
  WritePace& write_pace() { return write_pace_; }
  // As it tells others; 0 for a member without data.
  uint32_t write_us() const { return write_pace_.write_us(); }

 private:
  Task<Status> Admit(Target target);
  Task<Status> AdmitVote(Target target);
  Status CheckEpoch(const Target& target) const;
  bool AnswersForRetired(const Target& target) const;  // a planted bug
  Task<Result<std::string>> Answer(VersionsRequest request);
  Task<Result<std::string>> Answer(ApplyRequest request);
  Task<Result<std::string>> Answer(ReadRequest request);
  Task<Result<std::string>> Answer(QueryRequest request);
  Task<Result<std::string>> Answer(DigestRequest request);
  Task<Result<std::string>> Answer(InventoryRequest request);
  Task<Result<std::string>> Answer(CollectRequest request);
  Task<Result<std::string>> Answer(HintRequest request);
  Task<Result<std::string>> Answer(ProgressRequest request);
  Task<Result<std::string>> Answer(PingRequest request);
  Task<Result<std::string>> Answer(StatusRequest request);
  Task<Result<std::string>> Answer(RepairRequest request);
  Task<Result<std::string>> Answer(RequestsRequest request);
  Task<Result<std::string>> Answer(ScanRequest request);
  Task<Result<std::string>> Answer(KeepRequest request);
  Task<Result<std::string>> Answer(DeskRequest request);

  Loop& loop_;
  const Parts parts_;
  uint32_t load_permille_ = 0;
  bool read_only_ = false;
  Desk desk_;
  WritePace write_pace_;
};

}  // namespace rhizome::fabric
