// Targets: where backups go, as the server's operator has written it: "dir:/path" or "s3://bucket/prefix".
//
// Clients choose among these by their exact text and can name no other place, so a request can make the server neither
// write somewhere nor call someone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "blob/blob.h"
#include "blob/s3.h"
#include "io/disk.h"

namespace rhizome::backup {

struct Target {
  std::string name;  // as configured
  std::unique_ptr<blob::BlobStore> store;
};

// The first is the default. `s3` has what all buckets share: address, region, keys. Folders are made; no server is
// called. InvalidArgument names "snapshot_targets" or the S3 option at fault.
Result<std::vector<Target>> OpenTargets(const std::vector<std::string>& names, const blob::S3Options& s3,
                                        io::Disk& disk);

}  // namespace rhizome::backup
