// Salvage: carries every record that is still valid out of a damaged log into a fresh one.
#pragma once

#include <string>

#include "io/disk.h"
#include "wal/damage.h"
#include "wal/log.h"

namespace rhizome::wal {

struct SalvageReport {
  uint64_t records_kept = 0;
  uint64_t payload_bytes_kept = 0;
  Lsn first_lsn_kept = 0;  // 0 when nothing was kept
  Lsn last_lsn_kept = 0;
  DamageReport lost;

  std::string ToString() const;
};

// Copies the valid records of the log at `from`, which is only read, into a new log at `to`, which must not exist.
// Records keep their LSNs, so state applied from the damaged log still lines up; the gaps are written into the new
// log as accepted. The new log has a UUID of its own and opens writable. Returns once `to` is durable.
// Errors: AlreadyExists, NotFound, FailedPrecondition when the log is in use, IoError, NoSpace (`to` is then removed).
Result<SalvageReport> Salvage(io::Disk& disk, const std::string& from, const std::string& to);

}  // namespace rhizome::wal
