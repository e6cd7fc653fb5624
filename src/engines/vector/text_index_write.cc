#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "engines/vector/text_index_segment.h"

namespace rhizome::vector {
namespace {

// What the writer reads: a part and its terms in byte order.
class Source {
 public:
  virtual ~Source() = default;
  virtual const TextPart& part() const = 0;
  virtual size_t term_count() const = 0;
  virtual std::string_view Term(size_t number) const = 0;
  virtual std::unique_ptr<PostingList> List(size_t number) const = 0;
};

class MemorySource final : public Source {
 public:
  explicit MemorySource(const MemoryTextPart& part) : part_(part) {
    for (const auto& [term, postings] : part.terms()) terms_.push_back(term);
    std::ranges::sort(terms_);
  }
  const TextPart& part() const override { return part_; }
  size_t term_count() const override { return terms_.size(); }
  std::string_view Term(size_t number) const override { return terms_[number]; }
  std::unique_ptr<PostingList> List(size_t number) const override { return part_.Find(terms_[number]); }

 private:
  const MemoryTextPart& part_;
  std::vector<std::string_view> terms_;
};

class SegmentSource final : public Source {
 public:
  explicit SegmentSource(const TextSegment& part) : part_(part) {}
  const TextPart& part() const override { return part_; }
  size_t term_count() const override { return part_.term_count(); }
  std::string_view Term(size_t number) const override { return part_.Term(number); }
  std::unique_ptr<PostingList> List(size_t number) const override { return part_.List(number); }

 private:
  const TextSegment& part_;
};

// Bit-packs numbers below 2^bits, lowest bits first.
void Pack(std::span<const uint32_t> numbers, uint32_t bits, std::string& into) {
  uint64_t pending = 0;
  uint32_t filled = 0;
  for (const uint32_t number : numbers) {
    pending |= uint64_t{number} << filled;
    for (filled += bits; filled >= 8; filled -= 8, pending >>= 8) into += static_cast<char>(pending);
  }
  if (filled > 0) into += static_cast<char>(pending);
}

uint8_t BitsFor(std::span<const uint32_t> numbers) {
  return static_cast<uint8_t>(std::bit_width(numbers.empty() ? 0u : *std::ranges::max_element(numbers)));
}

// The pairs no other pair beats in both occurrences and length, most occurrences first. Of more than fit, the last
// ones are joined into one that beats them all.
std::vector<BlockBest> BestPairs(std::vector<BlockBest> pairs) {
  std::ranges::sort(pairs, [](const BlockBest& a, const BlockBest& b) {
    return a.occurrences != b.occurrences ? a.occurrences > b.occurrences : a.length < b.length;
  });
  std::vector<BlockBest> best;
  for (const BlockBest& pair : pairs) {
    if (!best.empty() && pair.length >= best.back().length) continue;
    if (best.size() == kBlockBestMax) {
      best.back().length = pair.length;
    } else {
      best.push_back(pair);
    }
  }
  return best;
}

class Writer {
 public:
  // `live` may be null: every slot stays.
  Writer(std::vector<std::unique_ptr<Source>> sources, const SlotSet* live)
      : sources_(std::move(sources)), next_(sources_.size()), live_(live) {}

  Status Write(const TextSegmentPlace& place) {
    ASSIGN_OR_RETURN(file_, SegmentFileWriter::Create(place.disk, place.directory, place.name));
    first_slot_ = sources_.front()->part().first_slot();
    const Slot end_slot = sources_.back()->part().end_slot();
    CollectLengths(end_slot);
    RETURN_IF_ERROR(WriteTerms());
    file_->AppendItem(std::array<char, kUnpackSlack>{});
    file_->EndSection();
    file_->AppendItems(std::span<const TextSegment::BlockEntry>(blocks_));
    file_->EndSection();
    file_->AppendItems(std::span<const TextSegment::TermEntry>(terms_));
    file_->EndSection();
    file_->Append(term_bytes_);
    file_->EndSection();
    file_->AppendItems(std::span<const uint16_t>(lengths_));
    file_->EndSection();
    TextSegment::Meta meta{total_length_, place.analyzer.drop_stop_words ? 1u : 0u, {}};
    CHECK(place.analyzer.language.size() < sizeof(meta.language));
    std::memcpy(meta.language, place.analyzer.language.data(), place.analyzer.language.size());
    file_->AppendItem(meta);
    file_->EndSection();
    return file_->Publish({SegmentKind::kText, first_slot_, end_slot, documents_});
  }

 private:
  bool Kept(Slot slot) const { return live_ == nullptr || slot >= live_->size() || live_->Contains(slot); }

  void CollectLengths(Slot end_slot) {
    lengths_.resize(end_slot - first_slot_);
    for (const auto& source : sources_) {
      const TextPart& part = source->part();
      for (Slot slot = part.first_slot(); slot < part.end_slot(); ++slot) {
        const uint32_t length = Kept(slot) ? part.Length(slot) : 0;
        lengths_[slot - first_slot_] = static_cast<uint16_t>(length);
        total_length_ += length;
        documents_ += length > 0 ? 1 : 0;
      }
    }
  }

