#include "wal/salvage.h"

#include "wal/inspection.h"
#include "wal/segment.h"
#include "wal/watermark.h"

namespace rhizome::wal {

namespace {

constexpr uint32_t kRecordBytesMax = UINT32_MAX;  // whatever bound the log was written under
constexpr uint64_t kSegmentBytes = 64ull << 20;
constexpr uint64_t kFlushBytes = 1 << 20;

std::string ParentOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// Writes records with given LSNs into a new log's directory; a gap starts a new segment that says so.
class GapLogWriter {
 public:
  GapLogWriter(io::Disk& disk, std::string directory) : disk_(disk), directory_(std::move(directory)) {}

  Status Put(const LogRecord& record) {
    if (file_ == nullptr || record.lsn != next_lsn_ || bytes_ + buffer_.size() >= kSegmentBytes) {
      RETURN_IF_ERROR(StartSegment(record.lsn));
    }
    format::PutLogRecord(buffer_, bytes_ + buffer_.size(),
                         {.stream = record.stream, .lsn = record.lsn, .durable_lsn = record.lsn - 1, .log = log_},
                         record.payload);
    next_lsn_ = record.lsn + 1;
    return buffer_.size() >= kFlushBytes ? FlushBuffer() : Status::Ok();
  }

  // Makes `next_lsn` the first LSN the new log will hand out, and everything durable.
  Status Finish(Lsn next_lsn) {
    if (file_ == nullptr || next_lsn != next_lsn_) RETURN_IF_ERROR(StartSegment(next_lsn));
    RETURN_IF_ERROR(FinishSegment());
    const auto watermark = WatermarkFile::Create(disk_, directory_,
                                                 {.log = log_,
                                                  .durable_lsn = next_lsn - 1,
                                                  .begin_lsn = begin_lsn_,
                                                  .segment_lsn = segment_lsn_,
                                                  .segment_bytes = bytes_});
    RETURN_IF_ERROR(watermark.status());
    return disk_.SyncDirectory(directory_);
  }

 private:
  Status FlushBuffer() {
    RETURN_IF_ERROR(file_->Append(buffer_));
    bytes_ += buffer_.size();
    buffer_.clear();
    return Status::Ok();
  }
  Status FinishSegment() {
    RETURN_IF_ERROR(FlushBuffer());
    return file_->Sync();
  }
  Status StartSegment(Lsn first_lsn) {
    const bool is_first = file_ == nullptr;
    if (!is_first) RETURN_IF_ERROR(FinishSegment());
    ASSIGN_OR_RETURN(file_, disk_.Open(directory_ + "/" + SegmentName(first_lsn), io::OpenMode::kCreate));
    const Lsn follows = is_first ? first_lsn - 1 : next_lsn_ - 1;
    buffer_ = format::EncodeLogSegmentHeader({.log = log_, .first_lsn = first_lsn, .follows_lsn = follows});
    bytes_ = 0;
    segment_lsn_ = first_lsn;
    if (is_first) begin_lsn_ = first_lsn;
    next_lsn_ = first_lsn;
    return Status::Ok();
  }

  io::Disk& disk_;
  const std::string directory_;
  const Uuid log_ = Uuid::Random();
  std::unique_ptr<io::File> file_;
  std::string buffer_;
  uint64_t bytes_ = 0;  // of the segment, in the file
  Lsn next_lsn_ = 0;
  Lsn begin_lsn_ = 1;
  Lsn segment_lsn_ = 0;
};

Result<SalvageReport> CopyValid(io::Disk& disk, const std::string& from, const std::string& to) {
  SalvageReport report;
  GapLogWriter writer(disk, to);
  const auto keep = [&](const LogRecord& record) {
    ++report.records_kept;
    report.payload_bytes_kept += record.payload.size();
    if (report.first_lsn_kept == 0) report.first_lsn_kept = record.lsn;
    report.last_lsn_kept = record.lsn;
    return writer.Put(record);
  };
  ASSIGN_OR_RETURN(Inspection found, Inspect(disk, from, kRecordBytesMax, keep));
  if (found.fresh()) return Status::NotFound(from + " holds no log");
  report.lost = std::move(found.damage);
  RETURN_IF_ERROR(writer.Finish(found.last_lsn + 1));
  return report;
}

}  // namespace

std::string SalvageReport::ToString() const {
  std::string text = std::to_string(records_kept) + " records kept (" + std::to_string(payload_bytes_kept) + " bytes";
  if (records_kept > 0) text += ", LSN " + std::to_string(first_lsn_kept) + ".." + std::to_string(last_lsn_kept);
  text += "), " + std::to_string(lost.LostRecords()) + " known lost";
  return lost.empty() ? text : text + "\n" + lost.ToString();
}

Result<SalvageReport> Salvage(io::Disk& disk, const std::string& from, const std::string& to) {
  ASSIGN_OR_RETURN(const bool from_exists, disk.Exists(from));
  if (!from_exists) return Status::NotFound(from + ": no such log");
  ASSIGN_OR_RETURN(const bool to_exists, disk.Exists(to));
  if (to_exists) return Status::AlreadyExists(to + " exists; salvage writes a new log only");
  ASSIGN_OR_RETURN(const auto lock, disk.Lock(from + "/lock"));
  // Built aside and renamed, so that `to` is a whole log or absent.
  const std::string partial = to + ".partial";
  RETURN_IF_ERROR(io::RemoveTree(disk, partial));
  RETURN_IF_ERROR(io::CreateDirectories(disk, partial));
  auto report = CopyValid(disk, from, partial);
  if (!report.ok()) {
    (void)io::RemoveTree(disk, partial).ok();  // the failure to tell is the first one
    return report;
  }
  RETURN_IF_ERROR(disk.Rename(partial, to));
  RETURN_IF_ERROR(disk.SyncDirectory(ParentOf(to)));
  return report;
}

}  // namespace rhizome::wal
