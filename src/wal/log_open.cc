// Opening: lock, inspect, and, when nothing is damaged, repair what a crash left and make the tail writable.
#include "wal/log_core.h"
#include "wal/segment.h"

namespace rhizome::wal {

namespace {

constexpr char kLockName[] = "lock";

}  // namespace

Status Log::Core::CheckOptions() const {
  if (options_.segment_bytes < 4096) return Status::InvalidArgument("segment_bytes", "must be at least 4096");
  if (options_.record_bytes_max == 0) return Status::InvalidArgument("record_bytes_max", "must be positive");
  if (options_.group_bytes_max == 0) return Status::InvalidArgument("group_bytes_max", "must be positive");
  if (options_.queue_bytes_max < options_.record_bytes_max) {
    return Status::InvalidArgument("queue_bytes_max", "must hold at least one record of record_bytes_max");
  }
  if (options_.watermark_interval_ms <= 0) return Status::InvalidArgument("watermark_interval_ms", "must be positive");
  if (options_.clock == nullptr) return Status::InvalidArgument("clock", "is required");
  return Status::Ok();
}

Status Log::Core::Open() {
  RETURN_IF_ERROR(CheckOptions());
  RETURN_IF_ERROR(io::CreateDirectories(disk_, path_));
  ASSIGN_OR_RETURN(lock_, disk_.Lock(path_ + "/" + kLockName));
  ASSIGN_OR_RETURN(Inspection found, Inspect(disk_, path_, options_.record_bytes_max, {}));
  {
    const MutexLock commit(commit_mutex_);
    watermark_ns_ = options_.clock->MonotonicNs();
    if (found.fresh()) {
      RETURN_IF_ERROR(CreateLog());
    } else if (found.damage.empty()) {
      uuid_ = found.log;
      RETURN_IF_ERROR(RepairAndResume(found));
    } else {
      uuid_ = found.log;
      damage_ = std::move(found.damage);
      PublishSegments(found);
      const MutexLock lock(mutex_);
      write_status_ = Status::ReadOnly("log " + path_ + " is damaged: " + damage_.ToString());
    }
  }
  if (options_.background_thread && damage_.empty()) background_ = std::thread([this] { RunBackground(); });
  return Status::Ok();
}

Status Log::Core::CreateLog() {
  uuid_ = Uuid::Random();
  ASSIGN_OR_RETURN(watermark_, WatermarkFile::Create(disk_, path_, {.log = uuid_}));
  // Before the first segment: a segment without a watermark means that the watermark was lost.
  RETURN_IF_ERROR(disk_.SyncDirectory(path_));
  RETURN_IF_ERROR(StartSegment(1, 0));
  return PersistWatermark(1);
}

void Log::Core::PublishSegments(const Inspection& found) {
  const MutexLock lock(mutex_);
  segments_ = found.segments;
  durable_lsn_ = found.segments.empty() ? found.last_lsn : 0;
  for (const SegmentState& segment : segments_) {
    if (segment.bytes > format::kLogSegmentHeaderBytes) durable_lsn_ = std::max(durable_lsn_, segment.last_lsn);
  }
  if (found.damage.empty()) durable_lsn_ = found.last_lsn;
  stats_.watermark_lsn = found.watermark ? found.watermark->durable_lsn : 0;
}

Status Log::Core::RepairAndResume(const Inspection& found) {
  ASSIGN_OR_RETURN(watermark_, WatermarkFile::Open(disk_, path_, *found.watermark));
  if (found.unborn) RETURN_IF_ERROR(disk_.Remove(path_ + "/" + *found.unborn));
  for (const std::string& name : found.obsolete) RETURN_IF_ERROR(disk_.Remove(path_ + "/" + name));
  // Also makes durable the entries of segments that an unclean end left in the cache only.
  RETURN_IF_ERROR(disk_.SyncDirectory(path_));
  PublishSegments(found);
  tail_.last_lsn = found.last_lsn;
  if (found.segments.empty()) {
    RETURN_IF_ERROR(StartSegment(found.last_lsn + 1, found.last_lsn));
  } else {
    RETURN_IF_ERROR(ReopenTail(found));
  }
  // A full disk is no reason not to open: the next append will say it.
  Status status = RefreshWatermark(false);
  return status.code() == Code::kNoSpace ? Status::Ok() : status;
}

Status Log::Core::ReopenTail(const Inspection& found) {
  const SegmentState& last = found.segments.back();
  ASSIGN_OR_RETURN(tail_.file, disk_.Open(path_ + "/" + last.name, io::OpenMode::kReadWrite));
  tail_.first_lsn = last.first_lsn;
  tail_.bytes = last.bytes;
  RETURN_IF_ERROR(tail_.file->Truncate(last.bytes));
  // What lies past the watermark may be in the page cache only, and a sync that failed before this open has marked
  // it clean: writing the same bytes again makes the coming sync mean something (Rebello et al., section 3).
  const bool covered = found.watermark->segment_lsn == last.first_lsn && found.watermark->segment_bytes <= last.bytes;
  constexpr uint64_t kChunkBytes = 1 << 20;
  for (uint64_t at = covered ? found.watermark->segment_bytes : 0; at < last.bytes; at += kChunkBytes) {
    ASSIGN_OR_RETURN(const std::string bytes, tail_.file->ReadAt(at, std::min(kChunkBytes, last.bytes - at)));
    RETURN_IF_ERROR(tail_.file->WriteAt(at, bytes));
  }
  RETURN_IF_ERROR(tail_.file->Sync());
  Status reserved = tail_.file->Preallocate(options_.segment_bytes);
  if (!reserved.ok() && reserved.code() != Code::kNoSpace) return reserved;
  const MutexLock lock(mutex_);
  stats_.torn_bytes_truncated = found.torn_bytes;
  return Status::Ok();
}

}  // namespace rhizome::wal
