#include "registers.h"

#include <algorithm>

#include "fabric/planted.h"

namespace rhizome::sim {

using fabric::Bug;
using fabric::Planted;
using format::Operation;
using format::RegisterVersion;

bool IsTombstone(const Operation& operation) {
  return std::holds_alternative<format::DeletePoint>(operation.body) ||
         std::holds_alternative<format::DeleteDocument>(operation.body);
}

void Registers::Merge(const format::OperationBatch& batch) {
  const auto remember = [this](const format::IdempotencyKey& key, const format::RequestRecord& record) {
    format::RequestRecord& known = requests_[key];
    known = std::max(known, record);
  };
  for (const format::RequestFate& fate : batch.fates) remember(fate.key, fate.record);
  for (const Operation& operation : batch.operations) {
    if (operation.request) remember(operation.request->key, {operation.version, operation.request->content_hash});
    const auto [at, fresh] = operations_.try_emplace(operation.Key(), operation);
    if (fresh && IsTombstone(operation) && Planted(Bug::kForgetTombstone)) operations_.erase(at);
    if (fresh) continue;
    if (operation.version > at->second.version || Planted(Bug::kMergeByArrival)) at->second = operation;
  }
}

fabric::VersionsRequest::Reply Registers::Versions(const std::vector<std::string>& keys,
                                                   const std::string& request) const {
  fabric::VersionsRequest::Reply reply;
  for (const std::string& key : keys) {
    const auto found = operations_.find(key);
    reply.versions.push_back(found == operations_.end() ? Version{} : found->second.version);
    reply.tombstones.push_back(found != operations_.end() && IsTombstone(found->second));
  }
  const auto key = format::ParseIdempotencyKey(request);
  if (!key.ok()) return reply;
  const auto known = requests_.find(*key);
  if (known == requests_.end()) return reply;
  reply.request = known->second.version;
  reply.content_hash = known->second.content_hash;
  return reply;
}

fabric::ReadRequest::Reply Registers::Read(const std::vector<std::string>& keys) const {
  fabric::ReadRequest::Reply reply;
  for (const std::string& key : keys) {
    const auto found = operations_.find(key);
    reply.registers.push_back(found == operations_.end() ? std::nullopt : std::optional(found->second));
  }
  return reply;
}

std::vector<RegisterVersion> Registers::Live() const {
  std::vector<RegisterVersion> live;
  for (const auto& [key, operation] : operations_) {
    if (!IsTombstone(operation)) live.push_back({key, operation.version, false});
  }
  return live;
}

format::RangeDigest Registers::Digest(uint32_t bits, const std::optional<Version>& below) const {
  format::RangeDigest digest(bits);
  for (const auto& [key, operation] : operations_) {
    if (below && operation.version >= *below) continue;
    format::AddToDigest(digest, {key, operation.version, IsTombstone(operation)});
  }
  return digest;
}

format::InventoryPage Registers::Inventory(const fabric::InventoryRequest& request) const {
  format::InventoryPage page;
  for (auto at = operations_.upper_bound(request.after); at != operations_.end(); ++at) {
    const uint32_t leaf = format::LeafOf(at->first, request.bits);
    if (std::find(request.leaves.begin(), request.leaves.end(), leaf) == request.leaves.end()) continue;
    if (page.entries.size() == request.limit) {
      page.next = page.entries.back().key;
      break;
    }
    page.entries.push_back({at->first, at->second.version, IsTombstone(at->second)});
  }
  return page;
}

void Registers::Collect(Version below) {
  std::erase_if(operations_,
                [below](const auto& entry) { return IsTombstone(entry.second) && entry.second.version < below; });
}

format::RequestPage Registers::Requests(const std::string& after, uint32_t limit) const {
  format::RequestPage page;
  const auto last = format::ParseIdempotencyKey(after);
  for (auto at = last.ok() ? requests_.upper_bound(*last) : requests_.begin(); at != requests_.end(); ++at) {
    if (page.fates.size() == limit) {
      page.next = format::ToBytes(page.fates.back().key);
      break;
    }
    page.fates.push_back({at->first, at->second});
  }
  return page;
}

uint64_t Registers::tombstones() const {
  return std::count_if(operations_.begin(), operations_.end(),
                       [](const auto& entry) { return IsTombstone(entry.second); });
}

}  // namespace rhizome::sim
