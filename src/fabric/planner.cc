#include "fabric/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace rhizome::fabric {

namespace {

bool Contains(const std::vector<MemberNumber>& members, MemberNumber member) {
  return std::find(members.begin(), members.end(), member) != members.end();
}

std::vector<MemberNumber> Without(const std::vector<MemberNumber>& members, const std::vector<MemberNumber>& others) {
  std::vector<MemberNumber> left;
  std::copy_if(members.begin(), members.end(), std::back_inserter(left),
               [&](MemberNumber member) { return !Contains(others, member); });
  return left;
}

}  // namespace

Planner::Planner(const Topology& topology, const BalanceSettings& settings, Layout& layout, const Chooser& chooser)
    : topology_(topology), settings_(settings), layout_(layout), chooser_(chooser) {
  CountMoving();
}

void Planner::CountMoving() {
  for (ShardIndex shard = 0; shard < layout_.shards().size(); ++shard) {
    const Placement& placement = layout_.shards()[shard].kept->value;
    if (!placement.moving()) continue;
    ++under_way_;
    ++report_.moving;
    busy_.insert(shard);
    for (const auto m : Without(placement.next, placement.replicas)) ++moving_in_[layout_.IndexOf(m)];
    for (const auto m : Without(placement.replicas, placement.next)) ++moving_out_[layout_.IndexOf(m)];
  }
}

// The member for whose absence a move cannot end. One that only drops an owner needs a majority of those that stay.
std::optional<MemberNumber> Planner::Hinders(const Placement& moving, const std::vector<MemberNumber>& in,
                                             const std::set<MemberNumber>& unreachable) {
  const auto gone = [&](MemberNumber member) { return unreachable.contains(member); };
  const std::vector<MemberNumber>& needed = in.empty() ? moving.next : in;
  const auto lost = std::find_if(needed.begin(), needed.end(), gone);
  if (lost == needed.end()) return std::nullopt;
  const auto absent = static_cast<size_t>(std::count_if(needed.begin(), needed.end(), gone));
  if (in.empty() && 2 * absent < needed.size()) return std::nullopt;
  return *lost;
}

void Planner::TakeBack(const std::set<MemberNumber>& unreachable) {
  const std::vector<ShardIndex> moving(busy_.begin(), busy_.end());
  for (const ShardIndex shard : moving) {
    const Kept<Placement>& kept = *layout_.shards()[shard].kept;
    const std::vector<MemberNumber> in = Without(kept.value.next, kept.value.replicas);
    const std::optional<MemberNumber> lost = Hinders(kept.value, in, unreachable);
    if (!lost) {
      const uint64_t live = LiveOwners(kept.value.replicas);
      if (live > kept.value.replicas.size() / 2) continue;
      Block(shard, fmt::format("its move waits: {} of its {} owners before are live, and a majority has to be", live,
                               kept.value.replicas.size()));
      continue;
    }
    Placement back = kept.value;
    back.next.clear();
    ++back.epoch;
    for (const MemberNumber member : in) layout_.Change(shard, layout_.IndexOf(member), {});
    for (const MemberNumber member : Without(kept.value.replicas, kept.value.next)) {
      layout_.Change(shard, {}, layout_.IndexOf(member));
    }
    report_.changes.push_back(
        {.shard = back.shard,
         .mod_revision = kept.mod_revision,
         .placement = std::move(back),
         .cause = ChangeCause::kTakeBack,
         .reason = fmt::format("{} is not there{}", Name(layout_.IndexOf(*lost)), in.empty() ? "" : " to take it")});
  }
}

void Planner::ReplaceLost() {
  for (ShardIndex shard = 0; shard < layout_.shards().size(); ++shard) {
    if (busy_.contains(shard)) continue;
    const std::optional<MemberIndex> lost = FirstOwner(shard, Standing::kLost);
    if (lost && MayChange(shard)) ReplaceOne(shard, *lost);
  }
}

