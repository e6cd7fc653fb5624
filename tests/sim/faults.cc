#include "faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace rhizome::sim {

namespace {

struct KindShape {
  FaultKind kind;
  std::string_view name;
  std::array<uint32_t, 4> weights;  // by theme: mixed, elastic, disks, network
  int64_t for_ms_min;
  int64_t for_ms_max;
};

constexpr std::array<KindShape, kFaultKinds> kKinds{{
    {FaultKind::kCrash, "crash", {12, 2, 10, 4}, 50, 3'000},
    {FaultKind::kLoseDisk, "lose_disk", {5, 5, 6, 0}, 200, 2'000},
    {FaultKind::kPause, "pause", {8, 3, 0, 8}, 100, 3'000},
    {FaultKind::kPartition, "partition", {8, 0, 2, 10}, 300, 4'000},
    {FaultKind::kOneWay, "one_way", {5, 3, 2, 8}, 300, 4'000},
    {FaultKind::kCutPair, "cut_pair", {5, 4, 6, 8}, 300, 4'000},
    {FaultKind::kSlowLink, "slow_link", {4, 6, 0, 6}, 300, 3'000},
    {FaultKind::kBlackHole, "black_hole", {4, 20, 12, 8}, 500, 5'000},
    {FaultKind::kBadWeather, "bad_weather", {8, 4, 0, 12}, 500, 4'000},
    {FaultKind::kSlowDisk, "slow_disk", {4, 12, 8, 0}, 300, 4'000},
    {FaultKind::kPowerLoss, "power_loss", {2, 0, 8, 0}, 1, 400},
    {FaultKind::kSyncFailure, "sync_failure", {4, 0, 8, 0}, 0, 0},
    {FaultKind::kDiskFull, "disk_full", {3, 0, 6, 0}, 200, 2'000},
    {FaultKind::kBitRot, "bit_rot", {5, 3, 20, 0}, 100, 1'000},
    {FaultKind::kTruthOutage, "truth_outage", {4, 14, 0, 4}, 300, 5'000},
    {FaultKind::kTruthFaults, "truth_faults", {5, 3, 0, 3}, 500, 5'000},
    {FaultKind::kLeaseEnds, "lease_ends", {3, 2, 0, 2}, 0, 0},
    {FaultKind::kJoin, "join", {5, 12, 0, 0}, 0, 0},
    {FaultKind::kLeave, "leave", {4, 10, 0, 0}, 0, 0},
    {FaultKind::kFactor, "factor", {4, 30, 0, 0}, 0, 0},
    {FaultKind::kReshard, "reshard", {6, 6, 6, 6}, 0, 0},
    {FaultKind::kClockJump, "clock_jump", {4, 2, 0, 6}, 0, 0},
    {FaultKind::kKillLeader, "kill_leader", {3, 3, 0, 0}, 100, 2'000},
    {FaultKind::kKillSource, "kill_source", {4, 3, 0, 0}, 100, 2'000},
    {FaultKind::kKillTarget, "kill_target", {4, 3, 0, 0}, 100, 2'000},
    {FaultKind::kMuffleTarget, "muffle_target", {1, 4, 0, 0}, 300, 2'000},
    {FaultKind::kDeafenSplit, "deafen_split", {0, 0, 0, 0}, 0, 0},
}};

const KindShape& ShapeOf(FaultKind kind) {
  return *std::find_if(kKinds.begin(), kKinds.end(), [kind](const KindShape& shape) { return shape.kind == kind; });
}

Theme DrawTheme(Random& random) {
  const uint64_t dice = random.Below(100);
  return dice < 45 ? Theme::kMixed : dice < 73 ? Theme::kElastic : dice < 88 ? Theme::kDisks : Theme::kNetwork;
}

std::array<uint32_t, kFaultKinds> DrawWeights(Random& random, Theme theme) {
  std::array<uint32_t, kFaultKinds> weights{};
  // Some runs concentrate on fewer kinds still.
  const bool focused = theme == Theme::kMixed && random.Chance(0.4);
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = focused && random.Chance(0.7) ? 0 : kKinds[i].weights[static_cast<size_t>(theme)];
  }
  return weights;
}

// Faults that are harmless alone and not together, on the owners of one shard. What chance brings about once in a
// thousand runs is tried on purpose here ("buggify": Zhou et al., "FoundationDB", SIGMOD 2021, section 6.2).
class Ambush {
 public:
  Ambush(Random& random, Plan& plan, uint32_t gateway)
      : random_(random), plan_(plan), gateway_(gateway), shard_(static_cast<uint32_t>(random.Below(4))) {
    order_ = {0, 1, 2};
    for (size_t i = order_.size() - 1; i > 0; --i) std::swap(order_[i], order_[random.Below(i + 1)]);
    at_ms_ = random.Between(100, std::max<int64_t>(200, plan.load_ms - 3'000));
  }

  // An owner lags behind, and another one loses what it has.
  void LagAndRot() {
    const bool stalled = random_.Chance(0.5);  // and what the third one takes is not visible yet
    Add(stalled ? FaultKind::kDiskFull : FaultKind::kBlackHole, 0, 0, 1, stalled ? 4'000 : 2'500);
    Add(FaultKind::kBitRot, random_.Between(stalled ? 1'000 : 300, 2'000), 1, 0, random_.Between(50, 200));
    if (stalled) Add(FaultKind::kSlowDisk, 100, 2, 3, 2'400);
  }
  // An owner lags behind, and another one is replaced.
  void LagAndReplace() {
    Add(FaultKind::kDiskFull, 0, 0, 0, 4'000);
    Add(random_.Chance(0.5) ? FaultKind::kLeave : FaultKind::kLoseDisk, random_.Between(300, 1'500), 1, 0, 300);
    if (random_.Chance(0.8)) Add(FaultKind::kMuffleTarget, 310, 1, 0, random_.Between(500, 2'000));
  }
  // Writes take longer than a move does, and miss the third owner.
  void StallAndReplace() {
    Add(FaultKind::kSlowDisk, 0, 0, 1, 4'000);
    Add(FaultKind::kSlowDisk, 0, 1, 1, 4'000);
    Add(random_.Chance(0.5) ? FaultKind::kDiskFull : FaultKind::kBlackHole, 0, 2, 1, 3'000);
    for (int n = 0; n < 3; ++n) Add(FaultKind::kLeave, random_.Between(300, 2'500), random_.Below(3), 0, 0);
  }
  // Somebody does not hear of several moves.
  void DeafAndMoves() {
    const auto host = static_cast<uint32_t>(random_.Below(1 << 10));
    for (uint32_t n = 0; n < 2; ++n) plan_.faults.push_back({at_ms_, FaultKind::kTruthOutage, host + n * 3, 1, 5'000});
    for (uint32_t n = 0; n < 3; ++n) Add(FaultKind::kLeave, random_.Between(100, 2'000), n, 0, 0);
  }
  // A collection is split while owners of a shard are slow, somebody does not hear of it, an owner loses what it has,
  // or is not there.
  void Split() {
    const auto host = static_cast<uint32_t>(random_.Below(1 << 10));
    const int64_t reshard_ms = random_.Between(200, 1'000);
    switch (random_.Below(5)) {
      case 4:
        // Writes of a gateway reach the owners before and its next try comes late, when others have written since.
        Add(FaultKind::kSlowDisk, 0, 0, 0xfff8, 4'000);
        plan_.faults.push_back({at_ms_, FaultKind::kDeafenSplit, gateway_, 0, random_.Between(100, 900)});
        break;
      case 0:
        Add(FaultKind::kSlowDisk, 0, 0, 1, 3'000);
        Add(FaultKind::kSlowDisk, random_.Between(0, 2'000), 1, random_.Chance(0.5) ? 1 : 3, 3'000);
        break;
      case 1:
        // A gateway, for which nothing waits, and another.
        plan_.faults.push_back({at_ms_ + random_.Between(0, 1'000), FaultKind::kTruthOutage, gateway_, 1, 4'000});
        plan_.faults.push_back({at_ms_ + random_.Between(0, 1'500), FaultKind::kTruthOutage, host, 1, 3'000});
        break;
      case 2:
        Add(FaultKind::kBitRot, random_.Between(0, 2'500), 0, 0, random_.Between(50, 1'500));
        Add(FaultKind::kDiskFull, random_.Between(0, 2'500), 1, 0, 1'500);
        break;
      default:
        Add(FaultKind::kCrash, random_.Between(0, 1'500), 0, 0, random_.Between(300, 4'000));
        Add(random_.Chance(0.5) ? FaultKind::kPause : FaultKind::kBlackHole, random_.Between(0, 2'500), 1, 0, 2'500);
        break;
    }
    Add(FaultKind::kReshard, reshard_ms, 0, 1, 0);
    if (random_.Chance(0.3)) Add(FaultKind::kKillLeader, reshard_ms, 0, 0, 300);
  }
  // A replica goes and comes back after deletes have been forgotten.
  void AwayAndBack() {
    Add(FaultKind::kFactor, 0, 0, 0, 0);
    Add(FaultKind::kFactor, random_.Between(9'500, 11'500), 0, 1, 0);
  }

 private:
  void Add(FaultKind kind, int64_t later_ms, uint64_t owner, uint32_t other, int64_t for_ms) {
    const uint32_t host = kOwner + 16 * shard_ + static_cast<uint32_t>(order_[owner % order_.size()]);
    plan_.faults.push_back({std::min(at_ms_ + later_ms, plan_.load_ms - 100), kind, host, other, for_ms});
  }

  Random& random_;
  Plan& plan_;
  const uint32_t gateway_;  // the first one
  const uint32_t shard_;
  std::array<uint64_t, 3> order_{};
  int64_t at_ms_ = 0;
};

void LayAmbushes(Random& random, Plan& plan, uint32_t gateway) {
  if (random.Chance(0.15)) Ambush(random, plan, gateway).Split();
  const uint64_t count = plan.theme == Theme::kElastic || plan.theme == Theme::kDisks ? 1 + random.Below(2) : 0;
  for (uint64_t n = 0; n < count; ++n) {
    Ambush ambush(random, plan, gateway);
    if (plan.theme == Theme::kDisks) {
      ambush.LagAndRot();
    } else if (plan.load_ms > 13'000) {
      ambush.AwayAndBack();
    } else {
      switch (random.Below(4)) {
        case 0: ambush.LagAndReplace(); break;
        case 1: ambush.StallAndReplace(); break;
        case 2: ambush.DeafAndMoves(); break;
        default: ambush.LagAndRot(); break;
      }
    }
  }
}

}  // namespace

std::string_view FaultName(FaultKind kind) { return ShapeOf(kind).name; }

std::string Fault::ToString() const {
  const std::string whom = host < kOwner
                               ? fmt::format("host {}", host)
                               : fmt::format("owner {} of shard {}", (host - kOwner) % 16, (host - kOwner) / 16);
  return fmt::format("{:.3f} s {} {} ({}) for {} ms", static_cast<double>(at_ms) / 1000, FaultName(kind), whom, other,
                     for_ms);
}

Plan DrawPlan(uint64_t seed, const Profile& profile) {
  Random random = Random::Of(seed, 0x6661756c74);
  Plan plan;
  plan.theme = DrawTheme(random);
  // Deletes that everybody has forgotten show only in runs longer than a tombstone's grace.
  const bool longer = plan.theme == Theme::kElastic && random.Chance(0.3);
  const int64_t own_ms = longer ? random.Between(14'000, 20'000) : random.Between(4'000, 8'000);
  plan.load_ms = profile.load_ms != 0 ? profile.load_ms : own_ms;
  plan.latency_us_max = random.Chance(0.7) ? 1'000 : 12'000;
  if (!profile.faults) return plan;
  const std::array<uint32_t, kFaultKinds> weights = DrawWeights(random, plan.theme);
  const auto total = std::accumulate(weights.begin(), weights.end(), uint64_t{0});
  if (total == 0) return plan;
  const int64_t per_four_seconds = plan.theme == Theme::kElastic ? random.Between(2, 8) : random.Between(2, 6);
  const auto count = static_cast<size_t>(per_four_seconds * plan.load_ms / 4'000);
  for (size_t n = 0; n < count; ++n) {
    uint64_t dice = random.Below(total);
    size_t kind = 0;
    while (dice >= weights[kind]) dice -= weights[kind++];
    Fault fault;
    fault.kind = kKinds[kind].kind;
    fault.at_ms = random.Between(100, plan.load_ms - 300);
    fault.host = static_cast<uint32_t>(random.Below(1 << 16));
    fault.other = static_cast<uint32_t>(random.Below(1 << 16));
    fault.for_ms = random.Between(kKinds[kind].for_ms_min, kKinds[kind].for_ms_max);
    plan.faults.push_back(fault);
  }
  LayAmbushes(random, plan, profile.data_hosts);
  std::stable_sort(plan.faults.begin(), plan.faults.end(),
                   [](const Fault& a, const Fault& b) { return a.at_ms < b.at_ms; });
  return plan;
}

}  // namespace rhizome::sim
