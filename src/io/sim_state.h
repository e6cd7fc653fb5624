// SimState: what a simulated disk holds, and what of it a crash may leave. Copyable, so that every crash state of a
// moment can be tried. Not thread-safe; SimDisk locks around it.
//
// The fault model. A file keeps its durable bytes apart from its current ones. Between two syncs each 512-byte
// sector remembers every version written, and the file every length it had; a crash picks one version per sector and
// one length, independently. Lengths between two recorded ones are possible at sector boundaries. Sectors are
// atomic: a power loss never damages bytes of a sector that did not change. Directory operations not yet covered by
// SyncDirectory are each kept or dropped, independently; a rename is kept or dropped as a whole.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rhizome::io {

inline constexpr uint64_t kSimSectorBytes = 512;

// Makes the crash's choices.
class CrashChooser {
 public:
  virtual ~CrashChooser() = default;
  // In [0, count); 0 keeps what was durable, count - 1 keeps what was newest. count is at least 2.
  virtual uint64_t Choose(uint64_t count) = 0;
};

class SimState {
 public:
  using Inode = uint64_t;
  static constexpr Inode kRoot = 1;

  SimState();

  // Paths: "a/b" and "/a/b" are the same; "." and "" are the root.
  Result<Inode> Lookup(std::string_view path) const;
  // False once nothing names or holds it.
  bool Has(Inode inode) const { return inodes_.contains(inode); }
  bool IsDirectory(Inode inode) const;
  Result<std::vector<std::string>> List(std::string_view path) const;
  std::string_view Content(Inode inode) const;
  uint64_t used_bytes() const { return used_bytes_; }
  // Bytes `inode` would newly occupy if it grew (or were reserved) to `length`.
  uint64_t GrowthTo(Inode inode, uint64_t length) const;

  Result<Inode> CreateFile(std::string_view path);
  Status CreateDirectory(std::string_view path);
  Status Rename(std::string_view from, std::string_view to);
  Status Link(std::string_view from, std::string_view to);
  Status Remove(std::string_view path);
  Status RemoveDirectory(std::string_view path);
  Status SyncDirectory(std::string_view path);

  void Write(Inode inode, uint64_t offset, std::string_view bytes);
  void Truncate(Inode inode, uint64_t length);
  void Reserve(Inode inode, uint64_t length);
  void SyncFile(Inode inode);
  // The failed fsync that lies afterwards: what was unsynced stays readable but will never become durable, not even
  // by a later sync, unless it is written again.
  void ForgetUnsynced(Inode inode);
  // Media decay: flips a bit in the current and the durable bytes.
  void FlipBit(Inode inode, uint64_t offset, int bit);

  // Power loss: what is current becomes what the chooser kept. `directory_operations_in_order` keeps a prefix of the
  // unsynced directory operations instead of any subset, as journalling file systems do.
  void Crash(CrashChooser& chooser, bool directory_operations_in_order = false);

  void AddOpen(Inode inode) { ++inodes_.at(inode).open_count; }
  void DropOpen(Inode inode);

 private:
  struct Node {
    bool is_directory = false;
    // Files.
    std::string current;
    std::string durable;
    std::map<uint64_t, std::vector<std::string>> versions;  // sector -> contents since the last sync, oldest first
    std::vector<uint64_t> lengths;                          // lengths since the last sync, oldest first
    uint64_t reserved = 0;
    uint64_t link_count = 0;
    uint64_t open_count = 0;
    // Directories.
    std::map<std::string, Inode> entries;
    std::map<std::string, Inode> durable_entries;
  };
  struct EntryChange {
    Inode directory;
    std::string name;
    Inode target;  // 0: the entry goes
  };
  using DirectoryOperation = std::vector<EntryChange>;
  struct Place {
    Inode directory = 0;
    std::string name;
    Inode target = 0;  // 0: nothing there
  };

  Result<Place> Locate(std::string_view path) const;
  Result<Place> LocatePresent(std::string_view path) const;
  void Perform(DirectoryOperation operation);
  void PutEntry(const EntryChange& change);
  Inode NewInode(bool is_directory);
  uint64_t Charge(const Node& node) const;
  void NoteSectors(Node& node, uint64_t begin, uint64_t end);
  void CrashFile(Node& node, CrashChooser& chooser);
  void ForgetUnreachable();
  void Recount();

  std::map<Inode, Node> inodes_;
  std::vector<DirectoryOperation> unsynced_;  // in order
  Inode next_inode_ = kRoot + 1;
  uint64_t used_bytes_ = 0;
};

}  // namespace rhizome::io
