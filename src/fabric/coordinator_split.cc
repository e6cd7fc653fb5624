// Requests for a shard that has been split: its successors are asked, and their answers put together.
#include <algorithm>
#include <utility>

#include "fabric/coordinator.h"
#include "fabric/planted.h"
#include "format/routing.h"

namespace rhizome::fabric {

Result<ShardNumber> Coordinator::Successors::ShardOf(std::string_view key) const {
  ASSIGN_OR_RETURN(const uint32_t partition, format::PartitionOfKey(key, partitions));
  const ShardNumber shard = first_shard + partition;
  if (std::find(shards.begin(), shards.end(), shard) == shards.end()) {
    return Status::InvalidArgument("key", "is not of this shard");
  }
  return shard;
}

Coordinator::Successors Coordinator::SuccessorsOf(ShardNumber shard) const {
  const TopologyPointer topology = directory_.Now();
  Successors successors;
  for (const ShardNumber child : topology->ChildrenOf(shard)) {
    const auto collection = topology->CollectionOf(*topology->Find(child));
    if (!collection) continue;
    successors.shards.push_back(child);
    successors.first_shard = collection->first_shard;
    successors.partitions = collection->partitions;
  }
  return successors;
}

// One after the other: this happens to few requests, once.
Task<Result<WriteReceipt>> Coordinator::WriteToSuccessors(Successors successors, WriteCommand command, bool sent) {
  std::map<ShardNumber, std::vector<size_t>> parts;  // positions of the operations
  for (size_t i = 0; i < command.operations.size(); ++i) {
    const Result<ShardNumber> shard = successors.ShardOf(command.operations[i].Key());
    if (!shard.ok()) co_return shard.status();
    parts[*shard].push_back(i);
  }
  WriteReceipt whole;
  whole.versions.resize(command.operations.size());
  std::vector<format::Operation> operations = std::exchange(command.operations, {});
  Status failure;
  size_t taken = 0;
  bool perhaps = false;
  for (const auto& [shard, positions] : parts) {
    WriteCommand part = command;
    part.shard = shard;
    for (const size_t i : positions) part.operations.push_back(std::move(operations[i]));
    // A version that was sent stays: two of one content, with another's between them, would be seen as a, b, a.
    part.brought = command.brought || (sent && !Planted(Bug::kNewVersionOnReroute));
    const Result<WriteReceipt> receipt = co_await Write(std::move(part));
    if (!receipt.ok()) {
      perhaps = perhaps || receipt.status().code() == Code::kDeadlineExceeded;
      if (failure.ok() || receipt.status().code() == Code::kDeadlineExceeded) failure = receipt.status();
      continue;
    }
    ++taken;
    for (size_t i = 0; i < positions.size(); ++i) whole.versions[positions[i]] = receipt->versions[i];
    whole.version = std::max(whole.version, receipt->version);
    whole.repeated = whole.repeated || receipt->repeated;
    whole.acknowledged.insert(receipt->acknowledged.begin(), receipt->acknowledged.end());
  }
  if (taken == parts.size()) co_return whole;
  if (perhaps || taken == 0) co_return failure;
  co_return Status::DeadlineExceeded("only a part of the write was taken; repeat it: " + failure.ToString());
}

Task<Result<Coordinator::Registers>> Coordinator::ReadFromSuccessors(Successors successors, ReadCommand command) {
  std::map<ShardNumber, std::vector<size_t>> parts;  // positions of the keys
  for (size_t i = 0; i < command.keys.size(); ++i) {
    const Result<ShardNumber> shard = successors.ShardOf(command.keys[i]);
    if (!shard.ok()) co_return shard.status();
    parts[*shard].push_back(i);
  }
  Registers whole(command.keys.size());
  for (const auto& [shard, positions] : parts) {
    ReadCommand part{shard, {}, command.level, command.context};
    for (const size_t i : positions) part.keys.push_back(command.keys[i]);
    Result<Registers> found = co_await Read(std::move(part));
    if (!found.ok()) co_return found.status();
    for (size_t i = 0; i < positions.size(); ++i) whole[positions[i]] = std::move((*found)[i]);
  }
  co_return whole;
}

Task<Result<VersionsRequest::Reply>> Coordinator::VersionsFromSuccessors(Successors successors, ReadCommand command) {
  std::map<ShardNumber, std::vector<size_t>> parts;
  for (size_t i = 0; i < command.keys.size(); ++i) {
    const Result<ShardNumber> shard = successors.ShardOf(command.keys[i]);
    if (!shard.ok()) co_return shard.status();
    parts[*shard].push_back(i);
  }
  VersionsRequest::Reply whole;
  whole.versions.resize(command.keys.size());
  whole.tombstones.resize(command.keys.size());
  for (const auto& [shard, positions] : parts) {
    ReadCommand part{shard, {}, command.level, command.context};
    for (const size_t i : positions) part.keys.push_back(command.keys[i]);
    const Result<VersionsRequest::Reply> found = co_await Versions(std::move(part));
    if (!found.ok()) co_return found.status();
    for (size_t i = 0; i < positions.size(); ++i) {
      whole.versions[positions[i]] = found->versions[i];
      whole.tombstones[positions[i]] = found->tombstones[i];
    }
  }
  co_return whole;
}

Task<Result<format::InventoryPage>> Coordinator::InventoryOfSuccessors(Successors successors,
                                                                       InventoryCommand command) {
  std::vector<format::InventoryPage> pages;
  for (const ShardNumber shard : successors.shards) {
    InventoryCommand part = command;
    part.shard = shard;
    Result<format::InventoryPage> page = co_await Inventory(std::move(part));
    if (!page.ok()) co_return page.status();
    pages.push_back(std::move(page).value());
  }
  co_return UnionOf(pages);
}

format::InventoryPage UnionOf(const std::vector<format::InventoryPage>& pages) {
  format::InventoryPage whole;
  std::map<std::string, format::RegisterVersion> newest;
  for (const format::InventoryPage& page : pages) {
    if (!page.next.empty() && (whole.next.empty() || page.next < whole.next)) whole.next = page.next;
    for (const format::RegisterVersion& entry : page.entries) {
      const auto [known, fresh] = newest.emplace(entry.key, entry);
      if (!fresh && known->second.version < entry.version) known->second = entry;
    }
  }
  for (auto& [key, entry] : newest) {
    if (whole.next.empty() || key <= whole.next) whole.entries.push_back(std::move(entry));
  }
  return whole;
}

}  // namespace rhizome::fabric
