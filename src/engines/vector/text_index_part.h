// TextPart: an inverted file over the texts of one range of slots, in memory or mapped from a file, and the
// posting list it hands out for one term.
//
// A posting is a slot with the number of times the term occurs there. Lists are cut into blocks of 128; for each
// block a bound on the score inside it is known without decoding it (Ding and Suel, "Faster top-k document
// retrieval using block-max indexes", SIGIR 2011). The bound depends on the collection's average length, which
// grows with it, so blocks keep not scores but the (occurrences, length) pairs that can be best.
// Thread-safety: the implementations say.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "engines/vector/slot.h"

namespace rhizome::vector {

inline constexpr uint32_t kPostingsPerBlock = 128;
inline constexpr uint32_t kOccurrencesMax = 0xFFFF;  // more in one text count as this many
inline constexpr uint32_t kTextLengthMax = 0xFFFF;   // likewise for terms in one text

// BM25 with the query term's weight folded in (Robertson and Zaragoza, "The Probabilistic Relevance Framework:
// BM25 and Beyond", 2009, section 3.4).
struct TermScorer {
  double weight = 0;       // idf times occurrences in the query times (k1 + 1)
  double length_base = 0;  // k1 (1 - b)
  double length_unit = 0;  // k1 b / average length

  // Grows with occurrences, shrinks with length.
  double Score(uint32_t occurrences, uint32_t length) const {
    return weight * occurrences / (occurrences + length_base + length_unit * length);
  }
};

class PostingList {
 public:
  virtual ~PostingList() = default;
  virtual uint32_t block_count() const = 0;
  // The last slot of a block; ascending.
  virtual Slot BlockLast(uint32_t block) const = 0;
  // No posting of the block scores higher.
  virtual double BlockBound(uint32_t block, const TermScorer& scorer) const = 0;
  // Writes at most kPostingsPerBlock postings, slots ascending, and returns how many.
  virtual uint32_t Decode(uint32_t block, Slot* slots, uint32_t* occurrences) const = 0;
};

class TextPart {
 public:
  virtual ~TextPart() = default;
  virtual Slot first_slot() const = 0;
  virtual Slot end_slot() const = 0;
  virtual uint64_t documents() const = 0;     // texts with at least one term
  virtual uint64_t total_length() const = 0;  // terms in all of them
  // Terms in the slot's text, at most kTextLengthMax; 0 outside the part.
  virtual uint32_t Length(Slot slot) const = 0;
  // Texts that contain the term.
  virtual uint32_t DocumentFrequency(std::string_view term) const = 0;
  // Null when no text has the term. Valid while the part is.
  virtual std::unique_ptr<PostingList> Find(std::string_view term) const = 0;
};

}  // namespace rhizome::vector
