#include "format/log_record.h"

#include "base/hash.h"
#include "format/coding.h"
#include "format/identity.h"

namespace rhizome::format {

namespace {

constexpr size_t kRecordChecksumAt = kLogRecordHeaderBytes - sizeof(uint64_t);

uint64_t RecordChecksum(std::string_view header, std::string_view payload, uint64_t offset) {
  return Checksum(payload, Checksum(header, offset));
}

// Fixed-size blocks end with the checksum of what precedes it.
void Seal(std::string& block) { PutU64(block, Checksum(block)); }

bool IsSealed(std::string_view block) {
  const size_t body = block.size() - sizeof(uint64_t);
  return LoadFixed<uint64_t>(block.data() + body) == Checksum(block.substr(0, body));
}

// Magic and version of a sealed block of `length` bytes; the decoder stands after them.
Status OpenBlock(std::string_view bytes, size_t length, uint32_t magic, std::string_view what, Decoder& decoder) {
  if (bytes.size() < length) return Status::Corruption(std::string(what) + ": too short");
  if (!IsSealed(bytes.substr(0, length))) return Status::Corruption(std::string(what) + ": checksum mismatch");
  uint32_t found_magic = 0;
  uint16_t version = 0;
  uint16_t reserved = 0;
  if (!decoder.U32(found_magic) || found_magic != magic) return Status::Corruption(std::string(what) + ": wrong magic");
  if (!decoder.U16(version) || version != kLogVersion) {
    return Status::Corruption(std::string(what) + ": unknown version " + std::to_string(version));
  }
  if (!decoder.U16(reserved) || reserved != 0) return Status::Corruption(std::string(what) + ": reserved bits set");
  return Status::Ok();
}

void StartBlock(std::string& out, uint32_t magic) {
  PutU32(out, magic);
  PutU16(out, kLogVersion);
  PutU16(out, 0);
}

}  // namespace

std::string_view LogRecordFaultName(LogRecordFault fault) {
  switch (fault) {
    case LogRecordFault::kNone: return "none";
    case LogRecordFault::kTooShort: return "record cut short";
    case LogRecordFault::kMagic: return "no record here";
    case LogRecordFault::kVersion: return "unknown record version";
    case LogRecordFault::kLength: return "record length out of bounds";
    case LogRecordFault::kOtherLog: return "record of another log";
    case LogRecordFault::kChecksum: return "checksum mismatch";
  }
  return "?";
}

void PutLogRecord(std::string& out, uint64_t offset, LogRecordHeader header, std::string_view payload) {
  const size_t begin = out.size();
  StartBlock(out, kLogRecordMagic);
  PutU32(out, header.stream);
  PutU32(out, static_cast<uint32_t>(payload.size()));
  PutU64(out, header.lsn);
  PutU64(out, header.durable_lsn);
  PutUuid(out, header.log);
  PutU64(out, RecordChecksum(std::string_view(out).substr(begin), payload, offset));
  out.append(payload);
}

LogRecordFault DecodeLogRecordHeader(std::string_view bytes, const Uuid& log, uint32_t payload_bytes_max,
                                     LogRecordHeader& header) {
  Decoder decoder(bytes);
  uint32_t magic = 0;
  uint16_t version = 0;
  uint16_t reserved = 0;
  if (!decoder.U32(magic)) return LogRecordFault::kTooShort;
  if (magic != kLogRecordMagic) return LogRecordFault::kMagic;
  if (bytes.size() < kLogRecordHeaderBytes) return LogRecordFault::kTooShort;
  LogRecordHeader read;
  if (!(decoder.U16(version) && decoder.U16(reserved) && decoder.U32(read.stream) && decoder.U32(read.payload_bytes) &&
        decoder.U64(read.lsn) && decoder.U64(read.durable_lsn) && GetUuid(decoder, read.log))) {
    return LogRecordFault::kTooShort;
  }
  if (version != kLogVersion || reserved != 0) return LogRecordFault::kVersion;
  if (read.payload_bytes > payload_bytes_max) return LogRecordFault::kLength;
  if (read.log != log) return LogRecordFault::kOtherLog;
  header = read;
  return bytes.size() - kLogRecordHeaderBytes < read.payload_bytes ? LogRecordFault::kTooShort : LogRecordFault::kNone;
}

LogRecordFault DecodeLogRecord(std::string_view bytes, uint64_t offset, const Uuid& log, uint32_t payload_bytes_max,
                               LogRecordHeader& header, std::string_view& payload) {
  const LogRecordFault fault = DecodeLogRecordHeader(bytes, log, payload_bytes_max, header);
  if (fault != LogRecordFault::kNone) return fault;
  payload = bytes.substr(kLogRecordHeaderBytes, header.payload_bytes);
  const auto stored = LoadFixed<uint64_t>(bytes.data() + kRecordChecksumAt);
  const bool intact = stored == RecordChecksum(bytes.substr(0, kRecordChecksumAt), payload, offset);
  return intact ? LogRecordFault::kNone : LogRecordFault::kChecksum;
}

std::string EncodeLogSegmentHeader(const LogSegmentHeader& header) {
  std::string out;
  StartBlock(out, kLogSegmentMagic);
  PutUuid(out, header.log);
  PutU64(out, header.first_lsn);
  PutU64(out, header.follows_lsn);
  out.append(kLogSegmentHeaderBytes - sizeof(uint64_t) - out.size(), '\0');
  Seal(out);
  return out;
}

Result<LogSegmentHeader> DecodeLogSegmentHeader(std::string_view bytes) {
  constexpr std::string_view kWhat = "segment header";
  Decoder decoder(bytes);
  RETURN_IF_ERROR(OpenBlock(bytes, kLogSegmentHeaderBytes, kLogSegmentMagic, kWhat, decoder));
  LogSegmentHeader header;
  if (!(GetUuid(decoder, header.log) && decoder.U64(header.first_lsn) && decoder.U64(header.follows_lsn)) ||
      header.first_lsn == 0 || header.follows_lsn >= header.first_lsn) {
    return decoder.Failure(kWhat);
  }
  return header;
}

std::string EncodeLogWatermark(const LogWatermark& watermark) {
  std::string out;
  StartBlock(out, kLogWatermarkMagic);
  PutUuid(out, watermark.log);
  PutU64(out, watermark.sequence);
  PutU64(out, watermark.durable_lsn);
  PutU64(out, watermark.begin_lsn);
  PutU64(out, watermark.segment_lsn);
  PutU64(out, watermark.segment_bytes);
  Seal(out);
  return out;
}

Result<LogWatermark> DecodeLogWatermark(std::string_view bytes) {
  constexpr std::string_view kWhat = "watermark slot";
  Decoder decoder(bytes);
  RETURN_IF_ERROR(OpenBlock(bytes, kLogWatermarkSlotBytes, kLogWatermarkMagic, kWhat, decoder));
  LogWatermark read;
  if (!(GetUuid(decoder, read.log) && decoder.U64(read.sequence) && decoder.U64(read.durable_lsn) &&
        decoder.U64(read.begin_lsn) && decoder.U64(read.segment_lsn) && decoder.U64(read.segment_bytes)) ||
      read.begin_lsn == 0 || read.durable_lsn == UINT64_MAX || read.begin_lsn > read.durable_lsn + 1) {
    return decoder.Failure(kWhat);
  }
  return read;
}

}  // namespace rhizome::format
