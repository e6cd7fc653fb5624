// The items of one call by partition (format/routing.h says which).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rhizome::cluster {

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
