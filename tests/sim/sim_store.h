// SimStore: a member's replicas: registers in memory, rebuilt from a real wal::Log on a simulated disk, with the
// semantics of the engine's (highest version wins, tombstones kept until collected, requests remembered) and none of
// its index.
//
// Log and catalogue reach the disk one operation at a time, each after the disk's latency; a crash may strike in the
// middle of one. A stopped log (a failed sync) ends the process, which recovers what was synced. A log found damaged
// marks every replica it served as damaged, durably, until each is dropped; a new log is begun beside it.
//
// On the loop. The disk outlives the store.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fabric/ports.h"
#include "io/sim_disk.h"
#include "registers.h"
#include "samples.h"
#include "sim_loop.h"
#include "store_catalogue.h"
#include "wal/log.h"

namespace rhizome::sim {

// What a disk does to those who use it, beyond SimDisk's faults; survives the process.
struct DiskPace {
  int64_t slow_until_ns = 0;
  int64_t slow_by_ns = 0;
};

// Sees every write that any replica takes: one version must have one content. And a mutation that was sent keeps its
// version: what comes without an idempotency key is sent once, so its content must have one version.
class ContentAudit {
 public:
  explicit ContentAudit(World& world) : world_(world) {}
  void Saw(const format::Operation& operation);
  uint64_t versions() const { return contents_.size(); }

 private:
  World& world_;
  std::map<std::pair<std::string, Version>, uint64_t> contents_;
  std::map<uint64_t, Version> versions_;  // of contents that were sent once
};

class SimStore final : public fabric::ReplicaStore {
 public:
  struct Place {
    io::SimDisk& disk;
    const DiskPace& pace;
    ContentAudit& audit;
    std::string name;               // for the trace
    std::function<void()> on_stop;  // the log has stopped for good
  };
  SimStore(World& world, SimLoop& loop, Place place, Random random);
  ~SimStore() override;

  // Reads what the disk has. An error: the disk refused; try another life.
  Status Recover();
  // The end, as power loss ends it: what is under way may be cut anywhere; nothing happens on the disk afterwards.
  void Abandon();

  Task<Status> Apply(fabric::ShardNumber shard, std::string batch) override;
  Task<Result<fabric::VersionsRequest::Reply>> Versions(fabric::ShardNumber shard, std::vector<std::string> keys,
                                                        std::string request) override;
  Task<Result<fabric::ReadRequest::Reply>> Read(fabric::ShardNumber shard, std::vector<std::string> keys) override;
  // Any query: every live register of the shards, as EncodeRegisterVersions.
  Task<Result<std::string>> Query(std::vector<fabric::ShardNumber> shards, std::string query) override;
  Task<Result<format::RangeDigest>> Digest(fabric::ShardNumber shard, uint32_t bits,
                                           std::optional<Version> below) override;
  Task<Result<format::InventoryPage>> Inventory(fabric::InventoryRequest request) override;
  Task<Status> Collect(fabric::ShardNumber shard, Version below) override;
  Task<Result<format::RequestPage>> Requests(fabric::ShardNumber shard, std::string after, uint32_t limit) override;
  Task<Result<fabric::ScanRequest::Reply>> Scan(fabric::ScanRequest request) override;
  Task<Result<std::vector<std::string>>> Join(fabric::ShardNumber shard, std::vector<std::string> records) override;
  Task<Status> Probe() override;
  Task<Status> Open(fabric::ShardSpec spec) override;
  Task<Status> MarkComplete(fabric::ShardNumber shard, uint64_t since) override;
  Task<Status> Drop(fabric::ShardNumber shard) override;
  std::vector<Held> List() override;

  // The process's seat, kept with the data.
  const std::string& identity() const { return catalogue_.identity; }
  Status KeepIdentity(std::string identity);
  // For the final comparison; null when the replica is not there, damaged or of the other kind.
  const Registers* Find(fabric::ShardNumber shard) const;
  const Samples* FindSamples(fabric::ShardNumber shard) const;
  uint64_t batches_durable() const { return batches_durable_; }
  uint64_t damages_found() const { return damages_found_; }

 private:
  struct DiskWork {
    std::function<Status()> run;
    std::function<void(Status)> done;
  };
  Result<Registers*> Usable(fabric::ShardNumber shard);
  // Null: its replica holds registers.
  Result<Samples*> SamplesOf(fabric::ShardNumber shard);
  Task<Status> Append(fabric::ShardNumber shard, std::string batch, std::function<void()> merge);
  Status OpenLog();
  Status Replay();
  Status WriteCatalogue();
  // Changes the catalogue, on the disk too; after a failure it is as before.
  Status ChangeCatalogue(const std::function<void(StoreCatalogue&)>& change);
  // Runs `work` on the disk after what is already queued there; the status is its own, or Cancelled.
  Task<Status> OnDisk(std::function<Status()> work);
  void StartDiskWork();
  void RunDiskWork();
  void QueueFlush();
  Status FlushLog();
  void Merge(uint32_t stream, const format::OperationBatch& batch);
  int64_t LatencyNs();

  World& world_;
  SimLoop& loop_;
  Place place_;
  Random random_;
  StoreCatalogue catalogue_;
  std::unique_ptr<wal::Log> log_;
  std::map<uint32_t, Registers> registers_;  // by stream
  std::map<uint32_t, Samples> samples_;      // likewise, of replicas of series
  std::deque<DiskWork> work_;
  bool working_ = false;
  bool flush_queued_ = false;
  bool abandoned_ = false;
  std::shared_ptr<SimStore*> self_;  // events hold it weakly
  uint64_t batches_durable_ = 0;
  uint64_t damages_found_ = 0;
};

}  // namespace rhizome::sim
