#include "fabric/placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "fabric/chooser.h"
#include "fabric/layout.h"

namespace rhizome::fabric {

namespace {

std::set<MemberNumber> NotLive(const Topology& topology) {
  std::set<MemberNumber> absent;
  for (const auto& [number, kept] : topology.members) {
    if (!topology.live.contains(number)) absent.insert(number);
  }
  return absent;
}

Status EnoughMembers(const Topology& topology, const CollectionRecord& collection, uint32_t factor) {
  if (factor == 0 || factor > kOwnersMax) {
    return Status::InvalidArgument("factor", fmt::format("a shard has 1 to {} replicas", kOwnersMax));
  }
  uint32_t ready = 0;
  uint32_t leaving = 0;
  uint32_t gone = 0;
  uint32_t absent = 0;
  uint32_t waiting = 0;
  for (const auto& [number, kept] : topology.members) {
    const MemberState state = kept.value.state;
    if (state == MemberState::kGone) {
      ++gone;
    } else if (state == MemberState::kLeaving) {
      ++leaving;
    } else if (state == MemberState::kWaiting) {
      ++waiting;
    } else {
      ++(topology.live.contains(number) ? ready : absent);
    }
  }
  if (ready >= factor) return Status::Ok();
  return Status::FailedPrecondition(
      fmt::format("collection {} wants {} replicas of each shard, and {} of {} members can take one ({} not live, {} "
                  "leaving, {} gone, {} waiting to be admitted)",
                  collection.name, factor, ready, topology.members.size(), absent, leaving, gone, waiting));
}

std::vector<MemberNumber> Choose(Layout& layout, const Chooser& chooser, uint32_t collection, uint32_t partition,
                                 uint32_t factor) {
  std::vector<MemberIndex> owners;
  std::vector<MemberNumber> numbers;
  while (owners.size() < factor) {
    const std::optional<MemberIndex> next = chooser.Next(collection, partition, owners);
    CHECK(next.has_value());  // there are enough: EnoughMembers
    owners.push_back(*next);
    numbers.push_back(layout.seats()[*next].number);
  }
  for (const MemberIndex owner : owners) layout.Hold(collection, owner);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

Result<std::vector<MemberNumber>> ChooseReplicas(const Topology& topology, const CollectionRecord& collection,
                                                 ShardNumber shard, uint32_t factor,
                                                 const PlacementSettings& settings) {
  RETURN_IF_ERROR(EnoughMembers(topology, collection, factor));
  CollectionRecord wanted = collection;
  wanted.factor = factor;
  Layout layout(topology, NotLive(topology), settings.epsilon);
  const uint32_t index = layout.Expect(wanted, collection.partitions);
  ASSIGN_OR_RETURN(const Chooser chooser, Chooser::Make(layout, settings));
  return Choose(layout, chooser, index, shard - collection.first_shard, factor);
}

Result<std::vector<Placement>> PlanCreate(const Topology& topology, const CollectionRecord& collection,
                                          const PlacementSettings& settings) {
  RETURN_IF_ERROR(EnoughMembers(topology, collection, collection.factor));
  Layout layout(topology, NotLive(topology), settings.epsilon);
  const uint32_t index = layout.Expect(collection, collection.partitions);
  ASSIGN_OR_RETURN(const Chooser chooser, Chooser::Make(layout, settings));
  std::vector<Placement> placements;
  for (uint32_t partition = 0; partition < collection.partitions; ++partition) {
    placements.push_back({.shard = collection.first_shard + partition,
                          .collection = collection.id,
                          .epoch = 1,
                          .replicas = Choose(layout, chooser, index, partition, collection.factor),
                          .next = {}});
  }
  return placements;
}

}  // namespace rhizome::fabric
