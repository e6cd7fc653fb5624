#include "wal/inspection.h"

#include "wal/segment.h"
#include "wal/watermark.h"

namespace rhizome::wal {

namespace {

struct SegmentFile {
  std::string name;
  uint64_t name_lsn = 0;
  std::unique_ptr<io::File> file;
  uint64_t size = 0;
  std::optional<format::LogSegmentHeader> header;  // nothing: not valid
  std::string header_fault;

  // Last record before this segment, as far as it can tell.
  uint64_t Follows() const { return header ? header->follows_lsn : name_lsn - 1; }
};

class Inspector {
 public:
  Inspector(io::Disk& disk, const std::string& directory, uint32_t record_bytes_max, const Log::Visitor& visit)
      : disk_(disk), directory_(directory), record_bytes_max_(record_bytes_max), visit_(visit) {}

  Result<Inspection> Run() {
    ASSIGN_OR_RETURN(found_.watermark, ReadWatermark(disk_, directory_));
    RETURN_IF_ERROR(OpenSegments());
    if (!FindLog()) return std::move(found_);
    DropObsolete();
    RETURN_IF_ERROR(DropUnborn());
    CheckBeginning();
    for (size_t i = 0; i < files_.size(); ++i) RETURN_IF_ERROR(WalkSegment(i));
    CheckEnd();
    return std::move(found_);
  }

 private:
  uint64_t WatermarkLsn() const { return found_.watermark ? found_.watermark->durable_lsn : 0; }

  Status OpenSegments() {
    ASSIGN_OR_RETURN(const auto names, disk_.List(directory_));
    for (const std::string& name : names) {
      const auto lsn = ParseSegmentName(name);
      if (!lsn) continue;
      SegmentFile segment{.name = name, .name_lsn = *lsn};
      ASSIGN_OR_RETURN(segment.file, disk_.Open(directory_ + "/" + name, io::OpenMode::kRead));
      ASSIGN_OR_RETURN(segment.size, segment.file->Size());
      ASSIGN_OR_RETURN(const std::string bytes, segment.file->ReadAt(0, format::kLogSegmentHeaderBytes));
      auto header = format::DecodeLogSegmentHeader(bytes);
      if (!header.ok()) {
        segment.header_fault = header.status().message();
      } else if (header->first_lsn != *lsn) {
        segment.header_fault = "segment header of another file";
      } else {
        segment.header = *header;
      }
      files_.push_back(std::move(segment));
    }
    return Status::Ok();
  }

  // Whose log this is; false when there is none.
  bool FindLog() {
    if (found_.watermark) {
      found_.log = found_.watermark->log;
    } else {
      for (const SegmentFile& segment : files_) {
        if (segment.header && found_.log.is_nil()) found_.log = segment.header->log;
      }
      // A first segment is made only after the watermark is durable, so a file here means the watermark was lost.
      if (files_.empty()) return false;
      found_.damage.ranges.push_back({.file = kWatermarkName, .first_lost_lsn = 1, .reason = "no valid slot"});
      if (found_.log.is_nil()) found_.log = Uuid::Random();  // no header is left to tell
    }
    for (SegmentFile& segment : files_) {
      if (!segment.header || segment.header->log == found_.log) continue;
      segment.header.reset();
      segment.header_fault = "segment of another log";
    }
    return true;
  }

  void DropObsolete() {
    if (!found_.watermark) return;
    size_t keep = 0;
    while (keep + 1 < files_.size() && files_[keep + 1].name_lsn <= found_.watermark->begin_lsn) ++keep;
    for (size_t i = 0; i < keep; ++i) found_.obsolete.push_back(files_[i].name);
    files_.erase(files_.begin(), files_.begin() + static_cast<std::ptrdiff_t>(keep));
  }

