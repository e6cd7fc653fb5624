// Create: makes a backup of a collection while it is read and written.
//
// All partitions are opened first, then copied one after the other, each as its view shows it (cluster/registers.h): on
// a node exactly as it was at one LSN. Leaves that are as in the newest earlier backup of the same collection are not
// read; their chunks are named again. The manifest comes last: cut off anywhere, the backup does not exist and what was
// written is taken by the next one or pruned.
#pragma once

#include "backup/archive.h"
#include "backup/work.h"
#include "cluster/database.h"
#include "cluster/registers.h"

namespace rhizome::backup {

struct CreateReport {
  Summary summary;
  uint64_t chunks_written = 0;
  uint64_t chunks_reused = 0;
};

// The archive is that of the collection. NotFound; FailedPrecondition while the archive is being pruned.
Result<CreateReport> Create(Archive& archive, cluster::Database& database, cluster::Registers& registers,
                            const Work& work);

}  // namespace rhizome::backup
