// Labels: what names a series. A set of name/value pairs with unique names in byte order; the metric's name is the
// value of "__name__". A label with an empty value is the same as none, so none is ever held.
//
// A set is its canonical bytes (docs/formats/labels.md): equal sets have equal bytes and equal hashes on every
// machine. LabelsView looks at such bytes, which someone else keeps; Labels shares immutable ownership of them, so a
// copy is a reference count. LabelsBuilder makes a set, or a changed one out of another.
//
// Names and values are UTF-8; which names a metric or label may have is for IsMetricName and IsLabelName to say.
// Thread-safety: views and sets as a string_view and a shared_ptr to a constant; a builder belongs to one thread.
#pragma once

#include <compare>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace rhizome::format {

inline constexpr std::string_view kMetricNameLabel = "__name__";

// [a-zA-Z_:][a-zA-Z0-9_:]*
bool IsMetricName(std::string_view name);
// [a-zA-Z_][a-zA-Z0-9_]*
bool IsLabelName(std::string_view name);

struct LabelPair {
  std::string_view name;
  std::string_view value;
  auto operator<=>(const LabelPair&) const = default;
};

class LabelsView {
 public:
  class Iterator {
   public:
    using value_type = LabelPair;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = const LabelPair*;
    using reference = const LabelPair&;

    Iterator() = default;
    explicit Iterator(std::string_view rest) : rest_(rest) { Read(); }
    const LabelPair& operator*() const { return pair_; }
    const LabelPair* operator->() const { return &pair_; }
    Iterator& operator++() {
      rest_.remove_prefix(length_);
      Read();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    void Read();

    std::string_view rest_;
    size_t length_ = 0;  // bytes of the pair at the front of rest_
    LabelPair pair_;
  };

  LabelsView() = default;
  // Bytes that a Labels held or that Check accepted.
  static LabelsView Trusted(std::string_view canonical_bytes) { return LabelsView(canonical_bytes); }
  // Bytes from elsewhere. Corruption unless they are the canonical bytes of a set.
  static Result<LabelsView> Check(std::string_view bytes);

  Iterator begin() const { return Iterator(bytes_); }
  Iterator end() const { return Iterator(); }
  bool empty() const { return bytes_.empty(); }
  size_t size() const;  // walks
  // The value of `name`; empty when there is no such label.
  std::string_view Get(std::string_view name) const;
  std::string_view metric_name() const { return Get(kMetricNameLabel); }

  std::string_view bytes() const { return bytes_; }
  uint64_t Hash() const;                              // XXH3-64 of the bytes
  std::pair<uint64_t, uint64_t> Fingerprint() const;  // XXH3-128 of the bytes: a series' identity
  // name{a="b", c="d"}, values quoted as PromQL quotes them.
  std::string ToString() const;

  bool operator==(const LabelsView& other) const { return bytes_ == other.bytes_; }
  // The order of series: pair by pair, names before values, a set before its extensions. Not the bytes' order.
  std::strong_ordering operator<=>(const LabelsView& other) const;

 private:
  explicit LabelsView(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

class Labels {
 public:
  Labels() = default;  // the empty set
  explicit Labels(LabelsView view);
  // In any order; a pair with an empty value is left out. InvalidArgument (field "labels") for an empty or repeated
  // name and for what is not UTF-8.
  static Result<Labels> FromPairs(std::span<const LabelPair> pairs);

  LabelsView view() const { return bytes_ ? LabelsView::Trusted(*bytes_) : LabelsView(); }
  operator LabelsView() const { return view(); }  // NOLINT: a set is a view of itself
  LabelsView::Iterator begin() const { return view().begin(); }
  LabelsView::Iterator end() const { return view().end(); }
  bool empty() const { return !bytes_; }
  std::string_view Get(std::string_view name) const { return view().Get(name); }
  std::string_view bytes() const { return view().bytes(); }

  bool operator==(const Labels& other) const { return bytes_ == other.bytes_ || bytes() == other.bytes(); }
  std::strong_ordering operator<=>(const Labels& other) const { return view() <=> other.view(); }

 private:
  friend class LabelsBuilder;
  std::shared_ptr<const std::string> bytes_;  // null for the empty set
};

// A set under change. What it is given must outlive it until Build, the base included.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(LabelsView base) { Reset(base); }

  void Reset(LabelsView base = {});
  // Replaces the value of `name`, which is not empty; an empty value deletes it.
  LabelsBuilder& Set(std::string_view name, std::string_view value);
  LabelsBuilder& Delete(std::string_view name) { return Set(name, {}); }
  // Deletes every label whose name is (Keep: is not) among `names`, which are sorted.
  LabelsBuilder& Delete(std::span<const std::string> names);
  LabelsBuilder& Keep(std::span<const std::string> names);
  // The canonical bytes of the set as it now is, in place of what `out` held. For one that only looks a set up.
  void BuildBytes(std::string& out) const;
  Labels Build() const;

 private:
  std::vector<LabelPair> pairs_;  // sorted, unique
};

}  // namespace rhizome::format
