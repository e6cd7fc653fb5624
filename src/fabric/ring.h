// Ring: in which order the members are asked to hold a key. Consistent hashing (Karger et al., "Consistent Hashing and
// Random Trees", 1997) with virtual nodes, distinct members clockwise, spread over zones; what is full is passed over
// (Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2018).
//
// The ring proposes; where a shard is, is what its placement says. So a change of hashing (a new version) or of a
// member's capacity moves nothing by itself.
//
// Depends on the set of members, the version and the seed only: not on the order in which members are named.
// Immutable and thread-safe. Size: about 12 bytes per virtual node, 150 of them per member of ordinary capacity.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "fabric/topology.h"

namespace rhizome::fabric {

// Version 1: XXH64 of "m:<number>:<i>" for virtual node i of a member; capacity counts from a quarter to four times.
inline constexpr uint32_t kRingVersion = 1;
inline constexpr uint32_t kVirtualNodes = 150;  // of a member of median capacity

struct RingMember {
  MemberNumber number = 0;
  std::string zone;     // "": none, which is a zone as well
  double weight = 1.0;  // see CapacityWeights
};

// One weight per capacity, in the same order: the capacity over the median one, in steps of 1/4 from 1/4 to 4, so that
// nobody is given everything or nothing for a number typed wrong. 0 (unknown) weighs 1.
std::vector<double> CapacityWeights(const std::vector<uint64_t>& capacities_bytes);

// What a member with a fair share of `share` may hold at most, and should hold at least, in whole shards:
// ceil((1 + epsilon)·share), and (1 - epsilon)·share rounded up but never above the share.
uint64_t LoadMax(double share, double epsilon);
uint64_t LoadMin(double share, double epsilon);

class Ring {
 public:
  // Says whether a member is to be passed over: full, or out of the question.
  using PassOver = std::function<bool(MemberNumber)>;

  // InvalidArgument for a version this program does not know. Members are distinct.
  static Result<Ring> Build(const std::vector<RingMember>& members, uint64_t seed, uint32_t version = kRingVersion);

  // The first `count` distinct members clockwise from `key` that are not passed over; fewer when there are no more.
  std::vector<MemberNumber> Walk(std::string_view key, size_t count, const PassOver& pass_over = {}) const;
  // As Walk, but no zone gives its (n+1)th member before every zone that can has given its n-th.
  std::vector<MemberNumber> Spread(std::string_view key, size_t count, const PassOver& pass_over = {}) const;

  uint64_t size() const { return members_.size(); }  // members

 private:
  struct Point {
    uint64_t hash;
    uint32_t member;  // index into members_
    bool operator<(const Point& other) const { return hash != other.hash ? hash < other.hash : member < other.member; }
  };

  Ring() = default;
  size_t StartOf(std::string_view key) const;
  // Calls `visit` with each member index not passed over, once, clockwise, until it answers false.
  void Clockwise(std::string_view key, const PassOver& pass_over, const std::function<bool(uint32_t)>& visit) const;

  uint64_t seed_ = 0;
  std::vector<MemberNumber> members_;  // ascending
  std::vector<uint32_t> zone_of_;      // by member index
  uint32_t zones_ = 0;
  std::vector<Point> points_;  // ascending
};

// The key of a shard on the ring: collection and partition with a separator. The same wherever it is asked for.
std::string RingKey(const Uuid& collection, uint32_t partition);

}  // namespace rhizome::fabric
