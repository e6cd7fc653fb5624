// The one writer: groups, segments, the watermark, and what happens when the device refuses.
#include "wal/log_core.h"
#include "wal/segment.h"

namespace rhizome::wal {

Status Log::Core::CommitGroup(const Group& group, Lsn& first_lsn) {
  RETURN_IF_ERROR(write_status());  // an earlier group failed while this one waited
  if (tail_.bytes >= options_.segment_bytes) RETURN_IF_ERROR(Roll());
  first_lsn = tail_.last_lsn + 1;
  Lsn lsn = first_lsn;
  uint64_t payload_bytes = 0;
  buffer_.clear();
  for (const Request* request : group) {
    for (const LogEntry& entry : request->entries) {
      format::PutLogRecord(buffer_, tail_.bytes + buffer_.size(),
                           {.stream = entry.stream, .lsn = lsn++, .durable_lsn = tail_.last_lsn, .log = uuid_},
                           entry.payload);
      payload_bytes += entry.payload.size();
    }
  }
  if (buffer_.empty()) return Status::Ok();
  RETURN_IF_ERROR(WriteGroup(buffer_));
  bytes_since_watermark_ += buffer_.size();
  tail_.bytes += buffer_.size();
  tail_.last_lsn = lsn - 1;
  constexpr size_t kBufferKeptBytes = 16 << 20;
  if (buffer_.capacity() > kBufferKeptBytes) std::string().swap(buffer_);

  const MutexLock lock(mutex_);
  durable_lsn_ = tail_.last_lsn;
  segments_.back().bytes = tail_.bytes;
  segments_.back().last_lsn = tail_.last_lsn;
  stats_.records += lsn - first_lsn;
  stats_.payload_bytes += payload_bytes;
  ++stats_.groups;
  return Status::Ok();
}

Status Log::Core::WriteGroup(const std::string& bytes) {
  Status written = tail_.file->Append(bytes);
  if (written.ok()) return SyncTail();
  if (written.code() != Code::kNoSpace) return Stop(std::move(written));
  refused_bytes_ = bytes.size();
  // NoSpace promises that nothing of the group will ever be found, so what fitted goes, durably.
  Status undone = tail_.file->Truncate(tail_.bytes);
  if (undone.ok()) undone = tail_.file->Sync();
  return Stop(undone.ok() ? std::move(written) : std::move(undone));
}

Status Log::Core::SyncTail() {
  const int64_t begin_ns = options_.clock->MonotonicNs();
  Status synced = tail_.file->Sync();
  const int64_t took_ns = options_.clock->MonotonicNs() - begin_ns;
  {
    const MutexLock lock(mutex_);
    stats_.sync_ns_total += took_ns;
    stats_.sync_ns_max = std::max(stats_.sync_ns_max, took_ns);
  }
  if (synced.ok()) return synced;
  // A full disk found only now leaves the pages in doubt like any other failed sync.
  return Stop(Status::IoError(std::string(synced.message())));
}

Status Log::Core::Stop(Status status) {
  const MutexLock lock(mutex_);
  // The first failure that is for good stays.
  if (write_status_.ok() || write_status_.code() == Code::kNoSpace) {
    const std::string message = "log " + path_ + " stopped: " + std::string(status.message());
    write_status_ = status.code() == Code::kNoSpace ? Status::NoSpace(message) : Status::IoError(message);
  }
  return write_status_;
}

Status Log::Core::StartSegment(Lsn first_lsn, Lsn follows_lsn) {
  const std::string path = SegmentPath(first_lsn);
  ASSIGN_OR_RETURN(auto file, disk_.Open(path, io::OpenMode::kCreateOrOpen));
  RETURN_IF_ERROR(file->Truncate(0));  // left by an attempt that met a full disk
  const std::string header =
      format::EncodeLogSegmentHeader({.log = uuid_, .first_lsn = first_lsn, .follows_lsn = follows_lsn});
  Status filled = file->Preallocate(options_.segment_bytes);
  if (filled.ok()) filled = file->Append(header);
  if (filled.code() == Code::kNoSpace) {
    file.reset();
    // Left behind it would be an unborn segment, which Open removes and the next attempt overwrites.
    (void)disk_.Remove(path).ok();
  }
  RETURN_IF_ERROR(filled);
  if (Status synced = file->Sync(); !synced.ok()) return Status::IoError(std::string(synced.message()));
  RETURN_IF_ERROR(disk_.SyncDirectory(path_));
  tail_.file = std::move(file);
  tail_.first_lsn = first_lsn;
  tail_.bytes = header.size();
  const MutexLock lock(mutex_);
  segments_.push_back(
      {.name = SegmentName(first_lsn), .first_lsn = first_lsn, .last_lsn = follows_lsn, .bytes = tail_.bytes});
  return Status::Ok();
}

Status Log::Core::Roll() {
  Status rolled = StartSegment(tail_.last_lsn + 1, tail_.last_lsn);
  if (!rolled.ok()) return Stop(std::move(rolled));
  // The watermark names the new segment at once, so that its disappearance can be told.
  rolled = RefreshWatermark(false);
  return rolled.code() == Code::kNoSpace ? Status::Ok() : rolled;
}

Status Log::Core::PersistWatermark(Lsn begin_lsn) {
  const format::LogWatermark& current = watermark_->current();
  if (current.durable_lsn != tail_.last_lsn || current.begin_lsn != begin_lsn || current.segment_bytes != tail_.bytes) {
    RETURN_IF_ERROR(watermark_->Write({.durable_lsn = tail_.last_lsn,
                                       .begin_lsn = begin_lsn,
                                       .segment_lsn = tail_.first_lsn,
                                       .segment_bytes = tail_.bytes}));
    const MutexLock lock(mutex_);
    stats_.watermark_lsn = tail_.last_lsn;
    ++stats_.watermark_writes;
  }
  bytes_since_watermark_ = 0;
  watermark_ns_ = options_.clock->MonotonicNs();
  return Status::Ok();
}

Status Log::Core::RefreshWatermark(bool overdue_only) {
  if (watermark_ == nullptr || tail_.file == nullptr) return Status::Ok();
  const bool overdue = bytes_since_watermark_ >= options_.watermark_interval_bytes ||
                       options_.clock->MonotonicNs() - watermark_ns_ >= options_.watermark_interval_ms * 1'000'000;
  if (overdue_only && !overdue) return Status::Ok();
  if (Status status = write_status(); !status.ok() && status.code() != Code::kNoSpace) return status;
  Status status = PersistWatermark(watermark_->current().begin_lsn);
  if (status.ok()) return status;
  if (status.code() != Code::kNoSpace) return Stop(std::move(status));
  const MutexLock lock(mutex_);
  ++stats_.watermark_failures;
  return status;
}

Status Log::Core::TruncateBefore(Lsn lsn) {
  if (!damage_.empty()) return write_status();
  const MutexLock commit(commit_mutex_);
  if (tail_.file == nullptr) return Status::FailedPrecondition("log " + path_ + " is closed");
  std::vector<SegmentState> doomed;
  Lsn begin = 0;
  {
    const MutexLock lock(mutex_);
    size_t keep = 0;
    while (keep + 1 < segments_.size() && segments_[keep + 1].first_lsn <= lsn) ++keep;
    if (keep == 0) return Status::Ok();
    doomed.assign(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(keep));
    begin = segments_[keep].first_lsn;
  }
  // First the intention, durably: a crash between the deletions must not look like missing segments.
  Status status = PersistWatermark(begin);
  if (!status.ok()) return status.code() == Code::kNoSpace ? status : Stop(std::move(status));
  {
    const MutexLock lock(mutex_);
    segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(doomed.size()));
  }
  for (const SegmentState& segment : doomed) RETURN_IF_ERROR(disk_.Remove(path_ + "/" + segment.name));
  return disk_.SyncDirectory(path_);
}

