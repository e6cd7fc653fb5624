#include "move_watch.h"

#include <algorithm>
#include <cstdlib>
#include <future>
#include <set>

#include "fabric/topology.h"

namespace rhizome::chaos {

using fabric::MemberNumber;
using fabric::Placement;
using fabric::ShardNumber;

namespace {

// The one owner of `these` that `those` does not have; 0 when there is none.
MemberNumber OnlyIn(const std::vector<MemberNumber>& these, const std::vector<MemberNumber>& those) {
  for (const MemberNumber member : these) {
    if (std::find(those.begin(), those.end(), member) == those.end()) return member;
  }
  return 0;
}

}  // namespace

std::string MoveStepName(MoveStep step) {
  switch (step) {
    case MoveStep::kRecorded: return "recorded";
    case MoveStep::kCopying: return "copying";
    case MoveStep::kCopied: return "copied";
    case MoveStep::kCutOver: return "cut over";
  }
  return "";
}

MoveWatch::MoveWatch(Fleet& fleet) : fleet_(fleet) {
  coordination::EtcdOptions options;
  options.endpoints = fleet.etcd().addresses();
  coordination_ = coordination::Etcd::Open(options).value();
  rpc::ClientOptions rpc;
  rpc.insecure = true;
  client_ = rpc::Client::Create(rpc).value();
}

Result<MoveWatch::View> MoveWatch::Look() {
  View view;
  view.leader = fleet_.nodes();
  ASSIGN_OR_RETURN(const coordination::Listing listing, coordination_->List(std::string(fabric::kRoot)));
  MemberNumber leader = 0;
  for (const coordination::KeyValue& entry : listing.entries) {
    if (entry.key.starts_with("rhizome/members/")) {
      ASSIGN_OR_RETURN(const fabric::MemberRecord member, fabric::DecodeMember(entry.value));
      if (member.state != fabric::MemberState::kGone) view.nodes[member.number] = fleet_.Find(member.name);
    } else if (entry.key.starts_with("rhizome/placements/")) {
      ASSIGN_OR_RETURN(const Placement placement, fabric::DecodePlacement(entry.value));
      view.placements[placement.shard] = placement;
    } else if (entry.key == fabric::LeaderKey()) {
      leader = static_cast<MemberNumber>(std::strtoul(entry.value.c_str(), nullptr, 10));
    }
  }
  if (view.nodes.contains(leader)) view.leader = view.nodes[leader];
  return view;
}

Result<std::map<ShardNumber, std::set<size_t>>> MoveWatch::Owners() {
  ASSIGN_OR_RETURN(const View view, Look());
  std::map<ShardNumber, std::set<size_t>> owners;
  for (const auto& [shard, placement] : view.placements) {
    for (const MemberNumber member : placement.moving() ? placement.next : placement.replicas) {
      const auto node = view.nodes.find(member);
      owners[shard].insert(node == view.nodes.end() ? fleet_.nodes() : node->second);
    }
  }
  return owners;
}

fabric::ProgressRequest::Reply MoveWatch::ProgressAt(size_t node, const Placement& placement) {
  std::promise<Result<std::string>> promise;
  auto answer = promise.get_future();
  rpc::CallOptions options;
  options.timeout_ms = 1'000;
  options.peer = fleet_.name(node);
  client_->Call(fleet_.rpc_address(node),
                fabric::EncodeRequest(fabric::ProgressRequest{{placement.shard, placement.epoch}}), options,
                [&promise](Result<std::string> result) { promise.set_value(std::move(result)); });
  fabric::ProgressRequest::Reply reply;
  const Result<std::string> bytes = answer.get();
  if (!bytes.ok() || !fabric::DecodeReply(*bytes, reply).ok()) return {};
  return reply;
}

std::optional<MoveWatch::Move> MoveWatch::FindMove(const View& view, MoveStep step) {
  for (const auto& [shard, placement] : view.placements) {
    if (!placement.moving()) {
      const auto before = under_way_.extract(shard);
      if (!before.empty() && step == MoveStep::kCutOver) {
        Move move = before.mapped();
        move.step = step;
        return move;
      }
      continue;
    }
    const MemberNumber source = OnlyIn(placement.replicas, placement.next);
    const MemberNumber target = OnlyIn(placement.next, placement.replicas);
    if (target == 0 || !view.nodes.contains(target)) continue;
    // A replica that is only added has no source to lose; any owner is copied from.
    const MemberNumber from = source == 0 ? placement.replicas.front() : source;
    if (!view.nodes.contains(from)) continue;
    Move move{shard, MoveStep::kRecorded, view.nodes.at(from), view.nodes.at(target)};
    under_way_[shard] = move;
    if (step == MoveStep::kRecorded) return move;
    if (step == MoveStep::kCutOver) continue;
    const auto progress = ProgressAt(move.target, placement);
    move.step = progress.complete ? MoveStep::kCopied : progress.copied > 0 ? MoveStep::kCopying : MoveStep::kRecorded;
    if (move.step == step) return move;
  }
  return std::nullopt;
}

std::optional<MoveWatch::Move> MoveWatch::Await(MoveStep step, int64_t timeout_ms) {
  under_way_.clear();
  const int64_t deadline = NowMs() + timeout_ms;
  while (NowMs() < deadline) {
    const auto view = Look();
    if (view.ok()) {
      if (auto move = FindMove(*view, step)) return move;
    }
    SleepMs(2);
  }
  return std::nullopt;
}

}  // namespace rhizome::chaos
