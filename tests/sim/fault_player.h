// FaultPlayer: makes the faults of a schedule happen to a cluster, stays within the fault model while doing so, and
// ends them all when asked. It also is the operator: declares lost members gone, empties members, changes the factor.
//
// The model: of the owners of a shard, in each owner set, only a minority has ever lost data that nobody has given
// back to them yet. A fault that would pass it is skipped and counted as such.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "cluster.h"
#include "faults.h"

namespace rhizome::sim {

class FaultPlayer {
 public:
  FaultPlayer(Cluster& cluster, std::vector<Fault> faults);

  // From now on, at their times.
  void Start();
  // Ends all faults; every machine that did not leave runs.
  void Heal();
  // Operators have nothing left to do.
  bool settled() const { return duties_.empty() && !working_; }
  const std::array<uint64_t, kFaultKinds>& happened() const { return happened_; }
  uint64_t skipped() const { return skipped_; }

 private:
  struct Duty {
    enum class What { kDeclareGone, kDrain, kFactor, kReshard, kCancelReshard };
    What what;
    fabric::MemberNumber member = 0;
    uint32_t factor = 0;
  };
  // False when it could not happen now.
  bool Happen(const Fault& fault);
  bool HappenToHost(const Fault& fault, Host& host);
  bool HappenToNetwork(const Fault& fault, Host& host);
  bool HappenToTruth(const Fault& fault, Host& host);
  bool HappenToMembership(const Fault& fault, Host& host);
  void SlowDisks(const Fault& fault, Host& host);
  void LosePower(const Fault& fault);
  bool LoseDisk(Host& host, int64_t down_ns);
  bool Rot(Host& host, int64_t down_ns);
  void StrikeDuringMove(const Fault& fault, int64_t until_ns);
  void DeafenDuringSplit(const Fault& fault, Host& host, int64_t until_ns, int64_t since_ns);
  Host* VictimOf(FaultKind kind);
  Host& Pick(uint32_t choice);
  void Work();
  static Task<Status> Reshard(fabric::Member& member);
  static Task<void> Carry(std::shared_ptr<Process> process, Duty duty, FaultPlayer& player);

  Cluster& cluster_;
  World& world_;
  Random random_;
  const std::vector<Fault> faults_;
  std::deque<Duty> duties_;
  bool working_ = false;
  bool healed_ = false;
  uint32_t leaves_ = 0;
  std::array<uint64_t, kFaultKinds> happened_{};
  uint64_t skipped_ = 0;
};

}  // namespace rhizome::sim
