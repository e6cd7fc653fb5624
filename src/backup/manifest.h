// Manifest: what a backup of a collection consists of, and its bytes (docs/formats/backup.md).
//
// A backup is the registers of each partition, spread over leaves by a hash of their keys as for digests
// (format/register.h). A leaf's registers lie in chunks, objects named after their content; a leaf that has not changed
// since the parent backup names the parent's chunks. A backup exists when its manifest does, which is written last.
//
// Pure functions; decoders take untrusted bytes and answer Corruption.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/uuid.h"
#include "cluster/database.h"
#include "format/register.h"

namespace rhizome::backup {

inline constexpr size_t kManifestBytesMax = 64 << 20;
inline constexpr size_t kSummaryBytesMax = 4096;  // a manifest's beginning that has its whole summary
inline constexpr uint32_t kChunkRawBytesMax =
    (64u << 20) + (64u << 10);  // one register may be as large as a log record

struct ChunkRef {
  std::string content;     // SHA-256 of the object's bytes, 64 hexadecimal digits: its name
  uint32_t bytes = 0;      // of the object
  uint32_t raw_bytes = 0;  // of the operation batch in it
  uint32_t registers = 0;
  bool operator==(const ChunkRef&) const = default;
};

struct LeafRecord {
  format::Leaf digest;  // of the registers in the chunks
  std::vector<ChunkRef> chunks;
  bool operator==(const LeafRecord&) const = default;
};

struct PartitionRecord {
  uint64_t begin_lsn = 0;  // everything acknowledged up to here is in the backup
  uint64_t end_lsn = 0;    // nothing behind here is; equal: the partition at exactly this LSN
  uint32_t bits = 0;
  std::vector<LeafRecord> leaves;  // 2^bits
  format::RangeDigest Digest() const;
  bool operator==(const PartitionRecord&) const = default;
};

struct Summary {
  std::string id;      // "20261121T120501999Z-5f0c9a1e"
  std::string parent;  // the backup whose chunks may be named too; "" for none
  int64_t created_ms = 0;
  Uuid collection;
  cluster::CollectionSpec spec;
  uint64_t registers = 0;  // tombstones included
  uint64_t bytes = 0;      // of all chunks
  uint64_t new_bytes = 0;  // of those that this backup wrote
  bool operator==(const Summary&) const;
};

struct Manifest {
  Summary summary;
  std::vector<PartitionRecord> partitions;
  bool operator==(const Manifest&) const = default;
};

std::string EncodeManifest(const Manifest& manifest);
Result<Manifest> DecodeManifest(std::string_view bytes);
// From the first kSummaryBytesMax bytes of a manifest, or all of a smaller one.
Result<Summary> DecodeSummary(std::string_view beginning);

// The leaves of all partitions added up, at the fewest bits of any.
format::RangeDigest WholeDigest(const std::vector<format::RangeDigest>& partitions);
// The same registers at fewer bits.
format::RangeDigest Fold(const format::RangeDigest& digest, uint32_t bits);

// Names in the blob store, under the collection's.
std::string ManifestName(const std::string& collection, const std::string& id);
std::string ChunkName(const std::string& collection, const std::string& content);
// An id that sorts by time; `salt` keeps two of one millisecond apart.
std::string MakeId(int64_t wall_ms, uint32_t salt);
// InvalidArgument (field "snapshot") for what MakeId does not make.
Status CheckId(std::string_view id);

}  // namespace rhizome::backup
