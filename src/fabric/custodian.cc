#include "fabric/custodian.h"

#include <algorithm>
#include <utility>

#include "fabric/planted.h"
#include "fabric/quorum.h"

namespace rhizome::fabric {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kRoundMs = 500;
constexpr int64_t kRetryMs = 200;
constexpr uint32_t kFillsMax = 2;

bool Contains(const std::vector<MemberNumber>& members, MemberNumber member) {
  return std::find(members.begin(), members.end(), member) != members.end();
}

}  // namespace

Custodian::Custodian(Loop& loop, Parts parts, const Settings& settings, MemberNumber self)
    : loop_(loop),
      directory_(parts.directory),
      repair_(parts.repair),
      splitter_(parts.splitter),
      store_(parts.store),
      truth_(parts.truth),
      settings_(settings),
      self_(self),
      gate_(loop) {
  LookAtDisk();
  directory_.Subscribe([this](const TopologyPointer&) {
    if (news_) news_->Set(true);
  });
}

void Custodian::LookAtDisk() {
  held_.clear();
  for (Held& held : store_.List()) held_[held.shard] = std::move(held);
}

const Custodian::Held* Custodian::Find(ShardNumber shard) const {
  const auto it = held_.find(shard);
  return it == held_.end() ? nullptr : &it->second;
}

bool Custodian::NewTo(const Placement& placement) const {
  return Contains(placement.next, self_) && !Contains(placement.replicas, self_);
}

bool Custodian::MayVote(ShardNumber shard) const {
  const Held* held = Find(shard);
  const Placement* placement = directory_.Now()->Find(shard);
  if (held == nullptr || placement == nullptr || !held->damage.empty() || placement->pending()) return false;
  return held->complete || NewTo(*placement) || Planted(Bug::kVoteBeforeRebuilt);
}

Task<void> Custodian::Run() {
  while (!loop_.stopping()) {
    co_await Round();
    news_.emplace(loop_);
    const TimeLimit limit(loop_, loop_.NowNs() + kRoundMs * kNsPerMs, *news_, false);
    co_await OneShot<bool>(*news_);
    news_.reset();
  }
}

Task<void> Custodian::Round() {
  LookAtDisk();
  const TopologyPointer topology = directory_.Now();
  if (topology->revision == 0) co_return;
  std::erase_if(copies_, [&](const auto& copy) {
    const Placement* placement = topology->Find(copy.first);
    return placement == nullptr || placement->epoch != copy.second.epoch;
  });
  for (const auto& [shard, kept] : topology->placements) {
    if (loop_.stopping()) co_return;
    if (kept.value.Owns(self_)) co_await OpenOwned(kept.value);
  }
  co_await DropUnowned();
}

Task<void> Custodian::OpenOwned(Placement placement) {
  const Status opened = co_await Ensure(placement.shard);
  if (!opened.ok()) co_return;  // tried again in the next round
  const Held* held = Find(placement.shard);
  if (held == nullptr || copying_.contains(placement.shard)) co_return;
  Copy& copy = copies_[placement.shard];
  copy.epoch = placement.epoch;
  // A pending one is filled in every life anew, whatever a former one had noted.
  if (held->complete && !placement.pending() && !StaysWhileOneGoes(placement)) copy.progress.complete = true;
  if (copy.progress.complete) co_return;
  if (Fillable(placement)) {
    if (filling_ >= kFillsMax) co_return;
    ++filling_;
    copying_.insert(placement.shard);
    gate_.Start(FillOne(placement));
    co_return;
  }
  if (placement.pending()) co_return;  // its parent's replica has to be made whole first
  copying_.insert(placement.shard);
  gate_.Start(CopyOne(placement));
}

