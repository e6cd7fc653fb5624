#include "backup/archive.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "format/coding.h"

namespace rhizome::backup {
namespace {

constexpr size_t kObjectsMax = 4'000'000;
constexpr uint64_t kClaimBytesMax = 64;

std::string LastSegment(const std::string& name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

Result<std::vector<blob::ObjectInfo>> Archive::ListAll(const std::string& folder) {
  std::vector<blob::ObjectInfo> all;
  std::string after;
  do {
    ASSIGN_OR_RETURN(blob::ObjectPage page,
                     store_.List("c_" + collection_ + "/" + folder + "/", after, blob::kListLimitMax));
    std::move(page.objects.begin(), page.objects.end(), std::back_inserter(all));
    if (all.size() > kObjectsMax) return Status::TooLarge("target", "more objects than a collection's backups have");
    after = std::move(page.next);
  } while (!after.empty());
  return all;
}

Result<std::vector<std::string>> Archive::Ids() {
  ASSIGN_OR_RETURN(const auto objects, ListAll("snapshots"));
  std::vector<std::string> ids;
  for (const blob::ObjectInfo& object : objects) {
    if (const std::string id = LastSegment(object.name); CheckId(id).ok()) ids.push_back(id);
  }
  return ids;
}

Result<Summary> Archive::ReadSummary(const std::string& id) {
  RETURN_IF_ERROR(CheckId(id));
  const std::string name = ManifestName(collection_, id);
  ASSIGN_OR_RETURN(const std::string bytes, store_.GetRange(name, 0, kSummaryBytesMax));
  Result<Summary> summary = DecodeSummary(bytes);
  if (!summary.ok()) return summary.status().Annotate(name);
  if (summary->id != id) return Status::Corruption(name + ": is the manifest of " + summary->id);
  return summary;
}

Result<Manifest> Archive::Load(const std::string& id) {
  RETURN_IF_ERROR(CheckId(id));
  const std::string name = ManifestName(collection_, id);
  auto bytes = store_.Get(name, kManifestBytesMax);
  if (bytes.status().code() == Code::kNotFound) {
    return Status::NotFound("there is no snapshot " + id + " of collection " + collection_ + " in " +
                            store_.Describe());
  }
  RETURN_IF_ERROR(bytes.status());
  Result<Manifest> manifest = DecodeManifest(*bytes);
  if (!manifest.ok()) return manifest.status().Annotate(name);
  if (manifest->summary.id != id) return Status::Corruption(name + ": is the manifest of " + manifest->summary.id);
  return manifest;
}

Status Archive::Save(const Manifest& manifest) {
  const std::string bytes = EncodeManifest(manifest);
  if (bytes.size() > kManifestBytesMax) return Status::TooLarge("collection", "its manifest would be too large");
  return store_.Put(ManifestName(collection_, manifest.summary.id), bytes);
}

Status Archive::DropManifest(const std::string& id) {
  RETURN_IF_ERROR(CheckId(id));
  return store_.Delete(ManifestName(collection_, id));
}

Result<std::map<std::string, uint64_t>> Archive::Chunks() {
  ASSIGN_OR_RETURN(const auto objects, ListAll("chunks"));
  std::map<std::string, uint64_t> chunks;
  for (const blob::ObjectInfo& object : objects) {
    const std::string content = LastSegment(object.name);
    if (object.name == ChunkName(collection_, content)) chunks[content] = object.bytes;
  }
  return chunks;
}

Result<std::vector<format::Operation>> Archive::ReadChunk(const ChunkRef& ref) {
  const std::string name = ChunkName(collection_, ref.content);
  auto bytes = store_.Get(name, ref.bytes);
  if (bytes.status().code() == Code::kNotFound) return Status::Corruption(name + ": is missing");
  if (bytes.status().code() == Code::kTooLarge) return Status::Corruption(std::string(bytes.status().message()));
  RETURN_IF_ERROR(bytes.status());
  Result<std::vector<format::Operation>> operations = DecodeChunk(ref, *bytes);
  if (!operations.ok()) return operations.status().Annotate(name);
  return operations;
}

Status Archive::WriteChunk(const EncodedChunk& chunk) {
  return store_.Put(ChunkName(collection_, chunk.ref.content), chunk.bytes);
}

Status Archive::DropChunk(const std::string& content) { return store_.Delete(ChunkName(collection_, content)); }

Result<std::unique_ptr<Claim>> Claim::Take(Archive& archive, Clock& clock, Kind kind, const std::string& id) {
  RETURN_IF_ERROR(CheckId(id));
  const std::string name = "c_" + archive.collection() + "/running/" + (kind == Kind::kPrune ? "prune-" : "use-") + id;
  std::string since;
  format::PutI64(since, clock.WallMs());
  RETURN_IF_ERROR(archive.store().Put(name, since));
  std::unique_ptr<Claim> claim(new Claim(archive, clock, name));
  RETURN_IF_ERROR(claim->CheckOthers(kind));
  return claim;
}

Status Claim::CheckOthers(Kind kind) const {
  const std::string folder = "c_" + archive_.collection() + "/running/";
  ASSIGN_OR_RETURN(const blob::ObjectPage page, archive_.store().List(folder, "", blob::kListLimitMax));
  for (const blob::ObjectInfo& object : page.objects) {
    const bool prunes = object.name.starts_with(folder + "prune-");
    if (object.name == name_ || (kind == Kind::kUse && !prunes)) continue;
    auto since = archive_.store().Get(object.name, kClaimBytesMax);
    if (since.status().code() == Code::kNotFound) continue;  // done meanwhile
    RETURN_IF_ERROR(since.status());
    const bool whole = since->size() == sizeof(int64_t);
    if (whole && format::LoadFixed<int64_t>(since->data()) + kClaimMs < clock_.WallMs()) continue;
    return Status::FailedPrecondition("collection " + archive_.collection() + " is being " +
                                      (prunes ? "pruned" : "backed up or restored") + " in " +
                                      archive_.store().Describe() + " (" + object.name +
                                      "); if that has died, it is forgotten a day after its start");
  }
  return Status::Ok();
}

Claim::~Claim() {
  const Status status = archive_.store().Delete(name_);
  if (!status.ok()) spdlog::warn("{} stays behind and holds up pruning for a day: {}", name_, status.ToString());
}

Status Claim::CheckTime() const {
  const int64_t passed_ms = (clock_.MonotonicNs() - start_ns_) / 1'000'000;
  if (passed_ms < kClaimMs - 3'600'000) return Status::Ok();
  return Status::DeadlineExceeded("a snapshot must be done within 23 hours");
}

}  // namespace rhizome::backup