  Status WriteTerms() {
    while (true) {
      const Source* least = nullptr;
      std::string_view term;
      for (size_t i = 0; i < sources_.size(); ++i) {
        if (next_[i] == sources_[i]->term_count()) continue;
        const std::string_view candidate = sources_[i]->Term(next_[i]);
        if (least == nullptr || candidate < term) {
          least = sources_[i].get();
          term = candidate;
        }
      }
      if (least == nullptr) break;
      postings_.clear();
      for (size_t i = 0; i < sources_.size(); ++i) {
        if (next_[i] == sources_[i]->term_count() || sources_[i]->Term(next_[i]) != term) continue;
        CollectPostings(*sources_[i], next_[i]++);
      }
      if (!postings_.empty()) WriteTerm(term);
      if (term_bytes_.size() > UINT32_MAX) return Status::ResourceExhausted("too many terms in one text segment");
    }
    terms_.push_back({blocks_.size(), static_cast<uint32_t>(term_bytes_.size()), 0});
    return Status::Ok();
  }

  // Postings that go back or leave the part come from damaged bytes and are left out.
  void CollectPostings(const Source& source, size_t number) {
    const auto list = source.List(number);
    std::array<Slot, kPostingsPerBlock> slots;
    std::array<uint32_t, kPostingsPerBlock> occurrences;
    for (uint32_t block = 0; list != nullptr && block < list->block_count(); ++block) {
      const uint32_t count = list->Decode(block, slots.data(), occurrences.data());
      for (uint32_t i = 0; i < count; ++i) {
        const bool in_order = postings_.empty() || slots[i] > postings_.back().slot;
        const bool inside = slots[i] >= source.part().first_slot() && slots[i] < source.part().end_slot();
        if (in_order && inside && Kept(slots[i])) postings_.push_back({slots[i], occurrences[i]});
      }
    }
  }

  void WriteTerm(std::string_view term) {
    terms_.push_back(
        {blocks_.size(), static_cast<uint32_t>(term_bytes_.size()), static_cast<uint32_t>(postings_.size())});
    term_bytes_ += term;
    Slot before = first_slot_;
    for (size_t start = 0; start < postings_.size(); start += kPostingsPerBlock) {
      const size_t count = std::min<size_t>(kPostingsPerBlock, postings_.size() - start);
      WriteBlock(std::span(postings_).subspan(start, count), before);
      before = postings_[start + count - 1].slot;
    }
  }

  void WriteBlock(std::span<const Posting> block, Slot before) {
    std::vector<uint32_t> steps;
    std::vector<uint32_t> repeats;
    std::vector<BlockBest> pairs;
    for (const Posting& posting : block) {
      steps.push_back(posting.slot - before);
      before = posting.slot;
      repeats.push_back(posting.occurrences - 1);
      pairs.push_back({static_cast<uint16_t>(posting.occurrences), lengths_[posting.slot - first_slot_]});
    }
    const std::vector<BlockBest> best = BestPairs(std::move(pairs));
    blocks_.push_back({file_->section_size(), before, static_cast<uint8_t>(block.size() - 1), BitsFor(steps),
                       BitsFor(repeats), static_cast<uint8_t>(best.size())});
    file_->AppendItems(std::span<const BlockBest>(best));
    std::string packed;
    Pack(steps, blocks_.back().slot_bits, packed);
    Pack(repeats, blocks_.back().occurrence_bits, packed);
    file_->Append(packed);
  }

  const std::vector<std::unique_ptr<Source>> sources_;
  std::vector<size_t> next_;  // term to be written next, per source
  const SlotSet* const live_;
  std::unique_ptr<SegmentFileWriter> file_;
  Slot first_slot_ = 0;
  uint64_t documents_ = 0;
  uint64_t total_length_ = 0;
  std::vector<uint16_t> lengths_;
  std::vector<Posting> postings_;  // of the current term
  std::vector<TextSegment::TermEntry> terms_;
  std::vector<TextSegment::BlockEntry> blocks_;
  std::string term_bytes_;
};

}  // namespace

Status WriteTextSegment(const TextSegmentPlace& place, std::span<const std::shared_ptr<const MemoryTextPart>> parts) {
  std::vector<std::unique_ptr<Source>> sources;
  for (const auto& part : parts) sources.push_back(std::make_unique<MemorySource>(*part));
  return Writer(std::move(sources), nullptr).Write(place);
}

Status MergeTextSegments(const TextSegmentPlace& place, std::span<const std::shared_ptr<const TextSegment>> parts,
                         const SlotSet& live) {
  std::vector<std::unique_ptr<Source>> sources;
  for (const auto& part : parts) sources.push_back(std::make_unique<SegmentSource>(*part));
  return Writer(std::move(sources), &live).Write(place);
}

}  // namespace rhizome::vector