void Planner::ReplaceOne(ShardIndex shard, MemberIndex lost) {
  const MemberRecord* record = topology_.Member(layout_.seats()[lost].number);
  const bool gone = record == nullptr || record->state == MemberState::kGone;
  const std::string why = fmt::format("{} {}", Name(lost), gone ? "is gone" : "has been away for too long");
  if (layout_.shards()[shard].owners.size() > Wanted(shard)) {
    Begin({shard, lost, {}, ChangeCause::kReplaceLost, why + "; the others are enough"});
    return;
  }
  if (Give(shard, lost, ChangeCause::kReplaceLost, why)) return;
  if (gone && !AnybodyStaysOutside(shard)) {
    // It never comes back; as an owner it would only keep deletes from being forgotten.
    Begin({shard, lost, {}, ChangeCause::kReplaceLost, why + ", and nobody is there to take its place"});
  } else {
    Block(shard, why + ", and no live member is there to take its place");
  }
}

void Planner::AddMissing() {
  for (ShardIndex shard = 0; shard < layout_.shards().size(); ++shard) {
    const size_t owners = layout_.shards()[shard].owners.size();
    if (busy_.contains(shard) || owners >= Wanted(shard) || !MayChange(shard)) continue;
    const std::string why = fmt::format("it has {} of {} replicas", owners, Wanted(shard));
    if (Give(shard, {}, ChangeCause::kUnderReplicated, why)) continue;
    Block(shard, why + (AnybodyStaysOutside(shard) ? ", and the members without one are not live"
                                                   : ", and every member that stays has one"));
  }
}

void Planner::DropSuperfluous() {
  for (ShardIndex shard = 0; shard < layout_.shards().size(); ++shard) {
    const size_t owners = layout_.shards()[shard].owners.size();
    if (busy_.contains(shard) || owners <= Wanted(shard) || !MayChange(shard)) continue;
    Begin({shard,
           Superfluous(shard),
           {},
           ChangeCause::kOverReplicated,
           fmt::format("it has {} replicas and wants {}", owners, Wanted(shard))});
  }
}

MemberIndex Planner::Superfluous(ShardIndex shard) const {
  const auto& owners = layout_.shards()[shard].owners;
  // Smaller goes first: who leaves, who is away, whose going improves most.
  const auto rank = [&](MemberIndex owner) {
    const Seat& seat = layout_.seats()[owner];
    return std::make_tuple(-static_cast<int>(seat.standing), seat.live, layout_.Difference(shard, owner, {}),
                           seat.number);
  };
  return *std::min_element(owners.begin(), owners.end(),
                           [&](MemberIndex a, MemberIndex b) { return rank(a) < rank(b); });
}

void Planner::EmptyLeaving() {
  for (ShardIndex shard = 0; shard < layout_.shards().size(); ++shard) {
    if (busy_.contains(shard)) continue;
    const std::optional<MemberIndex> leaving = FirstOwner(shard, Standing::kLeaving);
    if (!leaving || !MayChange(shard)) continue;
    const std::string why = fmt::format("{} is leaving", Name(*leaving));
    if (Give(shard, leaving, ChangeCause::kLeaving, why)) continue;
    Block(shard, why + ", and no other live member is without a replica");
  }
}

bool Planner::Give(ShardIndex shard, std::optional<MemberIndex> out, ChangeCause cause, const std::string& why) {
  const ShardView& view = layout_.shards()[shard];
  std::vector<MemberIndex> owners = view.owners;
  if (out) std::erase(owners, *out);
  if (!chooser_.Next(view.collection, view.partition, owners)) return false;
  if (exhausted() || (out && !Admits(*out))) {
    Wait(shard);
    return true;
  }
  const auto in = chooser_.Next(view.collection, view.partition, owners, [&](MemberIndex m) { return Admits(m); });
  if (!in) {
    Wait(shard);
    return true;
  }
  return Begin({shard, out, in, cause, fmt::format("{}; {} takes {}", why, Name(*in), out ? "its place" : "one")});
}

bool Planner::Begin(Step step) {
  if (exhausted() || (step.out && !Admits(*step.out)) || (step.in && !Admits(*step.in))) {
    Wait(step.shard);
    return false;
  }
  Emit(step);
  layout_.Change(step.shard, step.out, step.in);
  busy_.insert(step.shard);
  ++under_way_;
  if (step.in) ++moving_in_[*step.in];
  if (step.out) ++moving_out_[*step.out];
  return true;
}

