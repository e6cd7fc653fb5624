#include "backup/create.h"

#include <algorithm>
#include <bit>

#include "format/coding.h"

namespace rhizome::backup {

using cluster::PartitionView;
using format::Operation;
using format::RangeDigest;
using format::RegisterVersion;

namespace {

constexpr uint64_t kRegistersPerLeaf = 256;
constexpr uint32_t kBitsKept = 2;           // how far off the parent's leaves may be and still be kept
constexpr uint64_t kKeysPerPass = 200'000;  // held in memory at a time
constexpr size_t kKeysPerRead = 64;
constexpr size_t kChunkBytes = 4 << 20;  // about, before compression

uint32_t IdealBits(uint64_t registers) {
  const uint64_t leaves = registers / kRegistersPerLeaf;
  return std::min<uint32_t>(leaves == 0 ? 0 : static_cast<uint32_t>(std::bit_width(leaves)), format::kDigestBitsMax);
}

size_t SizeOf(const format::Point& point) {
  return 64 + point.vector.size() * sizeof(float) + point.title.size() + point.text.size() + point.payload.size();
}

// About what it takes in a batch.
size_t SizeOf(const Operation& operation) {
  if (const auto* upsert = std::get_if<format::UpsertPoint>(&operation.body)) return SizeOf(upsert->point);
  const auto* put = std::get_if<format::PutDocument>(&operation.body);
  if (put == nullptr) return 64;
  size_t size = 128 + put->record.title.size() + put->record.source.size() + put->record.metadata.size();
  for (const format::Point& chunk : put->chunks) size += SizeOf(chunk);
  return size;
}

bool IsTombstone(const Operation& operation) {
  return std::holds_alternative<format::DeletePoint>(operation.body) ||
         std::holds_alternative<format::DeleteDocument>(operation.body);
}

class Creation {
 public:
  Creation(Archive& archive, const Claim& claim, const Work& work)
      : archive_(archive), claim_(claim), work_(work), pace_(work) {}

  Result<CreateReport> Run(cluster::Registers& registers, const cluster::CollectionInfo& info, const std::string& id);

 private:
  Status FindParent();
  Status Survey(cluster::Registers& registers);
  Status CopyPartition(size_t partition);
  bool Reuse(size_t partition, uint32_t leaf);
  Status CopyLeaves(const PartitionView& view, PartitionRecord& record, const std::vector<uint32_t>& leaves);
  Status CopyLeaf(const PartitionView& view, const std::vector<std::string>& keys, LeafRecord& leaf);
  Status WriteChunk(std::vector<Operation>& operations, LeafRecord& leaf);

