// Routing: which partition of a collection a key belongs to: RouteHash(routing key, seed) mod partitions. Fixed for
// ever: it decides where everything is. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "format/point.h"

namespace rhizome::cluster {

uint32_t PartitionOf(const format::PointId& id, uint32_t partitions);

// Items of a batch by partition, and where each stood in the batch.
template <typename T>
struct Parts {
  std::vector<std::vector<T>> items;
  std::vector<std::vector<size_t>> positions;
  explicit Parts(uint32_t partitions) : items(partitions), positions(partitions) {}

  void Add(uint32_t partition, T item, size_t position) {
    items[partition].push_back(std::move(item));
    positions[partition].push_back(position);
  }
};

}  // namespace rhizome::cluster
