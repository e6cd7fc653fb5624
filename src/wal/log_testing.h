// What the log's tests share: a log of small segments without threads, and what can be read from it.
#pragma once

#include <map>
#include <string>

#include "io/sim_disk.h"
#include "wal/log.h"

namespace rhizome::wal {

inline LogOptions SmallLog() {
  return {.segment_bytes = 4096,
          .record_bytes_max = 1 << 16,
          .queue_bytes_max = 1 << 20,
          .watermark_interval_ms = 1'000'000'000,
          .background_thread = false};
}

// The payload every test gives to record `lsn`; long ones cross sectors.
inline std::string PayloadOf(Lsn lsn) {
  return "record " + std::to_string(lsn) + std::string(lsn % 5 * 150, static_cast<char>('a' + lsn % 26));
}

struct Readback {
  std::map<Lsn, std::string> records;
  Status status;
};

inline Readback ReadAll(Log& log) {
  Readback read;
  read.status = log.Read(0, [&](const LogRecord& record) {
    read.records[record.lsn] = std::string(record.payload);
    return Status::Ok();
  });
  return read;
}

// True when the records are exactly 1..n for some n, each with the payload it was given; n goes to `last`.
inline bool IsPrefix(const std::map<Lsn, std::string>& records, Lsn& last) {
  last = 0;
  for (const auto& [lsn, payload] : records) {
    if (lsn != last + 1 || payload != PayloadOf(lsn)) return false;
    last = lsn;
  }
  return true;
}

}  // namespace rhizome::wal