  // A newest segment without a valid header and without records never came to be: its header is synced first.
  Status DropUnborn() {
    if (files_.empty() || files_.back().header) return Status::Ok();
    const SegmentFile& last = files_.back();
    if (last.name_lsn <= WatermarkLsn()) return Status::Ok();
    SegmentReader reader(*last.file, found_.log, record_bytes_max_, 0, last.size);
    ASSIGN_OR_RETURN(const bool has_records, reader.Resync(0));
    if (has_records) return Status::Ok();
    found_.unborn = last.name;
    files_.pop_back();
    return Status::Ok();
  }

  void CheckBeginning() {
    const uint64_t begin = found_.watermark ? found_.watermark->begin_lsn : 1;
    if (files_.empty()) {
      found_.last_lsn = begin - 1;
      return;
    }
    const uint64_t first = files_.front().name_lsn;
    if (found_.watermark && first > begin) {
      found_.damage.ranges.push_back({.file = SegmentName(begin),
                                      .first_lost_lsn = begin,
                                      .last_lost_lsn = first - 1,
                                      .reason = "segment missing"});
      complete_ = false;
    }
    found_.last_lsn = first - 1;
  }

  // Records found_.last_lsn + 1 .. last_lost are gone.
  void Lose(const SegmentFile& segment, uint64_t offset, uint64_t length, uint64_t last_lost, std::string reason) {
    found_.damage.ranges.push_back({.file = segment.name,
                                    .offset = offset,
                                    .length = length,
                                    .first_lost_lsn = found_.last_lsn + 1,
                                    .last_lost_lsn = last_lost,
                                    .reason = std::move(reason)});
    if (last_lost > found_.last_lsn) complete_ = false;
    found_.last_lsn = std::max(found_.last_lsn, last_lost);
  }

  Status WalkSegment(size_t index) {
    const SegmentFile& segment = files_[index];
    if (index > 0 && segment.Follows() > found_.last_lsn) {
      Lose(files_[index - 1], files_[index - 1].size, 0, segment.Follows(), "segment ends early or one is missing");
    } else if (index > 0 && segment.Follows() < found_.last_lsn) {
      Lose(segment, 0, 0, 0, "segment repeats records of the one before");
    }
    // An accepted gap is not lost again.
    if (segment.header) found_.last_lsn = std::max(found_.last_lsn, segment.header->first_lsn - 1);
    if (!segment.header) Lose(segment, 0, format::kLogSegmentHeaderBytes, 0, segment.header_fault);
    found_.segments.push_back({.name = segment.name,
                               .first_lsn = segment.name_lsn,
                               .last_lsn = found_.last_lsn,
                               .bytes = std::min<uint64_t>(segment.size, format::kLogSegmentHeaderBytes)});
    return WalkRecords(index);
  }

  Status WalkRecords(size_t index) {
    const SegmentFile& segment = files_[index];
    SegmentReader reader(*segment.file, found_.log, record_bytes_max_,
                         std::min<uint64_t>(segment.size, format::kLogSegmentHeaderBytes), segment.size);
    while (!reader.AtEnd()) {
      const uint64_t offset = reader.offset();
      ASSIGN_OR_RETURN(SegmentReader::Step step, reader.Next());
      if (step.fault == format::LogRecordFault::kNone && step.header.lsn == found_.last_lsn + 1) {
        RETURN_IF_ERROR(Accept(step, reader.offset()));
        continue;
      }
      std::string reason(step.fault == format::LogRecordFault::kNone ? "record out of sequence"
                                                                     : format::LogRecordFaultName(step.fault));
      SegmentReader ahead(*segment.file, found_.log, record_bytes_max_, offset, segment.size);
      ASSIGN_OR_RETURN(const bool more, NextValid(ahead, step));
      ASSIGN_OR_RETURN(const bool was_durable, WasDurable(index, offset));
      if (!was_durable) {
        found_.torn_bytes = segment.size - offset;
        return Status::Ok();
      }
      uint64_t last_lost = 0;
      if (more) {
        last_lost = next_valid_lsn_ - 1;
      } else {
        last_lost = index + 1 < files_.size() ? files_[index + 1].Follows() : WatermarkLsn();
      }
      Lose(segment, offset, ahead.offset() - offset, last_lost, std::move(reason));
      reader = SegmentReader(*segment.file, found_.log, record_bytes_max_, ahead.offset(), segment.size);
    }
    return Status::Ok();
  }

