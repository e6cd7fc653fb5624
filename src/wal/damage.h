// DamageReport: exactly what of a log cannot be trusted, for people and for whoever rebuilds the replica.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rhizome::wal {

// One stretch of damage. LSNs first..last are gone (first > last when no record is known to be).
struct DamagedRange {
  std::string file;     // within the log's directory
  uint64_t offset = 0;  // byte where reading failed
  uint64_t length = 0;  // bytes up to the next good record or the end of the file; 0 when the file ends early
  uint64_t first_lost_lsn = 0;
  uint64_t last_lost_lsn = 0;
  std::string reason;

  uint64_t LostRecords() const { return last_lost_lsn >= first_lost_lsn ? last_lost_lsn - first_lost_lsn + 1 : 0; }
  // "0000000000000001.log at byte 812, 96 bytes: checksum mismatch; records 12..13 lost".
  std::string ToString() const;
};

struct DamageReport {
  std::vector<DamagedRange> ranges;  // in log order

  bool empty() const { return ranges.empty(); }
  uint64_t LostRecords() const;
  // One line per range.
  std::string ToString() const;
};

}  // namespace rhizome::wal
