// Any bytes as a member, a collection and a placement: no crash, and what decodes encodes back to the same bytes. A
// placement that decodes can be planned with: no crash there either.
#include <cstdint>
#include <cstdlib>

#include "fabric/balance.h"
#include "fabric/topology.h"

namespace {

using namespace rhizome;
using namespace rhizome::fabric;

// A small cluster in which one record of each kind came from elsewhere.
void Plan(std::string_view bytes) {
  Topology topology;
  CollectionRecord collection{.name = "c", .partitions = 1, .factor = 3};
  if (const auto decoded = DecodeCollection(bytes); decoded.ok()) collection = *decoded;
  topology.collections[collection.name] = {collection, 1};
  Placement placement{.collection = collection.id, .replicas = {1}};
  if (const auto decoded = DecodePlacement(bytes); decoded.ok()) placement = *decoded;
  placement.collection = collection.id;
  topology.placements[placement.shard] = {placement, 1};
  for (MemberNumber number = 1; number <= 4; ++number) {
    topology.members[number] = {{.number = number}, 1};
    topology.live.insert(number);
  }
  if (const auto decoded = DecodeMember(bytes); decoded.ok()) topology.members[decoded->number] = {*decoded, 1};
  const auto report = PlanChanges(topology, {}, {});
  if (!report.ok()) std::abort();
  for (const PlacementChange& change : report->changes) {
    const auto again = DecodePlacement(EncodePlacement(change.placement));
    if (!again.ok() || !(*again == change.placement)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto member = DecodeMember(bytes); member.ok() && EncodeMember(*member) != bytes) std::abort();
  if (const auto collection = DecodeCollection(bytes); collection.ok() && EncodeCollection(*collection) != bytes) {
    std::abort();
  }
  if (const auto placement = DecodePlacement(bytes); placement.ok() && EncodePlacement(*placement) != bytes) {
    std::abort();
  }
  Plan(bytes);
  return 0;
}
