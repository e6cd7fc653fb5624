// The queue: who leads, who waits, what readers see.
#include "wal/log_core.h"

#include "wal/segment.h"

namespace rhizome::wal {

Log::Core::~Core() {
  {
    const MutexLock lock(mutex_);
    stop_background_ = true;
    background_wake_.NotifyAll();
  }
  if (background_.joinable()) background_.join();
}

Result<uint64_t> Log::Core::Admit(std::span<const LogEntry> entries) const {
  uint64_t bytes = 0;
  for (const LogEntry& entry : entries) {
    if (entry.payload.size() > options_.record_bytes_max) {
      return Status::TooLarge("payload", "record of " + std::to_string(entry.payload.size()) + " bytes, at most " +
                                             std::to_string(options_.record_bytes_max) + " are allowed");
    }
    bytes += entry.payload.size() + format::kLogRecordHeaderBytes;
  }
  return bytes;
}

Status Log::Core::Enqueue(Request& request) {
  if (closed_) return Status::FailedPrecondition("log " + path_ + " is closed");
  RETURN_IF_ERROR(write_status_);
  // A request larger than the whole queue may pass when it is alone.
  if (!queue_.empty() && queue_bytes_ + request.payload_bytes > options_.queue_bytes_max) {
    return Status::ResourceExhausted("log " + path_ + ": " + std::to_string(queue_bytes_) + " bytes are waiting");
  }
  queue_.push_back(&request);
  queue_bytes_ += request.payload_bytes;
  return Status::Ok();
}

Result<Lsn> Log::Core::Append(std::span<const LogEntry> entries) {
  if (entries.empty()) return durable_lsn();
  Request request;
  request.entries = entries;
  ASSIGN_OR_RETURN(request.payload_bytes, Admit(entries));
  RETURN_IF_ERROR(Await(request));
  const MutexLock lock(mutex_);
  RETURN_IF_ERROR(request.status);
  return request.first_lsn;
}

Status Log::Core::Await(Request& request) {
  bool lead = false;
  {
    const MutexLock lock(mutex_);
    RETURN_IF_ERROR(Enqueue(request));
    lead = WaitOrLead(request);
  }
  if (lead) Lead(&request);
  return Status::Ok();
}

bool Log::Core::WaitOrLead(Request& request) {
  while (!request.finished && leading_) request.wake.Wait(mutex_);
  if (!request.finished) leading_ = true;
  return !request.finished;
}

void Log::Core::AppendAsync(std::span<const LogEntry> entries, AppendDone done, Wake wake) {
  if (entries.empty()) return done(durable_lsn());
  auto bytes = Admit(entries);
  if (!bytes.ok()) return done(bytes.status());
  auto request = std::make_unique<Request>();
  request->payload_bytes = *bytes;
  request->wake_background = wake == Wake::kBackground;
  request->done = std::move(done);
  request->arena.reserve(*bytes);
  for (const LogEntry& entry : entries) {
    const size_t begin = request->arena.size();
    request->arena.append(entry.payload);  // within the reserved bytes, so views stay
    request->owned.push_back({entry.stream, std::string_view(request->arena.data() + begin, entry.payload.size())});
  }
  request->entries = request->owned;
  Status refused;
  {
    const MutexLock lock(mutex_);
    refused = Enqueue(*request);
    if (refused.ok()) {
      request.release();  // Finish deletes it
      if (!leading_ && wake == Wake::kBackground) background_wake_.NotifyOne();
    }
  }
  if (!refused.ok()) request->done(refused);
}

Status Log::Core::Commit() {
  Request marker;  // empty: finished once all before it are
  bool lead = false;
  {
    const MutexLock lock(mutex_);
    if (closed_) return Status::FailedPrecondition("log " + path_ + " is closed");  // whoever waited has been told
    queue_.push_back(&marker);  // also where the log has stopped: those before it have yet to hear of it
    lead = WaitOrLead(marker);
  }
  if (lead) Lead(&marker);
  const MutexLock lock(mutex_);
  return marker.status;
}

Status Log::Core::Flush() {
  RETURN_IF_ERROR(Commit());
  const MutexLock commit(commit_mutex_);
  return RefreshWatermark(false);
}

void Log::Core::Lead(Request* own) {
  const MutexLock commit(commit_mutex_);
  while (true) {
    Group group;
    {
      const MutexLock lock(mutex_);
      if (queue_.empty() || (own != nullptr && own->finished)) {
        HandOverLead();
        return;
      }
      group = TakeGroup();
    }
    Lsn first_lsn = 0;
    const Status status = CommitGroup(group, first_lsn);
    Finish(group, status, first_lsn);
    // A failure stops the log by itself; the watermark's promise holds without this refresh.
    (void)RefreshWatermark(true).ok();
  }
}

void Log::Core::HandOverLead() {
  leading_ = false;
  bool for_background = false;
  for (Request* request : queue_) {
    if (!request->done) return request->wake.NotifyOne();  // whose thread waits anyway
    for_background |= request->wake_background;
  }
  if (for_background) background_wake_.NotifyOne();
}

Log::Core::Group Log::Core::TakeGroup() {
  Group group;
  uint64_t bytes = 0;
  while (!queue_.empty() && (group.empty() || bytes + queue_.front()->payload_bytes <= options_.group_bytes_max)) {
    Request* request = queue_.front();
    queue_.pop_front();
    bytes += request->payload_bytes;
    queue_bytes_ -= request->payload_bytes;
    group.push_back(request);
  }
  return group;
}

void Log::Core::Finish(const Group& group, const Status& status, Lsn first_lsn) {
  Group asynchronous;
  std::vector<Lsn> lsns;
  {
    const MutexLock lock(mutex_);
    for (Request* request : group) {
      const Lsn lsn = first_lsn;
      first_lsn += request->entries.size();
      if (request->done) {
        asynchronous.push_back(request);
        lsns.push_back(lsn);
        continue;
      }
      request->status = status;
      request->first_lsn = lsn;
      request->finished = true;
      request->wake.NotifyOne();  // under the lock: the request lives on its caller's stack
    }
  }
  for (size_t i = 0; i < asynchronous.size(); ++i) {
    const std::unique_ptr<Request> request(asynchronous[i]);
    request->done(status.ok() ? Result<Lsn>(lsns[i]) : Result<Lsn>(status));
  }
}

Status Log::Core::Read(Lsn from, const Visitor& visit, std::optional<uint32_t> stream) {
  std::vector<SegmentState> segments;
  Lsn until = 0;
  {
    const MutexLock lock(mutex_);
    segments = segments_;
    until = durable_lsn_;
  }
  if (from != 0 && !segments.empty() && from < segments.front().first_lsn) {
    return Status::FailedPrecondition("records before " + std::to_string(segments.front().first_lsn) +
                                      " were deleted from log " + path_);
  }
  for (const SegmentState& segment : segments) {
    if (segment.last_lsn < from || segment.bytes <= format::kLogSegmentHeaderBytes) continue;
    auto file = disk_.Open(path_ + "/" + segment.name, io::OpenMode::kRead);
    if (file.status().code() == Code::kNotFound) {
      return Status::FailedPrecondition(segment.name + " was deleted from log " + path_ + " meanwhile");
    }
    RETURN_IF_ERROR(file.status());
    SegmentReader reader(**file, uuid_, options_.record_bytes_max, format::kLogSegmentHeaderBytes, segment.bytes);
    while (!reader.AtEnd()) {
      ASSIGN_OR_RETURN(const SegmentReader::Step step, reader.Next());
      if (step.fault != format::LogRecordFault::kNone) {
        return Status::Corruption(path_ + "/" + segment.name + " at byte " + std::to_string(step.offset) + ": " +
                                  std::string(format::LogRecordFaultName(step.fault)));
      }
      if (step.header.lsn > until) return Status::Ok();
      if (step.header.lsn < from || (stream && step.header.stream != *stream)) continue;
      RETURN_IF_ERROR(visit({step.header.lsn, step.header.stream, step.payload}));
    }
  }
  return damage_.empty() ? Status::Ok() : Status::Corruption(damage_.ToString());
}

Status Log::Core::Close() {
  {
    const MutexLock lock(mutex_);
    if (closed_) return Status::Ok();
  }
  Status flushed = write_status();
  if (flushed.ok()) flushed = Flush();
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    stop_background_ = true;
    background_wake_.NotifyAll();
  }
  if (background_.joinable()) background_.join();
  Group left;
  {
    // What came between the flush and the closing.
    const MutexLock lock(mutex_);
    left.assign(queue_.begin(), queue_.end());
    queue_.clear();
    queue_bytes_ = 0;
  }
  Finish(left, Status::FailedPrecondition("log " + path_ + " is closed"), 0);
  const MutexLock commit(commit_mutex_);
  // Gives back preallocated space; a log that stopped stays as it is for the next Open.
  if (flushed.ok() && tail_.file != nullptr) flushed = tail_.file->Truncate(tail_.bytes);
  tail_.file.reset();
  watermark_.reset();
  lock_.reset();
  return damage_.empty() ? flushed : Status::Ok();
}

Status Log::Core::write_status() const {
  const MutexLock lock(mutex_);
  return write_status_;
}

Lsn Log::Core::durable_lsn() const {
  const MutexLock lock(mutex_);
  return durable_lsn_;
}

LogStats Log::Core::stats() const {
  const MutexLock lock(mutex_);
  LogStats stats = stats_;
  stats.segments = segments_.size();
  for (const SegmentState& segment : segments_) stats.bytes_on_disk += segment.bytes;
  stats.first_lsn = segments_.empty() ? durable_lsn_ + 1 : segments_.front().first_lsn;
  stats.durable_lsn = durable_lsn_;
  return stats;
}

std::string Log::Core::SegmentPath(uint64_t first_lsn) const { return path_ + "/" + SegmentName(first_lsn); }

}  // namespace rhizome::wal
