#include "faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rhizome::sim {

namespace {

struct KindShape {
  FaultKind kind;
  std::string_view name;
  uint32_t weight;
  int64_t for_ms_min;
  int64_t for_ms_max;
};

constexpr std::array<KindShape, kFaultKinds> kKinds{{
    {FaultKind::kCrash, "crash", 12, 50, 3'000},
    {FaultKind::kLoseDisk, "lose_disk", 5, 200, 2'000},
    {FaultKind::kPause, "pause", 8, 100, 3'000},
    {FaultKind::kPartition, "partition", 8, 300, 4'000},
    {FaultKind::kOneWay, "one_way", 5, 300, 4'000},
    {FaultKind::kCutPair, "cut_pair", 5, 300, 4'000},
    {FaultKind::kSlowLink, "slow_link", 4, 300, 3'000},
    {FaultKind::kBadWeather, "bad_weather", 8, 500, 4'000},
    {FaultKind::kSlowDisk, "slow_disk", 4, 300, 3'000},
    {FaultKind::kSyncFailure, "sync_failure", 4, 0, 0},
    {FaultKind::kDiskFull, "disk_full", 3, 200, 2'000},
    {FaultKind::kBitRot, "bit_rot", 5, 100, 1'000},
    {FaultKind::kTruthOutage, "truth_outage", 4, 300, 4'000},
    {FaultKind::kTruthFaults, "truth_faults", 5, 500, 5'000},
    {FaultKind::kLeaseEnds, "lease_ends", 3, 0, 0},
    {FaultKind::kJoin, "join", 5, 0, 0},
    {FaultKind::kLeave, "leave", 4, 0, 0},
    {FaultKind::kFactor, "factor", 4, 0, 0},
    {FaultKind::kClockJump, "clock_jump", 4, 0, 0},
    {FaultKind::kKillLeader, "kill_leader", 3, 100, 2'000},
    {FaultKind::kKillSource, "kill_source", 4, 100, 2'000},
    {FaultKind::kKillTarget, "kill_target", 4, 100, 2'000},
}};

const KindShape& ShapeOf(FaultKind kind) {
  return *std::find_if(kKinds.begin(), kKinds.end(), [kind](const KindShape& shape) { return shape.kind == kind; });
}

}  // namespace

std::string_view FaultName(FaultKind kind) { return ShapeOf(kind).name; }

std::string Fault::ToString() const {
  return fmt::format("{:.3f} s {} host {} ({}) for {} ms", static_cast<double>(at_ms) / 1000, FaultName(kind), host,
                     other, for_ms);
}

std::vector<Fault> DrawFaults(uint64_t seed, const Profile& profile) {
  std::vector<Fault> faults;
  if (!profile.faults) return faults;
  Random random = Random::Of(seed, 0x6661756c74);
  // Some runs concentrate on a few kinds: what goes wrong together is found where nothing else disturbs.
  std::array<uint32_t, kFaultKinds> weights{};
  const bool focused = random.Chance(0.4);
  uint64_t total = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = focused && random.Chance(0.7) ? 0 : kKinds[i].weight;
    total += weights[i];
  }
  if (total == 0) weights[0] = total = 1;
  const auto count = static_cast<size_t>(random.Between(2, 6) * profile.load_ms / 4'000);
  for (size_t n = 0; n < count; ++n) {
    uint64_t dice = random.Below(total);
    size_t kind = 0;
    while (dice >= weights[kind]) dice -= weights[kind++];
    Fault fault;
    fault.kind = kKinds[kind].kind;
    fault.at_ms = random.Between(100, profile.load_ms - 500);
    fault.host = static_cast<uint32_t>(random.Below(1 << 16));
    fault.other = static_cast<uint32_t>(random.Below(1 << 16));
    fault.for_ms = random.Between(kKinds[kind].for_ms_min, kKinds[kind].for_ms_max);
    faults.push_back(fault);
  }
  std::stable_sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) { return a.at_ms < b.at_ms; });
  return faults;
}

}  // namespace rhizome::sim