Status Log::Core::TryResume() {
  const MutexLock commit(commit_mutex_);
  Status status = write_status();
  if (status.code() != Code::kNoSpace) return status;
  Status resumed;
  if (tail_.bytes >= options_.segment_bytes) {
    resumed = StartSegment(tail_.last_lsn + 1, tail_.last_lsn);
  } else {
    resumed = tail_.file->Preallocate(std::max(options_.segment_bytes, tail_.bytes + refused_bytes_));
  }
  if (!resumed.ok()) return Stop(std::move(resumed));
  const MutexLock lock(mutex_);
  write_status_ = Status::Ok();
  return Status::Ok();
}

void Log::Core::RunBackground() {
  while (true) {
    bool lead = false;
    {
      const MutexLock lock(mutex_);
      while (!stop_background_ && (leading_ || queue_.empty() || !queue_.front()->done)) {
        if (!background_wake_.WaitFor(mutex_, std::chrono::milliseconds(options_.watermark_interval_ms))) break;
      }
      if (stop_background_) return;
      lead = !leading_ && !queue_.empty();
      if (lead) leading_ = true;
    }
    if (lead) Lead(nullptr);
    const MutexLock commit(commit_mutex_);
    (void)RefreshWatermark(true).ok();  // a failure has stopped the log; the next append tells it
  }
}

}  // namespace rhizome::wal
