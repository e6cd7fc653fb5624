// Prune: removes old backups of a collection, and the chunks that no backup names.
//
// Manifests go first, so a backup is never there without its chunks. Nothing is removed while a backup is made or
// restored (archive.h), or when a manifest cannot be read: what it names is not known then.
#pragma once

#include <string>
#include <vector>

#include "backup/archive.h"
#include "backup/work.h"

namespace rhizome::backup {

struct PruneOptions {
  uint32_t keep = 0;    // the newest so many backups stay; 0: all do
  bool dry_run = true;  // only says what would go
};

struct PruneReport {
  std::vector<std::string> snapshots;  // that went, or would
  uint64_t chunks = 0;
  uint64_t bytes = 0;
  uint64_t kept_chunks = 0;
};

Result<PruneReport> Prune(Archive& archive, const PruneOptions& options, const Work& work);

}  // namespace rhizome::backup
