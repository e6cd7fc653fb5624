#include "cluster.h"

#include <fmt/format.h>

#include <algorithm>

#include "fabric/directory.h"

namespace rhizome::sim {

using fabric::MemberNumber;
using fabric::Placement;
using fabric::ShardNumber;

Cluster::Cluster(World& world, const ClusterShape& shape)
    : world_(world),
      shape_(shape),
      network_(world),
      truth_(world),
      audit_(world),
      ground_{world,  network_,       truth_,
              audit_, shape.settings, [this](HostNumber number, const Status& why) { OnStop(number, why); }} {
  for (uint32_t i = 0; i < shape.data_hosts; ++i) Add(true);
  for (uint32_t i = 0; i < shape.gateways; ++i) Add(false);
}

Cluster::~Cluster() { KillAll(); }

Host& Cluster::Add(bool data) {
  auto host = std::make_unique<Host>();
  host->number = static_cast<HostNumber>(hosts_.size());
  host->name = fmt::format("{}{}", data ? "n" : "g", host->number);
  host->data = data;
  host->directory = Uuid::FromName(host->name);
  Random random = Random::Of(world_.seed(), 0x686f7374 + host->number);
  host->disk = std::make_unique<io::SimDisk>(io::SimDiskOptions{.seed = random.Next()});
  host->wall.offset_ms = random.Between(-250, 250);
  hosts_.push_back(std::move(host));
  return *hosts_.back();
}

void Cluster::Start(Host& host) {
  if (host.process != nullptr || host.retired) return;
  host.restart_at_ns = 0;
  ++host.lives;
  world_.Note("start", host.name);
  host.process = std::make_shared<Process>(ground_, host);
  host.process->Start();
}

void Cluster::Kill(Host& host) {
  if (host.process == nullptr) return;
  world_.Note("kill", host.name);
  host.process->Kill();
  host.process.reset();
}

void Cluster::Restart(Host& host, int64_t down_ns) {
  Kill(host);
  host.restart_at_ns = world_.NowNs() + down_ns;
  world_.At(host.restart_at_ns, [this, &host, due_ns = host.restart_at_ns] {
    if (host.restart_at_ns == due_ns) Start(host);  // else somebody has planned it anew
  });
}

// The process cannot end itself: its own coroutines are running.
void Cluster::OnStop(HostNumber number, const Status& why) {
  Host& host = *hosts_.at(number);
  world_.Note("stop", fmt::format("{}: {}", host.name, CodeName(why.code())));
  world_.In(0, [this, &host, life = host.lives, gone = why.code() == Code::kFailedPrecondition] {
    if (host.lives != life || host.process == nullptr) return;
    if (!gone) return Restart(host, 300 * kMillisecond);
    // It was declared gone: its operator empties the machine and lets it join as somebody else.
    LoseDisk(host);
    Restart(host, kSecond);
  });
}

MemberNumber Cluster::LoseDisk(Host& host) {
  Kill(host);
  world_.Note("wipe", host.name);
  const uint64_t seed = Random::Of(world_.seed(), 0x77697065 + (uint64_t{host.number} << 32) + host.lives).Next();
  host.disk = std::make_unique<io::SimDisk>(io::SimDiskOptions{.seed = seed});
  host.directory = Uuid::FromName(fmt::format("{}.{}", host.name, host.lives));
  return host.member;
}

bool Cluster::RotOneBit(Host& host, Random& random) {
  std::vector<std::string> segments;
  const auto names = host.disk->List("");
  if (!names.ok()) return false;
  for (const std::string& name : *names) {
    if (!name.starts_with("log.")) continue;
    const auto files = host.disk->List(name);
    if (!files.ok()) continue;
    for (const std::string& file : *files) {
      if (file.ends_with(".log")) segments.push_back(name + "/" + file);
    }
  }
  if (segments.empty()) return false;
  const std::string& path = segments[random.Below(segments.size())];
  const auto file = host.disk->Open(path, io::OpenMode::kRead);
  if (!file.ok()) return false;
  const auto size = (*file)->Size();
  if (!size.ok() || *size == 0) return false;
  return host.disk->FlipBit(path, random.Below(*size), static_cast<int>(random.Below(8))).ok();
}

void Cluster::KillAll() {
  for (const auto& host : hosts_) {
    host->restart_at_ns = 0;
    Kill(*host);
  }
}

bool Cluster::MayLose(const Host& host) {
  std::set<std::pair<ShardNumber, MemberNumber>> wounded;
  for (const Wound& wound : Wounds()) wounded.insert({wound.shard, wound.member});
  for (const auto& [shard, kept] : Truth().placements) {
    for (const std::vector<MemberNumber>& owners : {kept.value.replicas, kept.value.next}) {
      if (std::find(owners.begin(), owners.end(), host.member) == owners.end()) continue;
      const auto lost = static_cast<size_t>(std::count_if(owners.begin(), owners.end(), [&](MemberNumber member) {
        return member == host.member || wounded.contains({shard, member});
      }));
      if (2 * lost >= owners.size()) return false;
    }
  }
  return true;
}

void Cluster::NoteLoss(const Host& host) {
  lost_any_ = true;
  for (const auto& [shard, kept] : Truth().placements) {
    if (kept.value.Owns(host.member)) wounds_.insert({shard, host.member, host.number, kept.value.epoch});
  }
}

const std::set<Wound>& Cluster::Wounds() {
  const fabric::Topology truth = Truth();
  // What a shard had lost, those that were split off from it lack, until they have been made whole.
  const std::set<Wound> known = wounds_;
  for (const Wound& wound : known) {
    if (truth.Find(wound.shard) != nullptr) continue;
    for (const ShardNumber child : truth.ChildrenOf(wound.shard)) {
      wounds_.insert({child, wound.member, wound.host, truth.Find(child)->epoch});
    }
  }
  std::erase_if(wounds_, [&](const Wound& wound) {
    const Placement* placement = truth.Find(wound.shard);
    if (placement == nullptr || !placement->Owns(wound.member)) return true;
    const Host& host = *hosts_.at(wound.host);
    if (host.member != wound.member || host.process == nullptr || host.process->store() == nullptr) return false;
    for (const auto& held : host.process->store()->List()) {
      if (held.shard == wound.shard) return held.complete && held.damage.empty() && host.process->serving();
    }
    return false;
  });
  return wounds_;
}

fabric::Topology Cluster::Truth() {
  const auto topology = fabric::ReadTopology(truth_.List(std::string(fabric::kRoot)));
  CHECK(topology.ok());
  return *topology;
}

std::shared_ptr<Process> Cluster::Serving(HostNumber number) {
  const auto& process = hosts_.at(number)->process;
  return process != nullptr && process->serving() ? process : nullptr;
}

std::shared_ptr<Process> Cluster::AnyServing(Random& random) {
  const size_t first = random.Below(hosts_.size());
  for (size_t i = 0; i < hosts_.size(); ++i) {
    const auto process = Serving(static_cast<HostNumber>((first + i) % hosts_.size()));
    if (process != nullptr) return process;
  }
  return nullptr;
}

Host* Cluster::HostOf(MemberNumber member) {
  for (const auto& host : hosts_) {
    if (host->data && host->member == member && !host->retired) return host.get();
  }
  return nullptr;
}

const Registers* Cluster::ReplicaOf(MemberNumber member, ShardNumber shard) {
  Host* host = HostOf(member);
  if (host == nullptr || host->process == nullptr || host->process->store() == nullptr) return nullptr;
  return host->process->store()->Find(shard);
}

const Samples* Cluster::SamplesOf(MemberNumber member, ShardNumber shard) {
  Host* host = HostOf(member);
  if (host == nullptr || host->process == nullptr || host->process->store() == nullptr) return nullptr;
  return host->process->store()->FindSamples(shard);
}

uint64_t Cluster::lives() const {
  uint64_t lives = 0;
  for (const auto& host : hosts_) lives += host->lives;
  return lives;
}

}  // namespace rhizome::sim