  Archive& archive_;
  const Claim& claim_;
  const Work& work_;
  Pace pace_;
  Manifest manifest_;
  std::optional<Manifest> parent_;
  std::map<std::string, uint64_t> present_;  // chunks in the store
  std::vector<std::unique_ptr<PartitionView>> views_;
  std::vector<RangeDigest> digests_;  // of the views, at the bits chosen
  uint64_t total_ = 0;
  uint64_t done_ = 0;
  CreateReport report_;
};

// The newest earlier backup of this very collection that can still be read.
Status Creation::FindParent() {
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, archive_.Ids());
  for (auto id = ids.rbegin(); id != ids.rend() && !parent_; ++id) {
    auto summary = archive_.ReadSummary(*id);
    if (!summary.ok() || summary->collection != manifest_.summary.collection) continue;
    if (auto manifest = archive_.Load(*id); manifest.ok()) parent_ = std::move(manifest).value();
  }
  if (parent_) manifest_.summary.parent = parent_->summary.id;
  return Status::Ok();
}

// Opens every partition and looks at what is in it.
Status Creation::Survey(cluster::Registers& registers) {
  for (uint32_t p = 0; p < manifest_.summary.spec.shards; ++p) {
    ASSIGN_OR_RETURN(
        auto view, registers.View(manifest_.summary.spec.name, p, static_cast<uint32_t>(manifest_.partitions.size())));
    views_.push_back(std::move(view));
  }
  for (size_t p = 0; p < views_.size(); ++p) {
    RangeDigest fine(format::kDigestBitsMax);
    uint64_t count = 0;
    RETURN_IF_ERROR(views_[p]->Scan([&](const RegisterVersion& entry) {
      format::AddToDigest(fine, entry);
      ++count;
      return true;
    }));
    uint32_t bits = IdealBits(count);
    if (parent_ && p < parent_->partitions.size()) {
      const uint32_t before = parent_->partitions[p].bits;
      if (std::max(before, bits) - std::min(before, bits) <= kBitsKept) bits = before;
    }
    digests_.push_back(Fold(fine, bits));
    total_ += count;
    RETURN_IF_ERROR(work_.Report("looking", 0, total_));
  }
  return Status::Ok();
}

bool Creation::Reuse(size_t partition, uint32_t leaf) {
  if (!parent_ || partition >= parent_->partitions.size()) return false;
  const PartitionRecord& before = parent_->partitions[partition];
  if (before.bits != digests_[partition].bits || before.leaves[leaf].digest != digests_[partition].leaves[leaf]) {
    return false;
  }
  for (const ChunkRef& chunk : before.leaves[leaf].chunks) {
    const auto present = present_.find(chunk.content);
    if (present == present_.end() || present->second != chunk.bytes) return false;
  }
  manifest_.partitions[partition].leaves[leaf] = before.leaves[leaf];
  report_.chunks_reused += before.leaves[leaf].chunks.size();
  return true;
}

Status Creation::CopyPartition(size_t partition) {
  const PartitionView& view = *views_[partition];
  const RangeDigest& digest = digests_[partition];
  PartitionRecord& record = manifest_.partitions[partition];
  record.begin_lsn = view.begin_lsn();
  record.bits = digest.bits;
  record.leaves.resize(digest.leaves.size());
  std::vector<uint32_t> wanted;
  uint64_t keys = 0;
  for (uint32_t leaf = 0; leaf < digest.leaves.size(); ++leaf) {
    const uint64_t count = digest.leaves[leaf].count;
    if (Reuse(partition, leaf)) {
      done_ += count;
      continue;
    }
    if (keys + count > kKeysPerPass && !wanted.empty()) {
      RETURN_IF_ERROR(CopyLeaves(view, record, wanted));
      wanted.clear();
      keys = 0;
    }
    wanted.push_back(leaf);
    keys += count;
  }
  if (!wanted.empty()) RETURN_IF_ERROR(CopyLeaves(view, record, wanted));
  ASSIGN_OR_RETURN(record.end_lsn, view.EndLsn());
  views_[partition].reset();  // lets go of what it kept
  return work_.Report("copying", done_, total_);
}

Status Creation::CopyLeaves(const PartitionView& view, PartitionRecord& record, const std::vector<uint32_t>& leaves) {
  std::map<uint32_t, std::vector<std::string>> keys;
  for (const uint32_t leaf : leaves) keys[leaf];
  RETURN_IF_ERROR(view.Scan([&](const RegisterVersion& entry) {
    const auto wanted = keys.find(format::LeafOf(entry.key, record.bits));
    if (wanted != keys.end()) wanted->second.push_back(entry.key);
    return true;
  }));
  for (const uint32_t leaf : leaves) RETURN_IF_ERROR(CopyLeaf(view, keys[leaf], record.leaves[leaf]));
  return Status::Ok();
}

Status Creation::CopyLeaf(const PartitionView& view, const std::vector<std::string>& keys, LeafRecord& leaf) {
  RangeDigest digest(0);
  std::vector<Operation> operations;
  size_t bytes = 0;
  for (size_t at = 0; at < keys.size(); at += kKeysPerRead) {
    const size_t count = std::min(kKeysPerRead, keys.size() - at);
    ASSIGN_OR_RETURN(auto read, view.Read(std::span(keys).subspan(at, count)));
    for (std::optional<Operation>& operation : read) {
      if (!operation) continue;  // a tombstone collected meanwhile, where the view is not of one moment
      format::AddToDigest(digest, {operation->Key(), operation->version, IsTombstone(*operation)});
      const size_t size = SizeOf(*operation);
      if (bytes + size > kChunkBytes) {
        RETURN_IF_ERROR(WriteChunk(operations, leaf));
        bytes = 0;
      }
      bytes += size;
      operations.push_back(std::move(*operation));
    }
    done_ += count;
  }
  leaf.digest = digest.leaves[0];
  return WriteChunk(operations, leaf);
}

Status Creation::WriteChunk(std::vector<Operation>& operations, LeafRecord& leaf) {
  if (operations.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(const EncodedChunk chunk, EncodeChunk(operations));
  operations.clear();
  leaf.chunks.push_back(chunk.ref);
  const auto present = present_.find(chunk.ref.content);
  if (present != present_.end() && present->second == chunk.ref.bytes) {
    ++report_.chunks_reused;  // of a backup that was cut off
    return Status::Ok();
  }
  RETURN_IF_ERROR(claim_.CheckTime());
  RETURN_IF_ERROR(archive_.WriteChunk(chunk));
  present_[chunk.ref.content] = chunk.ref.bytes;
  ++report_.chunks_written;
  manifest_.summary.new_bytes += chunk.ref.bytes;
  pace_.Pass(chunk.ref.bytes);
  return work_.Report("copying", done_, total_);
}

Result<CreateReport> Creation::Run(cluster::Registers& registers, const cluster::CollectionInfo& info,
                                   const std::string& id) {
  manifest_.summary.id = id;
  manifest_.summary.created_ms = work_.clock.WallMs();
  manifest_.summary.collection = info.id;
  manifest_.summary.spec = info.spec;
  manifest_.partitions.resize(info.spec.shards);
  RETURN_IF_ERROR(FindParent());
  ASSIGN_OR_RETURN(present_, archive_.Chunks());
  RETURN_IF_ERROR(Survey(registers));
  for (size_t p = 0; p < views_.size(); ++p) RETURN_IF_ERROR(CopyPartition(p));
  for (const PartitionRecord& partition : manifest_.partitions) {
    for (const LeafRecord& leaf : partition.leaves) {
      manifest_.summary.registers += leaf.digest.count;
      for (const ChunkRef& chunk : leaf.chunks) manifest_.summary.bytes += chunk.bytes;
    }
  }
  RETURN_IF_ERROR(claim_.CheckTime());
  RETURN_IF_ERROR(archive_.Save(manifest_));
  report_.summary = manifest_.summary;
  return report_;
}

}  // namespace

Result<CreateReport> Create(Archive& archive, cluster::Database& database, cluster::Registers& registers,
                            const Work& work) {
  ASSIGN_OR_RETURN(const cluster::CollectionInfo info, database.GetCollection(archive.collection()));
  const Uuid random = Uuid::Random();
  const std::string id =
      MakeId(work.clock.WallMs(), format::LoadFixed<uint32_t>(reinterpret_cast<const char*>(random.bytes.data())));
  ASSIGN_OR_RETURN(const auto claim, Claim::Take(archive, work.clock, Claim::Kind::kUse, id));
  return Creation(archive, *claim, work).Run(registers, info, id);
}

}  // namespace rhizome::backup
