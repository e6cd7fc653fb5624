#include "fabric/resharding.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"

namespace rhizome::fabric {

using coordination::Transaction;

namespace {

Status CheckPartitions(const CollectionRecord& collection, uint32_t partitions) {
  if (collection.resharding()) {
    return Status::FailedPrecondition(
        fmt::format("collection {} is on its way from {} to {} partitions: wait for that, or cancel it",
                    collection.name, collection.partitions, collection.next_partitions));
  }
  if (partitions <= collection.partitions || partitions % collection.partitions != 0) {
    return Status::InvalidArgument("partitions", fmt::format("must be a multiple of the {} that collection {} has, and "
                                                             "more than these",
                                                             collection.partitions, collection.name));
  }
  if (partitions > kReshardedPartitionsMax) {
    return Status::InvalidArgument("partitions", fmt::format("must be at most {}", kReshardedPartitionsMax));
  }
  return Status::Ok();
}

void Change(Transaction& transaction, std::string key, int64_t mod_revision, std::optional<std::string> value) {
  transaction.expect.push_back({key, mod_revision});
  transaction.changes.push_back({std::move(key), std::move(value)});
}

// Compares and changes the placement of a shard; nullopt removes it.
void ChangePlacement(Transaction& transaction, const Topology& topology, ShardNumber shard, bool keep) {
  const auto known = topology.placements.find(shard);
  if (known == topology.placements.end()) return;  // then the collection's own revision has changed, too
  Placement placement = known->second.value;
  ++placement.epoch;
  Change(transaction, PlacementKey(shard), known->second.mod_revision,
         keep ? std::optional(EncodePlacement(placement)) : std::nullopt);
}

int64_t RevisionOf(const Topology& topology, const CollectionRecord& collection) {
  return topology.collections.at(collection.name).mod_revision;
}

}  // namespace

Result<Transaction> BeginResharding(const Topology& topology, const std::string& name, uint32_t partitions,
                                    ShardCounter counter) {
  const auto known = topology.collections.find(name);
  if (known == topology.collections.end()) return Status::NotFound("there is no collection " + name);
  CollectionRecord collection = known->second.value;
  if (collection.kind != ShardKind::kRegisters) {
    return Status::FailedPrecondition(name + " holds series: its partitions stay as many as they are");
  }
  RETURN_IF_ERROR(CheckPartitions(collection, partitions));
  Transaction transaction;
  Change(transaction, CounterKey("shards"), counter.mod_revision, std::to_string(counter.last + partitions));
  collection.next_first_shard = counter.last + 1;
  collection.next_partitions = partitions;
  Change(transaction, CollectionKey(name), known->second.mod_revision, EncodeCollection(collection));
  for (uint32_t p = 0; p < collection.partitions; ++p) {
    const Placement* parent = topology.Find(collection.first_shard + p);
    if (parent == nullptr) return Status::Unavailable("the catalogue of shards is not whole here");
    if (parent->moving()) {
      return Status::Unavailable(
          fmt::format("partition {} of collection {} is moving to other members: repeat it when "
                      "it has arrived",
                      p, name));
    }
    // Whoever acknowledges at the new epoch knows that the shard is being split.
    ChangePlacement(transaction, topology, parent->shard, true);
  }
  for (uint32_t p = 0; p < partitions; ++p) {
    Placement child = *topology.Find(collection.first_shard + p % collection.partitions);
    child.parent = std::exchange(child.shard, collection.next_first_shard + p);
    child.epoch = 1;
    Change(transaction, PlacementKey(child.shard), 0, EncodePlacement(child));
  }
  return transaction;
}

Transaction EndResharding(const Topology& topology, const CollectionRecord& collection) {
  CHECK(collection.resharding());
  Transaction transaction;
  Change(transaction, CollectionKey(collection.name), RevisionOf(topology, collection),
         EncodeCollection(collection.Next()));
  for (uint32_t p = 0; p < collection.partitions; ++p) {
    ChangePlacement(transaction, topology, collection.first_shard + p, false);
  }
  for (uint32_t p = 0; p < collection.next_partitions; ++p) {
    ChangePlacement(transaction, topology, collection.next_first_shard + p, true);
  }
  return transaction;
}

Transaction CancelResharding(const Topology& topology, const CollectionRecord& collection) {
  CHECK(collection.resharding());
  CollectionRecord before = collection;
  before.next_first_shard = before.next_partitions = 0;
  Transaction transaction;
  Change(transaction, CollectionKey(collection.name), RevisionOf(topology, collection), EncodeCollection(before));
  for (uint32_t p = 0; p < collection.next_partitions; ++p) {
    ChangePlacement(transaction, topology, collection.next_first_shard + p, false);
  }
  return transaction;
}

}  // namespace rhizome::fabric
