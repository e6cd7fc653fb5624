// A cluster made by hand, for tests of what operators are shown: three nodes on ports 8001 to 8003 that are live,
// answer, and each hold a whole replica of both shards of collection "books", 10 points each.
#pragma once

#include <string>

#include "cluster/cluster_operations.h"

namespace rhizome::cluster {

struct HandMade {
  HandMade() {
    for (fabric::MemberNumber number = 1; number <= 3; ++number) AddMember(number);
    fabric::CollectionRecord books{
        .id = Uuid::Random(), .name = "books", .first_shard = 5, .partitions = 2, .factor = 3, .spec = ""};
    for (fabric::ShardNumber shard = 5; shard <= 6; ++shard) {
      view.topology.placements[shard] = {{.shard = shard, .collection = books.id, .replicas = {1, 2, 3}, .next = {}},
                                         1};
      for (fabric::MemberNumber number = 1; number <= 3; ++number) Holds(number, shard, 10);
    }
    view.topology.collections["books"] = {books, 1};
    view.topology.leader = 2;
    view.reports[2].leading = true;
    view.self = 1;
    view.default_factor = 3;
  }

  void AddMember(fabric::MemberNumber number) {
    fabric::MemberRecord record{.number = number, .name = "node" + std::to_string(number)};
    record.http_address = "127.0.0.1:" + std::to_string(8000 + number);
    view.topology.members[number] = {record, 1};
    view.topology.live.insert(number);
    view.reports[number] = {};
    view.peers[number] = {};
  }
  void Holds(fabric::MemberNumber number, fabric::ShardNumber shard, uint64_t points) {
    view.reports[number].shards.push_back({.shard = shard, .points = points, .complete = true, .damage = ""});
  }
  // Neither answers nor holds a lease.
  void Kill(fabric::MemberNumber number) {
    view.topology.live.erase(number);
    Silence(number);
  }
  // Does not answer.
  void Silence(fabric::MemberNumber number) {
    view.reports.erase(number);
    view.peers[number].suspect = true;
  }
  fabric::MemberRecord& Member(fabric::MemberNumber number) { return view.topology.members.at(number).value; }
  fabric::Placement& Shard(fabric::ShardNumber shard) { return view.topology.placements.at(shard).value; }

  ClusterView view;
};

// Changes a hand-made cluster as coordination would.
class HandMadeControls final : public ClusterControls {
 public:
  Result<ClusterView> View() override {
    if (!reachable) return Status::Unavailable("coordination cannot be reached");
    return made.view;
  }
  Status SetMemberState(fabric::MemberNumber member, fabric::MemberState state) override {
    made.Member(member).state = state;
    return Status::Ok();
  }
  Status SetFactor(const std::string& collection, uint32_t factor) override {
    made.view.topology.collections.at(collection).value.factor = factor;
    return Status::Ok();
  }
  Status Reshard(const std::string& collection, uint32_t partitions) override {
    auto& record = made.view.topology.collections.at(collection).value;
    record.next_first_shard = 100;
    record.next_partitions = partitions;
    for (uint32_t p = 0; p < partitions; ++p) {
      fabric::Placement child = made.Shard(record.first_shard + p % record.partitions);
      child.parent = std::exchange(child.shard, 100 + p);
      child.epoch = 1;
      made.view.topology.placements[child.shard] = {child, 1};
    }
    return Status::Ok();
  }
  Status CancelReshard(const std::string& collection) override {
    auto& record = made.view.topology.collections.at(collection).value;
    record.next_first_shard = record.next_partitions = 0;
    std::erase_if(made.view.topology.placements, [](const auto& entry) { return entry.second.value.pending(); });
    return Status::Ok();
  }
  Result<Scheduled> CompareNow() override {
    Scheduled answers;
    for (const auto& [number, kept] : made.view.topology.members) {
      if (made.view.reports.contains(number)) {
        answers.emplace(number, fabric::RepairRequest::Reply{4});
      } else {
        answers.emplace(number, Status::Unavailable("silent"));
      }
    }
    return answers;
  }

  // Of each replica that answers as many registers as it has points.
  Result<fabric::Member::Digests> Digests() override {
    fabric::Member::Digests digests;
    for (const auto& [shard, kept] : made.view.topology.placements) {
      for (const fabric::MemberNumber owner : kept.value.replicas)
        digests[shard].emplace(owner, DigestOf(owner, shard));
    }
    return digests;
  }

  std::vector<std::string> Troubles() override { return troubles; }
  int64_t FrozenMs() override { return made.view.frozen_ms; }

  std::vector<std::string> troubles;
  HandMade made;
  bool reachable = true;

 private:
  Result<fabric::DigestRequest::Reply> DigestOf(fabric::MemberNumber owner, fabric::ShardNumber shard) const {
    const auto report = made.view.reports.find(owner);
    if (report == made.view.reports.end()) return Status::Unavailable("silent");
    fabric::DigestRequest::Reply reply;
    for (const auto& held : report->second.shards) {
      if (held.shard == shard) reply.digest.leaves[0] = {held.points, held.points};
    }
    return reply;
  }
};

}  // namespace rhizome::cluster