void Planner::Emit(const Step& step) {
  const Kept<Placement>& kept = *layout_.shards()[step.shard].kept;
  CHECK(!kept.value.moving());
  Placement placement = kept.value;
  ++placement.epoch;
  placement.next = placement.replicas;
  // A single owner is a majority: it goes by a change of its own, once there is another.
  const bool both = step.out && step.in && placement.replicas.size() == 1;
  if (step.out && !both) CHECK(std::erase(placement.next, layout_.seats()[*step.out].number) == 1);
  if (step.in) placement.next.push_back(layout_.seats()[*step.in].number);
  std::sort(placement.next.begin(), placement.next.end());
  report_.changes.push_back({.shard = placement.shard,
                             .mod_revision = kept.mod_revision,
                             .placement = std::move(placement),
                             .cause = step.cause,
                             .reason = step.reason});
}

bool Planner::Free(ShardIndex shard) const {
  if (busy_.contains(shard) || blocked_.contains(shard) || waiting_.contains(shard) || BeingSplit(shard)) return false;
  const Placement& placement = layout_.shards()[shard].kept->value;
  return LiveOwners(placement.replicas) > placement.replicas.size() / 2;
}

bool Planner::Admits(MemberIndex member) const {
  if (!layout_.seats()[member].live) return true;  // it does none of the work
  const auto count = [member](const std::map<MemberIndex, uint32_t>& moving) {
    const auto found = moving.find(member);
    return found == moving.end() ? 0 : found->second;
  };
  return count(moving_in_) + count(moving_out_) < settings_.per_member_moves;
}

bool Planner::passing_through() const {
  return std::any_of(busy_.begin(), busy_.end(),
                     [this](ShardIndex shard) { return layout_.shards()[shard].owners.size() > Wanted(shard); });
}

std::optional<MemberIndex> Planner::FirstOwner(ShardIndex shard, Standing standing) const {
  for (const MemberIndex owner : layout_.shards()[shard].owners) {
    if (layout_.seats()[owner].standing == standing) return owner;
  }
  return std::nullopt;
}

uint64_t Planner::LiveOwners(const std::vector<MemberNumber>& owners) const {
  return static_cast<uint64_t>(std::count_if(
      owners.begin(), owners.end(), [&](MemberNumber owner) { return layout_.seats()[layout_.IndexOf(owner)].live; }));
}

bool Planner::BeingSplit(ShardIndex shard) const {
  return layout_.collections()[layout_.shards()[shard].collection].record->resharding();
}

bool Planner::MayChange(ShardIndex shard) {
  if (BeingSplit(shard)) {
    Wait(shard);
    return false;
  }
  const auto& owners = layout_.shards()[shard].kept->value.replicas;
  const uint64_t live = LiveOwners(owners);
  if (live > owners.size() / 2) return true;
  Block(shard,
        fmt::format("{} of its {} owners are live; it can be changed once a majority is back", live, owners.size()));
  return false;
}

bool Planner::AnybodyStaysOutside(ShardIndex shard) const {
  const auto& owners = layout_.shards()[shard].owners;
  const auto& seats = layout_.seats();
  for (MemberIndex member = 0; member < seats.size(); ++member) {
    const bool owner = std::find(owners.begin(), owners.end(), member) != owners.end();
    if (!owner && seats[member].standing == Standing::kStaying) return true;
  }
  return false;
}

uint64_t Planner::Wanted(ShardIndex shard) const {
  return layout_.collections()[layout_.shards()[shard].collection].factor();
}

std::string Planner::Name(MemberIndex member) const {
  const Seat& seat = layout_.seats()[member];
  return seat.name.empty() ? fmt::format("member {}", seat.number)
                           : fmt::format("member {} ({})", seat.number, seat.name);
}

BalanceReport Planner::TakeReport() {
  for (const auto& [shard, reason] : blocked_) {
    report_.blocked.push_back({layout_.shards()[shard].kept->value.shard, reason});
  }
  report_.waiting = waiting_.size();
  for (MemberIndex member = 0; member < layout_.seats().size(); ++member) {
    report_.loads[layout_.seats()[member].number] = {.shards = layout_.loads().held[member],
                                                     .fair_share = layout_.loads().fair[member],
                                                     .shards_moving_in = moving_in_[member],
                                                     .shards_moving_out = moving_out_[member]};
  }
  return std::move(report_);
}

}  // namespace rhizome::fabric
