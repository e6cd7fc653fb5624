#include "format/log_record.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace rhizome::format {
namespace {

constexpr uint32_t kPayloadMax = 1000;
const Uuid kLog = *Uuid::Parse("00112233-4455-6677-8899-aabbccddeeff");

LogRecordHeader Header() { return {.stream = 7, .lsn = 42, .durable_lsn = 40, .log = kLog}; }

std::string Record(std::string_view payload, uint64_t offset = 64) {
  std::string out;
  PutLogRecord(out, offset, Header(), payload);
  return out;
}

LogRecordFault Decode(std::string_view bytes, uint64_t offset = 64) {
  LogRecordHeader header;
  std::string_view payload;
  return DecodeLogRecord(bytes, offset, kLog, kPayloadMax, header, payload);
}

std::string Golden() {
  std::ifstream file(std::string(RHIZOME_SOURCE_DIR) + "/src/format/testdata/log_v1.bin", std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

TEST(LogRecord, RoundTrips) {
  const std::string bytes = Record("payload") + "more";
  LogRecordHeader header;
  std::string_view payload;
  ASSERT_EQ(DecodeLogRecord(bytes, 64, kLog, kPayloadMax, header, payload), LogRecordFault::kNone);
  EXPECT_EQ(payload, "payload");
  EXPECT_EQ(header.stream, 7u);
  EXPECT_EQ(header.lsn, 42u);
  EXPECT_EQ(header.durable_lsn, 40u);
  EXPECT_EQ(header.log, kLog);
}

TEST(LogRecord, EveryTruncationIsTooShort) {
  const std::string bytes = Record("payload");
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(Decode(std::string_view(bytes).substr(0, length)), LogRecordFault::kTooShort) << length;
  }
}

TEST(LogRecord, EveryFlippedBitIsNoticed) {
  const std::string bytes = Record("payload");
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(Decode(flipped), LogRecordFault::kNone) << bit;
  }
}

TEST(LogRecord, ElsewhereInTheSegmentItIsNoRecord) {
  EXPECT_EQ(Decode(Record("payload", 64), 72), LogRecordFault::kChecksum);
}

TEST(LogRecord, FaultsAreToldApart) {
  LogRecordHeader header;
  std::string_view payload;
  const std::string bytes = Record("payload");
  EXPECT_EQ(Decode("not a record at all"), LogRecordFault::kMagic);
  EXPECT_EQ(DecodeLogRecord(bytes, 64, Uuid::Random(), kPayloadMax, header, payload), LogRecordFault::kOtherLog);
  EXPECT_EQ(DecodeLogRecord(bytes, 64, kLog, 6, header, payload), LogRecordFault::kLength);
  std::string newer = bytes;
  newer[4] = 2;
  EXPECT_EQ(Decode(newer), LogRecordFault::kVersion);
}

TEST(LogSegmentHeader, RoundTripsAndNoticesEveryFlippedBit) {
  const std::string bytes = EncodeLogSegmentHeader({.log = kLog, .first_lsn = 10, .follows_lsn = 8});
  ASSERT_EQ(bytes.size(), kLogSegmentHeaderBytes);
  const auto header = DecodeLogSegmentHeader(bytes);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->first_lsn, 10u);
  EXPECT_EQ(header->follows_lsn, 8u);
  EXPECT_EQ(header->log, kLog);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(DecodeLogSegmentHeader(flipped).status().code(), Code::kCorruption) << bit;
  }
  EXPECT_FALSE(DecodeLogSegmentHeader(bytes.substr(1)).ok());
}

TEST(LogSegmentHeader, ImpossibleOrderIsRefused) {
  EXPECT_FALSE(DecodeLogSegmentHeader(EncodeLogSegmentHeader({.log = kLog, .first_lsn = 0})).ok());
  EXPECT_FALSE(DecodeLogSegmentHeader(EncodeLogSegmentHeader({.log = kLog, .first_lsn = 5, .follows_lsn = 5})).ok());
}

TEST(LogWatermark, RoundTripsAndNoticesEveryFlippedBit) {
  const std::string bytes = EncodeLogWatermark(
      {.log = kLog, .sequence = 3, .durable_lsn = 99, .begin_lsn = 50, .segment_lsn = 60, .segment_bytes = 4096});
  ASSERT_EQ(bytes.size(), kLogWatermarkSlotBytes);
  const auto watermark = DecodeLogWatermark(bytes);
  ASSERT_TRUE(watermark.ok());
  EXPECT_EQ(watermark->sequence, 3u);
  EXPECT_EQ(watermark->durable_lsn, 99u);
  EXPECT_EQ(watermark->begin_lsn, 50u);
  EXPECT_EQ(watermark->segment_lsn, 60u);
  EXPECT_EQ(watermark->segment_bytes, 4096u);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecodeLogWatermark(flipped).ok()) << bit;
  }
}

TEST(LogWatermark, BeginPastTheEndIsRefused) {
  EXPECT_FALSE(DecodeLogWatermark(EncodeLogWatermark({.log = kLog, .durable_lsn = 3, .begin_lsn = 5})).ok());
}

// These bytes are on disks; a change of them is a new version.
TEST(LogFormat, GoldenFileIsWhatThisBuildWrites) {
  std::string out = EncodeLogSegmentHeader({.log = kLog, .first_lsn = 42, .follows_lsn = 41});
  PutLogRecord(out, out.size(), Header(), "golden payload");
  LogRecordHeader second = Header();
  second.lsn = 43;
  PutLogRecord(out, out.size(), second, "");
  out += EncodeLogWatermark(
      {.log = kLog, .sequence = 9, .durable_lsn = 43, .begin_lsn = 42, .segment_lsn = 42, .segment_bytes = 190});
  if (const char* path = std::getenv("RHIZOME_WRITE_GOLDEN")) std::ofstream(path, std::ios::binary) << out;
  EXPECT_EQ(out, Golden());
}

}  // namespace
}  // namespace rhizome::format
