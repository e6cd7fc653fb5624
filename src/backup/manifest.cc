#include "backup/manifest.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/check.h"
#include "base/hash.h"
#include "format/coding.h"

namespace rhizome::backup {

using format::Decoder;
using format::Leaf;
using format::RangeDigest;

namespace {

constexpr uint32_t kMagic = 0x4D425A52;  // "RZBM"
constexpr uint8_t kFormat = 1;
constexpr size_t kIdLen = 28;
constexpr size_t kNameLenMax = 256;
constexpr size_t kContentBytes = 32;
constexpr size_t kLeafBytesMin = 17;
constexpr size_t kChunkBytes = kContentBytes + 12;
constexpr uint32_t kPartitionsMax = 64;

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
uint8_t HexValue(char c) { return static_cast<uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10); }

void PutContent(std::string& out, const std::string& content) {
  CHECK(content.size() == 2 * kContentBytes);
  for (size_t i = 0; i < content.size(); i += 2) {
    format::PutU8(out, static_cast<uint8_t>(HexValue(content[i]) << 4 | HexValue(content[i + 1])));
  }
}

bool GetContent(Decoder& in, std::string& content) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string_view raw;
  if (!in.Raw(raw, kContentBytes)) return false;
  for (const char c : raw) {
    content += kDigits[static_cast<unsigned char>(c) >> 4];
    content += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return true;
}

std::string EncodeSummary(const Summary& summary) {
  std::string out;
  format::PutBytes(out, summary.id);
  format::PutBytes(out, summary.parent);
  format::PutI64(out, summary.created_ms);
  out.append(reinterpret_cast<const char*>(summary.collection.bytes.data()), summary.collection.bytes.size());
  format::PutBytes(out, summary.spec.name);
  format::PutU32(out, summary.spec.dimension);
  format::PutBytes(out, vector::MetricName(summary.spec.metric));
  format::PutBytes(out, summary.spec.embedder);
  format::PutBytes(out, summary.spec.language);
  format::PutU32(out, summary.spec.shards);
  format::PutU32(out, summary.spec.replication_factor);
  format::PutU64(out, summary.registers);
  format::PutU64(out, summary.bytes);
  format::PutU64(out, summary.new_bytes);
  return out;
}

Result<Summary> DecodeSummaryBody(std::string_view bytes) {
  Decoder in(bytes);
  Summary summary;
  std::string_view uuid;
  std::string metric;
  cluster::CollectionSpec& spec = summary.spec;
  if (!in.Bytes(summary.id, kIdLen) || !in.Bytes(summary.parent, kIdLen) || !in.I64(summary.created_ms) ||
      !in.Raw(uuid, summary.collection.bytes.size()) || !in.Bytes(spec.name, kNameLenMax) || !in.U32(spec.dimension) ||
      !in.Bytes(metric, kNameLenMax) || !in.Bytes(spec.embedder, kNameLenMax) ||
      !in.Bytes(spec.language, kNameLenMax) || !in.U32(spec.shards) || !in.U32(spec.replication_factor) ||
      !in.U64(summary.registers) || !in.U64(summary.bytes) || !in.U64(summary.new_bytes)) {
    return in.Failure("backup summary");
  }
  RETURN_IF_ERROR(in.Finish("backup summary"));
  std::copy(uuid.begin(), uuid.end(), reinterpret_cast<char*>(summary.collection.bytes.data()));
  const auto parsed = vector::ParseMetric(metric);
  const bool ids = CheckId(summary.id).ok() && (summary.parent.empty() || CheckId(summary.parent).ok());
  if (!parsed || !ids) return Status::Corruption("backup summary: not one that was written");
  spec.metric = *parsed;
  if (const Status valid = cluster::ValidateSpec(spec); !valid.ok()) {
    return Status::Corruption("backup summary: " + std::string(valid.message()));
  }
  return summary;
}

// The summary in its frame; `rest` is what follows it.
Result<Summary> DecodeHead(std::string_view bytes, std::string_view& rest) {
  Decoder in(bytes);
  uint32_t magic = 0;
  uint8_t version = 0;
  std::string_view body;
  uint64_t checksum = 0;
  if (!in.U32(magic) || magic != kMagic || !in.U8(version) || version != kFormat ||
      !in.Bytes(body, kSummaryBytesMax - 32) || !in.U64(checksum) || checksum != Checksum(body)) {
    return Status::Corruption("not the manifest of a backup, or a damaged one");
  }
  rest = in.rest();
  return DecodeSummaryBody(body);
}

void PutPartition(std::string& out, const PartitionRecord& partition) {
  format::PutU64(out, partition.begin_lsn);
  format::PutU64(out, partition.end_lsn);
  format::PutU8(out, static_cast<uint8_t>(partition.bits));
  for (const LeafRecord& leaf : partition.leaves) {
    format::PutU64(out, leaf.digest.hash);
    format::PutU64(out, leaf.digest.count);
    format::PutVarint(out, leaf.chunks.size());
    for (const ChunkRef& chunk : leaf.chunks) {
      PutContent(out, chunk.content);
      format::PutU32(out, chunk.bytes);
      format::PutU32(out, chunk.raw_bytes);
      format::PutU32(out, chunk.registers);
    }
  }
}

// Also that the chunks' registers are the leaf's.
bool GetLeaf(Decoder& in, LeafRecord& leaf) {
  uint64_t chunks = 0, registers = 0;
  if (!in.U64(leaf.digest.hash) || !in.U64(leaf.digest.count) || !in.Count(chunks, kChunkBytes)) return false;
  leaf.chunks.resize(chunks);
  for (ChunkRef& chunk : leaf.chunks) {
    if (!GetContent(in, chunk.content) || !in.U32(chunk.bytes) || !in.U32(chunk.raw_bytes) ||
        !in.U32(chunk.registers) || chunk.raw_bytes > kChunkRawBytesMax || chunk.registers == 0) {
      return false;
    }
    registers += chunk.registers;
  }
  return registers == leaf.digest.count;
}

bool GetPartition(Decoder& in, PartitionRecord& partition) {
  uint8_t bits = 0;
  if (!in.U64(partition.begin_lsn) || !in.U64(partition.end_lsn) || partition.end_lsn < partition.begin_lsn ||
      !in.U8(bits) || bits > format::kDigestBitsMax || in.remaining() < (size_t{1} << bits) * kLeafBytesMin) {
    return false;
  }
  partition.bits = bits;
  partition.leaves.resize(size_t{1} << bits);
  return std::all_of(partition.leaves.begin(), partition.leaves.end(),
                     [&in](LeafRecord& leaf) { return GetLeaf(in, leaf); });
}

}  // namespace

