// Manifest: what a snapshot of a vector shard consists of. It is the last file written and names every other,
// so a snapshot either is there whole or is not there (docs/formats/snapshot.md).
//
// Files are immutable and shared by successive snapshots; what no manifest names is garbage of an interrupted one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engines/vector/graph_index.h"
#include "io/disk.h"

namespace rhizome::vector {

struct Manifest {
  uint64_t sequence = 0;  // of the checkpoint; its files are named by it
  uint64_t lsn = 0;
  uint32_t slots = 0;
  std::string slot_table;         // file names inside the shard's directory: [A-Za-z0-9._-]
  SavedGraph graph;               // no files: the collection has no vectors
  std::vector<std::string> text;  // segments carry checksums of their own
  std::vector<std::string> payload;
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

inline constexpr std::string_view kManifestName = "MANIFEST";

std::string EncodeManifest(const Manifest& manifest);
// Corruption for anything EncodeManifest did not write, names that would leave the directory included.
Result<Manifest> DecodeManifest(std::string_view bytes);

// Removes every file of `directory` that `manifest` does not name.
Status RemoveUnnamedFiles(io::Disk& disk, const std::string& directory, const Manifest& manifest);

}  // namespace rhizome::vector
