// For tests: members of one cluster in this process, each with its own disk folder, port and threads, on one embedded
// coordination.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/scratch_testing.h"
#include "cluster/cluster_runtime.h"
#include "coordination/embedded.h"
#include "shard/shard.h"

namespace rhizome::cluster {

// Waits up to `seconds` for `done`.
inline bool Eventually(double seconds, const std::function<bool()>& done) {
  const int64_t deadline_ns = SystemClock().MonotonicNs() + static_cast<int64_t>(seconds * 1e9);
  while (!done()) {
    if (SystemClock().MonotonicNs() > deadline_ns) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

class ClusterTest : public testing::Test {
 protected:
  struct Process {
    std::unique_ptr<Node> node;
    std::unique_ptr<ClusterRuntime> runtime;
  };

  ClusterTest() { coordination_ = coordination::Embedded::Open(io::RealDisk(), directory_ + "/coordination").value(); }
  ~ClusterTest() override {
    while (!processes_.empty()) Stop(processes_.begin()->first);
    coordination_.reset();
  }

  static ClusterOptions Options(const std::string& name) {
    ClusterOptions options;
    options.name = name;
    options.defaults = {4, 3};
    options.settings.lease_ttl_ms = 2'000;
    options.settings.refresh_interval_ms = 200;
    options.settings.ping_interval_ms = 50;
    options.settings.suspect_after_ms = 400;
    options.settings.repair_interval_ms = 500;
    options.settings.repair_pause_ms = 1;
    options.settings.leader_interval_ms = 100;
    options.settings.drop_grace_ms = 500;
    options.store = {8, 2, 2, 2, 1'000};
    return options;
  }

  void Start(const std::string& name) {
    Process process;
    const std::string data_dir = directory_ + "/" + name;
    NodeOptions node_options;
    node_options.data_dir = data_dir;
    node_options.index_threads = 1;
    node_options.memtable_bytes = 4 << 20;
    process.node = Node::Open(io::RealDisk(), node_options).value();
    auto started =
        ClusterRuntime::Start(Options(name), {*coordination_, process.node.get(), &io::RealDisk(), data_dir});
    ASSERT_TRUE(started.ok()) << name << ": " << started.status().ToString();
    process.runtime = std::move(started).value();
    processes_[name] = std::move(process);
  }
  // One without data.
  void StartGateway(const std::string& name) {
    Process process;
    process.runtime = ClusterRuntime::Start(Options(name), {*coordination_, nullptr, nullptr, ""}).value();
    processes_[name] = std::move(process);
  }
  // As a kill for the others: nothing is drained, nobody is told.
  void Stop(const std::string& name) {
    Process process = std::move(processes_.at(name));
    processes_.erase(name);
    process.runtime->Stop(0);
    process.runtime.reset();
    process.node.reset();
  }
  void StartThree() {
    for (const char* name : {"a", "b", "c"}) Start(name);
    // Everybody must know everybody before anything is placed.
    for (auto& [name, process] : processes_) {
      ASSERT_TRUE(Eventually(10, [&] { return Members(name) == 3; })) << name;
    }
  }

  Cluster& On(const std::string& name) { return processes_.at(name).runtime->database(); }
  // Runs `look` at a member, on its loop.
  template <typename T>
  T Look(const std::string& name, std::function<T(fabric::Member&)> look) {
    ClusterRuntime& runtime = *processes_.at(name).runtime;
    const auto on_loop = [](std::function<T(fabric::Member&)> call, fabric::Member& member) -> Task<Result<T>> {
      co_return call(member);
    };
    return runtime.calls().template One<Result<T>>([&] { return on_loop(look, runtime.member()); }).value();
  }
  size_t Members(const std::string& name) {
    return Look<size_t>(name, [](fabric::Member& member) { return member.directory().Now()->live.size(); });
  }
  fabric::MemberNumber NumberOf(const std::string& name) {
    return Look<fabric::MemberNumber>(name, [](fabric::Member& member) { return member.identity().record.number; });
  }
  bool Suspects(const std::string& name, fabric::MemberNumber other) {
    return Look<bool>(name, [&](fabric::Member& member) { return member.peers().Suspect(other); });
  }

  // What each process holds of each shard, as a digest.
  std::map<uint32_t, std::map<std::string, format::RangeDigest>> Digests() {
    std::map<uint32_t, std::map<std::string, format::RangeDigest>> digests;
    for (auto& [name, process] : processes_) {
      if (process.node == nullptr) continue;
      for (const ReplicaInfo& info : process.node->Replicas()) {
        const auto shard = process.node->Replica(info.spec.shard);
        if (shard.ok()) digests[info.spec.shard][name] = (*shard)->engine().Digest(6, std::nullopt).value();
      }
    }
    return digests;
  }
  // Whether every shard has so many replicas and all hold the same.
  bool Agree(size_t replicas) {
    for (const auto& [shard, of_member] : Digests()) {
      if (of_member.size() != replicas) return false;
      for (const auto& [name, digest] : of_member) {
        if (!(digest == of_member.begin()->second)) return false;
      }
    }
    return true;
  }

  const ScratchFolder folder_;
  const std::string& directory_ = folder_.path();
  std::unique_ptr<coordination::Embedded> coordination_;
  std::map<std::string, Process> processes_;
};

}  // namespace rhizome::cluster
