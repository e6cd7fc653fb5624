// Manifest: what a snapshot of a vector shard consists of. It is the last file written and names every other,
// so a snapshot either is there whole or is not there (docs/formats/snapshot.md).
//
// Beside it the keys and small values of a shard in the database (docs/formats/database.md). Pure functions but for the
// last.
//
// Files are immutable and shared by successive snapshots; what no manifest names is garbage of an interrupted one.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "engines/vector/graph_index.h"
#include "format/point.h"
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

// Every key of a shard starts with its number, big-endian, so that a shard is one range.
std::string ShardPrefix(uint32_t shard);
// Of a key that starts with a ShardPrefix. Corruption when it is too short for one.
Result<uint32_t> ShardOf(std::string_view key);
inline constexpr std::string_view kAppliedBase = "applied/";  // before the shard's number
inline constexpr std::string_view kRequestBase = "request/";
std::string AppliedKey(uint32_t shard);
// Of what is known of a request; RequestPrefix is the range of all of a shard's.
std::string RequestKey(uint32_t shard, const format::IdempotencyKey& key);
std::string RequestPrefix(uint32_t shard);
std::string ContentKey(uint32_t shard, std::pair<uint64_t, uint64_t> hash, const format::PointId& document);
// ContentKey without the document: the range of all documents with that content.
std::string ContentPrefix(uint32_t shard, std::pair<uint64_t, uint64_t> hash);

// How far the database is: written in the same batch as the effects.
struct Applied {
  uint64_t lsn = 0;
  Version max_version;
  uint64_t documents = 0;
};
std::string EncodeApplied(const Applied& applied);
Result<Applied> DecodeApplied(std::string_view bytes);

}  // namespace rhizome::vector
