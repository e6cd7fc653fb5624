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
constexpr size_t kHandOverBytes = 8 << 20;  // of records
constexpr int64_t kHandOverMs = 5'000;

}  // namespace

Hints::Hints(Caller& caller, Directory& directory, ReplicaStore* store, const Settings& settings, MemberNumber self)
    : caller_(caller), directory_(directory), store_(store), settings_(settings), self_(self), gate_(caller.loop()) {}

void Hints::Note(Target target, MemberNumber missed, Missed what, const std::set<MemberNumber>& holders) {
  if (caller_.loop().stopping() || what.empty()) return;
  if (what.record.empty()) {
    Hand(HintRequest{target, missed, std::move(what.keys)}, holders);
  } else {
    Hand(KeepRequest{target, missed, std::move(what.record)}, holders);
  }
}

// Keeps it here, if this member holds the shard, or passes it to one who does.
template <typename R>
void Hints::Hand(R request, const std::set<MemberNumber>& holders) {
  if (store_ != nullptr && holders.contains(self_)) {
    (void)Keep(std::move(request));
    return;
  }
  std::vector<MemberNumber> others(holders.begin(), holders.end());
  std::erase(others, request.missed);
  others = caller_.peers().Order(std::move(others));
  if (!others.empty()) gate_.Start(Pass(others.front(), std::move(request)));
}

// Nobody waits for this, and repair finds what it loses.
template <typename R>
Task<void> Hints::Pass(MemberNumber holder, R request) {
  CallContext context;
  context.deadline_ns = caller_.loop().NowNs() + kHandOverMs * kNsPerMs;
  (void)co_await caller_.Ask<R>(holder, std::move(request), context);
}

Hints::Kept* Hints::KeptFor(Target target, MemberNumber missed) {
  const Placement* placement = directory_.Now()->Find(target.shard);
  if (placement == nullptr || !placement->Owns(self_) || !placement->Owns(missed)) return nullptr;
  Kept& kept = kept_[{missed, target.shard}];
  if (kept.items.empty()) kept.since_ns = caller_.loop().NowNs();
  return &kept;
}

Status Hints::Keep(const HintRequest& request) {
  Kept* const kept = KeptFor(request.target, request.missed);
  if (kept == nullptr) return Status::NotFound("no replica here to take a hint for");
  for (const std::string& key : request.keys) {
    if (kept->items.size() >= settings_.hint_keys_max) {
      overflowed_.insert({request.target.shard, request.missed});
      break;
    }
    pending_ += kept->items.insert(key).second ? 1 : 0;
  }
  return Status::Ok();
}

Status Hints::Keep(KeepRequest request) {
  Kept* const kept = KeptFor(request.target, request.missed);
  if (kept == nullptr) return Status::NotFound("no replica here to take a hint for");
  kept->records = true;
  const size_t bytes = request.record.size();
  if (record_bytes_ + bytes > settings_.hint_bytes_max || kept->items.size() >= settings_.hint_keys_max) {
    overflowed_.insert({request.target.shard, request.missed});
    return Status::Ok();
  }
  if (!kept->items.insert(std::move(request.record)).second) return Status::Ok();
  ++pending_;
  record_bytes_ += bytes;
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

std::vector<std::string> Hints::TakeSome(const Kept& kept) const {
  std::vector<std::string> items;
  size_t bytes = 0;
  for (const std::string& item : kept.items) {
    if (items.size() == kHandOverKeys || (kept.records && bytes >= kHandOverBytes)) break;
    items.push_back(item);
    bytes += item.size();
  }
  return items;
}

void Hints::Forget(Address address, const std::vector<std::string>& items) {
  const auto still = kept_.find(address);
  if (still == kept_.end()) return;
  for (const std::string& item : items) {
    if (still->second.items.erase(item) == 0) continue;
    --pending_;
    if (still->second.records) record_bytes_ -= item.size();
  }
  if (still->second.items.empty()) kept_.erase(still);
}

// Hands over some of what is kept for one member and shard; false: not now.
Task<bool> Hints::DeliverOne(Address address) {
  const auto [member, shard] = address;
  const Placement* placement = directory_.Now()->Find(shard);
  const auto kept = kept_.find(address);
  if (placement == nullptr) HandDown(address);
  if (placement == nullptr || !placement->Owns(member) || !placement->Owns(self_)) {
    ForgetAll(kept);
    co_return true;
  }
  const Target target{shard, placement->epoch};
  const bool records = kept->second.records;
  const std::vector<std::string> items = TakeSome(kept->second);
  const Result<std::vector<std::string>> batches = co_await Batches(shard, records, items);
  if (batches.status().code() == Code::kCorruption) {
    // Somebody's record is none. What is lost with it comparing finds.
    overflowed_.insert({shard, member});
    Forget(address, items);
    co_return true;
  }
  if (!batches.ok()) co_return false;
  for (const std::string& batch : *batches) {
    CallContext context;
    context.deadline_ns = caller_.loop().NowNs() + kHandOverMs * kNsPerMs;
    const auto applied = co_await caller_.Ask<ApplyRequest>(member, {target, batch}, context);
    if (!applied.ok()) co_return false;
  }
  // It may have been noted again meanwhile; then it is handed over again.
  Forget(address, items);
  co_return true;
}

// What is sent for these items.
Task<Result<std::vector<std::string>>> Hints::Batches(ShardNumber shard, bool records, std::vector<std::string> items) {
  if (records) co_return co_await store_->Join(shard, std::move(items));
  const Result<ReadRequest::Reply> found = co_await store_->Read(shard, std::move(items));
  if (!found.ok()) co_return found.status();
  std::vector<format::Operation> operations;
  for (const auto& entry : found->registers) {
    if (entry) operations.push_back(*entry);
  }
  std::vector<std::string> batches;
  if (!operations.empty()) batches.push_back(format::EncodeBatch(operations));
  co_return batches;
}

void Hints::ForgetAll(std::map<Address, Kept>::iterator kept) {
  pending_ -= kept->second.items.size();
  if (kept->second.records) {
    for (const std::string& item : kept->second.items) record_bytes_ -= item.size();
  }
  kept_.erase(kept);
}

// A shard that is not there any more may have been split: those that took over have the registers.
void Hints::HandDown(Address address) {
  const TopologyPointer topology = directory_.Now();
  const Kept& kept = kept_.at(address);
  for (const ShardNumber child : topology->ChildrenOf(address.second)) {
    const auto collection = topology->CollectionOf(*topology->Find(child));
    if (!collection) continue;
    std::vector<std::string> keys;
    for (const std::string& key : kept.items) {
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
        ForgetAll(it++);
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
