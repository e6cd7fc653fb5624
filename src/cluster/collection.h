// Collection: its shards on this node, the routing of keys to them and the merging of their answers.
//
// A key's partition is RouteHash(routing key, seed) mod partitions: fixed, so it may never change for a collection.
// Thread-safe: everything here is constant after construction; the shards look after themselves.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cluster/catalogue.h"
#include "cluster/node.h"
#include "shard/shard.h"

namespace rhizome::cluster {

// A shard that could not be opened keeps its place and its reason.
struct Partition {
  uint32_t number = 0;
  std::unique_ptr<shard::Shard> shard;  // null: damaged
  Status damage;
};

class Collection {
 public:
  Collection(CatalogueEntry entry, std::vector<Partition> partitions);

  const CatalogueEntry& entry() const { return entry_; }
  std::vector<Partition>& partitions() { return partitions_; }
  const std::vector<Partition>& partitions() const { return partitions_; }
  CollectionInfo Info() const;

  uint32_t PartitionOf(const format::PointId& id) const;
  // THE write path: route, check everything, log everything, wait once, apply.
  // With kKeep the operations bring their versions along. Partitions that `request` has reached before take nothing
  // again.
  Status Write(std::vector<format::Operation> operations, shard::Stamp stamp = shard::Stamp::kAssign,
               const std::optional<format::RequestStamp>& request = {});
  // THE read path: ask every partition for candidates, merge and fuse them, fetch what the answer shows.
  Result<SearchResponse> Search(const SearchRequest& request) const;
  Result<std::vector<std::optional<StoredPointView>>> Get(std::span<const format::PointId> ids, bool with_vector) const;
  Result<ScrollResponse> Scroll(const ScrollRequest& request) const;
  Result<uint64_t> Count(const vector::Filter* filter) const;
  Result<std::optional<format::StoredDocument>> GetDocument(const format::PointId& id) const;
  Result<std::optional<format::PointId>> FindContent(std::pair<uint64_t, uint64_t> content_hash) const;

 private:
  Result<bool> Repeats(const Partition& partition, const format::RequestStamp& request) const;
  Result<SearchResponse> Fill(const SearchRequest& request, const std::vector<vector::Candidate>& ranked,
                              SearchResponse response) const;
  // The shard that holds `id`, or why it cannot be asked.
  Result<shard::Shard*> ShardOf(const format::PointId& id) const;

  const CatalogueEntry entry_;
  std::vector<Partition> partitions_;
};

}  // namespace rhizome::cluster
