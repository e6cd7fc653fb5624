#include "fabric/splitter.h"

#include <algorithm>
#include <utility>

#include "fabric/planted.h"
#include "format/routing.h"

namespace rhizome::fabric {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr uint32_t kRequestsPerPage = 10'000;
constexpr size_t kReadKeys = 200;  // registers at a time: vectors and texts are large

}  // namespace

Splitter::Splitter(Loop& loop, Directory& directory, ReplicaStore& store, const Settings& settings)
    : loop_(loop), store_(store), settings_(settings), directory_(directory) {
  Follow(*directory_.Now());
  directory_.Subscribe([this](const TopologyPointer& topology) { Follow(*topology); });
}

void Splitter::Follow(const Topology& topology) {
  splits_.clear();
  for (const auto& [name, kept] : topology.collections) {
    const CollectionRecord& collection = kept.value;
    if (!collection.resharding()) continue;
    for (uint32_t p = 0; p < collection.partitions; ++p) {
      splits_[collection.first_shard + p] = {collection.next_first_shard, collection.next_partitions, p,
                                             collection.partitions};
    }
  }
}

Result<Splitter::Parts> Splitter::Divide(const std::string& batch, const Split& split) {
  ASSIGN_OR_RETURN(format::OperationBatch decoded, format::DecodeOperationBatch(batch));
  std::map<ShardNumber, std::vector<format::Operation>> operations;
  if (!decoded.fates.empty()) {
    // What became of requests says nothing of keys: every child remembers all.
    for (uint32_t p = split.partition; p < split.partitions; p += split.parents) operations[split.first_child + p];
  }
  for (format::Operation& operation : decoded.operations) {
    const uint32_t partition = format::PartitionOf(operation.id(), split.partitions);
    operations[split.first_child + partition].push_back(std::move(operation));
  }
  Parts parts;
  for (const auto& [child, of_child] : operations) parts[child] = format::EncodeBatch(of_child, decoded.fates);
  return parts;
}

Task<Status> Splitter::Apply(ShardNumber shard, std::string batch) {
  const uint64_t ticket = next_ticket_++;
  under_way_[shard].insert(ticket);
  const Status applied = co_await ApplyThrough(shard, std::move(batch));
  const auto tickets = under_way_.find(shard);
  tickets->second.erase(ticket);
  if (tickets->second.empty()) under_way_.erase(tickets);
  co_return applied;
}

Task<Status> Splitter::ApplyThrough(ShardNumber shard, std::string batch) {
  const auto known = splits_.find(shard);
  if (known == splits_.end() || Planted(Bug::kApplyToParentOnly)) {
    co_return co_await store_.Apply(shard, std::move(batch));
  }
  const Split split = known->second;
  const Result<Parts> parts = Divide(batch, split);
  if (!parts.ok()) co_return parts.status();
  bool begun = false;
  const auto failed = [&begun](const Status& why) {
    return begun ? Status::DeadlineExceeded("a part of the batch is here, the rest is not: " + why.ToString()) : why;
  };
  for (const auto& [child, part] : *parts) {
    Status applied = co_await open_(child);
    if (applied.ok()) applied = co_await store_.Apply(child, part);
    const auto now = splits_.find(shard);
    // Cancelled meanwhile: nobody will ask the child. Or over: then nobody hears of what the parent takes.
    if (!applied.ok() && (now == splits_.end() || now->second != split)) break;
    if (!applied.ok()) co_return failed(applied);
    begun = true;
  }
  const Status applied = co_await store_.Apply(shard, std::move(batch));
  co_return applied.ok() ? applied : failed(applied);
}

// Whether every batch that is under way now has ended; false when the loop stops.
Task<bool> Splitter::EarlierEnded(ShardNumber shard) {
  const uint64_t now = next_ticket_++;
  while (true) {
    const auto tickets = under_way_.find(shard);
    if (tickets == under_way_.end() || *tickets->second.begin() > now) co_return !loop_.stopping();
    if (!co_await Sleep(loop_, kNsPerMs)) co_return false;
  }
}

Task<Result<Splitter::Filled>> Splitter::Fill(Placement child, std::function<bool()> wanted, Told told) {
  const auto collection = directory_.Now()->CollectionOf(child);
  if (!collection) co_return Status::NotFound("its collection is gone");
  if (!co_await EarlierEnded(child.parent)) co_return Status::Cancelled("stopping");
  const uint32_t partition = child.shard - collection->first_shard;
  Filled filled;
  InventoryRequest request{{child.parent, 0}, 0, {0}, "", settings_.repair_page_keys};
  do {
    if (!wanted()) co_return Status::Cancelled("not wanted any more");
    const int64_t begun_ns = loop_.NowNs();
    const auto page = co_await store_.Inventory(request);
    if (!page.ok()) co_return page.status();
    std::vector<format::RegisterVersion> entries;
    for (const format::RegisterVersion& entry : page->entries) {
      const auto of_key = format::PartitionOfKey(entry.key, collection->partitions);
      if (!of_key.ok()) co_return of_key.status();
      if (*of_key == partition) entries.push_back(entry);
    }
    const Status copied = co_await FillPage(child, std::move(entries), filled);
    if (!copied.ok()) co_return copied;
    told(filled);
    request.after = page->next;
    const bool going = co_await Rest(loop_, begun_ns, settings_.repair_pause_ms * kNsPerMs, settings_.repair_rest);
    if (!going) co_return Status::Cancelled("stopping");
  } while (!request.after.empty());
  const Status remembered = co_await FillRequests(child);
  if (!remembered.ok()) co_return remembered;
  co_return filled;
}

Task<Status> Splitter::FillRequests(const Placement& child) {
  std::string after;
  do {
    const auto page = co_await store_.Requests(child.parent, after, kRequestsPerPage);
    if (!page.ok()) co_return page.status();
    if (!page->fates.empty()) {
      const Status applied = co_await store_.Apply(child.shard, format::EncodeBatch({}, page->fates));
      if (!applied.ok()) co_return applied;
    }
    after = page->next;
    if (!co_await Sleep(loop_, settings_.repair_pause_ms * kNsPerMs)) co_return Status::Cancelled("stopping");
  } while (!after.empty());
  co_return Status::Ok();
}

Task<Status> Splitter::FillPage(const Placement& child, std::vector<format::RegisterVersion> entries, Filled& filled) {
  std::vector<std::string> keys;
  for (const format::RegisterVersion& entry : entries) keys.push_back(entry.key);
  const auto here = co_await store_.Versions(child.shard, std::move(keys), "");
  if (!here.ok()) co_return here.status();
  std::vector<std::string> newer;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (here->versions[i] < entries[i].version) newer.push_back(entries[i].key);
  }
  for (size_t begin = 0; begin < newer.size(); begin += kReadKeys) {
    const auto first = newer.begin() + static_cast<ptrdiff_t>(begin);
    const auto last = newer.begin() + static_cast<ptrdiff_t>(std::min(begin + kReadKeys, newer.size()));
    const auto found = co_await store_.Read(child.parent, {first, last});
    if (!found.ok()) co_return found.status();
    std::vector<format::Operation> operations;
    for (const auto& entry : found->registers) {
      if (entry) operations.push_back(*entry);
    }
    if (operations.empty()) continue;
    const Status applied = co_await store_.Apply(child.shard, format::EncodeBatch(operations));
    if (!applied.ok()) co_return applied;
    filled.copied += operations.size();
  }
  filled.compared += entries.size();
  co_return Status::Ok();
}

}  // namespace rhizome::fabric
