// Layout: a topology seen as loads: who holds how much, what a fair share would be, and what a change would improve.
// The working model of placement and balance.
//
// It shows shards as they will be once the changes under way have ended, so that a plan builds on those before it.
// Fair shares follow capacity as far as the zones allow: a shard spreads over the zones first, so the only member of a
// small zone is meant to hold more than its capacity alone would give it.
//
// The next shards of a collection that is being resharded do not count until they take over.
//
// Members, shards and collections are named by dense indices, in the order of their numbers. Plain values; not
// thread-safe; refers to the topology it was made of.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fabric/topology.h"

namespace rhizome::fabric {

using MemberIndex = uint32_t;
using ShardIndex = uint32_t;

enum class Standing : uint8_t {
  kStaying,  // is to have its fair share
  kLeaving,  // is to have nothing, and helps until then
  kLost,     // is to have nothing, and cannot help
};

struct Seat {
  MemberNumber number = 0;
  std::string name;
  uint32_t zone = 0;
  double weight = 1;
  Standing standing = Standing::kStaying;
  bool live = false;

  bool receives() const { return standing == Standing::kStaying && live; }
};

// Shards per member: of everything, or of one collection.
struct Loads {
  std::vector<double> fair;
  std::vector<uint64_t> held;
  std::vector<uint64_t> least;  // LoadMin and LoadMax of `fair`
  std::vector<uint64_t> most;
  // How far above `most` is no reason to move anything: 0 in all, 1 within a collection, where a share is a few shards
  // and one join would otherwise make old members exchange some.
  uint64_t slack = 0;

  // Fair shares by member; the bounds follow, what is held stays.
  void SetFair(std::vector<double> shares, double epsilon);
};

struct CollectionView {
  const CollectionRecord* record = nullptr;
  Loads loads;

  // Replicas wanted. Whatever the catalogue says, the last one stays and no set outgrows its bytes.
  uint32_t factor() const { return std::clamp<uint32_t>(record->factor, 1, kOwnersMax); }
};

struct ShardView {
  const Kept<Placement>* kept = nullptr;
  uint32_t collection = 0;
  std::vector<MemberIndex> owners;  // once its change has ended
  uint32_t partition = 0;
};

// What is wrong, by weight: compared in this order. Of a change: the difference it makes.
struct Cost {
  int64_t crowding = 0;     // sum over shards and zones of (owners in the zone)²
  int64_t misloaded = 0;    // shards above and below the bounds of members
  int64_t clustered = 0;    // the same within each collection
  double unevenness = 0.0;  // sum over members of (held - fair)²
  auto operator<=>(const Cost&) const = default;
};

class Layout {
 public:
  // `lost`: members to be treated as gone. Shards of collections that are not in the catalogue are left out.
  Layout(const Topology& topology, const std::set<MemberNumber>& lost, double epsilon);

  // Counts a collection as one of `shards` shards, which are placed later with Hold. Returns its index.
  uint32_t Expect(const CollectionRecord& collection, uint32_t shards);
  // `member` holds one shard more of `collection`.
  void Hold(uint32_t collection, MemberIndex member);
  // Changes the owners of a shard.
  void Change(ShardIndex shard, std::optional<MemberIndex> out, std::optional<MemberIndex> in);
  // What Change would change about the cost.
  Cost Difference(ShardIndex shard, std::optional<MemberIndex> out, std::optional<MemberIndex> in) const;

  const std::vector<Seat>& seats() const { return seats_; }
  const std::vector<ShardView>& shards() const { return shards_; }
  const std::vector<CollectionView>& collections() const { return collections_; }
  const Loads& loads() const { return loads_; }
  const std::set<ShardIndex>& shards_of(MemberIndex member) const { return shards_of_[member]; }
  // Of a member that the topology names somewhere.
  MemberIndex IndexOf(MemberNumber member) const { return index_of_.at(member); }
  uint64_t staying() const;
  // Members below and above their bounds, summed.
  int64_t misloaded() const;
  int64_t clustered() const;

 private:
  void AddSeats(const Topology& topology, const std::set<MemberNumber>& lost);
  void AddShards(const Topology& topology);
  void AddFairShares();
  int64_t Misfit(const Loads& loads, MemberIndex member, uint64_t held) const;
  int64_t MisfitChange(const Loads& loads, MemberIndex member, int64_t change) const;
  const std::vector<double>& SharesPerShard(uint32_t factor);

  double epsilon_;
  std::vector<Seat> seats_;
  std::map<MemberNumber, MemberIndex> index_of_;
  uint32_t zones_ = 0;
  std::vector<ShardView> shards_;
  std::vector<std::set<ShardIndex>> shards_of_;
  std::vector<CollectionView> collections_;
  Loads loads_;
  std::map<uint32_t, std::vector<double>> shares_per_shard_;  // by factor
};

// `total` divided by weight, nobody below `least` or above `most` (water-filling). `total` is between the sums.
struct Portion {
  double weight = 1;
  double least = 0;
  double most = 0;
};
std::vector<double> Divide(double total, const std::vector<Portion>& portions);

// How many replicas of one shard each seat should hold on average.
std::vector<double> FairSharesOfShard(const std::vector<Seat>& seats, uint32_t factor);

}  // namespace rhizome::fabric
