// PayloadPart: an inverted index over the payloads of one range of slots, in memory or mapped from a file.
//
// Two spaces of numbers. A slot list says which slots hold a value at a path. Every object inside a payload, below
// its root, is an *element* with a number of its own, a parent element and a path; an element list says which
// elements hold a value at a path, each value under its innermost object. A path is absolute: the keys from the
// root joined by dots, arrays leaving no trace. On the way up from a value paths only get shorter, so at most one
// object above it has a given path: that is what makes `nested` exact without indexing any value twice per level.
//
// Thread-safety: the implementations say.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engines/vector/filter.h"
#include "engines/vector/slot.h"

namespace rhizome::vector {

inline constexpr uint32_t kNoElement = 0xFFFFFFFF;

// What a posting list is about. kValue lists carry a ValueKey; the others leave it zero.
enum class ListKind : uint8_t {
  kSlotExists = 0,     // slots with a value other than null at the path
  kSlotValue = 1,      // slots with this value at the path
  kElementExists = 2,  // elements that directly hold a value other than null at the path
  kElementValue = 3,   // elements that directly hold this value at the path
  kElements = 4,       // the elements whose own path this is
};

struct ListKey {
  uint32_t path = 0;  // number in the part's own path dictionary
  ListKind list = ListKind::kSlotExists;
  ValueKey value;

  auto operator<=>(const ListKey&) const = default;
};

// Numbers from a base that is a multiple of 64, as one bit each.
struct BitRange {
  uint32_t base = 0;
  std::vector<uint64_t> words;

  BitRange(uint32_t first, uint32_t end) : base(first & ~uint32_t{63}), words((end - base + 63) / 64) {}
  // Numbers outside the range are ignored, so that damaged bytes cannot reach beyond it.
  void Add(uint32_t number) {
    const uint32_t at = number - base;
    if (number >= base && (at >> 6) < words.size()) words[at >> 6] |= uint64_t{1} << (at & 63);
  }
  bool Contains(uint32_t number) const {
    const uint32_t at = number - base;
    return number >= base && (at >> 6) < words.size() && (words[at >> 6] >> (at & 63) & 1) != 0;
  }
};

// Sizes of the posting lists between two keys.
struct ListSizes {
  uint64_t total = 0;    // numbers in all of them together
  uint64_t largest = 0;  // a lower bound on the largest list
  uint64_t lists = 0;    // how many lists, 2 meaning "two or more"
};

class PayloadPart {
 public:
  virtual ~PayloadPart() = default;

  // Slots of the part lie in [first_slot, end_slot); those never added count as empty payloads.
  virtual Slot first_slot() const = 0;
  virtual Slot end_slot() const = 0;
  virtual uint32_t element_count() const = 0;

  virtual std::optional<uint32_t> FindPath(std::string_view path) const = 0;
  // Adds the numbers of every list with low <= key <= high; both keys share path and list kind.
  virtual void Collect(const ListKey& low, const ListKey& high, BitRange& into) const = 0;
  virtual ListSizes SizesBetween(const ListKey& low, const ListKey& high) const = 0;

  virtual uint32_t ElementParent(uint32_t element) const = 0;  // smaller than the element, or kNoElement
  virtual uint32_t ElementPath(uint32_t element) const = 0;
  virtual Slot ElementSlot(uint32_t element) const = 0;
};

// How many slots satisfy a filter. low <= truth <= high; `expected` assumes independent conditions.
struct Cardinality {
  double low = 0;
  double high = 0;
  double expected = 0;

  bool exact() const { return low == high; }
};

// The slots of the part's range that satisfy `filter`; bits outside the range are unspecified.
BitRange EvaluateFilter(const PayloadPart& part, const Filter& filter);

// Reads list sizes only, no list.
Cardinality EstimateFilter(const PayloadPart& part, const Filter& filter);

}  // namespace rhizome::vector
