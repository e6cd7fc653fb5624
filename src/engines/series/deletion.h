// Deletion: "what series with these labels had in this time range when this was said" is gone.
//
// Deletions form a set that only grows until all replicas have settled them, and a sample is hidden when any member
// hides it. So reading gives the same whatever the order in which samples and deletions came. A prompt sample is hidden
// when its own time is not after the deletion's wall clock, a stamped one when its stamp is not after the deletion's
// (stamped.h).
//
// Deletion is plain data; DeletionSet is immutable once shared. Thread-safe as such.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engines/series/stamped.h"
#include "format/coding.h"
#include "format/labels.h"
#include "format/matcher.h"

namespace rhizome::series {

struct Deletion {
  uint64_t stamp = 0;  // Version::time of the request
  int64_t from_ms = 0;
  int64_t to_ms = 0;                      // inclusive
  std::vector<format::Matcher> matchers;  // all hold
  friend bool operator==(const Deletion&, const Deletion&) = default;
};

// What the log carries of one (docs/formats/series_deletion.md).
inline constexpr uint8_t kDeletionKind = 0x20;  // the first byte; series batches begin with 0x10
std::string EncodeDeletion(const Deletion& deletion);
// Corruption for what EncodeDeletion did not write, and for what DeletionSet::Add would refuse.
Result<Deletion> DecodeDeletion(std::string_view bytes);

// One deletion's part in one series.
struct Hiding {
  uint64_t stamp = 0;
  int64_t from_ms = 0;
  int64_t to_ms = 0;
};

// Removes what is hidden.
void Hide(std::span<const Hiding> hidings, Samples& prompt);
void Hide(std::span<const Hiding> hidings, std::vector<StampedSample>& stamped);

class DeletionSet {
 public:
  struct Member {
    Deletion deletion;
    uint64_t lsn = 0;  // of the log record that brought it here first
  };

  // False: it was a member. InvalidArgument names "matchers" or "to".
  Result<bool> Add(Deletion deletion, uint64_t lsn);
  // Forgets members for which `pred` holds.
  template <typename Pred>
  void RemoveIf(Pred pred) {
    std::erase_if(members_, pred);
  }

  bool Contains(const Deletion& deletion) const;
  bool empty() const { return members_.empty(); }
  std::span<const Member> members() const { return members_; }
  // Of the members that concern this series; replaces what `hidings` held.
  void FindHidings(format::LabelsView labels, std::vector<Hiding>& hidings) const;

  void EncodeTo(std::string& out) const;
  // Corruption for what EncodeTo did not write.
  static Result<DeletionSet> Decode(format::Decoder& in);

 private:
  std::vector<Member> members_;  // ascending
};

}  // namespace rhizome::series
