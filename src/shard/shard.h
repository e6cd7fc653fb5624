// Shard: one partition of a collection: its stream in the node's log and its engine. Write is THE write path of one
// shard; reads go straight to engine().
//
// Merge is Write for operations that got their versions elsewhere: it keeps them, whatever is here already, since the
// engine orders registers by version and never by arrival.
//
// Order: operations get their versions and their place in the log under one lock, and are applied in that order, so
// the engine sees the log. A write is acknowledged when it is durable (fdatasync) and applied.
//
// A failed apply leaves log and engine apart, so the shard then refuses writes and snapshots until it is reopened and
// replays; when the database had no room, until TryResume has applied what is waiting.
// Thread-safe. Replay only before the first write.
#pragma once

#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "base/version.h"
#include "engines/vector/engine.h"
#include "wal/log.h"

namespace rhizome::shard {

// Whether a batch gets its versions here or brings them along.
enum class Stamp { kAssign, kKeep };

// A write between its place in the log and its acknowledgement. Every one begun must be finished.
struct PendingWrite {
  uint64_t ticket = 0;
  format::OperationBatch batch;
  std::future<Result<wal::Lsn>> durable;
};

class Shard {
 public:
  // `log` and `clock` outlive the shard.
  Shard(uint32_t number, std::unique_ptr<vector::VectorEngine> engine, wal::Log& log, HybridClock& clock);

  uint32_t number() const { return number_; }
  const vector::VectorEngine& engine() const { return *engine_; }
  vector::VectorEngine& engine() { return *engine_; }

  // Applies one record of the log unless the snapshot holds it already.
  Status Replay(const wal::LogRecord& record);

  // Everything that can be refused is refused here, before the log. "operations[i]…" is the field at fault.
  Status Check(const std::vector<format::Operation>& operations) const EXCLUDES(order_mutex_);
  // As Check, and that every operation has a version: InvalidArgument names "operations[i].version". How old it is
  // never matters.
  Status CheckMerge(const std::vector<format::Operation>& operations) const EXCLUDES(order_mutex_);
  // Gives the operations a place in the log and, with kAssign, versions; with kKeep the clock learns of theirs. They
  // must have passed Check or CheckMerge. The requests they name are found by engine().FindRequest() afterwards.
  PendingWrite Begin(std::vector<format::Operation> operations, Stamp stamp = Stamp::kAssign) EXCLUDES(order_mutex_);
  // Returns once they are durable and visible. IoError: unknown whether they will be after a restart; any other
  // error: they are not in the log, or their collection has been dropped.
  Status Finish(PendingWrite pending) EXCLUDES(order_mutex_);
  // Check, Begin and Finish.
  Status Write(std::vector<format::Operation> operations) EXCLUDES(order_mutex_);
  // CheckMerge, Begin and Finish.
  Status Merge(std::vector<format::Operation> operations) EXCLUDES(order_mutex_);
  // The same for an encoded batch, which may have fates of requests, too: its bytes are what the log stores.
  // Corruption when they are none.
  Status MergeEncoded(std::string_view encoded) EXCLUDES(order_mutex_);

  // The log holds nothing this shard needs up to and with this LSN.
  wal::Lsn UnneededLsn() EXCLUDES(order_mutex_);
  bool dirty() const { return engine_->applied_lsn() > engine_->checkpoint_lsn(); }

  // After NoSpace: applies what is durable and waits, and takes writes again. Otherwise write_status().
  Status TryResume() EXCLUDES(order_mutex_);
  // Refuses writes from now on with `reason` and waits for those under way.
  void Stop(Status reason) EXCLUDES(order_mutex_);
  // OK, or why writes are refused.
  Status write_status() const EXCLUDES(order_mutex_);

 private:
  // Gives the batch its place, after which only Finish may take its turn.
  PendingWrite Enqueue(format::OperationBatch batch, std::string_view encoded) REQUIRES(order_mutex_);
  void Refuse(Status reason) REQUIRES(order_mutex_);
  void RefuseAfter(const Status& failed_apply) REQUIRES(order_mutex_);

  // Constant after construction.
  const uint32_t number_;
  const std::unique_ptr<vector::VectorEngine> engine_;
  wal::Log& log_;
  HybridClock& clock_;

  mutable Mutex order_mutex_;
  CondVar turn_changed_;
  uint64_t next_ticket_ GUARDED_BY(order_mutex_) = 0;
  uint64_t turn_ GUARDED_BY(order_mutex_) = 0;  // the ticket to be applied next
  Status refused_ GUARDED_BY(order_mutex_);
  // Durable writes behind one that the database had no room for, in order: at most those that were under way.
  std::deque<std::pair<wal::Lsn, format::OperationBatch>> unapplied_ GUARDED_BY(order_mutex_);
  std::atomic<bool> refuses_{false};  // whether refused_ says something: who only asks never waits for an apply
};

}  // namespace rhizome::shard
