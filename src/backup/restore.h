// Verify and Restore: reads a backup back.
//
// Restore merges registers under the versions they had, each where its key belongs in the collection it goes into, so
// the number of partitions and the cluster may be others. It may stop anywhere and be begun again: what is there
// already is not written twice, what is newer stays.
#pragma once

#include <string>
#include <vector>

#include "backup/archive.h"
#include "backup/work.h"
#include "cluster/database.h"
#include "cluster/registers.h"

namespace rhizome::backup {

struct VerifyReport {
  Summary summary;
  uint64_t chunks = 0;                // looked at
  uint64_t registers = 0;             // found whole
  uint64_t damaged = 0;               // chunks and leaves that are not as the manifest says
  std::vector<std::string> problems;  // the first hundred, each naming its object
};

// Reads every object of a backup and compares it with the manifest. Damage is in the report; NotFound and Corruption
// when it is the manifest that is missing or damaged.
Result<VerifyReport> Verify(Archive& archive, const std::string& id, const Work& work);

struct RestoreTarget {
  std::string collection;  // made when it is absent, else as the backup's in dimension, metric, embedder and language
  uint32_t shards = 0;     // of a collection that is made; 0: as in the backup
  uint32_t replication_factor = 0;
  // Into a collection that holds something, as after an interrupted restore: newer registers stay.
  bool merge = false;
};

struct RestoreReport {
  Summary summary;
  uint64_t merged = 0;   // registers written
  uint64_t already = 0;  // and those that were there, or something newer
  bool equal = false;    // the collection now holds exactly the backup's registers
};

// Verifies everything before the first write, and again what it writes. Corruption names what is damaged; nothing has
// been written then. FailedPrecondition: the collection does not fit, or is not empty (without `merge`), or was written
// to meanwhile.
Result<RestoreReport> Restore(Archive& archive, const std::string& id, cluster::Database& database,
                              cluster::Registers& registers, const RestoreTarget& target, const Work& work);

}  // namespace rhizome::backup
