// PosixDisk: the Disk port on the machine's own file system. Reached through RealDisk(); named here for the tests
// and for those who wrap it.
//
// Appends are positioned writes at an end the File keeps, so one File at a time may append to a path. Every call is
// retried over EINTR and short writes. Locks are flock(2): they hold between processes and between two opens in one.
#pragma once

#include "io/disk.h"

namespace rhizome::io {

class PosixDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Result<std::unique_ptr<Mapping>> Map(const std::string& path, void* at = nullptr) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status CreateDirectory(const std::string& path) override;
  Status RemoveDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override;
  Result<PathInfo> Inspect(const std::string& path) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;
  Result<std::shared_ptr<void>> Lock(const std::string& path) override;
};

// The Status of a failed system call: "open /data/x: No such file or directory".
Status ErrnoStatus(int error, std::string_view call, std::string_view path);

}  // namespace rhizome::io
