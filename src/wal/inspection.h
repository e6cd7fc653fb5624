// Inspection: reads a log directory without changing it and tells torn tails from damage. Open repairs by it, Salvage
// copies by it. The rules stand in wal/log.h and docs/formats/log.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/uuid.h"
#include "format/log_record.h"
#include "io/disk.h"
#include "wal/damage.h"
#include "wal/log.h"

namespace rhizome::wal {

struct SegmentState {
  std::string name;
  uint64_t first_lsn = 0;
  uint64_t last_lsn = 0;  // last record before the first lost one; what the segment follows when it has none
  uint64_t bytes = 0;     // up to there, header included
};

struct Inspection {
  Uuid log;                                       // nil: nothing was ever made here
  std::optional<format::LogWatermark> watermark;  // nothing: never made, or lost
  std::vector<SegmentState> segments;             // what counts, in order
  std::vector<std::string> obsolete;              // wholly below the watermark's begin: deletion was under way
  std::optional<std::string> unborn;              // a newest segment that a crash caught before its header was durable
  uint64_t torn_bytes = 0;                        // past segments.back().bytes, to be cut off
  uint64_t last_lsn = 0;                          // of the log; lost ones at its end count
  DamageReport damage;

  bool fresh() const { return log.is_nil(); }
};

// Visits every valid record that counts, also those after damage. `visit` may be empty. Errors are the device's or
// the visitor's.
Result<Inspection> Inspect(io::Disk& disk, const std::string& directory, uint32_t record_bytes_max,
                           const Log::Visitor& visit);

}  // namespace rhizome::wal
