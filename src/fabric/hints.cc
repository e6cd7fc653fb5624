#include "fabric/hints.h"

#include <algorithm>
#include <utility>

#include "fabric/planted.h"
#include "format/routing.h"

namespace rhizome::fabric {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kRoundMs = 250;
constexpr size_t kHandOverKeys = 500;
constexpr int64_t kHandOverMs = 5'000;

}  // namespace

Hints::Hints(Caller& caller, Directory& directory, ReplicaStore* store, const Settings& settings, MemberNumber self)
    : caller_(caller), directory_(directory), store_(store), settings_(settings), self_(self), gate_(caller.loop()) {}

void Hints::Note(Target target, MemberNumber missed, std::vector<std::string> keys,
                 const std::set<MemberNumber>& holders) {
  if (caller_.loop().stopping()) return;
  if (store_ != nullptr && holders.contains(self_)) {
    (void)Keep({target, missed, std::move(keys)});
    return;
  }
  std::vector<MemberNumber> others(holders.begin(), holders.end());
  std::erase(others, missed);
  others = caller_.peers().Order(std::move(others));
  if (!others.empty()) gate_.Start(Pass(others.front(), {target, missed, std::move(keys)}));
}

// Nobody waits for this, and repair finds what it loses.
Task<void> Hints::Pass(MemberNumber holder, HintRequest request) {
  CallContext context;
  context.deadline_ns = caller_.loop().NowNs() + kHandOverMs * kNsPerMs;
  (void)co_await caller_.Ask<HintRequest>(holder, std::move(request), context);
}

Status Hints::Keep(const HintRequest& request) {
  const Placement* placement = directory_.Now()->Find(request.target.shard);
  if (placement == nullptr || !placement->Owns(self_) || !placement->Owns(request.missed)) {
    return Status::NotFound("no replica here to take a hint for");
  }
  Kept& kept = kept_[{request.missed, request.target.shard}];
  if (kept.keys.empty()) kept.since_ns = caller_.loop().NowNs();
  for (const std::string& key : request.keys) {
    if (kept.keys.size() >= settings_.hint_keys_max) {
      overflowed_.insert({request.target.shard, request.missed});
      break;
    }
    pending_ += kept.keys.insert(key).second ? 1 : 0;
  }
  return Status::Ok();
}

void Hints::Deliver(MemberNumber member) {
  if (caller_.loop().stopping() || delivering_.contains(member)) return;
  const auto first = kept_.lower_bound({member, 0});
  if (first == kept_.end() || first->first.first != member) return;
  delivering_.insert(member);
  gate_.Start(DeliverAll(member));
}

Task<void> Hints::DeliverAll(MemberNumber member) {
  while (!caller_.loop().stopping()) {
    const auto first = kept_.lower_bound({member, 0});
    if (first == kept_.end() || first->first.first != member) break;
    if (!co_await DeliverOne(first->first)) break;
  }
  delivering_.erase(member);
}

// Hands over some of what is kept for one member and shard; false: not now.
Task<bool> Hints::DeliverOne(Address address) {
  const auto [member, shard] = address;
  const Placement* placement = directory_.Now()->Find(shard);
  const auto kept = kept_.find(address);
  if (placement == nullptr) HandDown(address);
  if (placement == nullptr || !placement->Owns(member) || !placement->Owns(self_)) {
    pending_ -= kept->second.keys.size();
    kept_.erase(kept);
    co_return true;
  }
  const Target target{shard, placement->epoch};
  std::vector<std::string> keys;
  for (const std::string& key : kept->second.keys) {
    if (keys.size() == kHandOverKeys) break;
    keys.push_back(key);
  }
  const Result<ReadRequest::Reply> found = co_await store_->Read(shard, keys);
  if (!found.ok()) co_return false;
  std::vector<format::Operation> operations;
  for (const auto& entry : found->registers) {
    if (entry) operations.push_back(*entry);
  }
  if (!operations.empty()) {
    CallContext context;
    context.deadline_ns = caller_.loop().NowNs() + kHandOverMs * kNsPerMs;
    const auto applied = co_await caller_.Ask<ApplyRequest>(member, {target, format::EncodeBatch(operations)}, context);
    if (!applied.ok()) co_return false;
  }
  // It may have been noted again meanwhile; then it is handed over again.
  const auto still = kept_.find(address);
  if (still == kept_.end()) co_return true;
  for (const std::string& key : keys) pending_ -= still->second.keys.erase(key);
  if (still->second.keys.empty()) kept_.erase(still);
  co_return true;
}

// A shard that is not there any more may have been split: those that took over have the registers.
void Hints::HandDown(Address address) {
  const TopologyPointer topology = directory_.Now();
  const Kept& kept = kept_.at(address);
  for (const ShardNumber child : topology->ChildrenOf(address.second)) {
    const auto collection = topology->CollectionOf(*topology->Find(child));
    if (!collection) continue;
    std::vector<std::string> keys;
    for (const std::string& key : kept.keys) {
      const auto partition = format::PartitionOfKey(key, collection->partitions);
      if (partition.ok() && collection->first_shard + *partition == child) keys.push_back(key);
    }
    // Who owns neither gets it by comparison, if at all.
    if (!keys.empty()) (void)Keep({{child, 0}, address.first, std::move(keys)});
  }
}

Task<void> Hints::Run() {
  while (co_await Sleep(caller_.loop(), kRoundMs * kNsPerMs)) {
    const int64_t oldest_ns = caller_.loop().NowNs() - settings_.hint_age_max_ms * kNsPerMs;
    std::set<MemberNumber> there;
    for (auto it = kept_.begin(); it != kept_.end();) {
      const auto& [address, kept] = *it;
      if (kept.since_ns < oldest_ns && !delivering_.contains(address.first)) {
        overflowed_.insert({address.second, address.first});
        pending_ -= kept.keys.size();
        it = kept_.erase(it);
        continue;
      }
      if (!caller_.peers().Suspect(address.first)) there.insert(address.first);
      ++it;
    }
    for (const MemberNumber member : there) Deliver(member);
  }
}

std::vector<std::pair<ShardNumber, MemberNumber>> Hints::TakeOverflowed() {
  const auto taken = std::exchange(overflowed_, {});
  return {taken.begin(), taken.end()};
}

}  // namespace rhizome::fabric
