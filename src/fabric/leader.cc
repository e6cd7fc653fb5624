#include "fabric/leader.h"

#include <algorithm>
#include <utility>

#include "coordination/election.h"
#include "fabric/planted.h"
#include "fabric/resharding.h"

namespace rhizome::fabric {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

Leader::Leader(Caller& caller, Directory& directory, Truth& truth, const Settings& settings, MemberNumber self)
    : caller_(caller), directory_(directory), truth_(truth), settings_(settings), self_(self) {}

Task<void> Leader::Run(std::function<coordination::LeaseId()> lease) {
  while (co_await Sleep(caller_.loop(), settings_.leader_interval_ms * kNsPerMs)) {
    NoteAbsent(*directory_.Now());
    co_await Campaign(lease());
    if (leading_) {
      co_await Lead();
    } else {
      report_ = {};
    }
  }
}

// The topology says who leads. It is this member when the key is from its own claim: one that a former life left
// behind carries another revision, and goes with that life's lease.
Task<void> Leader::Campaign(coordination::LeaseId lease) {
  TopologyPointer topology = directory_.Now();
  if (topology->leader == self_ && unknown_claim_ == lease && lease != coordination::kNoLease && epoch_ == 0) {
    epoch_ = topology->leader_epoch;
  }
  leading_ = topology->leader == self_ && epoch_ != 0 && topology->leader_epoch == epoch_;
  if (leading_ || topology->leader != 0 || lease == coordination::kNoLease || topology->revision == 0) co_return;
  epoch_ = 0;
  unknown_claim_ = coordination::kNoLease;
  const auto claimed = co_await truth_.Commit(coordination::Claim(LeaderKey(), std::to_string(self_), lease));
  if (claimed.ok() && claimed->succeeded) epoch_ = claimed->revision;
  if (claimed.status().code() == Code::kDeadlineExceeded) unknown_claim_ = lease;
  (void)co_await directory_.Refresh();
  topology = directory_.Now();
  leading_ = topology->leader == self_ && epoch_ != 0 && topology->leader_epoch == epoch_;
}

void Leader::NoteAbsent(const Topology& topology) {
  for (const auto& [number, kept] : topology.members) {
    if (topology.live.contains(number)) {
      absent_since_ns_.erase(number);
    } else {
      absent_since_ns_.try_emplace(number, caller_.loop().NowNs());
    }
  }
  std::erase_if(absent_since_ns_, [&](const auto& entry) { return !topology.members.contains(entry.first); });
}

std::map<MemberNumber, int64_t> Leader::AbsentMs() const {
  std::map<MemberNumber, int64_t> absent_ms;
  for (const auto& [number, since_ns] : absent_since_ns_) {
    absent_ms[number] = (caller_.loop().NowNs() - since_ns) / kNsPerMs;
  }
  return absent_ms;
}

Task<void> Leader::Lead() {
  const TopologyPointer topology = directory_.Now();
  for (const auto& [shard, kept] : topology->placements) {
    if (kept.value.moving() && leading_ && !caller_.loop().stopping()) co_await FinishMove(kept);
  }
  co_await EndReshardings();
  BalanceSettings settings;
  settings.replace_after_ms = settings_.replace_after_ms;
  settings.concurrent_moves = settings_.concurrent_moves;
  settings.per_member_moves = settings_.moves_per_member;
  Result<BalanceReport> report = PlanChanges(*directory_.Now(), AbsentMs(), settings);
  if (!report.ok()) co_return;
  report_ = std::move(report).value();
  for (const PlacementChange& change : report_.changes) {
    if (caller_.loop().stopping()) co_return;
    std::vector<MemberNumber> newcomers = change.placement.next;
    std::erase_if(newcomers, [&change](MemberNumber member) {
      const auto& owners = change.placement.replicas;
      return std::find(owners.begin(), owners.end(), member) != owners.end();
    });
    if (!co_await AreThere(newcomers)) {
      report_.blocked.push_back({change.shard, "a node that is to have it holds a lease and does not answer"});
      continue;
    }
    if (!(co_await Put(change.shard, change.mod_revision, change.placement)).ok()) break;
  }
  if (!report_.changes.empty()) (void)co_await directory_.Refresh();
  co_await RetireDrained();
}

Task<void> Leader::RetireDrained() {
  const TopologyPointer topology = directory_.Now();
  for (const auto& [number, kept] : topology->members) {
    const bool owns = std::any_of(topology->placements.begin(), topology->placements.end(),
                                  [&, member = number](const auto& entry) { return entry.second.value.Owns(member); });
    if (kept.value.state != MemberState::kLeaving || owns) {
      drained_.erase(number);
      continue;
    }
    // Only at the second look: a collection planned from an older copy of the topology may just be giving it shards.
    if (drained_.insert(number).second) continue;
    MemberRecord record = kept.value;
    record.state = MemberState::kGone;
    coordination::Transaction transaction;
    transaction.expect = {coordination::Fence(LeaderKey(), epoch_), {MemberKey(number), kept.mod_revision}};
    transaction.changes = {{MemberKey(number), EncodeMember(record)}};
    (void)co_await truth_.Commit(std::move(transaction));  // looked at again in the next round
  }
}

Task<void> Leader::FinishMove(Kept<Placement> placement) {
  if (!Planted(Bug::kCutOverBeforeCopied) && !co_await Complete(placement.value)) co_return;
  Placement moved = placement.value;
  moved.replicas = std::exchange(moved.next, {});
  ++moved.epoch;
  (void)co_await Put(moved.shard, placement.mod_revision, moved);
  (void)co_await directory_.Refresh();
}

// A move counts its newcomers at once: with two replicas, one newcomer that cannot be reached takes the shard its
// quorum. A lease only says that it reaches coordination.
Task<bool> Leader::AreThere(std::vector<MemberNumber> newcomers) {
  std::map<MemberNumber, PingRequest> requests;
  for (const MemberNumber member : newcomers) {
    if (member != self_) requests[member] = {self_, directory_.Now()->revision};
  }
  CallContext context;
  context.deadline_ns = caller_.loop().NowNs() + settings_.suspect_after_ms * kNsPerMs;
  using Answers = std::map<MemberNumber, Result<PingRequest::Reply>>;
  const size_t asked = requests.size();
  const Answers answers =
      co_await caller_.AskMany<PingRequest>(std::move(requests), context, [](const Answers&) { return false; });
  const auto there = [](const auto& entry) { return entry.second.ok() && entry.second->write_us > 0; };
  co_return static_cast<size_t>(std::count_if(answers.begin(), answers.end(), there)) == asked;
}

// Whether every new owner says that it has copied what the old ones had at this epoch; and when owners are only
// dropped, whether a majority of those that stay has. Either way a majority of the owners to come has everything.
Task<bool> Leader::Complete(Placement placement) {
  const bool fewer = placement.next.size() < placement.replicas.size();
  std::map<MemberNumber, ProgressRequest> requests;
  std::set<MemberNumber> needed;
  for (const MemberNumber owner : placement.next) {
    const bool old = std::find(placement.replicas.begin(), placement.replicas.end(), owner) != placement.replicas.end();
    if (!old) needed.insert(owner);
    if (!old || fewer) requests[owner] = {{placement.shard, placement.epoch}};
  }
  CallContext context;
  context.deadline_ns = caller_.loop().NowNs() + settings_.call_timeout_ms * kNsPerMs;
  using Answers = std::map<MemberNumber, Result<ProgressRequest::Reply>>;
  const Answers answers =
      co_await caller_.AskMany<ProgressRequest>(std::move(requests), context, [](const Answers&) { return false; });
  size_t complete = 0;
  for (const auto& [member, answer] : answers) {
    if (!answer.ok() || !answer->complete) continue;
    ++complete;
    needed.erase(member);
  }
  co_return needed.empty() && (!fewer || 2 * complete > placement.next.size());
}

Task<void> Leader::EndReshardings() {
  const TopologyPointer topology = directory_.Now();
  for (const auto& [name, kept] : topology->collections) {
    if (!kept.value.resharding() || !leading_ || caller_.loop().stopping()) continue;
    if (!co_await Filled(kept.value)) continue;
    coordination::Transaction transaction = EndResharding(*topology, kept.value);
    transaction.expect.push_back(coordination::Fence(LeaderKey(), epoch_));
    (void)co_await truth_.Commit(std::move(transaction));  // what came of it, the next round sees
    (void)co_await directory_.Refresh();
  }
}

// Whether every owner that is live, and of each shard a majority, has filled it. Who is not, fills its own when it is
// back, and has no vote before that.
Task<bool> Leader::Filled(CollectionRecord collection) {
  const TopologyPointer topology = directory_.Now();
  for (uint32_t p = 0; p < collection.next_partitions; ++p) {
    const Placement* child = topology->Find(collection.next_first_shard + p);
    if (child == nullptr) co_return false;
    const std::vector<MemberNumber> owners = child->replicas;
    std::map<MemberNumber, ProgressRequest> requests;
    for (const MemberNumber owner : owners) {
      if (topology->live.contains(owner)) requests[owner] = {{child->shard, child->epoch}};
    }
    if (2 * requests.size() <= owners.size()) co_return false;
    CallContext context;
    context.deadline_ns = caller_.loop().NowNs() + settings_.call_timeout_ms * kNsPerMs;
    using Answers = std::map<MemberNumber, Result<ProgressRequest::Reply>>;
    const auto lacks = [](const auto& answer) { return !answer.second.ok() || !answer.second->complete; };
    const Answers answers = co_await caller_.AskMany<ProgressRequest>(
        std::move(requests), context,
        [lacks](const Answers& so_far) { return std::any_of(so_far.begin(), so_far.end(), lacks); });
    if (std::any_of(answers.begin(), answers.end(), lacks)) co_return false;
  }
  co_return true;
}

Task<Status> Leader::Put(ShardNumber shard, int64_t mod_revision, Placement placement) {
  coordination::Transaction transaction;
  if (!Planted(Bug::kIgnoreCompareAndSwap)) {
    transaction.expect = {coordination::Fence(LeaderKey(), epoch_), {PlacementKey(shard), mod_revision}};
  }
  transaction.changes = {{PlacementKey(shard), EncodePlacement(placement)}};
  const auto committed = co_await truth_.Commit(std::move(transaction));
  if (!committed.ok()) co_return committed.status();
  if (!committed->succeeded) co_return Status::FailedPrecondition("the placement has changed meanwhile");
  co_return Status::Ok();
}

}  // namespace rhizome::fabric
