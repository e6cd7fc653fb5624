#include "engines/vector/attribute_segment.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"

namespace rhizome::vector {
namespace {

constexpr std::string_view kMagic = "RHZATTR1";
constexpr uint32_t kVersion = 1;
constexpr size_t kAlignment = 64;
constexpr size_t kChunk = size_t{1} << 20;  // bytes under one link of the checksum chain
constexpr size_t kSectionsMax = 64;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t zero[13];
};
static_assert(sizeof(Header) == kAlignment);

struct Tail {
  uint32_t section_count;
  uint32_t kind;
  uint32_t first_slot;
  uint32_t end_slot;
  uint64_t documents;
  uint32_t version;
  uint32_t zero;
  uint64_t checksum;  // chained over every byte before it
  char magic[8];
};
static_assert(sizeof(Tail) == 48);
constexpr size_t kUnchecked = sizeof(Tail) - offsetof(Tail, checksum);

uint64_t ChainChecksum(std::string_view bytes) {
  uint64_t checksum = 0;
  for (size_t at = 0; at < bytes.size(); at += kChunk) checksum = Checksum(bytes.substr(at, kChunk), checksum);
  return checksum;
}

Status Damaged(std::string_view what) { return Status::Corruption("attribute segment: " + std::string(what)); }

}  // namespace

Result<std::unique_ptr<SegmentFileWriter>> SegmentFileWriter::Create(io::Disk& disk, const std::string& directory,
                                                                     const std::string& name) {
  std::unique_ptr<SegmentFileWriter> writer(new SegmentFileWriter(disk, directory, name));
  const std::string path = directory + "/" + name + ".tmp";
  ASSIGN_OR_RETURN(writer->file_, disk.Open(path, io::OpenMode::kCreateOrOpen));
  RETURN_IF_ERROR(writer->file_->Truncate(0));
  Header header{};
  std::memcpy(header.magic, kMagic.data(), kMagic.size());
  header.version = kVersion;
  writer->AppendItem(header);
  writer->section_start_ = writer->offset_;
  return writer;
}

void SegmentFileWriter::Append(std::string_view bytes) {
  offset_ += bytes.size();
  while (!bytes.empty()) {
    const size_t taken = std::min(bytes.size(), kChunk - buffer_.size());
    buffer_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (buffer_.size() == kChunk) Flush();
  }
}

void SegmentFileWriter::Flush() {
  if (buffer_.empty()) return;
  checksum_ = Checksum(buffer_, checksum_);
  if (status_.ok()) status_ = file_->Append(buffer_);
  buffer_.clear();
}

void SegmentFileWriter::Pad() {
  static constexpr char kZeros[kAlignment] = {};
  Append({kZeros, (kAlignment - offset_ % kAlignment) % kAlignment});
}

void SegmentFileWriter::EndSection() {
  sections_.push_back(section_start_);
  sections_.push_back(section_size());
  Pad();
  section_start_ = offset_;
}

Status SegmentFileWriter::Publish(const SegmentSummary& summary) {
  AppendItems(std::span<const uint64_t>(sections_));
  Tail tail{};
  tail.section_count = static_cast<uint32_t>(sections_.size() / 2);
  tail.kind = static_cast<uint32_t>(summary.kind);
  tail.first_slot = summary.first_slot;
  tail.end_slot = summary.end_slot;
  tail.documents = summary.documents;
  tail.version = kVersion;
  std::memcpy(tail.magic, kMagic.data(), kMagic.size());
  Append({reinterpret_cast<const char*>(&tail), offsetof(Tail, checksum)});
  Flush();
  tail.checksum = checksum_;
  if (status_.ok()) status_ = file_->Append({reinterpret_cast<const char*>(&tail.checksum), kUnchecked});
  RETURN_IF_ERROR(status_);
  RETURN_IF_ERROR(file_->Sync());
  const std::string path = directory_ + "/" + name_;
  RETURN_IF_ERROR(disk_.Rename(path + ".tmp", path));
  return disk_.SyncDirectory(directory_);
}

Result<std::unique_ptr<SegmentFile>> SegmentFile::Open(io::Disk& disk, const std::string& path, SegmentKind kind) {
  auto file = std::make_unique<SegmentFile>();
  ASSIGN_OR_RETURN(file->mapping_, disk.Map(path));
  const Status parsed = file->Parse({file->mapping_->data(), file->mapping_->size()}, kind);
  if (!parsed.ok()) return parsed.Annotate(path);
  return file;
}

Result<std::unique_ptr<SegmentFile>> SegmentFile::FromBytes(std::string_view bytes, SegmentKind kind) {
  auto file = std::make_unique<SegmentFile>();
  RETURN_IF_ERROR(file->Parse(bytes, kind));
  return file;
}

Status SegmentFile::Parse(std::string_view bytes, SegmentKind kind) {
  bytes_ = bytes;
  if (bytes.size() < sizeof(Header) + sizeof(Tail)) return Damaged("too short");
  Header header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  Tail tail;
  std::memcpy(&tail, bytes.data() + bytes.size() - sizeof(tail), sizeof(tail));
  if (std::string_view(header.magic, 8) != kMagic || std::string_view(tail.magic, 8) != kMagic) {
    return Damaged("not an attribute segment, or cut off");
  }
  if (ChainChecksum(bytes.substr(0, bytes.size() - kUnchecked)) != tail.checksum) return Damaged("bad checksum");
  if (header.version != kVersion || tail.version != kVersion) {
    return Damaged("unknown version " + std::to_string(header.version));
  }
  if (tail.kind != static_cast<uint32_t>(kind)) return Damaged("wrong kind");
  if (tail.first_slot >= tail.end_slot) return Damaged("empty slot range");
  const size_t table_size = tail.section_count * 2 * sizeof(uint64_t);
  if (tail.section_count > kSectionsMax || table_size > bytes.size() - sizeof(Header) - sizeof(Tail)) {
    return Damaged("bad section table");
  }
  const size_t table = bytes.size() - sizeof(Tail) - table_size;
  for (size_t i = 0; i < tail.section_count; ++i) {
    uint64_t place[2];
    std::memcpy(place, bytes.data() + table + i * sizeof(place), sizeof(place));
    if (place[0] % kAlignment != 0 || place[0] > table || place[1] > table - place[0]) {
      return Damaged("section outside the file");
    }
    sections_.push_back(bytes.substr(place[0], place[1]));
  }
  summary_ = {kind, tail.first_slot, tail.end_slot, tail.documents};
  return Status::Ok();
}

std::vector<std::string> PlanMerge(std::span<const SegmentInfo> segments) {
  for (size_t first = 0; first + kMergeFanIn <= segments.size(); ++first) {
    uint64_t smallest = segments[first].bytes;
    uint64_t largest = smallest;
    size_t end = first;
    for (; end < segments.size(); ++end) {
      const uint64_t low = std::min(smallest, segments[end].bytes);
      const uint64_t high = std::max(largest, segments[end].bytes);
      if (high / kMergeFanIn > low) break;
      smallest = low;
      largest = high;
    }
    if (end - first < kMergeFanIn) continue;
    std::vector<std::string> names;
    for (size_t i = first; i < end; ++i) names.push_back(segments[i].name);
    return names;
  }
  return {};
}

}  // namespace rhizome::vector
