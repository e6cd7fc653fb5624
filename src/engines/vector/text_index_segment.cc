#include "engines/vector/text_index_segment.h"

#include <algorithm>
#include <cstring>

namespace rhizome::vector {
namespace {

// Number `index` of a row of numbers of `bits` bits, at most 32, lowest bits first. Reads up to 8 bytes from where it
// starts.
uint32_t Unpack(const char* row, uint32_t bits, uint32_t index) {
  const size_t at = size_t{bits} * index;
  uint64_t word;
  std::memcpy(&word, row + at / 8, sizeof(word));
  return static_cast<uint32_t>((word >> (at % 8)) & ((uint64_t{1} << bits) - 1));
}

size_t PackedBytes(uint32_t bits, uint32_t count) { return (size_t{bits} * count + 7) / 8; }

class SegmentPostingList final : public PostingList {
 public:
  // `blocks` are the term's own.
  SegmentPostingList(std::span<const TextSegment::BlockEntry> blocks, std::string_view postings, Slot first_slot)
      : blocks_(blocks), postings_(postings), first_slot_(first_slot) {}

  uint32_t block_count() const override { return static_cast<uint32_t>(blocks_.size()); }
  Slot BlockLast(uint32_t block) const override { return blocks_[block].last_slot; }

  double BlockBound(uint32_t block, const TermScorer& scorer) const override {
    const char* bytes = Bytes(block);
    double bound = 0;
    for (size_t i = 0; bytes != nullptr && i < blocks_[block].best_count; ++i) {
      BlockBest best;
      std::memcpy(&best, bytes + i * sizeof(best), sizeof(best));
      bound = std::max(bound, scorer.Score(best.occurrences, best.length));
    }
    return bound;
  }

  uint32_t Decode(uint32_t block, Slot* slots, uint32_t* occurrences) const override {
    const char* bytes = Bytes(block);
    if (bytes == nullptr) return 0;
    const TextSegment::BlockEntry& entry = blocks_[block];
    const uint32_t count = entry.count_less_one + 1u;
    const char* row = bytes + entry.best_count * sizeof(BlockBest);
    Slot slot = block == 0 ? first_slot_ : blocks_[block - 1].last_slot;
    for (uint32_t i = 0; i < count; ++i) slots[i] = slot += Unpack(row, entry.slot_bits, i);
    row += PackedBytes(entry.slot_bits, count);
    for (uint32_t i = 0; i < count; ++i) occurrences[i] = Unpack(row, entry.occurrence_bits, i) + 1;
    return count;
  }

 private:
  // Null when any of the block would lie outside the postings.
  const char* Bytes(uint32_t block) const {
    const TextSegment::BlockEntry& entry = blocks_[block];
    const uint32_t count = entry.count_less_one + 1u;
    const size_t size = entry.best_count * sizeof(BlockBest) + PackedBytes(entry.slot_bits, count) +
                        PackedBytes(entry.occurrence_bits, count) + kUnpackSlack;
    const bool inside = size <= postings_.size() && entry.offset <= postings_.size() - size;
    const bool sane = count <= kPostingsPerBlock && entry.slot_bits <= 32 && entry.occurrence_bits <= 16;
    return inside && sane ? postings_.data() + entry.offset : nullptr;
  }

  const std::span<const TextSegment::BlockEntry> blocks_;
  const std::string_view postings_;
  const Slot first_slot_;
};

}  // namespace

TextSegment::TextSegment(std::unique_ptr<SegmentFile> file, std::string name)
    : file_(std::move(file)), name_(std::move(name)) {
  if (file_->section_count() != kSectionCount) return;
  terms_ = file_->Items<TermEntry>(kTerms);
  blocks_ = file_->Items<BlockEntry>(kBlocks);
  lengths_ = file_->Items<uint16_t>(kLengths);
  const auto meta = file_->Items<Meta>(kMeta);
  if (!meta.empty()) meta_ = meta.front();
}

Status TextSegment::Check() const {
  if (file_->section_count() != kSectionCount || terms_.empty() || file_->Items<Meta>(kMeta).size() != 1 ||
      blocks_.size_bytes() != file_->section(kBlocks).size() || lengths_.size() != end_slot() - first_slot() ||
      std::ranges::find(meta_.language, '\0') == std::ranges::end(meta_.language)) {
    return Status::Corruption("text segment " + name_ + ": bad sections");
  }
  return Status::Ok();
}

Result<std::shared_ptr<const TextSegment>> TextSegment::Open(io::Disk& disk, const std::string& directory,
                                                             const std::string& name) {
  ASSIGN_OR_RETURN(auto file, SegmentFile::Open(disk, directory + "/" + name, SegmentKind::kText));
  return FromFile(std::move(file), name);
}

Result<std::shared_ptr<const TextSegment>> TextSegment::FromFile(std::unique_ptr<SegmentFile> file, std::string name) {
  std::shared_ptr<const TextSegment> segment(new TextSegment(std::move(file), std::move(name)));
  RETURN_IF_ERROR(segment->Check());
  return segment;
}

SegmentInfo TextSegment::info() const {
  return {name_, first_slot(), end_slot(), file_->summary().documents, file_->bytes()};
}

AnalyzerOptions TextSegment::analyzer() const { return {meta_.language, meta_.drop_stop_words != 0}; }

std::string_view TextSegment::Term(size_t number) const {
  const std::string_view bytes = file_->section(kTermBytes);
  const uint32_t start = terms_[number].text_start;
  const uint32_t end = terms_[number + 1].text_start;
  return start <= end && end <= bytes.size() ? bytes.substr(start, end - start) : std::string_view();
}

size_t TextSegment::Position(std::string_view term) const {
  size_t low = 0;
  size_t high = term_count();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (Term(middle) < term) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < term_count() && Term(low) == term ? low : term_count();
}

uint32_t TextSegment::DocumentFrequency(std::string_view term) const {
  const size_t at = Position(term);
  return at == term_count() ? 0 : terms_[at].document_frequency;
}

std::unique_ptr<PostingList> TextSegment::Find(std::string_view term) const {
  const size_t at = Position(term);
  return at == term_count() ? nullptr : List(at);
}

std::unique_ptr<PostingList> TextSegment::List(size_t number) const {
  const uint64_t first = std::min<uint64_t>(terms_[number].first_block, blocks_.size());
  const uint64_t end = std::clamp<uint64_t>(terms_[number + 1].first_block, first, blocks_.size());
  if (first == end || end - first > UINT32_MAX) return nullptr;
  return std::make_unique<SegmentPostingList>(blocks_.subspan(first, end - first), file_->section(kPostings),
                                              first_slot());
}

}  // namespace rhizome::vector
