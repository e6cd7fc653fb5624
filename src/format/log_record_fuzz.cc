// Any bytes: the decoders of the log never read past the end, and what they accept encodes to the same bytes.
#include "base/check.h"
#include "format/log_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  using namespace rhizome::format;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The input names its own log, so that the checks behind the UUID are reached.
  Uuid log;
  if (size >= kLogRecordHeaderBytes) bytes.copy(reinterpret_cast<char*>(log.bytes.data()), log.bytes.size(), 32);
  LogRecordHeader header;
  std::string_view payload;
  if (DecodeLogRecord(bytes, 64, log, 1 << 20, header, payload) == LogRecordFault::kNone) {
    std::string again;
    PutLogRecord(again, 64, header, payload);
    CHECK(bytes.starts_with(again));
  }
  if (const auto segment = DecodeLogSegmentHeader(bytes); segment.ok()) {
    CHECK(segment->follows_lsn < segment->first_lsn);
  }
  if (const auto watermark = DecodeLogWatermark(bytes); watermark.ok()) {
    CHECK(bytes.starts_with(EncodeLogWatermark(*watermark)));
  }
  return 0;
}