Task<Status> Custodian::Ensure(ShardNumber shard) {
  const Placement* placement = directory_.Now()->Find(shard);
  if (placement == nullptr || !placement->Owns(self_)) {
    co_return Status::NotFound("shard " + std::to_string(shard) + " has no replica here");
  }
  const Held* held = Find(shard);
  const bool left_over =
      held != nullptr && NewTo(*placement) && held->since < placement->epoch && !Planted(Bug::kKeepDataAcrossRejoin);
  if (held != nullptr && held->damage.empty() && !left_over && !opening_.contains(shard)) co_return Status::Ok();
  const auto [waiting, first] = opening_.try_emplace(shard);
  if (!first) {
    const OneShot<Status> done(loop_);
    waiting->second.push_back(done);
    co_return co_await OneShot<Status>(done);
  }
  const Status opened = co_await Open(*placement);
  const auto told = opening_.extract(shard);
  for (const OneShot<Status>& other : told.mapped()) other.Set(opened);
  co_return opened;
}

// Drops what is damaged or left over, and opens an empty replica.
Task<Status> Custodian::Open(Placement placement) {
  const bool was_held = Find(placement.shard) != nullptr;
  if (was_held && placement.epoch == 1 && placement.parent == 0 && !Planted(Bug::kRebuildAtOldEpoch)) {
    // Should it end between dropping and opening, whoever starts next finds nothing, and at the first epoch that passes
    // for all there is.
    co_await RaiseEpoch(placement.shard, 1);
    co_return Status::Unavailable("its owner set has to have another epoch first");
  }
  if (!placement.pending() && (was_held || NewTo(placement))) {
    const Status dropped = co_await DropParent(placement);
    if (!dropped.ok()) co_return dropped;
  }
  if (was_held) {
    Forget(placement.shard);
    const Status dropped = co_await store_.Drop(placement.shard);
    if (!dropped.ok()) co_return dropped;
    held_.erase(placement.shard);
  }
  // The first owners of a new shard have everything there is: nothing. A child has what its parent had.
  co_return co_await OpenFresh(placement, placement.epoch == 1 && placement.parent == 0 && !was_held);
}

// What was copied from a replica that goes, or to it, says nothing any more.
void Custodian::Forget(ShardNumber shard) {
  ++dropped_[shard];
  copies_.erase(shard);
}

// Before a child's replica is opened anew: what the parent's holds may have been forgotten elsewhere since.
Task<Status> Custodian::DropParent(Placement placement) {
  if (placement.parent == 0 || Find(placement.parent) == nullptr) co_return Status::Ok();
  const TopologyPointer topology = directory_.Now();
  for (const ShardNumber number : topology->ChildrenOf(placement.parent)) {
    const Placement& sibling = *topology->Find(number);
    const Held* held = Find(number);
    const bool lacks = held == nullptr || (!held->complete && held->damage.empty());
    if (number != placement.shard && sibling.Owns(self_) && lacks && Fillable(sibling)) {
      co_return Status::Unavailable("another shard is to be filled from its parent first");
    }
  }
  Forget(placement.parent);
  const Status dropped = co_await store_.Drop(placement.parent);
  if (dropped.ok()) held_.erase(placement.parent);
  co_return dropped;
}

Task<Status> Custodian::OpenFresh(Placement placement, bool complete) {
  const auto collection = directory_.Now()->CollectionOf(placement);
  if (!collection) co_return Status::Unavailable("its collection is not known here yet");
  const Status opened = co_await store_.Open({placement.shard, *collection, placement.epoch, complete});
  if (!opened.ok()) co_return opened;
  held_[placement.shard] = {placement.shard, placement.collection, placement.epoch, complete, ""};
  co_return opened;
}

bool Custodian::StaysWhileOneGoes(const Placement& placement) const {
  return placement.moving() && placement.next.size() < placement.replicas.size() && Contains(placement.next, self_) &&
         Contains(placement.replicas, self_);
}

