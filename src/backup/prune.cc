#include "backup/prune.h"

#include <algorithm>
#include <set>

#include "base/uuid.h"
#include "format/coding.h"

namespace rhizome::backup {
namespace {

// Takes what the backup names off the list of what is to go.
Status Spare(Archive& archive, const std::string& id, std::map<std::string, uint64_t>& chunks, PruneReport& report) {
  const auto manifest = archive.Load(id);
  if (!manifest.ok()) return manifest.status().Annotate("nothing is pruned while a manifest cannot be read");
  for (const PartitionRecord& partition : manifest->partitions) {
    for (const LeafRecord& leaf : partition.leaves) {
      for (const ChunkRef& chunk : leaf.chunks) report.kept_chunks += chunks.erase(chunk.content);
    }
  }
  return Status::Ok();
}

}  // namespace

Result<PruneReport> Prune(Archive& archive, const PruneOptions& options, const Work& work) {
  const Uuid random = Uuid::Random();
  const auto salt = format::LoadFixed<uint32_t>(reinterpret_cast<const char*>(random.bytes.data()));
  ASSIGN_OR_RETURN(const auto claim,
                   Claim::Take(archive, work.clock, Claim::Kind::kPrune, MakeId(work.clock.WallMs(), salt)));
  PruneReport report;
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, archive.Ids());
  const size_t old = options.keep == 0 || ids.size() <= options.keep ? 0 : ids.size() - options.keep;
  ASSIGN_OR_RETURN(auto chunks, archive.Chunks());
  for (size_t i = old; i < ids.size(); ++i) {
    RETURN_IF_ERROR(Spare(archive, ids[i], chunks, report));
    RETURN_IF_ERROR(work.Report("looking", i - old + 1, ids.size() - old));
  }
  report.snapshots.assign(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(old));
  report.chunks = chunks.size();
  for (const auto& [content, bytes] : chunks) report.bytes += bytes;
  if (options.dry_run) return report;
  for (const std::string& id : report.snapshots) RETURN_IF_ERROR(archive.DropManifest(id));
  uint64_t done = 0;
  for (const auto& [content, bytes] : chunks) {
    RETURN_IF_ERROR(claim->CheckTime());
    RETURN_IF_ERROR(archive.DropChunk(content));
    RETURN_IF_ERROR(work.Report("pruning", ++done, chunks.size()));
  }
  return report;
}

}  // namespace rhizome::backup
