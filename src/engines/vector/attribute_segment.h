// Attribute segment files: the frame that payload and text segments share (docs/formats/attributes.md).
//
// A file is a header, sections one after another, each padded to 64 bytes, and a footer that lists the sections and
// carries a checksum over everything before it. It is written once, front to back, and published by rename; what is
// mapped never changes.
// Thread-safety: a writer belongs to one thread; an open file is immutable and shared freely.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engines/vector/slot.h"
#include "io/disk.h"

namespace rhizome::vector {

enum class SegmentKind : uint32_t { kPayload = 1, kText = 2 };

// What a manifest or a merge plan needs to know about one segment.
struct SegmentInfo {
  std::string name;
  Slot first_slot = 0;
  Slot end_slot = 0;  // one above the last
  uint64_t documents = 0;
  uint64_t bytes = 0;
};

// Fixed part of the footer.
struct SegmentSummary {
  SegmentKind kind = SegmentKind::kPayload;
  Slot first_slot = 0;
  Slot end_slot = 0;
  uint64_t documents = 0;
};

class SegmentFileWriter {
 public:
  // Starts `directory`/`name`.tmp, replacing what a crash left there.
  static Result<std::unique_ptr<SegmentFileWriter>> Create(io::Disk& disk, const std::string& directory,
                                                           const std::string& name);

  // Appends to the current section. Failures are kept and reported by Publish().
  void Append(std::string_view bytes);
  template <typename T>
  void AppendItems(std::span<const T> items) {
    static_assert(std::is_trivially_copyable_v<T>);
    Append({reinterpret_cast<const char*>(items.data()), items.size_bytes()});
  }
  template <typename T>
  void AppendItem(const T& item) {
    AppendItems(std::span<const T>(&item, 1));
  }
  // Bytes in the current section.
  uint64_t section_size() const { return offset_ - section_start_; }
  void EndSection();

  // Writes the footer, syncs, renames, syncs the directory: durable when it returns OK.
  Status Publish(const SegmentSummary& summary);

 private:
  SegmentFileWriter(io::Disk& disk, std::string directory, std::string name)
      : disk_(disk), directory_(std::move(directory)), name_(std::move(name)) {}
  void Flush();
  void Pad();

  io::Disk& disk_;
  const std::string directory_;
  const std::string name_;
  std::unique_ptr<io::File> file_;
  std::string buffer_;
  Status status_;
  uint64_t offset_ = 0;  // of the next byte, buffered ones included
  uint64_t section_start_ = 0;
  uint64_t checksum_ = 0;
  std::vector<uint64_t> sections_;  // start and size, in turn
};

class SegmentFile {
 public:
  // Maps the file and verifies frame and checksum. Corruption says what is wrong with which file.
  static Result<std::unique_ptr<SegmentFile>> Open(io::Disk& disk, const std::string& path, SegmentKind kind);
  // The same over bytes already in memory, which must outlive the file and start at a multiple of 8.
  static Result<std::unique_ptr<SegmentFile>> FromBytes(std::string_view bytes, SegmentKind kind);

  const SegmentSummary& summary() const { return summary_; }
  uint64_t bytes() const { return bytes_.size(); }
  std::string_view section(size_t index) const { return sections_[index]; }
  size_t section_count() const { return sections_.size(); }

  // A section as an array; empty when its size is not a multiple of an item's.
  template <typename T>
  std::span<const T> Items(size_t index) const {
    const std::string_view bytes = sections_[index];
    if (bytes.size() % sizeof(T) != 0) return {};
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

 private:
  Status Parse(std::string_view bytes, SegmentKind kind);

  std::unique_ptr<io::Mapping> mapping_;  // null over borrowed bytes
  std::string_view bytes_;
  SegmentSummary summary_;
  std::vector<std::string_view> sections_;
};

// Which neighbouring segments to merge next: the oldest run of at least `kMergeFanIn` whose sizes are within a
// factor of `kMergeFanIn` of each other (tiered merging, O'Neil et al., "The log-structured merge-tree", 1996).
// Names in slot order; empty when nothing is worth it.
inline constexpr size_t kMergeFanIn = 4;
std::vector<std::string> PlanMerge(std::span<const SegmentInfo> segments);

}  // namespace rhizome::vector
