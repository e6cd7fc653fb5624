// Segment files: their names, and reading the records of one. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/uuid.h"
#include "format/log_record.h"
#include "io/disk.h"

namespace rhizome::wal {

// "00000000000000a1.log": the first LSN in hexadecimal, so that names sort as LSNs do.
std::string SegmentName(uint64_t first_lsn);
std::optional<uint64_t> ParseSegmentName(std::string_view name);

// Walks the records of a segment, reading ahead in windows.
class SegmentReader {
 public:
  // Reads `file` from byte `offset` up to `end`, exclusive. The file must outlive the reader.
  SegmentReader(const io::File& file, const Uuid& log, uint32_t record_bytes_max, uint64_t offset, uint64_t end)
      : file_(&file), log_(log), record_bytes_max_(record_bytes_max), offset_(offset), end_(end) {}

  struct Step {
    format::LogRecordFault fault = format::LogRecordFault::kNone;
    format::LogRecordHeader header;
    std::string_view payload;  // valid until the next call
    uint64_t offset = 0;       // where the record starts
  };
  // The record at offset(), which then moves past it; on a fault offset() stays. Call only while !AtEnd().
  // Errors are the device's.
  Result<Step> Next();
  // Moves to the next byte after offset() where a valid record with an LSN of at least `lsn_min` starts; false, and
  // at the end, when there is none.
  Result<bool> Resync(uint64_t lsn_min);

  bool AtEnd() const { return offset_ >= end_; }
  uint64_t offset() const { return offset_; }

 private:
  // Makes window_ hold `length` bytes at offset_, or all there are.
  Result<std::string_view> Window(uint64_t length);

  const io::File* file_;
  Uuid log_;
  uint32_t record_bytes_max_;
  uint64_t offset_;
  uint64_t end_;
  std::string window_;
  uint64_t window_offset_ = 0;  // of window_'s first byte in the file
};

}  // namespace rhizome::wal
