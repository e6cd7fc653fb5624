// What members tell operators: how each is, and that each compares its replicas now.
#include <utility>

#include "fabric/member.h"

namespace rhizome::fabric {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

StatusRequest::Reply Replica::Describe() const {
  StatusRequest::Reply reply;
  reply.load_permille = load_permille_;
  const int64_t frozen_since_ns = parts_.directory->frozen_since_ns();
  if (frozen_since_ns != 0) reply.frozen_ms = (loop_.NowNs() - frozen_since_ns) / kNsPerMs;
  reply.hints = parts_.hints->pending();
  reply.write_us = write_us();
  reply.suspects = parts_.peers->Suspects();
  if (parts_.repair != nullptr) {
    reply.comparisons_waiting = parts_.repair->waiting();
    reply.comparisons = parts_.repair->stats().rounds;
    reply.repaired = parts_.repair->stats().copied;
  }
  if (parts_.leader != nullptr && parts_.leader->leading()) {
    reply.leading = true;
    reply.changes_waiting = parts_.leader->report().waiting;
    for (const BlockedShard& blocked : parts_.leader->report().blocked) {
      reply.blocked.push_back({blocked.shard, blocked.reason});
    }
  }
  if (parts_.store == nullptr) return reply;
  const std::map<ShardNumber, ProgressRequest::Reply> copying = parts_.custodian->Copying();
  for (ReplicaStore::Held& held : parts_.store->List()) {
    StatusRequest::Shard& shard = reply.shards.emplace_back();
    shard.shard = held.shard;
    shard.points = held.points;
    shard.documents = held.documents;
    shard.complete = held.complete;
    shard.damage = std::move(held.damage);
    shard.refusal = std::move(held.refusal);
    const auto progress = copying.find(held.shard);
    if (progress == copying.end()) continue;
    shard.copied = progress->second.copied;
    shard.total = progress->second.total;
  }
  return reply;
}

Task<Result<std::string>> Replica::Answer(StatusRequest) { co_return EncodeReply(Describe()); }

Task<Result<std::string>> Replica::Answer(RepairRequest) {
  if (parts_.repair == nullptr) co_return EncodeReply(RepairRequest::Reply{});
  parts_.repair->ScheduleEverything();
  co_return EncodeReply(RepairRequest::Reply{parts_.repair->waiting()});
}

Task<Result<std::string>> Replica::Answer(DeskRequest request) {
  if (!desk_) co_return Status::Unavailable("this member does not lead");
  const Desk desk = desk_;  // it may be taken away meanwhile
  auto answer = co_await desk(std::move(request.question));
  if (!answer.ok()) co_return answer.status();
  co_return EncodeReply(DeskRequest::Reply{std::move(answer).value()});
}

Task<Result<std::string>> Member::AskLeader(std::string question, CallContext context) {
  const Gate::Hold hold(*gate_);
  const MemberNumber leader = directory_->Now()->leader;
  if (leader == 0) co_return Status::Unavailable("nobody leads the cluster now");
  if (leader == identity_.record.number) {
    if (!replica_->desk()) co_return Status::Unavailable("this member has only begun to lead");
    const Replica::Desk desk = replica_->desk();
    co_return co_await desk(std::move(question));
  }
  auto reply = co_await caller_->Ask(leader, DeskRequest{std::move(question)}, std::move(context));
  if (!reply.ok()) co_return reply.status();
  co_return std::move(reply->answer);
}

template <typename R>
Task<std::map<MemberNumber, Result<typename R::Reply>>> Member::AskEverybody(int64_t timeout_ms) {
  const Gate::Hold hold(*gate_);
  using Answers = std::map<MemberNumber, Result<typename R::Reply>>;
  std::map<MemberNumber, R> requests;
  for (const auto& [number, kept] : directory_->Now()->members) {
    if (kept.value.state != MemberState::kGone) requests[number] = {};
  }
  CallContext context;
  context.deadline_ns = ports_.loop.NowNs() + timeout_ms * kNsPerMs;
  co_return co_await caller_->AskMany<R>(std::move(requests), context, [](const Answers&) { return false; });
}

Task<std::map<MemberNumber, Result<StatusRequest::Reply>>> Member::AskStatus(int64_t timeout_ms) {
  return AskEverybody<StatusRequest>(timeout_ms);
}

Task<std::map<MemberNumber, Result<RepairRequest::Reply>>> Member::AskRepair(int64_t timeout_ms) {
  return AskEverybody<RepairRequest>(timeout_ms);
}

Task<Member::Digests> Member::AskDigests(int64_t timeout_ms) {
  const Gate::Hold hold(*gate_);
  using Answers = std::map<MemberNumber, Result<DigestRequest::Reply>>;
  const TopologyPointer topology = directory_->Now();
  CallContext context;
  context.deadline_ns = ports_.loop.NowNs() + timeout_ms * kNsPerMs;
  context.background = true;
  Digests digests;
  for (const auto& [shard, kept] : topology->placements) {
    if (kept.value.pending()) continue;
    std::map<MemberNumber, DigestRequest> requests;
    for (const MemberNumber owner : kept.value.replicas) {
      requests[owner] = {{shard, kept.value.epoch}, Repair::kDigestBits, std::nullopt};
    }
    digests[shard] =
        co_await caller_->AskMany<DigestRequest>(std::move(requests), context, [](const Answers&) { return false; });
  }
  co_return digests;
}

}  // namespace rhizome::fabric
