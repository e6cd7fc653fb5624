#include "final_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "history/register_checker.h"

namespace rhizome::sim {

using history::CheckRegister;
using history::CheckSet;
using history::CheckVersionOrder;
using history::SetVerdict;
using history::Verdict;

using fabric::MemberNumber;
using fabric::MemberState;
using fabric::Placement;
using fabric::Topology;
using format::Operation;

namespace {

std::string VersionText(const Operation* operation) {
  if (operation == nullptr) return "nothing";
  return fmt::format("{}{}.{}.{}", IsTombstone(*operation) ? "deleted at " : "", operation->version.time >> 16,
                     operation->version.time & 0xffff, operation->version.node);
}

// The first register in which two replicas differ.
std::string Difference(const Registers& a, const Registers& b) {
  const auto find = [](const Registers& in, const std::string& key) {
    const auto at = in.all().find(key);
    return at == in.all().end() ? nullptr : &at->second;
  };
  for (const Registers* each : {&a, &b}) {
    for (const auto& [key, operation] : each->all()) {
      const Operation* left = find(a, key);
      const Operation* right = find(b, key);
      if (left != nullptr && right != nullptr && *left == *right) continue;
      return fmt::format("{}: {} and {}", operation.id().ToString(), VersionText(left), VersionText(right));
    }
  }
  return "";
}

std::string MachinesNotAtRest(Cluster& cluster, const Topology& truth) {
  for (const auto& host : cluster.hosts()) {
    if (host->retired) continue;
    if (host->process == nullptr || !host->process->serving()) return host->name + " does not serve";
    if (host->data && !truth.live.contains(host->member)) return host->name + " has no lease";
    if (host->process->member().hints().pending() > 0) return host->name + " still has hints";
  }
  return "";
}

std::string SamplesNotAtRest(Cluster& cluster, const Placement& placement) {
  const Samples* const first = cluster.SamplesOf(placement.replicas.front(), placement.shard);
  for (const MemberNumber owner : placement.replicas) {
    const Samples* const replica = cluster.SamplesOf(owner, placement.shard);
    if (replica == nullptr) return fmt::format("member {} has no usable replica of shard {}", owner, placement.shard);
    if (first != nullptr && first->all() != replica->all()) {
      return fmt::format("members {} and {} differ in shard {}: {} and {} samples", placement.replicas.front(), owner,
                         placement.shard, first->all().size(), replica->all().size());
    }
  }
  return "";
}

std::string ShardNotAtRest(Cluster& cluster, const Topology& truth, const Placement& placement) {
  const auto* collection = truth.Collection(placement.collection);
  if (collection == nullptr) return fmt::format("shard {} has no collection", placement.shard);
  if (placement.moving()) return fmt::format("shard {} is still moving", placement.shard);
  if (placement.replicas.size() != collection->factor) {
    return fmt::format("shard {} has {} replicas, not {}", placement.shard, placement.replicas.size(),
                       collection->factor);
  }
  for (const MemberNumber owner : placement.replicas) {
    const auto* record = truth.Member(owner);
    if (record == nullptr || record->state != MemberState::kActive) {
      return fmt::format("shard {} is owned by member {}, which has left or is to leave", placement.shard, owner);
    }
  }
  if (collection->kind == fabric::ShardKind::kSeries) return SamplesNotAtRest(cluster, placement);
  const Registers* first = nullptr;
  for (const MemberNumber owner : placement.replicas) {
    const Registers* replica = cluster.ReplicaOf(owner, placement.shard);
    if (replica == nullptr) return fmt::format("member {} has no usable replica of shard {}", owner, placement.shard);
    if (replica->tombstones() > 0) {
      return fmt::format("member {} keeps {} tombstones of shard {}", owner, replica->tombstones(), placement.shard);
    }
    if (first == nullptr) first = replica;
    const std::string difference = Difference(*first, *replica);
    if (!difference.empty()) {
      return fmt::format("members {} and {} differ in shard {}: {}", placement.replicas.front(), owner, placement.shard,
                         difference);
    }
  }
  return "";
}

std::string LeftOver(Cluster& cluster, const Topology& truth) {
  for (const auto& host : cluster.hosts()) {
    if (host->process == nullptr || host->process->store() == nullptr) continue;
    for (const auto& held : host->process->store()->List()) {
      const Placement* placement = truth.Find(held.shard);
      if (placement == nullptr || !placement->Owns(host->member)) {
        return fmt::format("{} still holds shard {}, which it does not own", host->name, held.shard);
      }
      if (!held.complete) return fmt::format("{}'s replica of shard {} is not complete", host->name, held.shard);
    }
  }
  return "";
}

// Long enough for every member to have heard of a move, a paused one included.
constexpr int64_t kNewsNs = 5 * kSecond;

// Whoever reads at one sees at least what was acknowledged at all a while before: a former owner that has not heard of
// a move yet still answers.
std::string CheckAllThenOne(const History& history) {
  const bool forgotten = std::any_of(history.begin(), history.end(), [](const Observation& seen) {
    return seen.kind == Observation::Kind::kWrite && seen.content == 0 && seen.outcome != Outcome::kFailed;
  });
  for (const Observation& read : history) {
    if (read.kind != Observation::Kind::kRead || read.outcome != Outcome::kOk) continue;
    if (*read.version == Version{} && forgotten) continue;
    for (const Observation& write : history) {
      if (write.kind == Observation::Kind::kWrite && write.outcome == Outcome::kOk &&
          write.returned_ns + kNewsNs < read.called_ns && *read.version < *write.version) {
        return "a read at one misses what all had acknowledged: " + write.ToString() + "; " + read.ToString();
      }
    }
  }
  return "";
}

// Written at one: what is there in the end was written, and something is there unless a disk was lost.
std::string CheckOne(const History& history, uint64_t present, bool lost_any_disk) {
  bool acknowledged = false;
  bool known = present == 0;
  for (const Observation& seen : history) {
    if (seen.kind != Observation::Kind::kWrite) continue;
    acknowledged = acknowledged || seen.outcome == Outcome::kOk;
    known = known || (seen.content == present && seen.outcome != Outcome::kFailed);
  }
  if (!known) return fmt::format("{} is there, which nobody wrote", present);
  return acknowledged && present == 0 && !lost_any_disk ? "nothing is there, though writes were acknowledged" : "";
}

}  // namespace

std::string NotAtRest(Cluster& cluster) {
  const Topology truth = cluster.Truth();
  std::string reason = MachinesNotAtRest(cluster, truth);
  if (!reason.empty()) return reason;
  size_t partitions = 0;
  for (const auto& [name, kept] : truth.collections) {
    if (kept.value.resharding()) return name + " is still being resharded";
    partitions += kept.value.partitions;
  }
  if (partitions != truth.placements.size()) {
    return fmt::format("there are {} partitions and {} shards", partitions, truth.placements.size());
  }
  for (const auto& [shard, kept] : truth.placements) {
    reason = ShardNotAtRest(cluster, truth, kept.value);
    if (!reason.empty()) return reason;
  }
  return LeftOver(cluster, truth);
}

HistoryReport CheckHistories(const Workload& workload, const Circumstances& circumstances) {
  HistoryReport report;
  const auto fail = [&report](const std::string& key, const std::string& reason) {
    if (report.failure.empty() && !reason.empty()) report.failure = key + ": " + reason;
  };
  const auto present = [&workload](const std::string& key) {
    const auto found = workload.present().find(key);
    return found == workload.present().end() ? 0 : found->second;
  };
  for (const auto& [key, history] : workload.quorum_histories()) {
    ++report.histories;
    const Verdict verdict = CheckRegister(history);
    report.undecided += verdict.kind == Verdict::Kind::kUndecided;
    if (verdict.kind == Verdict::Kind::kViolated) fail(key, "not linearizable: " + verdict.reason);
    fail(key, CheckVersionOrder(history));
  }
  for (const auto& [key, history] : workload.all_histories()) {
    if (circumstances.all_heard_of_moves) fail(key, CheckAllThenOne(history));
  }
  for (const auto& [key, history] : workload.one_histories())
    fail(key, CheckOne(history, present(key), circumstances.lost_any_disk));

  std::map<std::string, uint64_t> cold;
  for (const auto& [key, content] : workload.present()) {
    if (workload.elements().contains(key)) cold.emplace(key, content);
  }
  const SetVerdict set = CheckSet(workload.elements(), cold);
  report.writes_checked = set.checked;
  report.writes_lost = set.lost;
  fail("set", set.first);
  return report;
}

}  // namespace rhizome::sim
