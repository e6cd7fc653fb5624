#include "fabric/topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "format/coding.h"
#include "format/identity.h"

namespace rhizome::fabric {

using format::Decoder;
using format::GetUuid;
using format::PutBytes;
using format::PutI64;
using format::PutU32;
using format::PutU64;
using format::PutU8;
using format::PutUuid;
using format::PutVarint;

namespace {

constexpr uint8_t kMemberFormat = 1;
constexpr uint8_t kGatewayFormat = 1;
// The second ones came with resharding. Where there is nothing of it to say, the first are written, so that members of
// the version before go on reading.
constexpr uint8_t kCollectionFormat = 1;
constexpr uint8_t kReshardedCollectionFormat = 2;
constexpr uint8_t kSeriesCollectionFormat = 3;  // as the first; what it holds are series, and it is not resharded
constexpr uint8_t kPlacementFormat = 1;
constexpr uint8_t kSplitPlacementFormat = 2;
constexpr size_t kNameLenMax = 128;
constexpr size_t kAddressLenMax = 512;
constexpr size_t kSpecLenMax = 64 << 10;

void PutNumbers(std::string& out, const std::vector<MemberNumber>& numbers) {
  PutVarint(out, numbers.size());
  for (const MemberNumber number : numbers) PutU32(out, number);
}

bool GetNumbers(Decoder& in, std::vector<MemberNumber>& numbers) {
  uint64_t count = 0;
  if (!in.Count(count, sizeof(MemberNumber)) || count > kOwnersMax) return false;
  numbers.resize(count);
  for (MemberNumber& number : numbers) {
    if (!in.U32(number)) return false;
  }
  // A set: nobody may count twice toward a majority.
  std::vector<MemberNumber> sorted = numbers;
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

bool GetFormat(Decoder& in, uint8_t wanted) {
  uint8_t format = 0;
  return in.U8(format) && format == wanted;
}

// Nullopt for any format but these.
std::optional<uint8_t> GetOneOf(Decoder& in, std::initializer_list<uint8_t> formats) {
  uint8_t format = 0;
  if (!in.U8(format) || std::find(formats.begin(), formats.end(), format) == formats.end()) return std::nullopt;
  return format;
}

uint8_t FormatOf(const CollectionRecord& collection) {
  if (collection.kind == ShardKind::kSeries) return kSeriesCollectionFormat;
  return collection.resharding() ? kReshardedCollectionFormat : kCollectionFormat;
}

bool GetNext(Decoder& in, CollectionRecord& collection) {
  return in.U32(collection.next_first_shard) && in.U32(collection.next_partitions) && collection.partitions != 0 &&
         collection.next_partitions > collection.partitions && collection.next_partitions % collection.partitions == 0;
}

}  // namespace

CollectionRecord CollectionRecord::Next() const {
  CollectionRecord next = *this;
  next.first_shard = std::exchange(next.next_first_shard, 0);
  next.partitions = std::exchange(next.next_partitions, 0);
  return next;
}

bool Placement::Owns(MemberNumber member) const {
  return std::find(replicas.begin(), replicas.end(), member) != replicas.end() ||
         std::find(next.begin(), next.end(), member) != next.end();
}

std::vector<MemberNumber> Placement::Owners() const {
  std::vector<MemberNumber> owners = replicas;
  for (const MemberNumber member : next) {
    if (std::find(replicas.begin(), replicas.end(), member) == replicas.end()) owners.push_back(member);
  }
  return owners;
}

std::string EncodeMember(const MemberRecord& member) {
  std::string out;
  PutU8(out, kMemberFormat);
  PutU32(out, member.number);
  PutBytes(out, member.name);
  PutUuid(out, member.directory);
  PutBytes(out, member.rpc_address);
  PutBytes(out, member.http_address);
  PutBytes(out, member.zone);
  PutU64(out, member.capacity_bytes);
  PutU8(out, static_cast<uint8_t>(member.state));
  return out;
}

Result<MemberRecord> DecodeMember(std::string_view bytes) {
  Decoder in(bytes);
  MemberRecord member;
  uint8_t state = 0;
  const bool whole = GetFormat(in, kMemberFormat) && in.U32(member.number) && in.Bytes(member.name, kNameLenMax) &&
                     GetUuid(in, member.directory) && in.Bytes(member.rpc_address, kAddressLenMax) &&
                     in.Bytes(member.http_address, kAddressLenMax) && in.Bytes(member.zone, kNameLenMax) &&
                     in.U64(member.capacity_bytes) && in.U8(state);
  if (!whole || state < 1 || state > 4) return in.Failure("a member record");
  member.state = static_cast<MemberState>(state);
  RETURN_IF_ERROR(in.Finish("a member record"));
  return member;
}

std::string EncodeGateway(const GatewayRecord& gateway) {
  std::string out;
  PutU8(out, kGatewayFormat);
  PutBytes(out, gateway.name);
  PutBytes(out, gateway.http_address);
  PutI64(out, gateway.since_ms);
  return out;
}

Result<GatewayRecord> DecodeGateway(std::string_view bytes) {
  Decoder in(bytes);
  GatewayRecord gateway;
  const bool whole = GetFormat(in, kGatewayFormat) && in.Bytes(gateway.name, kNameLenMax) &&
                     in.Bytes(gateway.http_address, kAddressLenMax) && in.I64(gateway.since_ms);
  if (!whole) return in.Failure("a gateway record");
  RETURN_IF_ERROR(in.Finish("a gateway record"));
  return gateway;
}

std::string EncodeCollection(const CollectionRecord& collection) {
  std::string out;
  CHECK(collection.kind == ShardKind::kRegisters || !collection.resharding());
  PutU8(out, FormatOf(collection));
  PutUuid(out, collection.id);
  PutBytes(out, collection.name);
  PutU32(out, collection.first_shard);
  PutU32(out, collection.partitions);
  PutU32(out, collection.factor);
  PutI64(out, collection.created_ms);
  PutBytes(out, collection.spec);
  if (!collection.resharding()) return out;
  PutU32(out, collection.next_first_shard);
  PutU32(out, collection.next_partitions);
  return out;
}

Result<CollectionRecord> DecodeCollection(std::string_view bytes) {
  Decoder in(bytes);
  CollectionRecord collection;
  const auto format = GetOneOf(in, {kCollectionFormat, kReshardedCollectionFormat, kSeriesCollectionFormat});
  const bool whole = format && GetUuid(in, collection.id) && in.Bytes(collection.name, kNameLenMax) &&
                     in.U32(collection.first_shard) && in.U32(collection.partitions) && in.U32(collection.factor) &&
                     in.I64(collection.created_ms) && in.Bytes(collection.spec, kSpecLenMax) &&
                     (*format != kReshardedCollectionFormat || GetNext(in, collection));
  if (!whole || collection.partitions == 0) return in.Failure("a collection record");
  if (*format == kSeriesCollectionFormat) collection.kind = ShardKind::kSeries;
  RETURN_IF_ERROR(in.Finish("a collection record"));
  return collection;
}

std::string EncodePlacement(const Placement& placement) {
  std::string out;
  PutU8(out, placement.parent == 0 ? kPlacementFormat : kSplitPlacementFormat);
  PutU32(out, placement.shard);
  PutUuid(out, placement.collection);
  PutU64(out, placement.epoch);
  PutNumbers(out, placement.replicas);
  PutNumbers(out, placement.next);
  if (placement.parent != 0) PutU32(out, placement.parent);
  return out;
}

Result<Placement> DecodePlacement(std::string_view bytes) {
  Decoder in(bytes);
  Placement placement;
  const auto format = GetOneOf(in, {kPlacementFormat, kSplitPlacementFormat});
  const bool whole = format && in.U32(placement.shard) && GetUuid(in, placement.collection) &&
                     in.U64(placement.epoch) && GetNumbers(in, placement.replicas) && GetNumbers(in, placement.next) &&
                     (*format == kPlacementFormat || (in.U32(placement.parent) && placement.parent != 0));
  if (!whole || placement.replicas.empty()) return in.Failure("a placement");
  RETURN_IF_ERROR(in.Finish("a placement"));
  return placement;
}

std::string MemberKey(MemberNumber member) { return fmt::format("{}members/{:010}", kRoot, member); }
std::string LiveKey(MemberNumber member) { return fmt::format("{}live/{:010}", kRoot, member); }
std::string CollectionKey(const std::string& name) { return fmt::format("{}collections/{}", kRoot, name); }
std::string PlacementKey(ShardNumber shard) { return fmt::format("{}placements/{:010}", kRoot, shard); }
std::string GatewayKey(const Uuid& process) { return fmt::format("{}gateways/{}", kRoot, process.ToString()); }
std::string LeaderKey() { return std::string(kRoot) + "leader"; }
std::string CounterKey(std::string_view what) { return fmt::format("{}counters/{}", kRoot, what); }

const Placement* Topology::Find(ShardNumber shard) const {
  const auto it = placements.find(shard);
  return it == placements.end() ? nullptr : &it->second.value;
}

const MemberRecord* Topology::Member(MemberNumber member) const {
  const auto it = members.find(member);
  return it == members.end() ? nullptr : &it->second.value;
}

const CollectionRecord* Topology::Collection(const Uuid& id) const {
  for (const auto& [name, kept] : collections) {
    if (kept.value.id == id) return &kept.value;
  }
  return nullptr;
}

ShardKind Topology::KindOf(ShardNumber shard) const {
  const Placement* placement = Find(shard);
  const CollectionRecord* collection = placement == nullptr ? nullptr : Collection(placement->collection);
  return collection == nullptr ? ShardKind::kRegisters : collection->kind;
}

std::vector<ShardNumber> Topology::ChildrenOf(ShardNumber parent) const {
  std::vector<ShardNumber> children;
  for (const auto& [shard, kept] : placements) {
    if (kept.value.parent == parent) children.push_back(shard);
  }
  return children;
}

std::optional<CollectionRecord> Topology::CollectionOf(const Placement& placement) const {
  const CollectionRecord* collection = Collection(placement.collection);
  if (collection == nullptr || (placement.pending() && !collection->resharding())) return std::nullopt;
  return placement.pending() ? collection->Next() : *collection;
}

}  // namespace rhizome::fabric
