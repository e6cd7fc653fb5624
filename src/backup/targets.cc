#include "backup/targets.h"

#include "blob/directory.h"

namespace rhizome::backup {
namespace {

constexpr std::string_view kDirectory = "dir:";
constexpr std::string_view kS3 = "s3://";

Result<std::unique_ptr<blob::BlobStore>> OpenOne(const std::string& name, blob::S3Options s3, io::Disk& disk) {
  if (name.starts_with(kDirectory)) {
    ASSIGN_OR_RETURN(auto store, blob::Directory::Open(disk, name.substr(kDirectory.size())));
    return std::unique_ptr<blob::BlobStore>(std::move(store));
  }
  if (!name.starts_with(kS3)) {
    return Status::InvalidArgument("snapshot_targets", "must be dir:PATH or s3://BUCKET/PREFIX, not '" + name + "'");
  }
  std::string place = name.substr(kS3.size());
  while (place.ends_with('/')) place.pop_back();
  const size_t slash = place.find('/');
  s3.bucket = place.substr(0, slash);
  s3.prefix = slash == std::string::npos ? "" : place.substr(slash + 1);
  ASSIGN_OR_RETURN(auto store, blob::S3::Open(std::move(s3)));
  return std::unique_ptr<blob::BlobStore>(std::move(store));
}

}  // namespace

Result<std::vector<Target>> OpenTargets(const std::vector<std::string>& names, const blob::S3Options& s3,
                                        io::Disk& disk) {
  std::vector<Target> targets;
  for (const std::string& name : names) {
    auto store = OpenOne(name, s3, disk);
    if (store.status().field() == "target") {
      return Status::InvalidArgument("snapshot_targets", name + ": " + std::string(store.status().message()));
    }
    if (!store.ok()) return store.status().Annotate("snapshot target " + name);
    targets.push_back({name, std::move(store).value()});
  }
  return targets;
}

}  // namespace rhizome::backup