// Whether nothing acknowledged can be missing here any more.
bool Custodian::HasEnough(const Placement& placement, const std::set<MemberNumber>& pulled) const {
  if (Planted(Bug::kCopyFromOneOwner) && !pulled.empty()) return true;
  const auto& owners = placement.replicas;
  const auto count = static_cast<size_t>(
      std::count_if(owners.begin(), owners.end(), [&](MemberNumber owner) { return pulled.contains(owner); }));
  // New: any majority of the old owners has a part in any other. Rebuilt: this member was one of the majority that
  // acknowledged, so the rest of it, half the owners rounded down, has to be met. One that only catches up is of the
  // majority itself.
  const Held* held = Find(placement.shard);
  if (StaysWhileOneGoes(placement) && held != nullptr && held->complete) return count + 1 > owners.size() / 2;
  return NewTo(placement) ? count > owners.size() / 2 : count >= (owners.size() + 1) / 2;
}

// Whether the parent's replica here can give everything: this member has owned the shard ever since it was split off.
bool Custodian::Fillable(const Placement& placement) const {
  if (placement.parent == 0 || NewTo(placement)) return false;
  const Held* parent = Find(placement.parent);
  return parent != nullptr && parent->complete && parent->damage.empty();
}

Task<void> Custodian::FillOne(Placement placement) {
  const ShardNumber shard = placement.shard;
  const uint64_t since = held_.at(shard).since;
  const auto lives = std::pair(dropped_[placement.parent], dropped_[shard]);
  const auto same = [this, placement, lives] {
    return lives == std::pair(dropped_[placement.parent], dropped_[placement.shard]);
  };
  // Once it is asked, a replica that has everything must not get old things any more.
  const auto wanted = [this, same, shard] {
    const Placement* now = directory_.Now()->Find(shard);
    const Held* held = Find(shard);
    return same() && now != nullptr && held != nullptr && (now->pending() || !held->complete);
  };
  const auto told = [this, placement](const Splitter::Filled& filled) {
    const auto copy = copies_.find(placement.shard);
    if (copy == copies_.end() || copy->second.epoch != placement.epoch) return;
    copy->second.progress.copied = filled.copied;
    copy->second.progress.total = std::max(copy->second.progress.total, filled.compared);
  };
  bool filled = Planted(Bug::kCompleteBeforeFilled);
  if (!filled) filled = (co_await splitter_.Fill(placement, wanted, told)).ok();
  const Held* before = Find(shard);
  if (filled && same() && before != nullptr && before->since == since) {
    const bool marked = before->complete || (co_await store_.MarkComplete(shard, since)).ok();
    const auto held = held_.find(shard);
    if (marked && same() && held != held_.end() && held->second.since == since) {
      held->second.complete = true;
      const auto copy = copies_.find(shard);
      if (copy != copies_.end() && copy->second.epoch == placement.epoch) copy->second.progress.complete = true;
    }
  }
  copying_.erase(shard);
  --filling_;
  // The next one waits; what failed is tried again in time.
  if (filled && news_) news_->Set(true);
}

// Whether a replica that nobody owns any more is what a child's here is still to be filled from.
bool Custodian::AwaitedByChild(ShardNumber shard) const {
  const TopologyPointer topology = directory_.Now();
  for (const ShardNumber number : topology->ChildrenOf(shard)) {
    const Held* child = Find(number);
    if (topology->Find(number)->Owns(self_) && (child == nullptr || !child->complete)) return true;
  }
  return false;
}

// A step of the placement that changes nothing but the epoch.
Task<void> Custodian::RaiseEpoch(ShardNumber shard, uint64_t above) {
  const TopologyPointer topology = directory_.Now();
  const auto known = topology->placements.find(shard);
  if (known == topology->placements.end() || known->second.value.epoch > above) co_return;
  Placement raised = known->second.value;
  ++raised.epoch;
  coordination::Transaction transaction;
  transaction.expect = {{PlacementKey(shard), known->second.mod_revision}};
  transaction.changes = {{PlacementKey(shard), EncodePlacement(raised)}};
  // Whatever came of it, the next round looks at what is there.
  (void)co_await truth_.Commit(std::move(transaction));
  (void)co_await directory_.Refresh();
}

