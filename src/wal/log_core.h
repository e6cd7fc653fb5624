// Log::Core: the state behind Log. Two locks, taken in this order: commit_mutex_ is held across device calls by
// whoever writes (the leader of a group, TruncateBefore, TryResume, Close, the watermark); mutex_ guards the queue
// and what readers see, and is never held across a device call.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "wal/inspection.h"
#include "wal/log.h"
#include "wal/watermark.h"

namespace rhizome::wal {

class Log::Core {
 public:
  Core(io::Disk& disk, std::string path, LogOptions options) : disk_(disk), path_(std::move(path)), options_(options) {}
  ~Core();

  // log_open.cc: once, before anything else.
  Status Open();

  Result<Lsn> Append(std::span<const LogEntry> entries);
  enum class Wake { kBackground, kNobody };
  void AppendAsync(std::span<const LogEntry> entries, AppendDone done, Wake wake);
  Status Commit() EXCLUDES(commit_mutex_, mutex_);
  Status Flush();
  Status Read(Lsn from, const Visitor& visit, std::optional<uint32_t> stream);
  Status TruncateBefore(Lsn lsn);
  Status TryResume();
  Status Close();

  Status write_status() const EXCLUDES(mutex_);
  const DamageReport& damage() const { return damage_; }
  Lsn durable_lsn() const EXCLUDES(mutex_);
  const Uuid& uuid() const { return uuid_; }
  LogStats stats() const EXCLUDES(mutex_);

 private:
  // One call's records on their way into a group.
  struct Request {
    std::span<const LogEntry> entries;
    uint64_t payload_bytes = 0;
    AppendDone done;  // set: asynchronous, and the request owns its entries
    bool wake_background = false;
    std::vector<LogEntry> owned;  // views into arena
    std::string arena;
    // The outcome of a synchronous request, under mutex_.
    bool finished = false;
    Status status;
    Lsn first_lsn = 0;
    CondVar wake;
  };
  using Group = std::vector<Request*>;
  // The newest segment, as its one writer knows it.
  struct Tail {
    std::unique_ptr<io::File> file;
    uint64_t first_lsn = 0;
    uint64_t bytes = 0;
    Lsn last_lsn = 0;  // of the log
  };

  // Opening (log_open.cc).
  Status CheckOptions() const;
  Status CreateLog() REQUIRES(commit_mutex_) EXCLUDES(mutex_);
  Status RepairAndResume(const Inspection& found) REQUIRES(commit_mutex_) EXCLUDES(mutex_);
  Status ReopenTail(const Inspection& found) REQUIRES(commit_mutex_) EXCLUDES(mutex_);
  void PublishSegments(const Inspection& found) EXCLUDES(mutex_);

  // Queue (log_core.cc).
  Result<uint64_t> Admit(std::span<const LogEntry> entries) const;
  Status Enqueue(Request& request) REQUIRES(mutex_);
  // Queues `request` and returns once it is finished, leading if nobody does; a failure means it was refused.
  Status Await(Request& request) EXCLUDES(commit_mutex_, mutex_);
  // Of a queued request, returns when it is finished or, true, when it has to lead.
  bool WaitOrLead(Request& request) REQUIRES(mutex_);
  // Leads groups until `own` is finished, or, without one, until the queue is empty.
  void Lead(Request* own) EXCLUDES(commit_mutex_, mutex_);
  void HandOverLead() REQUIRES(mutex_);
  Group TakeGroup() REQUIRES(mutex_);
  void Finish(const Group& group, const Status& status, Lsn first_lsn) EXCLUDES(mutex_);

  // Writing (log_commit.cc).
  Status CommitGroup(const Group& group, Lsn& first_lsn) REQUIRES(commit_mutex_) EXCLUDES(mutex_);
  Status WriteGroup(const std::string& bytes) REQUIRES(commit_mutex_) EXCLUDES(mutex_);
  Status SyncTail() REQUIRES(commit_mutex_) EXCLUDES(mutex_);
  Status StartSegment(Lsn first_lsn, Lsn follows_lsn) REQUIRES(commit_mutex_) EXCLUDES(mutex_);
  Status Roll() REQUIRES(commit_mutex_) EXCLUDES(mutex_);
  // Remembers why appends are refused from now on: NoSpace until TryResume, anything else for good.
  Status Stop(Status status) EXCLUDES(mutex_);
  Status PersistWatermark(Lsn begin_lsn) REQUIRES(commit_mutex_) EXCLUDES(mutex_);
  Status RefreshWatermark(bool overdue_only) REQUIRES(commit_mutex_) EXCLUDES(mutex_);
  void RunBackground() EXCLUDES(commit_mutex_, mutex_);

  std::string SegmentPath(uint64_t first_lsn) const;

  // Constant after Open.
  io::Disk& disk_;
  const std::string path_;
  const LogOptions options_;
  std::shared_ptr<void> lock_;
  Uuid uuid_;
  DamageReport damage_;
  std::thread background_;

  Mutex commit_mutex_;
  Tail tail_ GUARDED_BY(commit_mutex_);
  std::unique_ptr<WatermarkFile> watermark_ GUARDED_BY(commit_mutex_);
  int64_t watermark_ns_ GUARDED_BY(commit_mutex_) = 0;
  uint64_t bytes_since_watermark_ GUARDED_BY(commit_mutex_) = 0;
  uint64_t refused_bytes_ GUARDED_BY(commit_mutex_) = 0;  // of the group that met a full disk
  std::string buffer_ GUARDED_BY(commit_mutex_);          // of the group being written

  mutable Mutex mutex_;
  std::deque<Request*> queue_ GUARDED_BY(mutex_);
  uint64_t queue_bytes_ GUARDED_BY(mutex_) = 0;
  bool leading_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
  bool stop_background_ GUARDED_BY(mutex_) = false;
  CondVar background_wake_;
  Status write_status_ GUARDED_BY(mutex_);
  Lsn durable_lsn_ GUARDED_BY(mutex_) = 0;
  std::vector<SegmentState> segments_ GUARDED_BY(mutex_);  // what readers may see; the last one grows
  LogStats stats_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::wal
