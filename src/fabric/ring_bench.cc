// How evenly 1,000 members are loaded, and how much a join moves: keys on the ring with bounded load, and shards as the
// leader plans them.
//   ring_bench [--json]
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>

#include "base/clock.h"
#include "fabric/balance.h"
#include "fabric/ring.h"

namespace rhizome::fabric {
namespace {

constexpr uint32_t kMembers = 1'000;
constexpr uint32_t kKeys = 1'000'000;
constexpr uint32_t kShards = 10'000;
constexpr uint32_t kFactor = 3;
constexpr double kEpsilon = 0.10;

struct Figures {
  double max_over_mean = 0;
  double moved_share = 0;
  double unbounded_max_over_mean = 0;
  double build_ms = 0;
  double walk_us = 0;
  double shards_max_over_mean = 0;
  double shards_moved_share = 0;
  double create_ms = 0;
  double plan_ms = 0;
};

double Timed(const std::function<void()>& work) {
  const int64_t before = SystemClock().MonotonicNs();
  work();
  return static_cast<double>(SystemClock().MonotonicNs() - before) / 1e6;
}

Ring Built(uint32_t members) {
  std::vector<RingMember> all;
  for (uint32_t i = 1; i <= members; ++i) all.push_back({.number = i, .zone = {}});
  return Ring::Build(all, 1).value();
}

struct Assignment {
  std::vector<MemberNumber> owner;
  double max_over_mean = 0;
};

Assignment Assign(const Ring& ring, uint64_t most) {
  Assignment assignment;
  std::vector<uint64_t> held(ring.size() + 1);
  for (uint32_t i = 0; i < kKeys; ++i) {
    const auto full = [&](MemberNumber member) { return held[member] >= most; };
    assignment.owner.push_back(ring.Walk(fmt::format("key:{}", i), 1, full).at(0));
    ++held[assignment.owner.back()];
  }
  const auto mean = static_cast<double>(kKeys) / static_cast<double>(ring.size());
  assignment.max_over_mean = static_cast<double>(*std::max_element(held.begin(), held.end())) / mean;
  return assignment;
}

void MeasureKeys(Figures& figures) {
  figures.build_ms = Timed([] { (void)Built(kMembers); });
  const Ring before = Built(kMembers);
  const Ring after = Built(kMembers + 1);
  const auto most = [](uint32_t members) { return LoadMax(static_cast<double>(kKeys) / members, kEpsilon); };
  Assignment old;
  figures.walk_us = Timed([&] { old = Assign(before, most(kMembers)); }) * 1e3 / kKeys;
  const Assignment joined = Assign(after, most(kMembers + 1));
  figures.max_over_mean = std::max(old.max_over_mean, joined.max_over_mean);
  figures.unbounded_max_over_mean = Assign(before, kKeys).max_over_mean;
  uint32_t moved = 0;
  for (uint32_t i = 0; i < kKeys; ++i) moved += old.owner[i] != joined.owner[i];
  figures.moved_share = static_cast<double>(moved) / kKeys;
}

void Join(Topology& topology) {
  const auto number = static_cast<MemberNumber>(topology.members.size() + 1);
  topology.members[number] = {{.number = number, .name = fmt::format("n{}", number)}, 1};
  topology.live.insert(number);
}

// Applies what is planned until nothing is; how many replicas were copied.
uint64_t Settle(Topology& topology, double& first_plan_ms) {
  BalanceSettings settings;
  settings.concurrent_moves = 1'000;
  settings.per_member_moves = 1'000;
  uint64_t copied = 0;
  for (bool first = true;; first = false) {
    BalanceReport report;
    const double ms = Timed([&] { report = PlanChanges(topology, {}, settings).value(); });
    if (first) first_plan_ms = ms;
    if (report.changes.empty()) return copied;
    for (PlacementChange& change : report.changes) {
      copied += change.cause == ChangeCause::kOverReplicated ? 0 : 1;
      change.placement.replicas = std::move(change.placement.next);
      change.placement.next.clear();
      topology.placements[change.shard] = {std::move(change.placement), change.mod_revision + 1};
    }
  }
}

void MeasureShards(Figures& figures) {
  Topology topology;
  for (uint32_t i = 0; i < kMembers; ++i) Join(topology);
  const CollectionRecord record{
      .id = Uuid::FromName("ring_bench"), .name = "ring_bench", .partitions = kShards, .factor = kFactor, .spec = {}};
  std::vector<Placement> placements;
  figures.create_ms = Timed([&] { placements = PlanCreate(topology, record, {}).value(); });
  topology.collections[record.name] = {record, 1};
  for (Placement& placement : placements) topology.placements[placement.shard] = {std::move(placement), 1};
  Join(topology);
  const uint64_t copied = Settle(topology, figures.plan_ms);
  figures.shards_moved_share = static_cast<double>(copied) / (kShards * kFactor);
  std::vector<uint64_t> held(kMembers + 2);
  for (const auto& [shard, kept] : topology.placements) {
    for (const MemberNumber owner : kept.value.replicas) ++held[owner];
  }
  const double mean = static_cast<double>(kShards) * kFactor / (kMembers + 1);
  figures.shards_max_over_mean = static_cast<double>(*std::max_element(held.begin(), held.end())) / mean;
}

void Print(const Figures& f, bool json) {
  const std::vector<std::pair<const char*, double>> rows = {{"max_over_mean", f.max_over_mean},
                                                            {"moved_share", f.moved_share},
                                                            {"moved_share_max", 2.0 / (kMembers + 1)},
                                                            {"unbounded_max_over_mean", f.unbounded_max_over_mean},
                                                            {"build_ms", f.build_ms},
                                                            {"walk_us", f.walk_us},
                                                            {"shards_max_over_mean", f.shards_max_over_mean},
                                                            {"shards_moved_share", f.shards_moved_share},
                                                            {"create_ms", f.create_ms},
                                                            {"plan_ms", f.plan_ms}};
  if (!json) {
    std::printf("%u members, %u keys; %u shards of %u replicas; one more member joins\n", kMembers, kKeys, kShards,
                kFactor);
    for (const auto& [name, value] : rows) std::printf("  %-24s %12.6f\n", name, value);
    return;
  }
  std::string text = fmt::format("{{\"members\": {}", kMembers);
  for (const auto& [name, value] : rows) text += fmt::format(", \"{}\": {:.6f}", name, value);
  std::printf("%s}\n", text.c_str());
}

}  // namespace
}  // namespace rhizome::fabric

int main(int argc, char** argv) {
  rhizome::fabric::Figures figures;
  rhizome::fabric::MeasureKeys(figures);
  rhizome::fabric::MeasureShards(figures);
  rhizome::fabric::Print(figures, argc > 1 && std::strcmp(argv[1], "--json") == 0);
  return 0;
}
