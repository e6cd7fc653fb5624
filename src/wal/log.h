// Log: the one durability authority of a device. Many shard streams share it, so a batch over many shards costs one
// fdatasync. Bytes on disk: docs/formats/log.md.
//
// What completion promises: when Append, AppendBatch or an AppendAsync callback reports an LSN, that record and every
// record before it have been through fdatasync. NoSpace and ReadOnly mean the records are not in the log and never
// will be. Any other failure means *unknown*: the records may or may not be there after the next Open.
//
// Group commit: callers queue; the first to find no leader becomes one, writes everything queued as one group, syncs
// once and wakes its followers. At most one group is ever unsynced, and each record says up to which LSN the log was
// durable when it was written; that is what tells a torn tail from damage:
//   - a bad record that nothing written after its sync follows, above the watermark, is a torn tail: truncated;
//   - a bad record that a later record proves to have been durable, a gap, a missing file, or an end below the
//     persisted watermark is damage: the log opens read-only with an exact report and is never truncated.
//
// The durable watermark (two checksummed slots in a file of its own, written alternately) promises: every record up
// to its LSN was durable before the slot was written. It is lazy, so it bounds from below: records acknowledged after
// the last slot write and then destroyed *at the very tail, in one unsynced-looking group* cannot be told from a torn
// write. It is written at least every `watermark_interval_ms` and `watermark_interval_bytes` of appends, at segment
// roll, before TruncateBefore deletes, and by Close.
//
// Failures: a failed write or sync other than NoSpace is sticky (every later append fails with IoError; reopening
// recovers the synced prefix and rewrites what a lying fsync may have dropped). NoSpace makes the log read-only until
// TryResume succeeds; what is there stays readable.
//
// LSNs are consecutive from 1. A batch is written in order but is not atomic: a crash before its acknowledgement may
// keep a prefix of it. Thread-safety: all of it. One process at a time: the directory is locked.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "base/uuid.h"
#include "io/disk.h"
#include "wal/damage.h"

namespace rhizome::wal {

using Lsn = uint64_t;  // 0: before the first record

struct LogOptions {
  uint64_t segment_bytes = 64ull << 20;  // a segment rolls once it is this long; preallocated
  uint32_t record_bytes_max = 64u << 20;
  uint64_t group_bytes_max = 8ull << 20;    // a group closes once its payloads are this long
  uint64_t queue_bytes_max = 256ull << 20;  // payload bytes waiting; beyond it appends answer ResourceExhausted
  int64_t watermark_interval_ms = 500;
  uint64_t watermark_interval_bytes = 16ull << 20;
  // Commits asynchronous appends and refreshes the watermark of an idle log. Without it (single-threaded
  // simulation) somebody must call Flush.
  bool background_thread = true;
  Clock* clock = &SystemClock();
};

// What is appended: opaque bytes for one stream.
struct LogEntry {
  uint32_t stream = 0;
  std::string_view payload;
};

// What is read back; `payload` is valid during the visit only.
struct LogRecord {
  Lsn lsn = 0;
  uint32_t stream = 0;
  std::string_view payload;
};

struct LogStats {
  uint64_t records = 0;  // appended and durable since Open
  uint64_t payload_bytes = 0;
  uint64_t groups = 0;  // fdatasyncs of record data
  uint64_t watermark_writes = 0;
  uint64_t watermark_failures = 0;  // NoSpace while writing it; the promise above still holds
  int64_t sync_ns_total = 0;
  int64_t sync_ns_max = 0;
  uint64_t segments = 0;
  uint64_t bytes_on_disk = 0;         // record bytes, not preallocated space
  uint64_t torn_bytes_truncated = 0;  // by Open
  Lsn first_lsn = 0;                  // oldest still kept; last_lsn + 1 when the log is empty
  Lsn durable_lsn = 0;
  Lsn watermark_lsn = 0;
};

class Log {
 public:
  using AppendDone = std::function<void(Result<Lsn>)>;
  // A failure ends the visit and is what Read returns.
  using Visitor = std::function<Status(const LogRecord&)>;

  // Opens the log in directory `path`, creating both when absent, and recovers it. Damage is not an error here:
  // damage() tells it, Read delivers what precedes it, and appends answer ReadOnly. Errors: FailedPrecondition when
  // another process holds it, InvalidArgument for absurd options, IoError, NoSpace while creating.
  static Result<std::unique_ptr<Log>> Open(io::Disk& disk, const std::string& path, LogOptions options = {});

  // Closes, ignoring failures; call Close to hear of them.
  ~Log();

  // Appends one record and returns its LSN after fdatasync.
  Result<Lsn> Append(uint32_t stream, std::string_view payload);
  // Appends all or, on a definite failure, none, with one wait; returns the LSN of the first, the rest follow it.
  // An empty batch returns the durable LSN. Errors: TooLarge for a payload above record_bytes_max.
  Result<Lsn> AppendBatch(std::span<const LogEntry> entries);
  // The same without blocking: `done` runs exactly once, on the committing thread (or here, when refused at once);
  // it must not block and must not call Append, AppendBatch, Flush or Close. The payloads are copied.
  void AppendAsync(std::span<const LogEntry> entries, AppendDone done);
  // The same for a caller that calls Commit soon: nobody else is woken for it. Several of them then go with one sync,
  // on the thread that waits for them. Forgotten, they go with the next commit or watermark.
  void AppendLater(std::span<const LogEntry> entries, AppendDone done);
  // Returns once what was queued before has been committed and told of, by this thread unless another is at it. OK, or
  // why the log stopped.
  Status Commit();
  // Commits everything queued by AppendAsync, on this thread unless another is at it, then refreshes the watermark.
  Status Flush();

  // Visits records from `from` (0: the oldest kept) up to what is durable at the call, in LSN order; all streams, or
  // one. FailedPrecondition when TruncateBefore has deleted `from`; Corruption at the first damage, after the records
  // before it have been delivered. Appends go on meanwhile.
  Status Read(Lsn from, const Visitor& visit, std::optional<uint32_t> stream = std::nullopt);

  // Deletes whole segments all of whose records are below `lsn`. The newest segment always stays.
  Status TruncateBefore(Lsn lsn);

  // After NoSpace: writable again if space can be reserved, else NoSpace still. OK on a healthy log.
  Status TryResume();

  // Commits what is queued, persists the watermark and refuses appends from then on. Idempotent.
  Status Close();

  // OK, or why appends are refused.
  Status write_status() const;
  // Empty on a healthy log; fixed at Open.
  const DamageReport& damage() const;
  Lsn durable_lsn() const;
  const Uuid& uuid() const;
  LogStats stats() const;

  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

 private:
  class Core;
  explicit Log(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace rhizome::wal
