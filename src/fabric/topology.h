// Topology: who is in the cluster, which collections there are, and which members hold each shard: the small truth in
// coordination that every member keeps a copy of.
//
// A shard's placement is explicit and has an epoch that goes up by one with every change. While a change is under way
// there are two owner sets, `replicas` and `next`, and every decision needs a majority of each (joint quorums, as in
// Ongaro, "Consensus: Bridging Theory and Practice", 2014, §4.3). So a move is two compare-and-swaps on one key,
// whatever it changes: [old] → [old, next] → [next]; taking it back is [old, next] → [old].
//
// A collection that is resharded has two ranges of shards: those that are asked, and its next ones, several for each of
// them, which their owners fill meanwhile (resharding.h).
//
// Plain values; immutable once shared. Bytes: docs/formats/topology.md. Decoders take any bytes and answer Corruption.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/uuid.h"

namespace rhizome::fabric {

// Given out once each, by counting in coordination. A data directory keeps its number; one that was lost comes back as
// a new member with a new number, and so without a vote until it has been given shards and has copied them.
using MemberNumber = uint32_t;
using ShardNumber = uint32_t;
inline constexpr uint32_t kOwnersMax = 64;  // of one shard, in each of its sets

enum class MemberState : uint8_t {
  kActive = 1,
  kLeaving = 2,  // gets no new shards; the leader moves away what it has
  kGone = 3,     // has left, or was declared dead: its shards are given to others
  kWaiting = 4,  // has come and gets no shards until an operator admits it
};

struct MemberRecord {
  MemberNumber number = 0;
  std::string name;  // [A-Za-z0-9_-]{1,64}; the name in its certificate
  Uuid directory;    // of the data directory: a second process with the same name is told apart
  std::string rpc_address;
  std::string http_address;
  std::string zone;             // "": none
  uint64_t capacity_bytes = 0;  // disk it may fill; the weight in choosing among candidates
  MemberState state = MemberState::kActive;
  bool operator==(const MemberRecord&) const = default;
};

// What the shards of a collection hold. The kind decides what a batch, a hint and a comparison of replicas are; owners,
// epochs, levels and moves are the same for all.
enum class ShardKind : uint8_t {
  kRegisters = 1,  // points and documents: per key the highest version wins
  kSeries = 2,     // samples: a set, which grows by records (format/series_record.h)
};

struct CollectionRecord {
  Uuid id;
  std::string name;
  ShardNumber first_shard = 0;  // partition p is shard first_shard + p
  uint32_t partitions = 0;
  uint32_t factor = 0;  // replicas wanted of each shard
  int64_t created_ms = 0;
  std::string spec;  // the engine's own settings, opaque here
  // While it is resharded: partition p will be shard next_first_shard + p. Else 0.
  ShardNumber next_first_shard = 0;
  uint32_t next_partitions = 0;  // a multiple of `partitions`
  ShardKind kind = ShardKind::kRegisters;
  bool operator==(const CollectionRecord&) const = default;

  bool resharding() const { return next_partitions != 0; }
  // As it will be once it is resharded.
  CollectionRecord Next() const;
};

struct Placement {
  ShardNumber shard = 0;
  Uuid collection;
  uint64_t epoch = 1;
  std::vector<MemberNumber> replicas;  // distinct, in no particular order
  std::vector<MemberNumber> next;      // empty: no change under way
  // The shard it was split off from, whether or not that one is still there. 0: none.
  ShardNumber parent = 0;
  bool operator==(const Placement&) const = default;

  // One of the next shards of a collection that is being resharded: it is filled and asked by nobody. Its epoch goes up
  // when that changes, and not before.
  bool pending() const { return parent != 0 && epoch == 1; }
  bool moving() const { return !next.empty(); }
  // Whether `member` is in either set.
  bool Owns(MemberNumber member) const;
  // Every owner once: those of `replicas` first.
  std::vector<MemberNumber> Owners() const;
};

// A process that keeps nothing and takes requests. Nobody decides anything by it: operators are told of it.
struct GatewayRecord {
  std::string name;
  std::string http_address;
  int64_t since_ms = 0;  // when it came, by its own clock
  bool operator==(const GatewayRecord&) const = default;
};

std::string EncodeMember(const MemberRecord& member);
Result<MemberRecord> DecodeMember(std::string_view bytes);
std::string EncodeGateway(const GatewayRecord& gateway);
Result<GatewayRecord> DecodeGateway(std::string_view bytes);
std::string EncodeCollection(const CollectionRecord& collection);
Result<CollectionRecord> DecodeCollection(std::string_view bytes);
std::string EncodePlacement(const Placement& placement);
Result<Placement> DecodePlacement(std::string_view bytes);

// Keys in coordination.
inline constexpr std::string_view kRoot = "rhizome/";
std::string MemberKey(MemberNumber member);          // rhizome/members/0000000001
std::string LiveKey(MemberNumber member);            // attached to the member's lease
std::string GatewayKey(const Uuid& process);         // attached to the gateway's lease
std::string CollectionKey(const std::string& name);  // rhizome/collections/<name>
std::string PlacementKey(ShardNumber shard);         // rhizome/placements/0000000001
std::string LeaderKey();                             // attached to the leader's lease
std::string CounterKey(std::string_view what);       // decimal text: the last number given out

// One listing of coordination, understood. Values keep the mod revisions that a compare-and-swap needs.
template <typename T>
struct Kept {
  T value;
  int64_t mod_revision = 0;
};

struct Topology {
  int64_t revision = 0;  // of coordination, when it was listed
  std::map<MemberNumber, Kept<MemberRecord>> members;
  std::set<MemberNumber> live;          // hold a lease
  std::vector<GatewayRecord> gateways;  // that hold a lease
  std::map<std::string, Kept<CollectionRecord>> collections;
  std::map<ShardNumber, Kept<Placement>> placements;
  MemberNumber leader = 0;   // 0: none
  int64_t leader_epoch = 0;  // the create revision of its key

  const Placement* Find(ShardNumber shard) const;
  const MemberRecord* Member(MemberNumber member) const;
  const CollectionRecord* Collection(const Uuid& id) const;
  // Those that were or are being split off from a shard.
  std::vector<ShardNumber> ChildrenOf(ShardNumber parent) const;
  // The collection as it is numbered for this shard of it: Next() for one that is pending. Nullopt: none has it.
  std::optional<CollectionRecord> CollectionOf(const Placement& placement) const;
  // Of a shard whose collection is not known: registers.
  ShardKind KindOf(ShardNumber shard) const;
};
using TopologyPointer = std::shared_ptr<const Topology>;

}  // namespace rhizome::fabric
