// `rhizome salvage`: carries what is still good out of a damaged log.
#include "wal/salvage.h"

#include <fmt/format.h>

#include "commands.h"
#include "io/disk.h"

namespace rhizome::app {
namespace {

Status SalvageLog(io::Disk& disk, const std::string& data_dir, std::string& report, std::string& kept_as) {
  ASSIGN_OR_RETURN(const bool exists, disk.Exists(data_dir + "/log"));
  if (!exists) return Status::NotFound("there is no log in " + data_dir);
  ASSIGN_OR_RETURN(const auto lock, disk.Lock(data_dir + "/LOCK"));
  const std::string fresh = data_dir + "/log.salvaged";
  RETURN_IF_ERROR(io::RemoveTree(disk, fresh));  // of an earlier attempt that was cut short
  ASSIGN_OR_RETURN(const wal::SalvageReport result, wal::Salvage(disk, data_dir + "/log", fresh));
  report = result.ToString();
  // The damaged log is kept aside under the first free name: nothing is thrown away.
  for (int n = 1;; ++n) {
    kept_as = data_dir + "/log.damaged." + std::to_string(n);
    ASSIGN_OR_RETURN(const bool taken, disk.Exists(kept_as));
    if (!taken) break;
  }
  RETURN_IF_ERROR(disk.Rename(data_dir + "/log", kept_as));
  RETURN_IF_ERROR(disk.Rename(fresh, data_dir + "/log"));
  return disk.SyncDirectory(data_dir);
}

}  // namespace

int Salvage(const std::string& data_dir) {
  std::string report, kept_as;
  const Status status = SalvageLog(io::RealDisk(), data_dir, report, kept_as);
  if (!status.ok()) {
    fmt::print(stderr, "rhizome salvage: {}\n", status.ToString());
    return 1;
  }
  fmt::print("{}\nThe damaged log is kept as {}. Start the server again with 'rhizome serve --data-dir {}'.\n", report,
             kept_as, data_dir);
  return 0;
}

}  // namespace rhizome::app
