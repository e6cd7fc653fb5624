// Cluster: the simulated machines and what they share. Who starts, ends, wipes and revives them; nothing here decides
// when.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "process.h"

namespace rhizome::sim {

struct ClusterShape {
  uint32_t data_hosts = 5;
  uint32_t gateways = 1;
  uint32_t partitions = 2;
  uint32_t factor = 3;
  fabric::Settings settings;
};

// A replica that has lost acknowledged data and has not been made whole since.
struct Wound {
  fabric::ShardNumber shard = 0;
  fabric::MemberNumber member = 0;
  HostNumber host = 0;
  uint64_t epoch = 0;  // of the placement when it happened
  bool operator<(const Wound& other) const { return std::tie(shard, member) < std::tie(other.shard, other.member); }
};

class Cluster {
 public:
  static constexpr const char* kCollection = "c";

  Cluster(World& world, const ClusterShape& shape);
  ~Cluster();

  World& world() { return world_; }
  SimNetwork& network() { return network_; }
  TruthServer& truth() { return truth_; }
  const ClusterShape& shape() const { return shape_; }
  std::vector<std::unique_ptr<Host>>& hosts() { return hosts_; }
  Host& host(HostNumber number) { return *hosts_.at(number); }
  // A machine that was not there before, without data.
  Host& Add(bool data);

  void Start(Host& host);
  void Kill(Host& host);
  // Kills it and starts it again after `down_ns`.
  void Restart(Host& host, int64_t down_ns);
  // Its data is gone for good; it comes back as somebody else. The member it was is returned.
  fabric::MemberNumber LoseDisk(Host& host);
  // Flips a durable bit of a log. False when there is nothing to flip.
  bool RotOneBit(Host& host, Random& random);
  void KillAll();

  // Whether losing what this host holds leaves every shard a whole majority of each owner set.
  bool MayLose(const Host& host);
  void NoteLoss(const Host& host);
  // What is still wounded; made whole replicas are forgotten.
  const std::set<Wound>& Wounds();
  bool lost_any() const { return lost_any_; }

  // Coordination's own view, which nobody in the cluster sees like this.
  fabric::Topology Truth();
  // A process that serves, preferring those with data; null when there is none.
  std::shared_ptr<Process> AnyServing(Random& random);
  std::shared_ptr<Process> Serving(HostNumber number);
  const Registers* ReplicaOf(fabric::MemberNumber member, fabric::ShardNumber shard);
  const Samples* SamplesOf(fabric::MemberNumber member, fabric::ShardNumber shard);
  Host* HostOf(fabric::MemberNumber member);

  uint64_t lives() const;

 private:
  void OnStop(HostNumber number, const Status& why);

  World& world_;
  const ClusterShape shape_;
  SimNetwork network_;
  TruthServer truth_;
  ContentAudit audit_;
  Ground ground_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::set<Wound> wounds_;
  bool lost_any_ = false;
};

}  // namespace rhizome::sim
