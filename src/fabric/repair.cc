#include "fabric/repair.h"

#include <algorithm>
#include <utility>

#include "fabric/planted.h"

namespace rhizome::fabric {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kStepMs = 5'000;     // one page of keys or registers
constexpr int64_t kDigestMs = 30'000;  // a digest of a large shard takes a while
constexpr int64_t kIdleMs = 100;       // between looks at an empty queue
constexpr int64_t kRetryMs = 500;
constexpr int64_t kUnderWayMs = 5'000;        // a sample younger than that may be on its way to anybody
constexpr int64_t kRestedMs = 60'000;         // one older than that hardly ever is
constexpr int64_t kPastMs = 600'000;          // and one older than that is late
constexpr int64_t kWindowMs = 2 * 3'600'000;  // what replicas of series compare as a whole
constexpr size_t kReadKeys = 200;             // registers in one exchange: vectors and texts are large
constexpr uint32_t kRequestsPerPage = 10'000;

}  // namespace

struct Repair::Session {
  Target target;
  MemberNumber from = 0;
  std::optional<Version> below;
  PullReport report;
};

Repair::Repair(Caller& caller, Directory& directory, Stores stores, const Settings& settings, MemberNumber self)
    : caller_(caller),
      directory_(directory),
      store_(stores.store),
      splitter_(stores.splitter),
      settings_(settings),
      self_(self) {}

CallContext Repair::Step(int64_t ms) const {
  CallContext context;
  context.deadline_ns = caller_.loop().NowNs() + ms * kNsPerMs;
  context.background = true;
  return context;
}

std::optional<Version> Repair::Below(ShardNumber shard, Extent extent) const {
  if (extent == Extent::kEverything || directory_.Now()->KindOf(shard) != ShardKind::kSeries) return std::nullopt;
  int64_t before_ms = caller_.loop().WallMs();
  before_ms -= extent == Extent::kRecent ? kUnderWayMs : extent == Extent::kRested ? kRestedMs : kPastMs;
  if (extent == Extent::kPast) before_ms -= before_ms % kWindowMs;
  return Version{static_cast<uint64_t>(std::max<int64_t>(before_ms, 0)) << 16, 0};
}

Task<Result<PullReport>> Repair::Pull(Target target, MemberNumber from, Extent extent) {
  Session session{target, from, Below(target.shard, extent), {}};
  const Result<std::vector<uint32_t>> leaves = co_await DifferingLeaves(session);
  if (!leaves.ok()) co_return leaves.status();
  if (!leaves->empty()) {
    Status pulled;
    if (directory_.Now()->KindOf(target.shard) == ShardKind::kSeries) {
      pulled = co_await PullRecords(session, *leaves);
    } else {
      pulled = co_await PullLeaves(session, *leaves);
    }
    if (!pulled.ok()) co_return pulled;
  }
  stats_.copied += session.report.copied;
  co_return session.report;
}

Task<Result<std::vector<uint32_t>>> Repair::DifferingLeaves(Session& session) {
  // Theirs first: what arrives here in between can only make a leaf differ that need not.
  const auto theirs =
      co_await caller_.Ask<DigestRequest>(session.from, {session.target, kDigestBits, session.below}, Step(kDigestMs));
  if (!theirs.ok()) co_return theirs.status();
  if (theirs->digest.bits != kDigestBits) co_return Status::Corruption("answered with another kind of digest");
  const auto ours = co_await store_.Digest(session.target.shard, kDigestBits, session.below);
  if (!ours.ok()) co_return ours.status();
  std::vector<uint32_t> different = format::DifferentLeaves(*ours, theirs->digest);
  if (Planted(Bug::kRepairOneLeaf) && different.size() > 1) different.resize(1);
  co_return different;
}

Task<Status> Repair::PullRecords(Session& session, std::vector<uint32_t> leaves) {
  ScanRequest request{session.target, kDigestBits, std::move(leaves), session.below, ""};
  do {
    const int64_t begun_ns = caller_.loop().NowNs();
    auto reply = co_await caller_.Ask<ScanRequest>(session.from, request, Step(kDigestMs));
    if (!reply.ok()) co_return reply.status();
    if (!reply->next.empty() && reply->next <= request.after) co_return Status::Corruption("pages out of order");
    for (std::string& record : reply->records) {
      const Status applied = co_await splitter_.Apply(session.target.shard, std::move(record));
      if (!applied.ok()) co_return applied;
    }
    session.report.compared += reply->items;
    session.report.copied += reply->items;
    request.after = std::move(reply->next);
    const bool going =
        co_await Rest(caller_.loop(), begun_ns, settings_.repair_pause_ms * kNsPerMs, settings_.repair_rest);
    if (!going) co_return Status::Cancelled("stopping");
  } while (!request.after.empty());
  co_return Status::Ok();
}