  Status Accept(const SegmentReader::Step& step, uint64_t end) {
    found_.last_lsn = step.header.lsn;
    if (complete_) {
      found_.segments.back().last_lsn = step.header.lsn;
      found_.segments.back().bytes = end;
    }
    return visit_ ? visit_({step.header.lsn, step.header.stream, step.payload}) : Status::Ok();
  }

  // The next valid record from where `ahead` stands, which failed there as `step`, or was valid out of sequence.
  Result<bool> NextValid(SegmentReader& ahead, const SegmentReader::Step& step) {
    const uint64_t lsn_min = found_.last_lsn + 1;
    if (step.fault != format::LogRecordFault::kNone || step.header.lsn < lsn_min) {
      ASSIGN_OR_RETURN(const bool found, ahead.Resync(lsn_min));
      if (!found) return false;
    }
    SegmentReader peek = ahead;
    ASSIGN_OR_RETURN(const auto next, peek.Next());
    next_valid_lsn_ = next.header.lsn;
    return true;
  }

  // Whether the record missing at `offset` was once durable: the watermark says so, or a later file or record does.
  Result<bool> WasDurable(size_t index, uint64_t offset) {
    const uint64_t missing = found_.last_lsn + 1;
    if (missing <= WatermarkLsn() || index + 1 < files_.size()) return true;
    const SegmentFile& segment = files_[index];
    SegmentReader reader(*segment.file, found_.log, record_bytes_max_, offset, segment.size);
    while (!reader.AtEnd()) {
      ASSIGN_OR_RETURN(const SegmentReader::Step step, reader.Next());
      if (step.fault == format::LogRecordFault::kNone) {
        if (step.header.durable_lsn >= missing) return true;
        continue;
      }
      ASSIGN_OR_RETURN(const bool more, reader.Resync(missing));
      if (!more) break;
    }
    return false;
  }

  void CheckEnd() {
    const uint64_t newest = found_.watermark ? found_.watermark->segment_lsn : 0;
    if (newest > 0 && (files_.empty() || files_.back().name_lsn < newest) && found_.last_lsn >= WatermarkLsn()) {
      // How many records it held, nobody knows.
      found_.damage.ranges.push_back(
          {.file = SegmentName(newest), .first_lost_lsn = newest, .reason = "newest segment missing"});
      return;
    }
    if (found_.last_lsn >= WatermarkLsn()) return;
    if (files_.empty()) {
      const uint64_t first_lost = found_.last_lsn + 1;
      found_.damage.ranges.push_back({.file = SegmentName(first_lost),
                                      .first_lost_lsn = first_lost,
                                      .last_lost_lsn = WatermarkLsn(),
                                      .reason = "segment missing"});
      found_.last_lsn = WatermarkLsn();
      return;
    }
    Lose(files_.back(), files_.back().size, 0, WatermarkLsn(), "log ends below its durable watermark");
  }

  io::Disk& disk_;
  const std::string directory_;
  const uint32_t record_bytes_max_;
  const Log::Visitor& visit_;
  std::vector<SegmentFile> files_;
  Inspection found_;
  uint64_t next_valid_lsn_ = 0;
  bool complete_ = true;  // no record is lost so far
};

}  // namespace

Result<Inspection> Inspect(io::Disk& disk, const std::string& directory, uint32_t record_bytes_max,
                           const Log::Visitor& visit) {
  return Inspector(disk, directory, record_bytes_max, visit).Run();
}

}  // namespace rhizome::wal
