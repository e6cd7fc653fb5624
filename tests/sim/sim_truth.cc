#include "sim_truth.h"

#include <fmt/format.h>

namespace rhizome::sim {

using coordination::Committed;
using coordination::KeyValue;
using coordination::LeaseId;
using coordination::Listing;
using coordination::Transaction;
using fabric::Placement;

namespace {

constexpr int64_t kTimeoutNs = kSecond;
constexpr int64_t kRefusalNs = 20 * kMillisecond;
const std::string kPlacements = std::string(fabric::kRoot) + "placements/";

std::string ToString(const Placement& placement) {
  return fmt::format("epoch {} [{}]{}", placement.epoch, fmt::join(placement.replicas, " "),
                     placement.moving() ? fmt::format(" to [{}]", fmt::join(placement.next, " ")) : "");
}

}  // namespace

std::string IllegalStep(const Placement& from, const Placement& to) {
  if (to.epoch != from.epoch + 1) return "the epoch does not rise by one";
  if (to.replicas == from.replicas && to.next == from.next) return "";  // for a replica that is rebuilt
  if (!from.moving()) {
    if (!to.moving()) return "the owners change without a move";
    return to.replicas == from.replicas ? "" : "a move begins from other owners";
  }
  if (to.moving()) return "a move turns into another one";
  return to.replicas == from.next || to.replicas == from.replicas ? "" : "a move ends with owners it did not have";
}

Result<Committed> TruthServer::Commit(const Transaction& transaction, const std::string& by) {
  Expire();
  std::map<std::string, KeyValue> before;
  for (const auto& change : transaction.changes) {
    if (!change.key.starts_with(kPlacements)) continue;
    for (const KeyValue& entry : state_.List(change.key).entries) before[entry.key] = entry;
  }
  Result<Committed> committed = state_.Commit(transaction);
  if (!committed.ok() || !committed->succeeded) return committed;
  for (const auto& change : transaction.changes) {
    world_.Note("commit", fmt::format("r{} by {}: {}", committed->revision, by, change.key));
  }
  Audit(transaction, before, by);
  Tell();
  return committed;
}

void TruthServer::Audit(const Transaction& transaction, const std::map<std::string, KeyValue>& before,
                        const std::string& by) {
  for (const auto& change : transaction.changes) {
    if (!change.key.starts_with(kPlacements) || !change.value) continue;
    const auto to = fabric::DecodePlacement(*change.value);
    if (!to.ok()) return world_.Fail("a placement that nobody can read: " + to.status().ToString());
    ++placement_changes_;
    world_.Say(fmt::format("placement of shard {} by {}: {}", to->shard, by, ToString(*to)));
    const auto old = before.find(change.key);
    if (old == before.end()) continue;  // new with its collection, whose number the counter of shards fences
    bool compared = false;
    for (const auto& expect : transaction.expect) {
      compared = compared || (expect.key == change.key && expect.mod_revision == old->second.mod_revision);
    }
    if (!compared) return world_.Fail(fmt::format("{} writes {} without comparing its revision", by, change.key));
    const auto from = fabric::DecodePlacement(old->second.value);
    const std::string illegal = from.ok() ? IllegalStep(*from, *to) : "it cannot be read";
    if (!illegal.empty()) {
      return world_.Fail(
          fmt::format("placement of shard {}: {}: {}, then {}", to->shard, illegal, ToString(*from), ToString(*to)));
    }
  }
}

Listing TruthServer::List(const std::string& prefix) {
  Expire();
  return state_.List(prefix);
}

Result<LeaseId> TruthServer::Grant(int64_t ttl_ms) {
  Expire();
  Result<LeaseId> lease = state_.Grant(ttl_ms, world_.NowNs() / kMillisecond);
  Expire();
  return lease;
}

Result<int64_t> TruthServer::KeepAlive(LeaseId lease) {
  Expire();
  return state_.KeepAlive(lease, world_.NowNs() / kMillisecond);
}

Status TruthServer::Revoke(LeaseId lease) {
  Expire();
  const Status revoked = state_.Revoke(lease);
  Tell();
  return revoked;
}

// Ends what is due and sees to it that the next end is not missed.
void TruthServer::Expire() {
  const int64_t now_ms = world_.NowNs() / kMillisecond;
  if (state_.Expire(now_ms)) Tell();
  const auto next = state_.NextExpiryMs();
  if (!next || (expiry_scheduled_ms_ > now_ms && expiry_scheduled_ms_ <= *next)) return;
  expiry_scheduled_ms_ = *next;
  world_.At((*next + 1) * kMillisecond, [this] {
    expiry_scheduled_ms_ = -1;
    Expire();
  });
}

void TruthServer::Watch(std::string prefix, int64_t revision, std::function<void(int64_t)> told) {
  if (state_.ChangedAfter(prefix, revision)) return told(state_.revision());
  watchers_.push_back({std::move(prefix), revision, std::move(told)});
}

void TruthServer::Tell() {
  for (auto watcher = watchers_.begin(); watcher != watchers_.end();) {
    if (!state_.ChangedAfter(watcher->prefix, watcher->revision)) {
      ++watcher;
      continue;
    }
    const Watcher told = std::move(*watcher);
    watcher = watchers_.erase(watcher);
    if (faulty_ && random_.Chance(0.1)) continue;  // lost: its caller finds out by listing
    told.told(state_.revision());
  }
}

bool TruthServer::Reachable(const std::string& process) const {
  if (outage_until_ns_ > world_.NowNs()) return false;
  const auto cut = cut_off_.find(process);
  return cut == cut_off_.end() || cut->second <= world_.NowNs();
}

void TruthServer::Heal() {
  outage_until_ns_ = 0;
  cut_off_.clear();
  faulty_ = false;
}

bool TruthServer::EndLeaseOf(const std::string& key) {
  for (const KeyValue& entry : state_.List(key).entries) {
    if (entry.key == key && entry.lease != coordination::kNoLease) return Revoke(entry.lease).ok();
  }
  return false;
}

SimTruth::SimTruth(TruthServer& server, SimLoop& loop, std::string process)
    : server_(server), loop_(loop), process_(std::move(process)) {}

template <typename T>
fabric::OneShot<Result<T>> SimTruth::Exchange(std::function<Result<T>()> call) {
  auto shot = loop_.Expect<T>();
  if (loop_.stopping()) return shot;
  World& world = server_.world();
  Random& random = server_.random();
  const Result<T> timeout(Status::DeadlineExceeded("coordination has not answered"));
  const int64_t there_ns = random.Between(200'000, 2 * kMillisecond);
  if (!server_.Reachable(process_)) {
    // Refused is known at once, silence only later.
    const bool refused = random.Chance(0.5);
    const Result<T> answer = refused ? Result<T>(Status::Unavailable("coordination cannot be reached")) : timeout;
    world.In(refused ? kRefusalNs : kTimeoutNs, [shot, answer] { shot.Set(answer); });
    return shot;
  }
  const bool faulty = server_.faulty();
  if (faulty && random.Chance(0.01)) {  // the request is lost
    world.In(kTimeoutNs, [shot, timeout] { shot.Set(timeout); });
    return shot;
  }
  const bool lost = faulty && random.Chance(0.02);  // the answer is
  const bool late = faulty && random.Chance(0.01);  // made after its caller gave up
  world.In(late ? kTimeoutNs + there_ns : there_ns,
           [&world, shot, call = std::move(call), lost, back_ns = random.Between(200'000, 2 * kMillisecond)] {
             const Result<T> answer = call();
             if (!lost) world.In(back_ns, [shot, answer] { shot.Set(answer); });
           });
  if (lost || late) world.In(kTimeoutNs, [shot, timeout] { shot.Set(timeout); });
  return shot;
}

Task<Result<Committed>> SimTruth::Commit(Transaction transaction) {
  co_return co_await Exchange<Committed>([&server = server_, transaction = std::move(transaction), by = process_] {
    return server.Commit(transaction, by);
  });
}

Task<Result<Listing>> SimTruth::List(std::string prefix) {
  co_return co_await Exchange<Listing>(
      [&server = server_, prefix = std::move(prefix)] { return Result<Listing>(server.List(prefix)); });
}

Task<Result<LeaseId>> SimTruth::Grant(int64_t ttl_ms) {
  co_return co_await Exchange<LeaseId>([&server = server_, ttl_ms] { return server.Grant(ttl_ms); });
}

Task<Result<int64_t>> SimTruth::KeepAlive(LeaseId lease) {
  co_return co_await Exchange<int64_t>([&server = server_, lease] { return server.KeepAlive(lease); });
}

Task<Status> SimTruth::Revoke(LeaseId lease) {
  const Result<bool> revoked = co_await Exchange<bool>([&server = server_, lease]() -> Result<bool> {
    RETURN_IF_ERROR(server.Revoke(lease));
    return true;
  });
  co_return revoked.status();
}

Task<Result<int64_t>> SimTruth::AwaitChange(std::string prefix, int64_t after_revision, int64_t timeout_ms) {
  auto shot = loop_.Expect<int64_t>();
  if (loop_.stopping()) co_return co_await shot;
  World& world = server_.world();
  if (!server_.Reachable(process_)) {
    world.In(kRefusalNs, [shot] { shot.Set(Status::Unavailable("coordination cannot be reached")); });
    co_return co_await shot;
  }
  Random& random = server_.random();
  world.In(timeout_ms * kMillisecond, [shot, after_revision] { shot.Set(after_revision); });
  if (server_.faulty() && random.Chance(0.02)) {  // early, about nothing
    world.In(random.Between(0, 50 * kMillisecond), [shot, after_revision] { shot.Set(after_revision); });
  }
  const int64_t late_ns = random.Between(0, (server_.faulty() ? 100 : 2) * kMillisecond);
  server_.Watch(std::move(prefix), after_revision, [&world, shot, late_ns](int64_t revision) {
    world.In(late_ns, [shot, revision] { shot.Set(revision); });
  });
  co_return co_await shot;
}

}  // namespace rhizome::sim