Task<Status> Repair::PullLeaves(Session& session, std::vector<uint32_t> leaves) {
  InventoryRequest request{session.target, kDigestBits, std::move(leaves), "", settings_.repair_page_keys};
  do {
    const int64_t begun_ns = caller_.loop().NowNs();
    auto reply = co_await caller_.Ask<InventoryRequest>(session.from, request, Step(kStepMs));
    if (!reply.ok()) co_return reply.status();
    std::string next = std::move(reply->page.next);
    // A peer that turns in circles must not keep this going for ever.
    if (!next.empty() && next <= request.after) co_return Status::Corruption("pages out of order");
    session.report.compared += reply->page.entries.size();
    const Status pulled = co_await PullPage(session, std::move(reply->page.entries));
    if (!pulled.ok()) co_return pulled;
    request.after = std::move(next);
    const bool going =
        co_await Rest(caller_.loop(), begun_ns, settings_.repair_pause_ms * kNsPerMs, settings_.repair_rest);
    if (!going) co_return Status::Cancelled("stopping");
  } while (!request.after.empty());
  co_return Status::Ok();
}

Task<Status> Repair::PullPage(Session& session, std::vector<format::RegisterVersion> theirs) {
  std::vector<std::string> keys;
  for (const format::RegisterVersion& entry : theirs) keys.push_back(entry.key);
  const auto ours = co_await store_.Versions(session.target.shard, keys, "");
  if (!ours.ok()) co_return ours.status();
  std::vector<std::string> wanted;
  for (size_t i = 0; i < theirs.size(); ++i) {
    if (theirs[i].tombstone && Planted(Bug::kRepairDropsTombstones)) continue;
    if (ours->versions[i] < theirs[i].version) wanted.push_back(theirs[i].key);
  }
  for (size_t begin = 0; begin < wanted.size(); begin += kReadKeys) {
    const auto end = wanted.begin() + static_cast<ptrdiff_t>(std::min(begin + kReadKeys, wanted.size()));
    ReadRequest request{session.target, {wanted.begin() + static_cast<ptrdiff_t>(begin), end}};
    auto found = co_await caller_.Ask<ReadRequest>(session.from, std::move(request), Step(kStepMs));
    if (!found.ok()) co_return found.status();
    std::vector<format::Operation> operations;
    for (auto& entry : found->registers) {
      if (!entry) continue;
      operations.push_back(std::move(*entry));
      if (Planted(Bug::kRepairDropsStamp)) operations.back().request.reset();
    }
    if (operations.empty()) continue;
    const Status applied = co_await splitter_.Apply(session.target.shard, format::EncodeBatch(operations));
    if (!applied.ok()) co_return applied;
    session.report.copied += operations.size();
  }
  co_return Status::Ok();
}

Task<Status> Repair::PullRequests(Target target, MemberNumber from) {
  RequestsRequest request{target, "", kRequestsPerPage};
  do {
    const auto reply = co_await caller_.Ask<RequestsRequest>(from, request, Step(kStepMs));
    if (!reply.ok()) co_return reply.status();
    const format::RequestPage& page = reply->page;
    if (!page.next.empty() && page.next <= request.after) co_return Status::Corruption("pages out of order");
    if (!page.fates.empty()) {
      const Status remembered = co_await splitter_.Apply(target.shard, format::EncodeBatch({}, page.fates));
      if (!remembered.ok()) co_return remembered;
    }
    request.after = page.next;
    if (request.after.empty()) co_return Status::Ok();
  } while (co_await Sleep(caller_.loop(), settings_.repair_pause_ms * kNsPerMs));
  co_return Status::Cancelled("stopping");
}

void Repair::Schedule(ShardNumber shard, MemberNumber from, Extent extent) {
  if (from == self_) return;
  const auto [queued, fresh] = queued_.try_emplace({shard, from}, extent);
  if (fresh) queue_.emplace_back(shard, from);
  queued->second = std::min(queued->second, extent);
}

void Repair::ScheduleAll(MemberNumber from) {
  for (const auto& [shard, kept] : directory_.Now()->placements) {
    if (!kept.value.pending() && kept.value.Owns(self_) && kept.value.Owns(from)) Schedule(shard, from);
  }
}

void Repair::ScheduleEverything(Extent extent) {
  for (const auto& [shard, kept] : directory_.Now()->placements) {
    if (kept.value.pending() || !kept.value.Owns(self_)) continue;
    for (const MemberNumber owner : kept.value.Owners()) Schedule(shard, owner, extent);
  }
}

