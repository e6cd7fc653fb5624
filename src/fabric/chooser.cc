#include "fabric/chooser.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace rhizome::fabric {

namespace {

// Enough to choose from; on a cluster no larger than this, everyone is a candidate.
constexpr size_t kCandidates = 16;
constexpr double kFairMin = 1e-9;

// Load after one shard more, in fair shares: taking the least first never leaves anybody below a whole fair share.
double Relative(const Loads& loads, MemberIndex member) {
  return static_cast<double>(loads.held[member] + 1) / std::max(loads.fair[member], kFairMin);
}

}  // namespace

Result<Chooser> Chooser::Make(const Layout& layout, const PlacementSettings& settings) {
  if (!(settings.epsilon > 0 && settings.epsilon < 1)) {
    return Status::InvalidArgument("epsilon", fmt::format("{} is not between 0 and 1", settings.epsilon));
  }
  std::vector<RingMember> members;
  for (const Seat& seat : layout.seats()) {
    if (!seat.receives()) continue;
    members.push_back({.number = seat.number, .zone = fmt::format("{}", seat.zone), .weight = seat.weight});
  }
  ASSIGN_OR_RETURN(Ring ring, Ring::Build(members, settings.seed, settings.ring_version));
  return Chooser(layout, std::move(ring));
}

bool Chooser::Full(uint32_t collection, MemberIndex member) const {
  const auto full = [&](const Loads& loads) { return loads.held[member] >= loads.most[member]; };
  return full(layout_.loads()) || full(layout_.collections()[collection].loads);
}

std::optional<MemberIndex> Chooser::Next(uint32_t collection, uint32_t partition,
                                         const std::vector<MemberIndex>& owners, const Admit& admit) const {
  const auto& seats = layout_.seats();
  const std::string key = RingKey(layout_.collections()[collection].record->id, partition);
  const auto out_of_question = [&](MemberNumber number) {
    const MemberIndex member = layout_.IndexOf(number);
    return std::find(owners.begin(), owners.end(), member) != owners.end() || (admit && !admit(member));
  };
  std::vector<MemberNumber> candidates = ring_.Spread(key, kCandidates, [&](MemberNumber number) {
    return out_of_question(number) || Full(collection, layout_.IndexOf(number));
  });
  // Those above their bounds as well: one may be the only one in its zone.
  for (const MemberNumber number : ring_.Spread(key, kCandidates, out_of_question)) candidates.push_back(number);

  const auto rank = [&](MemberIndex member) {
    const auto shared = std::count_if(owners.begin(), owners.end(),
                                      [&](MemberIndex owner) { return seats[owner].zone == seats[member].zone; });
    return std::make_tuple(shared, Full(collection, member), Relative(layout_.collections()[collection].loads, member),
                           Relative(layout_.loads(), member));
  };
  std::optional<MemberIndex> best;
  for (const MemberNumber number : candidates) {
    const MemberIndex member = layout_.IndexOf(number);
    if (!best || rank(member) < rank(*best)) best = member;
  }
  return best;
}

}  // namespace rhizome::fabric
