#include "backup/restore.h"

#include <algorithm>
#include <functional>

#include "format/coding.h"

namespace rhizome::backup {

using format::Operation;
using format::RangeDigest;
using format::RegisterVersion;

namespace {

constexpr size_t kProblemsMax = 100;

bool IsTombstone(const Operation& operation) {
  return std::holds_alternative<format::DeletePoint>(operation.body) ||
         std::holds_alternative<format::DeleteDocument>(operation.body);
}

// Reads a backup's chunks one by one.
class Reading {
 public:
  Reading(Archive& archive, const Manifest& manifest, const Work& work, std::string step)
      : archive_(archive), manifest_(manifest), work_(work), pace_(work), step_(std::move(step)) {}

  // `damage` is told of what is wrong and `take` is given the registers of each whole chunk; the first failure of
  // either, or of the store, ends it.
  using Damage = std::function<Status(const Status&)>;
  using Take = std::function<Status(std::vector<Operation>)>;
  Status Run(const Damage& damage, const Take& take);

 private:
  Status ReadLeaf(const PartitionRecord& partition, uint32_t number, const Damage& damage, const Take& take);

  Archive& archive_;
  const Manifest& manifest_;
  const Work& work_;
  Pace pace_;
  const std::string step_;
  uint64_t done_ = 0;
};

Status Reading::Run(const Damage& damage, const Take& take) {
  for (const PartitionRecord& partition : manifest_.partitions) {
    for (uint32_t leaf = 0; leaf < partition.leaves.size(); ++leaf) {
      RETURN_IF_ERROR(ReadLeaf(partition, leaf, damage, take));
    }
  }
  return Status::Ok();
}

Status Reading::ReadLeaf(const PartitionRecord& partition, uint32_t number, const Damage& damage, const Take& take) {
  const LeafRecord& leaf = partition.leaves[number];
  RangeDigest digest(0);
  bool whole = true;
  for (const ChunkRef& chunk : leaf.chunks) {
    auto operations = archive_.ReadChunk(chunk);
    if (operations.status().code() == Code::kCorruption) {
      whole = false;
      RETURN_IF_ERROR(damage(operations.status()));
      continue;
    }
    RETURN_IF_ERROR(operations.status());
    for (const Operation& operation : *operations) {
      const std::string key = operation.Key();
      if (format::LeafOf(key, partition.bits) != number) {
        whole = false;
        RETURN_IF_ERROR(damage(
            Status::Corruption(ChunkName(archive_.collection(), chunk.content) + ": has a register of another leaf")));
        break;
      }
      format::AddToDigest(digest, {key, operation.version, IsTombstone(operation)});
    }
    done_ += operations->size();
    RETURN_IF_ERROR(take(std::move(operations).value()));
    pace_.Pass(chunk.bytes);
    RETURN_IF_ERROR(work_.Report(step_, done_, manifest_.summary.registers));
  }
  if (!whole || digest.leaves[0] == leaf.digest) return Status::Ok();
  return damage(Status::Corruption(ManifestName(archive_.collection(), manifest_.summary.id) + ": leaf " +
                                   std::to_string(number) + " of partition " +
                                   std::to_string(&partition - manifest_.partitions.data()) +
                                   " has another digest than the registers of its chunks"));
}

Result<VerifyReport> VerifyManifest(Archive& archive, const Manifest& manifest, const Work& work) {
  VerifyReport report;
  report.summary = manifest.summary;
  const auto damage = [&report](const Status& problem) {
    ++report.damaged;
    if (report.problems.size() < kProblemsMax) report.problems.emplace_back(problem.message());
    return Status::Ok();
  };
  const auto take = [&report](const std::vector<Operation>& operations) {
    report.registers += operations.size();
    return Status::Ok();
  };
  for (const PartitionRecord& partition : manifest.partitions) {
    for (const LeafRecord& leaf : partition.leaves) report.chunks += leaf.chunks.size();
  }
  RETURN_IF_ERROR(Reading(archive, manifest, work, "verifying").Run(damage, take));
  return report;
}

// Makes the collection, or checks that what is there fits.
Status PrepareTarget(cluster::Database& database, const RestoreTarget& target, const cluster::CollectionSpec& saved) {
  const auto there = database.GetCollection(target.collection);
  if (there.status().code() == Code::kNotFound) {
    cluster::CollectionSpec spec = saved;
    spec.name = target.collection;
    if (target.shards != 0) spec.shards = target.shards;
    if (target.replication_factor != 0) spec.replication_factor = target.replication_factor;
    return database.CreateCollection(spec).status();
  }
  RETURN_IF_ERROR(there.status());
  const cluster::CollectionSpec& spec = there->spec;
  const auto differs = [&](const std::string& what) {
    return Status::FailedPrecondition("collection " + target.collection + " has another " + what +
                                      " than the snapshot");
  };
  if (spec.dimension != saved.dimension) return differs("dimension");
  if (spec.metric != saved.metric) return differs("metric");
  if (spec.embedder != saved.embedder) return differs("embedder");
  if (spec.language != saved.language) return differs("language");
  if (target.merge || there->points + there->documents == 0) return Status::Ok();
  return Status::FailedPrecondition("collection " + target.collection +
                                    " is not empty; restore with merge to continue an interrupted restore");
}

// Merges what is not there yet.
Status MergeNew(cluster::Registers& registers, const std::string& collection, std::vector<Operation> operations,
                RestoreReport& report) {
  std::vector<std::string> keys;
  for (const Operation& operation : operations) keys.push_back(operation.Key());
  ASSIGN_OR_RETURN(const std::vector<Version> versions, registers.Versions(collection, keys));
  std::vector<Operation> wanted;
  for (size_t i = 0; i < operations.size(); ++i) {
    if (versions[i] < operations[i].version) wanted.push_back(std::move(operations[i]));
  }
  report.already += operations.size() - wanted.size();
  report.merged += wanted.size();
  return wanted.empty() ? Status::Ok() : registers.Merge(collection, std::move(wanted));
}

Result<bool> HoldsExactly(cluster::Database& database, cluster::Registers& registers, const std::string& collection,
                          const Manifest& manifest) {
  ASSIGN_OR_RETURN(const cluster::CollectionSpec spec, database.GetSpec(collection));
  std::vector<RangeDigest> wanted, found;
  for (const PartitionRecord& partition : manifest.partitions) wanted.push_back(partition.Digest());
  const RangeDigest whole = WholeDigest(wanted);
  for (uint32_t p = 0; p < spec.shards; ++p) {
    ASSIGN_OR_RETURN(const auto view, registers.View(collection, p, spec.shards));
    RangeDigest digest(whole.bits);
    RETURN_IF_ERROR(view->Scan([&digest](const RegisterVersion& entry) {
      format::AddToDigest(digest, entry);
      return true;
    }));
    found.push_back(std::move(digest));
  }
  return WholeDigest(found) == whole;
}

}  // namespace

Result<VerifyReport> Verify(Archive& archive, const std::string& id, const Work& work) {
  ASSIGN_OR_RETURN(const Manifest manifest, archive.Load(id));
  return VerifyManifest(archive, manifest, work);
}

Result<RestoreReport> Restore(Archive& archive, const std::string& id, cluster::Database& database,
                              cluster::Registers& registers, const RestoreTarget& target, const Work& work) {
  ASSIGN_OR_RETURN(const auto claim, Claim::Take(archive, work.clock, Claim::Kind::kUse, id));
  ASSIGN_OR_RETURN(const Manifest manifest, archive.Load(id));
  ASSIGN_OR_RETURN(const VerifyReport verified, VerifyManifest(archive, manifest, work));
  if (verified.damaged > 0) {
    return Status::Corruption("snapshot " + id + " is damaged in " + std::to_string(verified.damaged) +
                              " places, nothing was restored: " + verified.problems[0]);
  }
  RETURN_IF_ERROR(PrepareTarget(database, target, manifest.summary.spec));
  RestoreReport report;
  report.summary = manifest.summary;
  const auto damage = [](const Status& problem) { return problem; };
  const auto take = [&](std::vector<Operation> operations) {
    return MergeNew(registers, target.collection, std::move(operations), report);
  };
  RETURN_IF_ERROR(Reading(archive, manifest, work, "restoring").Run(damage, take));
  ASSIGN_OR_RETURN(report.equal, HoldsExactly(database, registers, target.collection, manifest));
  if (!report.equal && !target.merge) {
    return Status::FailedPrecondition("all of snapshot " + id + " is in collection " + target.collection +
                                      ", but so is something else: it was written to meanwhile");
  }
  return report;
}

}  // namespace rhizome::backup
