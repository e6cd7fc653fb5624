// GraphShard: one part of a memory's knowledge graph: its stream in the node's log and its engine. Write is THE write
// path of one shard of a graph; reads go straight to engine().
//
// Merge is Write for operations that got their versions elsewhere: it keeps them. Order and acknowledgement are as
// shard::Shard's: versions rise with the places in the log, records are applied in that order (log_order.h), a write is
// acknowledged when it is durable (fdatasync) and applied. A failed apply leaves log and engine apart, so the shard
// then refuses writes until it is reopened and replayed; when the database had no room, until TryResume.
//
// Thread-safe. Replay only before the first write.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "engines/graph/engine.h"
#include "format/graph.h"
#include "shard/log_order.h"
#include "shard/shard.h"
#include "wal/log.h"

namespace rhizome::shard {

// A write between its place in the log and its acknowledgement. Every one begun must be finished.
struct PendingGraphWrite {
  LogOrder::Place place;
  std::vector<format::GraphOperation> operations;
};

class GraphShard {
 public:
  // `log` and `clock` outlive the shard.
  GraphShard(uint32_t stream, std::unique_ptr<graph::GraphEngine> engine, wal::Log& log, HybridClock& clock);

  uint32_t stream() const { return order_.stream(); }
  const graph::GraphEngine& engine() const { return *engine_; }
  graph::GraphEngine& engine() { return *engine_; }

  // Applies one record of the log unless the database holds it already. Corruption for what is no batch.
  Status Replay(const wal::LogRecord& record);

  // Everything that can be refused is refused here, before the log. "operations[i]…" is the field at fault.
  Status Check(const std::vector<format::GraphOperation>& operations) const;
  // As Check, and that every operation has a version: InvalidArgument names "operations[i].version".
  Status CheckMerge(const std::vector<format::GraphOperation>& operations) const;
  // Gives the operations a place in the log and, with kAssign, versions; with kKeep the clock learns of theirs. They
  // must have passed Check or CheckMerge.
  PendingGraphWrite Begin(std::vector<format::GraphOperation> operations, Stamp stamp = Stamp::kAssign);
  // Returns once they are durable and visible. IoError: unknown whether they will be after a restart; any other
  // error: they are not in the log, or their memory has been dropped.
  Status Finish(PendingGraphWrite pending);
  // Check, Begin and Finish.
  Status Write(std::vector<format::GraphOperation> operations);
  // CheckMerge, Begin and Finish.
  Status Merge(std::vector<format::GraphOperation> operations);
  // The same for an encoded batch: its bytes are what the log stores. Corruption when they are none.
  Status MergeEncoded(std::string_view encoded);

  // The log holds nothing this shard needs up to and with this LSN.
  wal::Lsn UnneededLsn() {
    return order_.UnneededLsn([this] { return LogOrder::Reached{engine_->applied_lsn(), engine_->checkpoint_lsn()}; });
  }
  bool dirty() const { return engine_->applied_lsn() > engine_->checkpoint_lsn(); }
  // After NoSpace: applies what is durable and waits, and takes writes again. Otherwise write_status().
  Status TryResume() {
    return order_.TryResume([this] { return engine_->Retry(); });
  }
  // Refuses writes from now on with `reason` and waits for those under way.
  void Stop(Status reason) { order_.Stop(std::move(reason)); }
  // OK, or why writes are refused.
  Status write_status() const { return order_.write_status(); }

 private:
  void Observe(const std::vector<format::GraphOperation>& operations);

  // Constant after construction.
  const std::unique_ptr<graph::GraphEngine> engine_;
  HybridClock& clock_;

  LogOrder order_;
};

}  // namespace rhizome::shard
