// TextSegment: a sealed part of a text index, answered from the bytes of its file (docs/formats/attributes.md).
//
// Slots are kept as differences and occurrences less one, each bit-packed at the width its block needs. The file's
// checksum is verified on opening; offsets read from the bytes are checked again where they are used, so that bytes
// with a valid checksum but a wrong structure give wrong answers at worst, never an access outside.
// Thread-safety: immutable.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "engines/vector/analyzer.h"
#include "engines/vector/attribute_segment.h"
#include "engines/vector/text_index_memory.h"
#include "engines/vector/text_index_part.h"

namespace rhizome::vector {

// A way to be the best posting of a block: so many occurrences in a text of at least this length.
struct BlockBest {
  uint16_t occurrences;
  uint16_t length;
};
inline constexpr size_t kBlockBestMax = 8;
// Bytes after the last block, so that unpacking may read whole words.
inline constexpr size_t kUnpackSlack = 8;

class TextSegment final : public TextPart {
 public:
  // Terms are in byte order; one more at the end only closes the last.
  struct TermEntry {
    uint64_t first_block;
    uint32_t text_start;  // in the section of term bytes
    uint32_t document_frequency;
  };
  static_assert(sizeof(TermEntry) == 16);
  struct BlockEntry {
    uint64_t offset;  // in the section of postings: BlockBest items, packed slots, packed occurrences
    uint32_t last_slot;
    uint8_t count_less_one;
    uint8_t slot_bits;
    uint8_t occurrence_bits;
    uint8_t best_count;
  };
  static_assert(sizeof(BlockEntry) == 16);
  struct Meta {
    uint64_t total_length;
    uint32_t drop_stop_words;
    char language[36];  // zero-terminated
  };
  static_assert(sizeof(Meta) == 48);
  enum Section : size_t { kPostings, kBlocks, kTerms, kTermBytes, kLengths, kMeta, kSectionCount };

  static Result<std::shared_ptr<const TextSegment>> Open(io::Disk& disk, const std::string& directory,
                                                         const std::string& name);
  static Result<std::shared_ptr<const TextSegment>> FromFile(std::unique_ptr<SegmentFile> file, std::string name);

  SegmentInfo info() const;
  AnalyzerOptions analyzer() const;
  Slot first_slot() const override { return file_->summary().first_slot; }
  Slot end_slot() const override { return file_->summary().end_slot; }
  uint64_t documents() const override { return file_->summary().documents; }
  uint64_t total_length() const override { return meta_.total_length; }
  uint32_t Length(Slot slot) const override {
    const size_t at = slot - first_slot();
    return slot >= first_slot() && at < lengths_.size() ? lengths_[at] : 0;
  }
  uint32_t DocumentFrequency(std::string_view term) const override;
  std::unique_ptr<PostingList> Find(std::string_view term) const override;

  // For the segment writer; terms are numbered in their order.
  size_t term_count() const { return terms_.size() - 1; }
  std::string_view Term(size_t number) const;
  std::unique_ptr<PostingList> List(size_t number) const;

 private:
  TextSegment(std::unique_ptr<SegmentFile> file, std::string name);
  Status Check() const;
  // The term's number, term_count() when it is not there.
  size_t Position(std::string_view term) const;

  const std::unique_ptr<SegmentFile> file_;
  const std::string name_;
  std::span<const TermEntry> terms_;
  std::span<const BlockEntry> blocks_;
  std::span<const uint16_t> lengths_;  // by slot - first_slot()
  Meta meta_{};
};

// Where a text segment goes and which analyzer made its terms.
struct TextSegmentPlace {
  io::Disk& disk;
  const std::string& directory;
  const std::string& name;
  const AnalyzerOptions& analyzer;
};

// Writes the parts, ascending in slots, as one segment; durable when it returns. ResourceExhausted when all terms
// together have 4 GiB or more.
Status WriteTextSegment(const TextSegmentPlace& place, std::span<const std::shared_ptr<const MemoryTextPart>> parts);

// The same from segments, leaving out slots below live.size() that are not in it.
Status MergeTextSegments(const TextSegmentPlace& place, std::span<const std::shared_ptr<const TextSegment>> parts,
                         const SlotSet& live);

}  // namespace rhizome::vector