bool Summary::operator==(const Summary& other) const { return EncodeSummary(*this) == EncodeSummary(other); }

RangeDigest PartitionRecord::Digest() const {
  RangeDigest digest(bits);
  for (size_t i = 0; i < leaves.size(); ++i) digest.leaves[i] = leaves[i].digest;
  return digest;
}

std::string EncodeManifest(const Manifest& manifest) {
  const std::string summary = EncodeSummary(manifest.summary);
  std::string out;
  format::PutU32(out, kMagic);
  format::PutU8(out, kFormat);
  format::PutBytes(out, summary);
  format::PutU64(out, Checksum(summary));
  format::PutVarint(out, manifest.partitions.size());
  for (const PartitionRecord& partition : manifest.partitions) PutPartition(out, partition);
  format::PutU64(out, Checksum(out));
  return out;
}

Result<Manifest> DecodeManifest(std::string_view bytes) {
  const Status bad = Status::Corruption("the manifest of a backup is damaged");
  if (bytes.size() < sizeof(uint64_t) || bytes.size() > kManifestBytesMax) return bad;
  const std::string_view checked = bytes.substr(0, bytes.size() - sizeof(uint64_t));
  if (format::LoadFixed<uint64_t>(bytes.data() + checked.size()) != Checksum(checked)) return bad;
  Manifest manifest;
  std::string_view rest;
  ASSIGN_OR_RETURN(manifest.summary, DecodeHead(checked, rest));
  Decoder in(rest);
  uint64_t partitions = 0;
  if (!in.Varint(partitions, kPartitionsMax) || partitions != manifest.summary.spec.shards) return bad;
  manifest.partitions.resize(partitions);
  for (PartitionRecord& partition : manifest.partitions) {
    if (!GetPartition(in, partition)) return in.Failure("backup manifest");
  }
  RETURN_IF_ERROR(in.Finish("backup manifest"));
  return manifest;
}

Result<Summary> DecodeSummary(std::string_view beginning) {
  std::string_view rest;
  return DecodeHead(beginning, rest);
}

RangeDigest Fold(const RangeDigest& digest, uint32_t bits) {
  CHECK(bits <= digest.bits);
  RangeDigest folded(bits);
  for (size_t i = 0; i < digest.leaves.size(); ++i) {
    Leaf& leaf = folded.leaves[i >> (digest.bits - bits)];
    leaf.hash += digest.leaves[i].hash;
    leaf.count += digest.leaves[i].count;
  }
  return folded;
}

RangeDigest WholeDigest(const std::vector<RangeDigest>& partitions) {
  uint32_t bits = format::kDigestBitsMax;
  for (const RangeDigest& digest : partitions) bits = std::min(bits, digest.bits);
  RangeDigest whole(bits);
  for (const RangeDigest& digest : partitions) {
    const RangeDigest folded = Fold(digest, bits);
    for (size_t i = 0; i < whole.leaves.size(); ++i) {
      whole.leaves[i].hash += folded.leaves[i].hash;
      whole.leaves[i].count += folded.leaves[i].count;
    }
  }
  return whole;
}

std::string ManifestName(const std::string& collection, const std::string& id) {
  return "c_" + collection + "/snapshots/" + id;
}

std::string ChunkName(const std::string& collection, const std::string& content) {
  return "c_" + collection + "/chunks/" + content.substr(0, 2) + "/" + content;
}

std::string MakeId(int64_t wall_ms, uint32_t salt) {
  const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(std::max<int64_t>(wall_ms, 0))};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  char text[64];
  std::snprintf(text, sizeof(text), "%04d%02u%02uT%02d%02d%02d%03dZ-%08x",
                std::clamp(static_cast<int>(date.year()), 0, 9999), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()), salt);
  return text;
}

Status CheckId(std::string_view id) {
  bool good = id.size() == kIdLen && id[8] == 'T' && id[18] == 'Z' && id[19] == '-';
  for (size_t i = 0; good && i < id.size(); ++i) {
    if (i != 8 && i != 18 && i != 19) good = i < 18 ? IsDigit(id[i]) : IsHex(id[i]);
  }
  return good ? Status::Ok() : Status::InvalidArgument("snapshot", "is not the name of a snapshot");
}

}  // namespace rhizome::backup
