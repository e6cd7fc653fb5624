#include "engines/vector/text_index_memory.h"

#include <algorithm>

namespace rhizome::vector {
namespace {

class MemoryPostingList final : public PostingList {
 public:
  explicit MemoryPostingList(const MemoryTextPart::TermPostings& term) : term_(term) {}

  uint32_t block_count() const override { return static_cast<uint32_t>(term_.blocks.size()); }
  Slot BlockLast(uint32_t block) const override {
    return term_.postings[std::min(term_.postings.size(), size_t{block + 1} * kPostingsPerBlock) - 1].slot;
  }
  double BlockBound(uint32_t block, const TermScorer& scorer) const override {
    return scorer.Score(term_.blocks[block].occurrences_max, term_.blocks[block].length_min);
  }
  uint32_t Decode(uint32_t block, Slot* slots, uint32_t* occurrences) const override {
    const size_t start = size_t{block} * kPostingsPerBlock;
    const size_t count = std::min<size_t>(kPostingsPerBlock, term_.postings.size() - start);
    for (size_t i = 0; i < count; ++i) {
      slots[i] = term_.postings[start + i].slot;
      occurrences[i] = term_.postings[start + i].occurrences;
    }
    return static_cast<uint32_t>(count);
  }

 private:
  const MemoryTextPart::TermPostings& term_;
};

}  // namespace

void MemoryTextPart::Add(Slot slot, CountedText text) {
  if (empty()) first_ = slot;
  end_ = slot + 1;
  const uint32_t length = std::min(text.length, kTextLengthMax);
  lengths_.resize(end_ - first_);
  lengths_.back() = static_cast<uint16_t>(length);
  if (length > 0) ++documents_;
  total_length_ += length;
  for (auto& [name, occurrences] : text.terms) {
    TermPostings& term = terms_[std::move(name)];
    if (term.postings.size() % kPostingsPerBlock == 0) term.blocks.emplace_back();
    term.postings.push_back({slot, std::min(occurrences, kOccurrencesMax)});
    BlockLimits& limits = term.blocks.back();
    limits.occurrences_max = std::max(limits.occurrences_max, term.postings.back().occurrences);
    limits.length_min = std::min(limits.length_min, length);
  }
}

uint32_t MemoryTextPart::DocumentFrequency(std::string_view term) const {
  const auto at = terms_.find(std::string(term));
  return at == terms_.end() ? 0 : static_cast<uint32_t>(at->second.postings.size());
}

std::unique_ptr<PostingList> MemoryTextPart::Find(std::string_view term) const {
  const auto at = terms_.find(std::string(term));
  if (at == terms_.end()) return nullptr;
  return std::make_unique<MemoryPostingList>(at->second);
}

}  // namespace rhizome::vector
