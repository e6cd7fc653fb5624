// MemoryTextPart: the growing end of a text index.
//
// Thread-safety: one writer; readers and the writer exclude each other outside, until the part is frozen and
// everybody only reads.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "engines/vector/analyzer.h"
#include "engines/vector/text_index_part.h"

namespace rhizome::vector {

struct Posting {
  Slot slot = kNoSlot;
  uint32_t occurrences = 0;
};

// Terms of one text with their occurrences, ready to be added under the lock.
struct CountedText {
  std::vector<std::pair<std::string, uint32_t>> terms;
  uint32_t length = 0;
};

class MemoryTextPart final : public TextPart {
 public:
  struct BlockLimits {
    uint32_t occurrences_max = 0;
    uint32_t length_min = kTextLengthMax;
  };
  struct TermPostings {
    std::vector<Posting> postings;
    std::vector<BlockLimits> blocks;  // one for each kPostingsPerBlock postings
  };
  using Terms = std::unordered_map<std::string, TermPostings>;

  // `slot` is above every slot added before.
  void Add(Slot slot, CountedText text);
  bool empty() const { return first_ == end_; }

  Slot first_slot() const override { return first_; }
  Slot end_slot() const override { return end_; }
  uint64_t documents() const override { return documents_; }
  uint64_t total_length() const override { return total_length_; }
  uint32_t Length(Slot slot) const override { return slot >= first_ && slot < end_ ? lengths_[slot - first_] : 0; }
  uint32_t DocumentFrequency(std::string_view term) const override;
  std::unique_ptr<PostingList> Find(std::string_view term) const override;

  // For the segment writer.
  const Terms& terms() const { return terms_; }

 private:
  Slot first_ = 0;
  Slot end_ = 0;
  uint64_t documents_ = 0;
  uint64_t total_length_ = 0;
  std::vector<uint16_t> lengths_;  // by slot - first_
  Terms terms_;
};

}  // namespace rhizome::vector
