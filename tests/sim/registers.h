// Registers: one replica's state, the least an engine must be: a map of registers, merged by version. Bugs planted in
// the engine's place (fabric/planted.h) live here. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fabric/message.h"
#include "format/register.h"

namespace rhizome::sim {

class Registers {
 public:
  void Merge(const format::OperationBatch& batch);
  fabric::VersionsRequest::Reply Versions(const std::vector<std::string>& keys, const std::string& request) const;
  fabric::ReadRequest::Reply Read(const std::vector<std::string>& keys) const;
  std::vector<format::RegisterVersion> Live() const;
  format::RangeDigest Digest(uint32_t bits, const std::optional<Version>& below) const;
  format::InventoryPage Inventory(const fabric::InventoryRequest& request) const;
  void Collect(Version below);
  format::RequestPage Requests(const std::string& after, uint32_t limit) const;

  const std::map<std::string, format::Operation>& all() const { return operations_; }
  uint64_t tombstones() const;

 private:
  std::map<std::string, format::Operation> operations_;
  std::map<format::IdempotencyKey, format::RequestRecord> requests_;
};

bool IsTombstone(const format::Operation& operation);

}  // namespace rhizome::sim
