// LogOrder: one shard's order of log and apply, whatever an operation is: bytes go to the shard's stream of the node's
// log, and what they do to the engine is done in the order in which they got their places there.
//
//   Begin    gives bytes a place: under one lock, so that versions assigned there rise with the places
//   Finish   waits until they are durable (fdatasync) and the turn is theirs, then applies them
//
// A failed apply leaves log and engine apart, so everything is refused from then on until the shard is reopened and
// replays; when the database had no room, until TryResume has applied what is waiting.
//
// Thread-safe. The log outlives it.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "wal/log.h"

namespace rhizome::shard {

class LogOrder {
 public:
  // Brings the record at this LSN to the engine. Whatever it needs it holds; it may be called after Finish has
  // returned.
  using Apply = std::function<Status(wal::Lsn)>;

  // A record between its place in the log and its acknowledgement. Every one begun must be finished.
  struct Place {
    uint64_t ticket = 0;
    std::future<Result<wal::Lsn>> durable;
    bool commits = false;  // Finish does, if need be
  };

  // How far an engine is.
  struct Reached {
    wal::Lsn applied = 0;
    wal::Lsn checkpoint = 0;
  };

  LogOrder(uint32_t stream, wal::Log& log) : stream_(stream), log_(log) {}
  LogOrder(const LogOrder&) = delete;
  LogOrder& operator=(const LogOrder&) = delete;

  uint32_t stream() const { return stream_; }

  // OK, or why a record would be refused now.
  Status Check() const EXCLUDES(mutex_);
  // `encode` gives the record's bytes, valid until it is called no more; it is called once, with the lock held.
  Place Begin(const std::function<std::string_view()>& encode) EXCLUDES(mutex_);
  // Several records that stay together: the place's LSN is the last one's. kInFinish: Finish follows at once and sees
  // to the commit itself, which spares two changes of threads and lets parts of one write share a sync.
  enum class CommitBy { kLog, kInFinish };
  using Entries = std::vector<std::string_view>;
  Place BeginAll(const std::function<Entries()>& encode, CommitBy by) EXCLUDES(mutex_);
  // Returns once the record is durable and applied. IoError: unknown whether it will be after a restart; any other
  // error: it is not in the log, or nobody wants it any more (Stop with NotFound).
  Status Finish(Place place, Apply apply) EXCLUDES(mutex_);

  // The log holds nothing this shard needs up to and with this LSN. `reached` is asked with the lock held.
  wal::Lsn UnneededLsn(const std::function<Reached()>& reached) EXCLUDES(mutex_);
  // Waits for what has begun; the LSN of the last record that is durable.
  wal::Lsn Drain() EXCLUDES(mutex_);
  // After NoSpace: what the engine has begun and then what waits behind it is applied, and records are taken again.
  // Otherwise write_status().
  Status TryResume(const std::function<Status()>& retry) EXCLUDES(mutex_);
  // Refuses from now on with `reason` and waits for what is under way.
  void Stop(Status reason) EXCLUDES(mutex_);
  // OK, or why records are refused.
  Status write_status() const EXCLUDES(mutex_);

 private:
  void Refuse(Status reason) REQUIRES(mutex_);
  void RefuseAfter(const Status& failed_apply) REQUIRES(mutex_);

  // Constant after construction.
  const uint32_t stream_;
  wal::Log& log_;

  mutable Mutex mutex_;
  CondVar turn_changed_;
  uint64_t next_ticket_ GUARDED_BY(mutex_) = 0;
  uint64_t turn_ GUARDED_BY(mutex_) = 0;      // the ticket to be applied next
  wal::Lsn last_lsn_ GUARDED_BY(mutex_) = 0;  // of what has had its turn
  Status refused_ GUARDED_BY(mutex_);
  // Durable records behind one that the database had no room for, in order: at most those that were under way.
  std::deque<std::pair<wal::Lsn, Apply>> unapplied_ GUARDED_BY(mutex_);
  std::atomic<bool> refuses_{false};  // whether refused_ says something: who only asks never waits for an apply
};

}  // namespace rhizome::shard
