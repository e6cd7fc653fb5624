// Host: a machine of the simulated cluster, with a disk and a clock. Process: one life of the program on it, which is
// the product's fabric::Member on simulated ports.
//
// Kill ends a life as SIGKILL or power loss does: from that moment nothing of it reaches the network, the disk or
// coordination; its coroutines all come to their ends at once, and that they do is checked.
#pragma once

#include <memory>
#include <string>

#include "fabric/member.h"
#include "io/sim_disk.h"
#include "sim_network.h"
#include "sim_store.h"
#include "sim_truth.h"

namespace rhizome::sim {

class Process;

struct Host {
  HostNumber number = 0;
  std::string name;
  bool data = true;
  Uuid directory;  // of its data; another one after the disk was lost
  std::unique_ptr<io::SimDisk> disk;
  DiskPace pace;
  WallClock wall;
  uint64_t lives = 0;
  std::shared_ptr<Process> process;  // null while down
  fabric::MemberNumber member = 0;   // the last one known
  int64_t restart_at_ns = 0;         // 0: none planned
  bool retired = false;              // left for good
};

// What all processes stand on.
struct Ground {
  World& world;
  SimNetwork& network;
  TruthServer& truth;
  ContentAudit& audit;
  fabric::Settings settings;
  // The process cannot go on and has to be ended by the world.
  std::function<void(HostNumber, Status)> on_stop;
};

class Process final : public Inbox, public std::enable_shared_from_this<Process> {
 public:
  Process(Ground& ground, Host& host);
  ~Process() override;

  void Start();
  void Kill();
  void PauseUntil(int64_t time_ns) { loop_.PauseUntil(time_ns); }
  // Has taken its seat.
  bool serving() const { return serving_; }
  bool alive() const { return alive_; }

  SimLoop& loop() override { return loop_; }
  void Deliver(std::string message, fabric::CallContext context,
               std::function<void(Result<std::string>)> done) override;
  // Runs a client's or an operator's request on the loop. The task sees the process alive or being ended.
  void Run(Task<void> request) { gate_.Start(std::move(request)); }

  fabric::Member& member() { return *member_; }
  SimStore* store() { return store_.get(); }

 private:
  static Task<void> Serve(std::shared_ptr<Process> self);
  static Task<void> Answer(std::shared_ptr<Process> self, std::string message, fabric::CallContext context,
                           std::function<void(Result<std::string>)> done);
  static Task<void> End(Process& process, bool& ended);
  fabric::Identity Seat() const;

  Ground& ground_;
  Host& host_;
  SimLoop loop_;
  NetworkPort network_;
  SimTruth truth_;
  std::unique_ptr<SimStore> store_;
  std::unique_ptr<fabric::Member> member_;
  fabric::Gate gate_;
  bool alive_ = true;
  bool serving_ = false;
};

}  // namespace rhizome::sim
