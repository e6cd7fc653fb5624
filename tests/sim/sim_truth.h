// SimTruth: coordination as one process sees it; TruthServer: the one store behind all of them.
//
// The store is a real coordination::State; what is simulated is the way to it: delays, requests and answers that get
// lost (a commit whose answer is lost is unknown, and may even be made after its caller gave up), leases that end
// early, watches that come late, early, twice or never, and times when it cannot be reached.
//
// The server audits every change of a placement: it must be compared with the placement's own revision, raise the epoch
// by one and be a legal step of a move. That is the invariant "one accepted writer per epoch".
#pragma once

#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "coordination/state.h"
#include "fabric/ports.h"
#include "sim_loop.h"

namespace rhizome::sim {

class TruthServer {
 public:
  explicit TruthServer(World& world) : world_(world), random_(Random::Of(world.seed(), 0x7472757468)) {}

  Result<coordination::Committed> Commit(const coordination::Transaction& transaction, const std::string& by);
  coordination::Listing List(const std::string& prefix);
  Result<coordination::LeaseId> Grant(int64_t ttl_ms);
  Result<int64_t> KeepAlive(coordination::LeaseId lease);
  Status Revoke(coordination::LeaseId lease);
  int64_t revision() const { return state_.revision(); }

  // Calls `told` once something under `prefix` has changed after `revision`, or never when the watch gets lost.
  void Watch(std::string prefix, int64_t revision, std::function<void(int64_t)> told);

  // Nobody, or one process, reaches it until then.
  void OutageUntil(int64_t time_ns) {
    outage_until_ns_ = std::max(outage_until_ns_, time_ns);
    was_cut_off_ = true;
  }
  void CutOff(const std::string& process, int64_t until_ns) {
    cut_off_[process] = until_ns;
    was_cut_off_ = true;
  }
  bool was_cut_off() const { return was_cut_off_; }
  bool Reachable(const std::string& process) const;
  // Answers get lost and watches misbehave only while this holds.
  void SetFaulty(bool faulty) { faulty_ = faulty; }
  bool faulty() const { return faulty_; }
  void Heal();
  // Ends the lease a key hangs on, as if it had not been renewed.
  bool EndLeaseOf(const std::string& key);

  Random& random() { return random_; }
  World& world() { return world_; }
  uint64_t placement_changes() const { return placement_changes_; }

 private:
  struct Watcher {
    std::string prefix;
    int64_t revision;
    std::function<void(int64_t)> told;
  };
  void Expire();
  void Tell();
  void Audit(const coordination::Transaction& transaction, const std::map<std::string, coordination::KeyValue>& before,
             const std::string& by);

  World& world_;
  Random random_;
  coordination::State state_;
  std::list<Watcher> watchers_;
  std::map<std::string, int64_t> cut_off_;
  int64_t outage_until_ns_ = 0;
  int64_t expiry_scheduled_ms_ = -1;
  bool faulty_ = false;
  bool was_cut_off_ = false;
  uint64_t placement_changes_ = 0;
};

// Why a change of a shard's placement is not a step that one writer at a time makes; "" when it is.
std::string IllegalStep(const fabric::Placement& from, const fabric::Placement& to);

class SimTruth final : public fabric::Truth {
 public:
  SimTruth(TruthServer& server, SimLoop& loop, std::string process);

  Task<Result<coordination::Committed>> Commit(coordination::Transaction transaction) override;
  Task<Result<coordination::Listing>> List(std::string prefix) override;
  Task<Result<coordination::LeaseId>> Grant(int64_t ttl_ms) override;
  Task<Result<int64_t>> KeepAlive(coordination::LeaseId lease) override;
  Task<Status> Revoke(coordination::LeaseId lease) override;
  Task<Result<int64_t>> AwaitChange(std::string prefix, int64_t after_revision, int64_t timeout_ms) override;

 private:
  // One exchange: `call` runs at the server unless the request gets lost; its answer comes back unless that does.
  template <typename T>
  fabric::OneShot<Result<T>> Exchange(std::function<Result<T>()> call);

  TruthServer& server_;
  SimLoop& loop_;
  const std::string process_;
};

}  // namespace rhizome::sim
