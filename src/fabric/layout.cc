#include "fabric/layout.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "fabric/ring.h"

namespace rhizome::fabric {

namespace {

constexpr uint64_t kCollectionSlack = 1;
constexpr int kBisections = 100;  // more than a double can tell apart

double PortionAt(const Portion& portion, double level) {
  return std::clamp(level * portion.weight, portion.least, portion.most);
}

double SumAt(const std::vector<Portion>& portions, double level) {
  double sum = 0;
  for (const Portion& portion : portions) sum += PortionAt(portion, level);
  return sum;
}

struct ZoneRoom {
  std::vector<MemberIndex> staying;
  double weight = 0;
};

std::vector<ZoneRoom> RoomByZone(const std::vector<Seat>& seats) {
  std::vector<ZoneRoom> zones;
  for (MemberIndex member = 0; member < seats.size(); ++member) {
    const Seat& seat = seats[member];
    if (seat.zone >= zones.size()) zones.resize(seat.zone + 1);
    if (seat.standing != Standing::kStaying) continue;
    zones[seat.zone].staying.push_back(member);
    zones[seat.zone].weight += seat.weight;
  }
  return zones;
}

uint64_t FilledAt(const std::vector<ZoneRoom>& zones, uint64_t level) {
  uint64_t sum = 0;
  for (const ZoneRoom& zone : zones) sum += std::min<uint64_t>(zone.staying.size(), level);
  return sum;
}

// How many of a shard's `replicas` each zone should hold on average: every zone `level` as far as it has members, and
// what is left over goes to zones that have one more.
std::vector<double> ZoneShares(const std::vector<ZoneRoom>& zones, uint64_t replicas) {
  uint64_t level = 0;
  while (level < replicas && FilledAt(zones, level + 1) <= replicas) ++level;
  const bool exact = FilledAt(zones, level) == replicas;
  std::vector<Portion> portions;
  for (const ZoneRoom& zone : zones) {
    const auto members = static_cast<uint64_t>(zone.staying.size());
    portions.push_back({.weight = zone.weight,
                        .least = static_cast<double>(std::min(members, level)),
                        .most = static_cast<double>(std::min(members, exact ? level : level + 1))});
  }
  return Divide(static_cast<double>(replicas), portions);
}

}  // namespace

std::vector<double> Divide(double total, const std::vector<Portion>& portions) {
  double low = 0;
  double high = 1;
  for (const Portion& portion : portions) {
    if (portion.weight > 0) high = std::max(high, portion.most / portion.weight);
  }
  for (int i = 0; i < kBisections; ++i) {
    const double middle = (low + high) / 2;
    (SumAt(portions, middle) < total ? low : high) = middle;
  }
  std::vector<double> shares;
  for (const Portion& portion : portions) shares.push_back(PortionAt(portion, high));
  return shares;
}

std::vector<double> FairSharesOfShard(const std::vector<Seat>& seats, uint32_t factor) {
  const std::vector<ZoneRoom> zones = RoomByZone(seats);
  uint64_t staying = 0;
  for (const ZoneRoom& zone : zones) staying += zone.staying.size();
  const std::vector<double> zone_shares = ZoneShares(zones, std::min<uint64_t>(factor, staying));
  std::vector<double> shares(seats.size());
  for (size_t z = 0; z < zones.size(); ++z) {
    std::vector<Portion> portions;
    for (const MemberIndex member : zones[z].staying) portions.push_back({.weight = seats[member].weight, .most = 1});
    const std::vector<double> divided = Divide(zone_shares[z], portions);
    for (size_t i = 0; i < divided.size(); ++i) shares[zones[z].staying[i]] = divided[i];
  }
  return shares;
}

void Loads::SetFair(std::vector<double> shares, double epsilon) {
  fair = std::move(shares);
  held.resize(fair.size());
  least.resize(fair.size());
  most.resize(fair.size());
  for (size_t i = 0; i < fair.size(); ++i) {
    least[i] = LoadMin(fair[i], epsilon);
    most[i] = LoadMax(fair[i], epsilon);
  }
}

Layout::Layout(const Topology& topology, const std::set<MemberNumber>& lost, double epsilon) : epsilon_(epsilon) {
  AddSeats(topology, lost);
  loads_.SetFair(std::vector<double>(seats_.size()), epsilon_);
  AddShards(topology);
  AddFairShares();
}

void Layout::AddSeats(const Topology& topology, const std::set<MemberNumber>& lost) {
  std::set<MemberNumber> named;
  for (const auto& [number, kept] : topology.members) {
    if (kept.value.state != MemberState::kWaiting) named.insert(number);  // not a candidate yet
  }
  for (const auto& [shard, kept] : topology.placements) {
    for (const MemberNumber owner : kept.value.Owners()) named.insert(owner);
  }
  std::map<std::string, uint32_t> zones;
  std::vector<uint64_t> capacities;
  for (const MemberNumber number : named) {
    const MemberRecord* record = topology.Member(number);
    Seat seat{.number = number, .standing = Standing::kLost};  // an owner without a record is gone
    if (record != nullptr) {
      seat.name = record->name;
      seat.zone = zones.emplace(record->zone, zones.size()).first->second;
      const bool gone = record->state == MemberState::kGone;
      seat.live = !gone && topology.live.contains(number);
      if (!gone && !lost.contains(number)) {
        seat.standing = record->state == MemberState::kActive ? Standing::kStaying : Standing::kLeaving;
      }
    }
    capacities.push_back(record != nullptr && seat.standing == Standing::kStaying ? record->capacity_bytes : 0);
    index_of_[number] = static_cast<MemberIndex>(seats_.size());
    seats_.push_back(std::move(seat));
  }
  zones_ = std::max<uint32_t>(1, static_cast<uint32_t>(zones.size()));
  const std::vector<double> weights = CapacityWeights(capacities);
  for (size_t i = 0; i < seats_.size(); ++i) seats_[i].weight = weights[i];
  shards_of_.resize(seats_.size());
}

void Layout::AddShards(const Topology& topology) {
  std::map<Uuid, uint32_t> collection_of;
  for (const auto& [name, kept] : topology.collections) {
    collection_of[kept.value.id] = static_cast<uint32_t>(collections_.size());
    collections_.push_back({.record = &kept.value, .loads = {.slack = kCollectionSlack}});
    collections_.back().loads.SetFair(std::vector<double>(seats_.size()), epsilon_);
  }
  for (const auto& [number, kept] : topology.placements) {
    const auto found = collection_of.find(kept.value.collection);
    if (found == collection_of.end() || kept.value.pending()) continue;
    const CollectionView& collection = collections_[found->second];
    ShardView shard{.kept = &kept, .collection = found->second, .owners = {}};
    shard.partition = number - collection.record->first_shard;
    const auto index = static_cast<ShardIndex>(shards_.size());
    for (const MemberNumber owner : kept.value.moving() ? kept.value.next : kept.value.replicas) {
      const MemberIndex member = index_of_.at(owner);
      shard.owners.push_back(member);
      shards_of_[member].insert(index);
      Hold(shard.collection, member);
    }
    shards_.push_back(std::move(shard));
  }
}

const std::vector<double>& Layout::SharesPerShard(uint32_t factor) {
  const auto found = shares_per_shard_.find(factor);
  if (found != shares_per_shard_.end()) return found->second;
  return shares_per_shard_[factor] = FairSharesOfShard(seats_, factor);
}

void Layout::AddFairShares() {
  std::vector<uint64_t> shards(collections_.size());
  for (const ShardView& shard : shards_) ++shards[shard.collection];
  std::vector<double> total(seats_.size());
  for (size_t c = 0; c < collections_.size(); ++c) {
    std::vector<double> fair = SharesPerShard(collections_[c].factor());
    for (size_t i = 0; i < fair.size(); ++i) total[i] += fair[i] *= static_cast<double>(shards[c]);
    collections_[c].loads.SetFair(std::move(fair), epsilon_);
  }
  loads_.SetFair(std::move(total), epsilon_);
}

uint32_t Layout::Expect(const CollectionRecord& collection, uint32_t shards) {
  const auto known = std::find_if(collections_.begin(), collections_.end(),
                                  [&](const CollectionView& view) { return view.record->id == collection.id; });
  const auto index = static_cast<uint32_t>(known - collections_.begin());
  if (known == collections_.end()) {
    collections_.push_back({.record = &collection, .loads = {.slack = kCollectionSlack}});
    collections_.back().loads.SetFair(std::vector<double>(seats_.size()), epsilon_);
  }
  Loads& loads = collections_[index].loads;
  std::vector<double> fair = SharesPerShard(collection.factor);
  std::vector<double> total = loads_.fair;
  for (size_t i = 0; i < fair.size(); ++i) {
    fair[i] = std::max(loads.fair[i], fair[i] * shards);
    total[i] += fair[i] - loads.fair[i];
  }
  loads.SetFair(std::move(fair), epsilon_);
  loads_.SetFair(std::move(total), epsilon_);
  return index;
}

void Layout::Hold(uint32_t collection, MemberIndex member) {
  ++loads_.held[member];
  ++collections_[collection].loads.held[member];
}

void Layout::Change(ShardIndex shard, std::optional<MemberIndex> out, std::optional<MemberIndex> in) {
  ShardView& view = shards_[shard];
  Loads& of_collection = collections_[view.collection].loads;
  if (out) {
    CHECK(std::erase(view.owners, *out) == 1);
    shards_of_[*out].erase(shard);
    --loads_.held[*out];
    --of_collection.held[*out];
  }
  if (in) {
    view.owners.push_back(*in);
    CHECK(shards_of_[*in].insert(shard).second);
    Hold(view.collection, *in);
  }
}

// How many shards a member is away from where it should be. What an absent member lacks cannot be given to it.
int64_t Layout::Misfit(const Loads& loads, MemberIndex member, uint64_t held) const {
  const Seat& seat = seats_[member];
  if (seat.standing != Standing::kStaying) return static_cast<int64_t>(held);
  const uint64_t most = loads.most[member] + loads.slack;
  if (held > most) return static_cast<int64_t>(held - most);
  if (seat.live && held < loads.least[member]) return static_cast<int64_t>(loads.least[member] - held);
  return 0;
}

int64_t Layout::MisfitChange(const Loads& loads, MemberIndex member, int64_t change) const {
  const uint64_t held = loads.held[member];
  return Misfit(loads, member, held + static_cast<uint64_t>(change)) - Misfit(loads, member, held);
}

Cost Layout::Difference(ShardIndex shard, std::optional<MemberIndex> out, std::optional<MemberIndex> in) const {
  const ShardView& view = shards_[shard];
  const Loads& of_collection = collections_[view.collection].loads;
  Cost cost;
  const auto owners_in = [&](uint32_t zone) {
    return std::count_if(view.owners.begin(), view.owners.end(),
                         [&](MemberIndex owner) { return seats_[owner].zone == zone; });
  };
  const auto add = [&](MemberIndex member, int change) {
    cost.misloaded += MisfitChange(loads_, member, change);
    cost.clustered += MisfitChange(of_collection, member, change);
    const double away = static_cast<double>(loads_.held[member]) - loads_.fair[member];
    cost.unevenness += 2 * away * change + 1;
  };
  if (out) {
    cost.crowding -= 2 * owners_in(seats_[*out].zone) - 1;
    add(*out, -1);
  }
  if (in) {
    const bool shared = out && seats_[*out].zone == seats_[*in].zone;
    cost.crowding += 2 * (owners_in(seats_[*in].zone) - (shared ? 1 : 0)) + 1;
    add(*in, 1);
  }
  return cost;
}

uint64_t Layout::staying() const {
  return static_cast<uint64_t>(std::count_if(seats_.begin(), seats_.end(),
                                             [](const Seat& seat) { return seat.standing == Standing::kStaying; }));
}

int64_t Layout::misloaded() const {
  int64_t sum = 0;
  for (MemberIndex member = 0; member < seats_.size(); ++member) sum += Misfit(loads_, member, loads_.held[member]);
  return sum;
}

int64_t Layout::clustered() const {
  int64_t sum = 0;
  for (const CollectionView& collection : collections_) {
    for (MemberIndex member = 0; member < seats_.size(); ++member) {
      sum += Misfit(collection.loads, member, collection.loads.held[member]);
    }
  }
  return sum;
}

}  // namespace rhizome::fabric