Task<void> Custodian::CopyOne(Placement placement) {
  const ShardNumber shard = placement.shard;
  const uint64_t since = held_.at(shard).since;
  const bool rebuilds = !held_.at(shard).complete && !NewTo(placement);
  if (rebuilds && placement.epoch <= since && !Planted(Bug::kRebuildAtOldEpoch)) {
    co_await RaiseEpoch(shard, since);
    copying_.erase(shard);
    co_return;
  }
  std::set<MemberNumber> pulled;
  bool current = true;
  while (current && !HasEnough(placement, pulled)) {
    for (const MemberNumber owner : placement.replicas) {
      if (owner == self_ || pulled.contains(owner) || !current) continue;
      if (co_await PullFrom(placement, owner)) pulled.insert(owner);
      const Placement* now = directory_.Now()->Find(shard);
      current = now != nullptr && now->epoch == placement.epoch && !loop_.stopping();
      if (HasEnough(placement, pulled)) break;
    }
    current = current && (HasEnough(placement, pulled) || co_await Sleep(loop_, kRetryMs * kNsPerMs));
  }
  // What was pulled at another epoch than the one that holds says nothing; the next round begins anew.
  const Held* before = Find(shard);
  const bool marked = before != nullptr && before->complete && before->since == since;
  if (current && (marked || (co_await store_.MarkComplete(shard, since)).ok())) {
    const auto held = held_.find(shard);
    if (held != held_.end() && held->second.since == since) held->second.complete = true;
    const auto copy = copies_.find(shard);
    if (copy != copies_.end() && copy->second.epoch == placement.epoch) copy->second.progress.complete = true;
  }
  copying_.erase(shard);
}

Task<bool> Custodian::PullFrom(Placement placement, MemberNumber from) {
  const Target target{placement.shard, placement.epoch};
  const Result<PullReport> report = co_await repair_.Pull(target, from);
  Status copied = report.status();
  if (copied.ok() && !Planted(Bug::kCopyForgetsRequests)) copied = co_await repair_.PullRequests(target, from);
  if (!copied.ok()) {
    if (IsStaleEpoch(copied)) (void)co_await directory_.Refresh();
    co_return false;
  }
  const auto copy = copies_.find(placement.shard);
  if (copy != copies_.end() && copy->second.epoch == placement.epoch) {
    copy->second.progress.copied += report->copied;
    copy->second.progress.total = std::max(copy->second.progress.total, report->compared);
  }
  co_return true;
}

Task<void> Custodian::DropUnowned() {
  const TopologyPointer topology = directory_.Now();
  std::vector<ShardNumber> due;
  for (const auto& [shard, held] : held_) {
    const Placement* placement = topology->Find(shard);
    if (placement != nullptr && placement->Owns(self_)) {
      unowned_since_ns_.erase(shard);
      continue;
    }
    const auto [since, fresh] = unowned_since_ns_.try_emplace(shard, loop_.NowNs());
    if (!fresh && loop_.NowNs() - since->second > settings_.drop_grace_ms * kNsPerMs) due.push_back(shard);
  }
  for (const ShardNumber shard : due) {
    const Placement* placement = directory_.Now()->Find(shard);
    if (copying_.contains(shard) || (placement != nullptr && placement->Owns(self_))) continue;
    if (AwaitedByChild(shard)) continue;
    Forget(shard);
    const Status dropped = co_await store_.Drop(shard);
    if (!dropped.ok()) continue;
    held_.erase(shard);
    unowned_since_ns_.erase(shard);
  }
}

ProgressRequest::Reply Custodian::Progress(Target target) const {
  const auto copy = copies_.find(target.shard);
  if (copy == copies_.end() || copy->second.epoch != target.epoch) return {};
  return copy->second.progress;
}

std::map<ShardNumber, ProgressRequest::Reply> Custodian::Copying() const {
  std::map<ShardNumber, ProgressRequest::Reply> all;
  for (const ShardNumber shard : copying_) {
    const auto copy = copies_.find(shard);
    if (copy != copies_.end()) all[shard] = copy->second.progress;
  }
  return all;
}

}  // namespace rhizome::fabric
