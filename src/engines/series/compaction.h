// Which blocks to merge (pure), for which reason:
//   a deletion came after a block was written, and concerns it;
//   several blocks hold the same partition: checkpoints of a partition under way, late samples of an old one;
//   a larger range of time is past, and its smaller blocks become one.
// A late handful of samples does not have a large block rewritten: small blocks wait until they are several or amount
// to something.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engines/series/block.h"

namespace rhizome::series {

struct CompactionOptions {
  int64_t partition_ms = 2 * 3'600'000;
  // Larger partitions, each a multiple of the one before.
  std::vector<int64_t> multiples = {4, 12};
  // So many blocks of one partition are merged whatever their sizes.
  size_t blocks_max = 6;
};

// The partition of `length_ms` in which the time lies; partitions begin at multiples of their length.
Partition PartitionOf(int64_t time_ms, int64_t length_ms);
// floor(time / length).
int64_t SlotOf(int64_t time_ms, int64_t length_ms);

struct CompactionInput {
  BlockInfo info;
  bool condemned = false;  // a deletion waits to be worked in
};

struct CompactionPlan {
  std::vector<size_t> inputs;  // ascending
  Partition partition;         // of the result
};

// `blocks` ascend by partition; partitions are equal, contain one another or are disjoint. `newest_ms`: the greatest
// time of any sample, which tells what is past.
std::optional<CompactionPlan> PlanCompaction(std::span<const CompactionInput> blocks, const CompactionOptions& options,
                                             int64_t newest_ms);

}  // namespace rhizome::series
