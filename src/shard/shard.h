// Shard: one partition of a collection: its stream in the node's log and its engine. Write is THE write path of one
// shard; reads go straight to engine().
//
// Merge is Write for operations that got their versions elsewhere: it keeps them, whatever is here already, since the
// engine orders registers by version and never by arrival.
//
// Order: operations get their versions and their place in the log under one lock, and are applied in that order, so
// the engine sees the log (log_order.h). A write is acknowledged when it is durable (fdatasync) and applied.
//
// A failed apply leaves log and engine apart, so the shard then refuses writes and snapshots until it is reopened and
// replays; when the database had no room, until TryResume has applied what is waiting.
// Thread-safe. Replay only before the first write.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "engines/vector/engine.h"
#include "shard/log_order.h"
#include "wal/log.h"

namespace rhizome::shard {

// Whether a batch gets its versions here or brings them along.
enum class Stamp { kAssign, kKeep };

// A write between its place in the log and its acknowledgement. Every one begun must be finished.
struct PendingWrite {
  LogOrder::Place place;
  format::OperationBatch batch;
};

class Shard {
 public:
  // `log` and `clock` outlive the shard.
  Shard(uint32_t number, std::unique_ptr<vector::VectorEngine> engine, wal::Log& log, HybridClock& clock);

  uint32_t number() const { return order_.stream(); }
  const vector::VectorEngine& engine() const { return *engine_; }
  vector::VectorEngine& engine() { return *engine_; }

  // Applies one record of the log unless the snapshot holds it already.
  Status Replay(const wal::LogRecord& record);

  // Everything that can be refused is refused here, before the log. "operations[i]…" is the field at fault.
  Status Check(const std::vector<format::Operation>& operations) const;
  // As Check, and that every operation has a version: InvalidArgument names "operations[i].version". How old it is
  // never matters.
  Status CheckMerge(const std::vector<format::Operation>& operations) const;
  // Gives the operations a place in the log and, with kAssign, versions; with kKeep the clock learns of theirs. They
  // must have passed Check or CheckMerge. The requests they name are found by engine().FindRequest() afterwards.
  PendingWrite Begin(std::vector<format::Operation> operations, Stamp stamp = Stamp::kAssign);
  // Returns once they are durable and visible. IoError: unknown whether they will be after a restart; any other
  // error: they are not in the log, or their collection has been dropped.
  Status Finish(PendingWrite pending);
  // Check, Begin and Finish.
  Status Write(std::vector<format::Operation> operations);
  // CheckMerge, Begin and Finish.
  Status Merge(std::vector<format::Operation> operations);
  // The same for an encoded batch, which may have fates of requests, too: its bytes are what the log stores.
  // Corruption when they are none.
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
  LogOrder::Apply ApplyOf(format::OperationBatch batch);

  // Constant after construction.
  const std::unique_ptr<vector::VectorEngine> engine_;
  HybridClock& clock_;

  LogOrder order_;
};

}  // namespace rhizome::shard