Repair::Extent Repair::ExtentOfInterval() {
  constexpr uint64_t kRestedEvery = 5;
  const uint64_t interval = intervals_++;
  // What this process has missed while it was not there it does not know yet.
  if (interval == 0) return Extent::kRecent;
  return interval % kRestedEvery == 0 ? Extent::kRested : Extent::kPast;
}

Task<void> Repair::Run() {
  Loop& loop = caller_.loop();
  while (!loop.stopping()) {
    if (loop.NowNs() >= everything_due_ns_) {
      ScheduleEverything(ExtentOfInterval());
      // Members that started together should not compare together for ever.
      const int64_t interval_ns = settings_.repair_interval_ms * kNsPerMs;
      everything_due_ns_ = loop.NowNs() + interval_ns / 2 + static_cast<int64_t>(loop.Random() % interval_ns);
    }
    if (queue_.empty()) {
      if (!co_await Sleep(loop, kIdleMs * kNsPerMs)) co_return;
      continue;
    }
    const Due due = queue_.front();
    queue_.pop_front();
    const Extent extent = queued_.extract(due).mapped();
    const auto [shard, from] = due;
    const Placement* placement = directory_.Now()->Find(shard);
    if (placement == nullptr || !placement->Owns(self_) || !placement->Owns(from)) continue;
    if (caller_.peers().Suspect(from)) continue;  // its return schedules it again
    const Result<PullReport> report = co_await Pull({shard, placement->epoch}, from, extent);
    ++(report.ok() ? stats_.rounds : stats_.failures);
    if (report.ok()) continue;
    if (report.status().code() != Code::kNotFound) Schedule(shard, from, extent);
    if (!co_await Sleep(loop, kRetryMs * kNsPerMs)) co_return;
  }
}

Task<void> Repair::RunCollection() {
  Loop& loop = caller_.loop();
  while (co_await Sleep(loop, settings_.tombstone_interval_ms * kNsPerMs)) {
    const TopologyPointer topology = directory_.Now();
    for (const auto& [shard, kept] : topology->placements) {
      if (loop.stopping()) co_return;
      // A child that is being filled would get from its parent what the tombstone was to keep away.
      const CollectionRecord* collection = topology->Collection(kept.value.collection);
      if (collection == nullptr || collection->resharding() || collection->kind != ShardKind::kRegisters) continue;
      if (kept.value.replicas.front() == self_ && !kept.value.moving()) co_await Collect(kept.value);
    }
  }
}

Task<void> Repair::Collect(Placement placement) {
  const int64_t grace_ms = Planted(Bug::kCollectTombstonesEarly) ? 0 : settings_.tombstone_grace_ms;
  const int64_t before_ms = caller_.loop().WallMs() - grace_ms;
  if (before_ms <= 0) co_return;
  const Version below{static_cast<uint64_t>(before_ms) << 16, 0};
  if (!Planted(Bug::kCollectTombstonesEarly) && !co_await Confirmed(placement, below)) co_return;
  const Target target{placement.shard, placement.epoch};
  std::map<MemberNumber, CollectRequest> requests;
  for (const MemberNumber owner : placement.replicas) requests[owner] = {target, below};
  using Told = std::map<MemberNumber, Result<CollectRequest::Reply>>;
  const Told told =
      co_await caller_.AskMany<CollectRequest>(std::move(requests), Step(kDigestMs), [](const Told&) { return false; });
  const bool everywhere = std::all_of(told.begin(), told.end(), [](const auto& answer) { return answer.second.ok(); });
  stats_.collections += everywhere ? 1 : 0;
}

// Whether every owner, none missing, holds the same registers below this version.
Task<bool> Repair::Confirmed(Placement placement, Version below) {
  const DigestRequest request{{placement.shard, placement.epoch}, 0, below};
  std::map<MemberNumber, DigestRequest> requests;
  for (const MemberNumber owner : placement.replicas) requests[owner] = request;
  using Digests = std::map<MemberNumber, Result<DigestRequest::Reply>>;
  const Digests digests =
      co_await caller_.AskMany<DigestRequest>(std::move(requests), Step(kDigestMs), [](const Digests& so_far) {
        return std::any_of(so_far.begin(), so_far.end(), [](const auto& answer) { return !answer.second.ok(); });
      });
  if (digests.size() != placement.replicas.size()) co_return false;
  for (const auto& [member, answer] : digests) {
    if (!answer.ok()) co_return false;
    if (answer->digest != digests.begin()->second->digest) {
      Schedule(placement.shard, member);
      co_return false;
    }
  }
  co_return true;
}

}  // namespace rhizome::fabric
