#include "engines/series/compaction.h"

#include <algorithm>

namespace rhizome::series {
namespace {

bool Contains(const Partition& outer, const Partition& inner) {
  return outer.first_ms <= inner.first_ms && inner.last_ms <= outer.last_ms;
}

std::vector<size_t> Within(std::span<const CompactionInput> blocks, const Partition& partition) {
  std::vector<size_t> inside;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (Contains(partition, blocks[i].info.partition)) inside.push_back(i);
  }
  return inside;
}

// Whether merging writes little that was merged before.
bool Pays(std::span<const CompactionInput> blocks, const std::vector<size_t>& inputs, size_t blocks_max) {
  if (inputs.size() < 2) return false;
  uint64_t all = 0, largest = 0;
  for (const size_t i : inputs) {
    all += blocks[i].info.bytes;
    largest = std::max(largest, blocks[i].info.bytes);
  }
  return inputs.size() >= blocks_max || (all - largest) * 8 >= largest;
}

}  // namespace

int64_t SlotOf(int64_t time_ms, int64_t length_ms) { return time_ms / length_ms - (time_ms % length_ms < 0 ? 1 : 0); }

Partition PartitionOf(int64_t time_ms, int64_t length_ms) {
  Partition partition;
  const int64_t slot = SlotOf(time_ms, length_ms);
  if (__builtin_mul_overflow(slot, length_ms, &partition.first_ms)) partition.first_ms = INT64_MIN;
  int64_t next = 0;
  const bool last = slot == INT64_MAX || __builtin_mul_overflow(slot + 1, length_ms, &next);
  partition.last_ms = last ? INT64_MAX : next - 1;
  return partition;
}

std::optional<CompactionPlan> PlanCompaction(std::span<const CompactionInput> blocks, const CompactionOptions& options,
                                             int64_t newest_ms) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].condemned) return CompactionPlan{{i}, blocks[i].info.partition};
  }
  for (const CompactionInput& block : blocks) {
    const Partition& partition = block.info.partition;
    std::vector<size_t> inside = Within(blocks, partition);
    // A partition under way gets more blocks: the fewer merges the better.
    const bool past = partition.last_ms < newest_ms;
    if (past ? Pays(blocks, inside, options.blocks_max) : inside.size() >= options.blocks_max) {
      return CompactionPlan{std::move(inside), partition};
    }
  }
  int64_t past_ms = 0;  // one partition more, so that what comes a little late still finds the small block
  if (__builtin_sub_overflow(newest_ms, options.partition_ms, &past_ms)) past_ms = INT64_MIN;
  for (const int64_t multiple : options.multiples) {
    for (const CompactionInput& block : blocks) {
      const Partition wider = PartitionOf(block.info.partition.first_ms, options.partition_ms * multiple);
      if (wider.last_ms >= past_ms) continue;
      std::vector<size_t> inside = Within(blocks, wider);
      // Where there is a wide one, what else there is came late.
      const bool made =
          std::any_of(inside.begin(), inside.end(), [&](size_t i) { return blocks[i].info.partition == wider; });
      if (inside.size() >= 2 && !made) return CompactionPlan{std::move(inside), wider};
    }
  }
  return std::nullopt;
}

}  // namespace rhizome::series
