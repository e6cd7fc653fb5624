// Disk port: everything Rhizome does to files, so that crashes and faults can be simulated.
//
// Two implementations: the machine's own (RealDisk) and SimDisk (io/sim_disk.h), which keeps a random subset of
// unsynced sectors on a crash, injects a failure at the k-th operation, runs full and flips bits.
//
// What completion promises: Append and WriteAt promise nothing about a crash. Sync promises that the file's
// bytes and length survive one; its directory entry survives only after SyncDirectory of the parent. A failed
// Sync is final for that file: the kernel may have dropped the dirty pages, so callers stop using it
// (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
//
// Paths are plain strings; parents must exist. Errors: NotFound, AlreadyExists, NoSpace, IoError.
// Thread-safety: a Disk may be shared; a File has one writer at a time, readers of written bytes may be many.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rhizome::io {

class File {
 public:
  virtual ~File() = default;
  // Adds `bytes` at the end; on failure some prefix of them may have been written.
  virtual Status Append(std::string_view bytes) = 0;
  virtual Status WriteAt(uint64_t offset, std::string_view bytes) = 0;
  // Reads up to `length` bytes from `offset` into `to`; fewer only at the end of the file. Returns how many.
  virtual Result<size_t> ReadInto(uint64_t offset, char* to, size_t length) const = 0;
  // The same as a string of its own.
  Result<std::string> ReadAt(uint64_t offset, size_t length) const;
  // fdatasync: returns once bytes and length are durable.
  virtual Status Sync() = 0;
  virtual Status Truncate(uint64_t length) = 0;
  // Reserves space so that later writes up to `length` need no allocation; the visible length stays. Does nothing
  // on a file system that cannot reserve, so a later write may still meet NoSpace.
  virtual Status Preallocate(uint64_t length) = 0;
  virtual Result<uint64_t> Size() const = 0;
};

enum class PathKind { kFile, kDirectory, kOther /* a link, a device, a socket: nothing that Rhizome made */ };

// What a path names, a link not followed.
struct PathInfo {
  PathKind kind = PathKind::kOther;
  uint64_t size = 0;  // of a file
};

// Bytes of a file in memory, valid for the object's life. Writable views are private copies (copy on write).
class Mapping {
 public:
  virtual ~Mapping() = default;
  virtual char* data() const = 0;
  virtual size_t size() const = 0;
};

enum class OpenMode { kRead, kReadWrite, kCreate /* read-write, must not exist */, kCreateOrOpen };

class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  // Maps the whole file, also an empty one. `at`, when given, is a page-aligned address inside a range the caller has
  // reserved (mmap MAP_FIXED); an implementation that cannot map there copies the bytes there. When the Mapping goes,
  // the range is reserved and inaccessible again; the caller still owns the reservation.
  virtual Result<std::unique_ptr<Mapping>> Map(const std::string& path, void* at = nullptr) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;  // atomic replace
  virtual Status Link(const std::string& from, const std::string& to) = 0;    // hard link
  virtual Status Remove(const std::string& path) = 0;
  virtual Status CreateDirectory(const std::string& path) = 0;                 // AlreadyExists when it does
  virtual Status RemoveDirectory(const std::string& path) = 0;                 // must be empty
  virtual Result<std::vector<std::string>> List(const std::string& path) = 0;  // names, sorted
  virtual Status SyncDirectory(const std::string& path) = 0;
  virtual Result<bool> Exists(const std::string& path) = 0;
  virtual Result<PathInfo> Inspect(const std::string& path) = 0;  // NotFound when there is nothing
  virtual Result<uint64_t> FreeBytes(const std::string& path) = 0;
  // Excludes other processes from a data directory until the returned object goes; FailedPrecondition if held.
  virtual Result<std::shared_ptr<void>> Lock(const std::string& path) = 0;
};

// The machine's own file system; lives for ever.
Disk& RealDisk();

// Publishes `bytes` at `path` so that a crash leaves the old content or the new, never a mixture:
// write to a neighbour, sync, rename, sync the directory.
Status WriteFileAtomically(Disk& disk, const std::string& path, std::string_view bytes);

Result<std::string> ReadWholeFile(Disk& disk, const std::string& path);

// Creates `path` and every missing parent, syncing each new entry.
Status CreateDirectories(Disk& disk, const std::string& path);

// Removes `path` with everything under it, links as links; OK when it does not exist.
Status RemoveTree(Disk& disk, const std::string& path);

}  // namespace rhizome::io
