#include "wal/segment.h"

#include "format/coding.h"

namespace rhizome::wal {

namespace {

constexpr std::string_view kSuffix = ".log";
constexpr size_t kDigits = 16;
constexpr uint64_t kWindowBytes = 1 << 20;

}  // namespace

std::string SegmentName(uint64_t first_lsn) {
  std::string name(kDigits, '0');
  for (size_t i = kDigits; i-- > 0; first_lsn >>= 4) name[i] = "0123456789abcdef"[first_lsn & 15];
  return name.append(kSuffix);
}

std::optional<uint64_t> ParseSegmentName(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  uint64_t lsn = 0;
  for (const char c : name.substr(0, kDigits)) {
    const size_t digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    lsn = lsn << 4 | digit;
  }
  if (lsn == 0) return std::nullopt;
  return lsn;
}

Result<std::string_view> SegmentReader::Window(uint64_t length) {
  length = std::min(length, end_ - offset_);
  const uint64_t held_end = window_offset_ + window_.size();
  if (offset_ < window_offset_ || offset_ + length > held_end) {
    const uint64_t wanted = std::min(std::max(length, kWindowBytes), end_ - offset_);
    ASSIGN_OR_RETURN(window_, file_->ReadAt(offset_, static_cast<size_t>(wanted)));
    window_offset_ = offset_;
  }
  return std::string_view(window_).substr(static_cast<size_t>(offset_ - window_offset_));
}

Result<SegmentReader::Step> SegmentReader::Next() {
  Step step;
  step.offset = offset_;
  ASSIGN_OR_RETURN(std::string_view bytes, Window(format::kLogRecordHeaderBytes));
  step.fault = format::DecodeLogRecordHeader(bytes, log_, record_bytes_max_, step.header);
  const bool payload_outside =
      step.fault == format::LogRecordFault::kTooShort && bytes.size() >= format::kLogRecordHeaderBytes;
  if (payload_outside) {
    ASSIGN_OR_RETURN(bytes, Window(format::kLogRecordHeaderBytes + step.header.payload_bytes));
  }
  step.fault = format::DecodeLogRecord(bytes, offset_, log_, record_bytes_max_, step.header, step.payload);
  if (step.fault == format::LogRecordFault::kNone) offset_ += format::kLogRecordHeaderBytes + step.payload.size();
  return step;
}

Result<bool> SegmentReader::Resync(uint64_t lsn_min) {
  if (AtEnd()) return false;
  // Damage is rare and a segment fits in memory, so the rest of it is taken at once.
  const uint64_t base = offset_ + 1;
  std::string bytes;
  if (base < end_) {
    ASSIGN_OR_RETURN(bytes, file_->ReadAt(base, static_cast<size_t>(end_ - base)));
  }
  std::string magic;
  format::PutU32(magic, format::kLogRecordMagic);
  for (size_t at = bytes.find(magic); at != std::string::npos; at = bytes.find(magic, at + 1)) {
    format::LogRecordHeader header;
    std::string_view payload;
    const auto fault = format::DecodeLogRecord(std::string_view(bytes).substr(at), base + at, log_, record_bytes_max_,
                                               header, payload);
    if (fault != format::LogRecordFault::kNone || header.lsn < lsn_min) continue;
    offset_ = base + at;
    return true;
  }
  offset_ = end_;
  return false;
}

}  // namespace rhizome::wal
