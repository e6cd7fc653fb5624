#include "fabric/quorum.h"

#include <algorithm>

#include "fabric/planted.h"

namespace rhizome::fabric {

Quorum::Quorum(const Placement& placement, Level level) : sets_{placement.replicas}, level_(level) {
  // The new set alone may not have everything yet; the old one alone is not the truth for long.
  if (placement.moving() && level != Level::kOne && !Planted(Bug::kMoveWithoutJointQuorum))
    sets_.push_back(placement.next);
}

void Quorum::Add(MemberNumber member) {
  for (const auto& set : sets_) {
    if (std::find(set.begin(), set.end(), member) != set.end()) counted_.insert(member);
  }
}

template <typename Has>
bool Quorum::Enough(const Has& has) const {
  return std::all_of(sets_.begin(), sets_.end(), [&](const std::vector<MemberNumber>& set) {
    const auto count = static_cast<size_t>(std::count_if(set.begin(), set.end(), has));
    if (level_ == Level::kOne) return count >= 1;
    if (level_ == Level::kAll) return count == set.size();
    return Planted(Bug::kMajorityIsHalf) ? count >= set.size() / 2 : count > set.size() / 2;
  });
}

bool Quorum::reached() const {
  return Enough([this](MemberNumber member) { return counted_.contains(member); });
}

bool Quorum::reachable_without(const std::set<MemberNumber>& lost) const {
  return Enough([&](MemberNumber member) { return counted_.contains(member) || !lost.contains(member); });
}

}  // namespace rhizome::fabric
