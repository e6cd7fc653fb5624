// Registers: a collection's registers as they are, versions and tombstones included: what backups are made of and go
// back into, whatever the number of partitions on either side.
//
// Implemented over a node's own collections (NodeRegisters) and over a cluster's replicas
// (ClusterRegisters). Thread-safe; every call may block on disk or network.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "format/register.h"

namespace rhizome::cluster {

class Cluster;
class Node;

// One partition for the time of a backup. Everything acknowledged when it was opened is in what it shows, nothing newer
// than EndLsn() is, and every register is whole. It is of one moment exactly when the two LSNs are equal. Where there
// are many logs they are not LSNs but times of versions, which are far above any LSN (base/version.h).
class PartitionView {
 public:
  virtual ~PartitionView() = default;
  virtual uint64_t begin_lsn() const = 0;
  virtual Result<uint64_t> EndLsn() const = 0;  // asked after the last read
  // Every register in key order, tombstones included, until `visit` answers false.
  virtual Status Scan(const std::function<bool(const format::RegisterVersion&)>& visit) const = 0;
  // The operation that recreates each register; nullopt: not there.
  virtual Result<std::vector<std::optional<format::Operation>>> Read(std::span<const std::string> keys) const = 0;
};

class Registers {
 public:
  virtual ~Registers() = default;
  // Partition `partition` of `of`. FailedPrecondition when the collection has another number of them: it was resharded.
  // What happens to it later is no matter: the view goes on. NotFound: no such collection or partition. The view may
  // outlive the collection, not this.
  virtual Result<std::unique_ptr<PartitionView>> View(const std::string& collection, uint32_t partition,
                                                      uint32_t of) = 0;
  // In the order of the keys; Version{} for what was never written.
  virtual Result<std::vector<Version>> Versions(const std::string& collection, std::span<const std::string> keys) = 0;
  // Writes operations under the versions they have, each where its key belongs; where something newer is, it stays.
  // Durable and visible on return. Errors as of Database::Write; repeating is always safe.
  virtual Status Merge(const std::string& collection, std::vector<format::Operation> operations) = 0;
};

// FailedPrecondition unless there are as many as are meant, NotFound for one that is not among them.
Status CheckPartition(const std::string& collection, uint32_t partition, uint32_t of, size_t there);

// Of a node's own collections. Its views are exact: of one LSN. The node outlives it.
class NodeRegisters final : public Registers {
 public:
  explicit NodeRegisters(Node& node) : node_(node) {}

  Result<std::unique_ptr<PartitionView>> View(const std::string& collection, uint32_t partition, uint32_t of) override;
  Result<std::vector<Version>> Versions(const std::string& collection, std::span<const std::string> keys) override;
  Status Merge(const std::string& collection, std::vector<format::Operation> operations) override;

 private:
  Node& node_;
};

// Of a cluster's collections, read and merged at quorum. Its views are of no single moment: everything acknowledged
// when one was opened is in what it shows, and what was written since may be. Reading writes back what some owners
// lack, as every quorum read does. Calls go behind those of clients and wait up to a minute for other members. The
// cluster outlives it.
class ClusterRegisters final : public Registers {
 public:
  explicit ClusterRegisters(Cluster& cluster, Clock& clock = SystemClock()) : cluster_(cluster), clock_(clock) {}

  Result<std::unique_ptr<PartitionView>> View(const std::string& collection, uint32_t partition, uint32_t of) override;
  Result<std::vector<Version>> Versions(const std::string& collection, std::span<const std::string> keys) override;
  Status Merge(const std::string& collection, std::vector<format::Operation> operations) override;

 private:
  class ShardView;
  struct Access;
  Cluster& cluster_;
  Clock& clock_;
};

}  // namespace rhizome::cluster
