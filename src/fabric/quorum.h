// When enough owners have agreed. Pure values.
#pragma once

#include <set>
#include <vector>

#include "fabric/topology.h"

namespace rhizome::fabric {

enum class Level : uint8_t {
  kOne = 1,     // any owner
  kQuorum = 2,  // a majority; of each owner set while a move is under way
  kAll = 3,     // every owner
};

// Owners counted toward a level of a placement. Only a member's own answer counts: a hint kept for it does not.
class Quorum {
 public:
  Quorum(const Placement& placement, Level level);

  // Others than owners, and repetitions, count for nothing.
  void Add(MemberNumber member);
  bool reached() const;
  // Whether it can still be reached when nobody of `lost` ever answers.
  bool reachable_without(const std::set<MemberNumber>& lost) const;
  const std::set<MemberNumber>& counted() const { return counted_; }

 private:
  template <typename Has>
  bool Enough(const Has& has) const;

  std::vector<std::vector<MemberNumber>> sets_;
  Level level_;
  std::set<MemberNumber> counted_;
};

}  // namespace rhizome::fabric
