// Directory: the blob store of a folder, also one that other machines mount.
//
// An object is a regular file of its own name under the root. Put writes a neighbour, syncs it, renames it and syncs
// the directory. Links, devices and whatever else was put there are refused by name and never followed; the folder's
// owner is trusted not to swap a folder for a link between two system calls. Thread-safe for different names; of two
// Puts of one name at a time one wins.
#pragma once

#include <memory>

#include "blob/blob.h"
#include "io/disk.h"

namespace rhizome::blob {

class Directory final : public BlobStore {
 public:
  // Makes the folder when it is absent. `disk` outlives the store. FailedPrecondition when `root` is not a folder.
  static Result<std::unique_ptr<Directory>> Open(io::Disk& disk, std::string root);

  Status Put(const std::string& name, std::string_view bytes) override;
  Result<std::string> Get(const std::string& name, uint64_t bytes_max) override;
  Result<std::string> GetRange(const std::string& name, uint64_t offset, uint64_t length) override;
  Result<std::optional<uint64_t>> SizeOf(const std::string& name) override;
  Result<ObjectPage> List(const std::string& prefix, const std::string& after, uint32_t limit) override;
  Status Delete(const std::string& name) override;
  std::string Describe() const override { return "dir:" + root_; }

 private:
  struct Walk;
  Directory(io::Disk& disk, std::string root) : disk_(disk), root_(std::move(root)) {}
  std::string PathOf(const std::string& name) const { return root_ + "/" + name; }
  // OK when every folder above the object is one; NotFound when one is missing.
  Status CheckFolders(const std::string& name) const;
  // The regular file of that name; FailedPrecondition for anything else.
  Result<io::PathInfo> Find(const std::string& name) const;
  Result<std::string> Read(const std::string& name, uint64_t offset, uint64_t length) const;
  Status Visit(const std::string& folder, Walk& walk) const;

  io::Disk& disk_;
  const std::string root_;
};

}  // namespace rhizome::blob
