// PostingsIndex: which series have which labels. For every pair of a name and a value the set of series that have it,
// as a Roaring bitmap (Lemire et al., "Roaring Bitmaps: Implementation of an Optimized Software Library", 2018), or as
// the one number where a single series has it, which is what most pairs of a large store are.
//
// Adding costs a hash per label. Values are also kept in order, the newest in a short list beside it, so that a matcher
// with a known range looks at that range only.
// Thread-safety: one writer and no reader beside it, or many readers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <roaring/roaring.hh>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "engines/series/series_number.h"
#include "format/labels.h"
#include "format/matcher.h"

namespace rhizome::series {

using SeriesSet = Roaring;

// A set of series that takes no memory of its own while it has one member at most.
class Postings {
 public:
  void Add(SeriesNumber series);
  void Remove(SeriesNumber series);
  bool empty() const { return !many_ && one_ == kNone; }
  uint64_t size() const { return many_ ? many_->cardinality() : one_ != kNone; }
  bool Intersects(const SeriesSet& set) const;
  void AddTo(SeriesSet& set) const;
  uint64_t memory_bytes() const;

 private:
  static constexpr SeriesNumber kNone = UINT32_MAX;
  SeriesNumber one_ = kNone;
  std::unique_ptr<SeriesSet> many_;  // when set, at least one member
};

struct NamedCount {
  std::string name;
  uint64_t count = 0;
  friend bool operator==(const NamedCount&, const NamedCount&) = default;
};

// Where many series come from. The largest first, equals by name.
struct Cardinalities {
  std::vector<NamedCount> series_by_metric;
  std::vector<NamedCount> values_by_label;
  std::vector<NamedCount> value_bytes_by_label;
  std::vector<NamedCount> series_by_pair;  // "name=value"
};

class PostingsIndex {
 public:
  // `series` has no labels in the index yet (Remove: has these). UINT32_MAX is no series.
  void Add(SeriesNumber series, format::LabelsView labels);
  void Remove(SeriesNumber series, format::LabelsView labels);

  // The series that satisfy every matcher; without matchers all.
  SeriesSet Select(std::span<const format::Matcher> matchers) const;

  // Sorted. With `within` only what series of that set have.
  std::vector<std::string> Names(const SeriesSet* within = nullptr) const;
  std::vector<std::string> Values(std::string_view name, const SeriesSet* within = nullptr) const;

  // At most `top` of each. Walks all pairs.
  Cardinalities MeasureCardinalities(size_t top) const;

  // How many series have this value of the label; "": how many lack the label, which costs a look at each value.
  uint64_t CountWith(std::string_view name, std::string_view value) const;

  const SeriesSet& all() const { return all_; }
  uint64_t pairs() const { return pairs_; }
  // Walks all pairs. The allocator's own overhead is not known here.
  uint64_t memory_bytes() const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return Checksum(text); }
  };
  using ByValue = std::unordered_map<std::string, Postings, Hash, std::equal_to<>>;
  using Entry = const ByValue::value_type*;

  struct Label {
    ByValue by_value;
    std::vector<Entry> sorted;
    std::vector<Entry> recent;  // in no order, few
    size_t vacant = 0;          // values that no series has any more
  };

  static void MergeRecent(Label& label);
  static void DropVacant(Label& label);
  // Unites what has an accepted value, or with `accepted` false what has another one.
  static void Unite(const Label& label, const format::Matcher& matcher, bool accepted, SeriesSet& set);
  static void VisitRange(const Label& label, const format::Matcher& matcher, const std::function<void(Entry)>& visit);
  const Label* Find(std::string_view name) const;

  std::unordered_map<std::string, Label, Hash, std::equal_to<>> labels_;
  SeriesSet all_;
  uint64_t pairs_ = 0;  // with at least one series
};

}  // namespace rhizome::series
