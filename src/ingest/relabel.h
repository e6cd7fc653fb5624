// Relabeller: rules applied to whole batches, each series once.
//
// What a rule makes of a set of labels never changes, so it is remembered: a known series costs a lookup. A batch in
// which nothing changes is passed on byte for byte. Memory for what is remembered is bounded; when it is full the older
// half is forgotten. One thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "ingest/relabel_rules.h"
#include "ingest/taken.h"

namespace rhizome::ingest {

struct Relabelled {
  std::optional<std::string> batch;  // another one; nothing when that given is to be used as it is
  uint64_t dropped = 0;              // samples that rules dropped, as they were meant to
  uint64_t refused = 0;              // samples whose labels became such that they may not be stored
  std::vector<Status> reasons;       // for these, the first few
};

class Relabeller {
 public:
  static constexpr size_t kMemoryMax = 256 << 20;

  explicit Relabeller(RelabelRules rules, size_t memory_max = kMemoryMax)
      : rules_(std::move(rules)), memory_max_(memory_max) {}

  Relabelled Apply(const format::SeriesBatch& batch, const Limits& limits);

  uint64_t lookups() const { return lookups_; }
  uint64_t evaluations() const { return evaluations_; }  // lookups that found nothing

 private:
  enum class Fate : uint8_t { kSame, kChanged, kDropped, kRefused };
  struct Verdict {
    Fate fate = Fate::kSame;
    std::string text;  // the changed labels' canonical bytes, or why they are refused
  };
  struct Hasher {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return Checksum(text); }
  };
  using Memory = std::unordered_map<std::string, Verdict, Hasher, std::equal_to<>>;

  const Verdict& VerdictOn(format::LabelsView labels, const Limits& limits);
  Verdict Evaluate(format::LabelsView labels, const Limits& limits) const;

  const RelabelRules rules_;
  const size_t memory_max_;
  Memory recent_, older_;
  size_t recent_bytes_ = 0;
  uint64_t lookups_ = 0, evaluations_ = 0;
};

}  // namespace rhizome::ingest
