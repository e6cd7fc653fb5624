// The bytes of the log (docs/formats/log.md): segment header, record, watermark slot. Encode and decode only.
//
// A record's checksum is seeded with its offset in the segment, and the record carries the log's UUID and LSN, so
// bytes copied from elsewhere (a log inside a payload, a misdirected write) never pass for a record. Decoders take
// untrusted bytes; they never read past the end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/uuid.h"

namespace rhizome::format {

inline constexpr uint32_t kLogRecordMagic = 0x52474c52;     // "RLGR"
inline constexpr uint32_t kLogSegmentMagic = 0x53474c52;    // "RLGS"
inline constexpr uint32_t kLogWatermarkMagic = 0x57474c52;  // "RLGW"
inline constexpr uint16_t kLogVersion = 1;
inline constexpr size_t kLogRecordHeaderBytes = 56;
inline constexpr size_t kLogSegmentHeaderBytes = 64;
inline constexpr size_t kLogWatermarkSlotBytes = 72;

struct LogRecordHeader {
  uint32_t stream = 0;
  uint32_t payload_bytes = 0;
  uint64_t lsn = 0;
  uint64_t durable_lsn = 0;  // every record up to here was synced before this one was written
  Uuid log;
};

// Appends the record as it stands at byte `offset` of its segment.
void PutLogRecord(std::string& out, uint64_t offset, LogRecordHeader header, std::string_view payload);

// Why bytes are no record.
enum class LogRecordFault {
  kNone,
  kTooShort,  // the header, or the payload it announces, is not all there
  kMagic,     // no record starts here
  kVersion,   // of a version this build does not know
  kLength,    // announces more than the bound
  kOtherLog,  // of another log
  kChecksum,
};
std::string_view LogRecordFaultName(LogRecordFault fault);

// Checks everything but the checksum; on kNone and on kTooShort with a whole header, `header` is filled.
LogRecordFault DecodeLogRecordHeader(std::string_view bytes, const Uuid& log, uint32_t payload_bytes_max,
                                     LogRecordHeader& header);
// Decodes the record that starts `bytes`, which begin at byte `offset` of the segment; `payload` points into them.
LogRecordFault DecodeLogRecord(std::string_view bytes, uint64_t offset, const Uuid& log, uint32_t payload_bytes_max,
                               LogRecordHeader& header, std::string_view& payload);

struct LogSegmentHeader {
  Uuid log;
  uint64_t first_lsn = 0;    // of the segment's first record
  uint64_t follows_lsn = 0;  // last record before it; less than first_lsn - 1 where a salvage accepted a gap
};

std::string EncodeLogSegmentHeader(const LogSegmentHeader& header);
// Corruption for anything but a whole valid header.
Result<LogSegmentHeader> DecodeLogSegmentHeader(std::string_view bytes);

// One of the two slots; the valid one with the higher sequence counts.
struct LogWatermark {
  Uuid log;
  uint64_t sequence = 0;
  uint64_t durable_lsn = 0;    // every record up to here was durable before the slot was written
  uint64_t begin_lsn = 1;      // records below were deleted on purpose
  uint64_t segment_lsn = 0;    // first LSN of the segment that holds durable_lsn's end
  uint64_t segment_bytes = 0;  // how much of that segment was durable
};

std::string EncodeLogWatermark(const LogWatermark& watermark);
Result<LogWatermark> DecodeLogWatermark(std::string_view bytes);

}  // namespace rhizome::format
