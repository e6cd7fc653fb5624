#include "fault_player.h"

#include <fmt/format.h>

#include <algorithm>

#include "fabric/planted.h"

namespace rhizome::sim {

using fabric::MemberNumber;

namespace {

constexpr int64_t kSkewMsMax = 250;
constexpr int64_t kDutyPauseNs = 200 * kMillisecond;
constexpr int64_t kMovePatienceNs = 3 * kSecond;

}  // namespace

FaultPlayer::FaultPlayer(Cluster& cluster, std::vector<Fault> faults)
    : cluster_(cluster),
      world_(cluster.world()),
      random_(Random::Of(world_.seed(), 0x706c6179)),
      faults_(std::move(faults)) {}

void FaultPlayer::Start() {
  for (const Fault& fault : faults_) {
    world_.In(fault.at_ms * kMillisecond, [this, &fault] {
      if (healed_) return;
      if (!Happen(fault)) {
        ++skipped_;
        return;
      }
      ++happened_[static_cast<size_t>(fault.kind)];
      world_.Note("fault", fault.ToString());
    });
  }
  Work();
}

Host& FaultPlayer::Pick(uint32_t choice) {
  if (choice >= kOwner) {
    const fabric::Topology truth = cluster_.Truth();
    auto shard = truth.placements.begin();
    std::advance(shard, (choice - kOwner) / 16 % truth.placements.size());
    const auto& owners = shard->second.value.replicas;
    Host* host = cluster_.HostOf(owners[(choice - kOwner) % 16 % owners.size()]);
    if (host != nullptr) return *host;
  }
  std::vector<Host*> candidates;
  for (const auto& host : cluster_.hosts()) {
    if (!host->retired) candidates.push_back(host.get());
  }
  return *candidates[choice % candidates.size()];
}

bool FaultPlayer::Happen(const Fault& fault) {
  Host& host = Pick(fault.host);
  switch (fault.kind) {
    case FaultKind::kCrash:
    case FaultKind::kLoseDisk:
    case FaultKind::kPause:
    case FaultKind::kSlowDisk:
    case FaultKind::kSyncFailure:
    case FaultKind::kDiskFull:
    case FaultKind::kBitRot:
    case FaultKind::kPowerLoss:
    case FaultKind::kClockJump: return HappenToHost(fault, host);
    case FaultKind::kPartition:
    case FaultKind::kOneWay:
    case FaultKind::kCutPair:
    case FaultKind::kSlowLink:
    case FaultKind::kBlackHole:
    case FaultKind::kBadWeather: return HappenToNetwork(fault, host);
    case FaultKind::kTruthOutage:
    case FaultKind::kTruthFaults:
    case FaultKind::kLeaseEnds: return HappenToTruth(fault, host);
    case FaultKind::kJoin:
    case FaultKind::kLeave:
    case FaultKind::kFactor:
    case FaultKind::kReshard: return HappenToMembership(fault, host);
    case FaultKind::kKillLeader:
    case FaultKind::kKillSource:
    case FaultKind::kMuffleTarget:
    case FaultKind::kKillTarget: StrikeDuringMove(fault, world_.NowNs() + kMovePatienceNs); return true;
    case FaultKind::kDeafenSplit: DeafenDuringSplit(fault, host, world_.NowNs() + kMovePatienceNs, 0); return true;
  }
  return false;
}

bool FaultPlayer::HappenToHost(const Fault& fault, Host& host) {
  const int64_t for_ns = fault.for_ms * kMillisecond;
  if (host.process == nullptr) return false;
  switch (fault.kind) {
    case FaultKind::kCrash: cluster_.Restart(host, for_ns); return true;
    case FaultKind::kPause: host.process->PauseUntil(world_.NowNs() + for_ns); return true;
    case FaultKind::kLoseDisk: return LoseDisk(host, for_ns);
    case FaultKind::kBitRot: return Rot(host, for_ns);
    case FaultKind::kSlowDisk: SlowDisks(fault, host); return true;
    case FaultKind::kPowerLoss: LosePower(fault); return true;
    case FaultKind::kSyncFailure: host.disk->FailOperation(fault.other % 4, io::SimFault::kSyncLies); return true;
    case FaultKind::kDiskFull:
      host.disk->SetCapacity(host.disk->used_bytes());
      world_.In(for_ns, [&host] { host.disk->SetCapacity(UINT64_MAX); });
      return true;
    case FaultKind::kClockJump: host.wall.offset_ms = fault.other % (2 * kSkewMsMax + 1) - kSkewMsMax; return true;
    default: return false;
  }
}

void FaultPlayer::SlowDisks(const Fault& fault, Host& host) {
  const int64_t until_ns = world_.NowNs() + fault.for_ms * kMillisecond;
  const bool several = fault.other % 2 == 0;
  const int64_t by_ns = (fault.other % 3 == 0 ? 1'000 : 100) * kMillisecond;
  for (const auto& each : cluster_.hosts()) {
    if (each.get() == &host || (several && (fault.other >> (each->number + 2) & 1) != 0)) {
      each->pace = {until_ns, by_ns};
    }
  }
}

// A moment before, the load on a common supply is often felt: the disks stall.
void FaultPlayer::LosePower(const Fault& fault) {
  const int64_t at_ns = world_.NowNs() + fault.for_ms * kMillisecond;
  if (fault.other % 4 != 0) {
    for (const auto& each : cluster_.hosts()) each->pace = {at_ns, 2 * fault.for_ms * kMillisecond};
  }
  world_.At(at_ns, [this, &fault] {
    if (healed_) return;
    for (const auto& each : cluster_.hosts()) {
      if (each->process != nullptr)
        cluster_.Restart(*each, random_.Between(100, 200 + fault.other % 800) * kMillisecond);
    }
  });
}

bool FaultPlayer::LoseDisk(Host& host, int64_t down_ns) {
  if (!host.data || !host.process->serving() || !cluster_.MayLose(host)) return false;
  cluster_.NoteLoss(host);
  const MemberNumber lost = cluster_.LoseDisk(host);
  cluster_.Restart(host, down_ns);
  if (!Planted(fabric::Bug::kReuseMemberNumber)) duties_.push_back({Duty::What::kDeclareGone, lost});
  return true;
}

bool FaultPlayer::Rot(Host& host, int64_t down_ns) {
  if (!host.data || !host.process->serving() || !cluster_.MayLose(host)) return false;
  if (!cluster_.RotOneBit(host, random_)) return false;
  cluster_.NoteLoss(host);
  cluster_.Restart(host, down_ns);
  return true;
}

bool FaultPlayer::HappenToNetwork(const Fault& fault, Host& host) {
  SimNetwork& network = cluster_.network();
  const int64_t until_ns = world_.NowNs() + fault.for_ms * kMillisecond;
  const auto hosts = static_cast<HostNumber>(cluster_.hosts().size());
  const HostNumber other = (host.number + 1 + fault.other % (hosts - 1)) % hosts;
  switch (fault.kind) {
    case FaultKind::kPartition:
      for (HostNumber a = 0; a < hosts; ++a) {
        for (HostNumber b = 0; b < hosts; ++b) {
          if ((fault.other >> a & 1) != (fault.other >> b & 1)) network.Cut(a, b, until_ns);
        }
        if ((fault.other >> a & 1) == 0 && (fault.other >> 15) != 0) {
          cluster_.truth().CutOff(cluster_.host(a).name, until_ns);  // coordination is on the other side
        }
      }
      return true;
    case FaultKind::kCutPair: network.Cut(other, host.number, until_ns); [[fallthrough]];
    case FaultKind::kOneWay: network.Cut(host.number, other, until_ns); return true;
    case FaultKind::kSlowLink:
      network.Slow(host.number, static_cast<int64_t>(fault.other % 400 + 5) * kMillisecond, until_ns);
      return true;
    case FaultKind::kBlackHole:
      network.BlackHole(host.number, until_ns);
      if (fault.other % 3 == 0) network.BlackHole(other, until_ns);
      return true;
    case FaultKind::kBadWeather:
      network.SetWeather({.lose = 0.002 * (fault.other % 64), .repeat = 0.05, .delay = 0.003 * (fault.other % 97)});
      world_.At(until_ns, [&network] { network.SetWeather({}); });
      return true;
    default: return false;
  }
}

bool FaultPlayer::HappenToTruth(const Fault& fault, Host& host) {
  TruthServer& truth = cluster_.truth();
  const int64_t until_ns = world_.NowNs() + fault.for_ms * kMillisecond;
  if (fault.kind == FaultKind::kLeaseEnds) {
    const bool leader = fault.other % 2 == 0;
    return truth.EndLeaseOf(leader ? fabric::LeaderKey() : fabric::LiveKey(host.member));
  }
  if (fault.kind == FaultKind::kTruthFaults) {
    truth.SetFaulty(true);
    world_.At(until_ns, [&truth] { truth.SetFaulty(false); });
  } else if (fault.other % 2 == 0) {
    truth.OutageUntil(until_ns);
  } else {
    truth.CutOff(host.name, until_ns);
  }
  return true;
}

bool FaultPlayer::HappenToMembership(const Fault& fault, Host& host) {
  constexpr uint32_t kHostsMax = 9;
  switch (fault.kind) {
    case FaultKind::kJoin:
      if (cluster_.hosts().size() >= kHostsMax) return false;
      cluster_.Start(cluster_.Add(true));
      return true;
    case FaultKind::kLeave: {
      // As many as any factor asks for have to stay.
      const auto staying = std::count_if(cluster_.hosts().begin(), cluster_.hosts().end(),
                                         [](const auto& each) { return each->data && !each->retired; });
      if (!host.data || host.member == 0 || staying - leaves_ <= 4) return false;
      ++leaves_;
      duties_.push_back({Duty::What::kDrain, host.member});
      return true;
    }
    case FaultKind::kFactor: {
      // Mostly to and fro about three; rarely to one, because then nothing may be lost any more.
      constexpr std::array<uint32_t, 12> kFactors{2, 3, 4, 2, 3, 3, 4, 2, 3, 3, 4, 1};
      duties_.push_back({Duty::What::kFactor, 0, kFactors.at(fault.other % kFactors.size())});
      return true;
    }
    case FaultKind::kReshard: {
      const bool cancels = fault.other % 6 == 0;
      duties_.push_back({cancels ? Duty::What::kCancelReshard : Duty::What::kReshard});
      return true;
    }
    default: return false;
  }
}

Host* FaultPlayer::VictimOf(FaultKind kind) {
  const fabric::Topology truth = cluster_.Truth();
  for (const auto& [shard, kept] : truth.placements) {
    const fabric::Placement& placement = kept.value;
    if (!placement.moving() && !placement.pending()) continue;
    if (kind == FaultKind::kKillLeader) return cluster_.HostOf(truth.leader);
    const bool target = kind != FaultKind::kKillSource;
    const auto& pool = target ? placement.next : placement.replicas;
    const auto& rest = target ? placement.replicas : placement.next;
    if (placement.pending()) return cluster_.HostOf(placement.replicas[random_.Below(placement.replicas.size())]);
    for (const MemberNumber member : pool) {
      if (std::find(rest.begin(), rest.end(), member) == rest.end()) return cluster_.HostOf(member);
    }
    return cluster_.HostOf(pool[random_.Below(pool.size())]);
  }
  return nullptr;
}

void FaultPlayer::StrikeDuringMove(const Fault& fault, int64_t until_ns) {
  Host* victim = VictimOf(fault.kind);
  if (victim != nullptr && victim->process != nullptr) {
    world_.Note("strike", fmt::format("{} on {}", FaultName(fault.kind), victim->name));
    if (fault.kind == FaultKind::kMuffleTarget) {
      return cluster_.network().BlackHole(victim->number, world_.NowNs() + fault.for_ms * kMillisecond);
    }
    return cluster_.Restart(*victim, fault.for_ms * kMillisecond);
  }
  if (world_.NowNs() > until_ns) return;
  world_.In(random_.Between(1, 30) * kMillisecond, [this, &fault, until_ns] {
    if (!healed_) StrikeDuringMove(fault, until_ns);
  });
}

// It hears of the beginning, and of the end only when others have known it for a while.
void FaultPlayer::DeafenDuringSplit(const Fault& fault, Host& host, int64_t until_ns, int64_t since_ns) {
  constexpr int64_t kEveryNs = 10 * kMillisecond;
  constexpr int64_t kHearsNs = 60 * kMillisecond;
  const fabric::Topology truth = cluster_.Truth();
  const bool splits = std::any_of(truth.placements.begin(), truth.placements.end(),
                                  [](const auto& entry) { return entry.second.value.pending(); });
  const int64_t now_ns = world_.NowNs();
  if (splits && since_ns == 0) since_ns = now_ns;
  const bool deaf = since_ns != 0 && now_ns >= since_ns + kHearsNs;
  if (deaf) cluster_.truth().CutOff(host.name, now_ns + (splits ? 2 * kEveryNs : fault.for_ms * kMillisecond));
  if (now_ns > until_ns || (since_ns != 0 && !splits)) return;
  world_.In(kEveryNs, [this, &fault, &host, until_ns, since_ns] {
    if (!healed_) DeafenDuringSplit(fault, host, until_ns, since_ns);
  });
}

void FaultPlayer::Heal() {
  healed_ = true;
  world_.Note("heal", "");
  cluster_.network().Heal();
  cluster_.truth().Heal();
  for (const auto& host : cluster_.hosts()) {
    host->disk->SetCapacity(UINT64_MAX);
    host->pace = {};
    if (host->process == nullptr && !host->retired) cluster_.Start(*host);
  }
}

// One duty at a time, tried again until somebody has carried it out.
void FaultPlayer::Work() {
  world_.In(kDutyPauseNs, [this] { Work(); });
  if (working_ || duties_.empty()) return;
  const auto process = cluster_.AnyServing(random_);
  if (process == nullptr) return;
  working_ = true;
  const Duty duty = duties_.front();
  duties_.pop_front();
  process->loop().Post([this, process, duty] {
    if (process->alive()) return process->Run(Carry(process, duty, *this));
    working_ = false;
    duties_.push_back(duty);
  });
}

// Twice or three times as many partitions, up to a few.
Task<Status> FaultPlayer::Reshard(fabric::Member& member) {
  constexpr uint32_t kPartitionsMax = 8;
  const auto topology = member.directory().Now();
  const auto known = topology->collections.find(Cluster::kCollection);
  if (known == topology->collections.end() || known->second.value.resharding()) co_return Status::Ok();
  const uint32_t partitions = known->second.value.partitions;
  const uint32_t wanted = partitions == 1 ? 3 : 2 * partitions;
  if (wanted > kPartitionsMax) co_return Status::Ok();
  co_return co_await member.Reshard(Cluster::kCollection, wanted);
}

Task<void> FaultPlayer::Carry(std::shared_ptr<Process> process, Duty duty, FaultPlayer& player) {
  fabric::Member& member = process->member();
  Status done;
  switch (duty.what) {
    case Duty::What::kDeclareGone:
      done = co_await member.SetMemberState(duty.member, fabric::MemberState::kGone);
      break;
    case Duty::What::kDrain: done = co_await member.SetMemberState(duty.member, fabric::MemberState::kLeaving); break;
    case Duty::What::kReshard: done = co_await Reshard(member); break;
    case Duty::What::kCancelReshard: done = co_await member.CancelReshard(Cluster::kCollection); break;
    case Duty::What::kFactor: done = co_await member.SetFactor(Cluster::kCollection, duty.factor); break;
  }
  player.working_ = false;
  player.world_.Note("duty", fmt::format("{} {} {}: {}", static_cast<int>(duty.what), duty.member, duty.factor,
                                         CodeName(done.code())));
  const bool final = done.ok() || done.code() == Code::kFailedPrecondition || done.code() == Code::kNotFound ||
                     done.code() == Code::kInvalidArgument;
  if (!final) player.duties_.push_back(duty);
}

}  // namespace rhizome::sim
