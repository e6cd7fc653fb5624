// CheckpointDue: when a node writes a checkpoint, from what a crash would have it replay and what it holds in memory
// only because no checkpoint has written it yet.
//
// Samples are replayed many times faster than points, which have to be linked into a graph, and a log of them is mostly
// labels, said again with each batch. A checkpoint after as many bytes as of points would write blocks of a few samples
// a series, again and again, and compaction would merge them again and again. So their bytes count for an eighth.
//
// Memory bounds them too, beyond what series take whether their samples are written or not: compressed ones take two
// bytes each, but those of a backfill lie as they came, which is also slow to read. Pure function.
#pragma once

#include <cstdint>

namespace rhizome::shard {

struct SinceCheckpoint {
  uint64_t log_bytes = 0;            // all
  uint64_t sample_log_bytes = 0;     // of these, in batches of samples
  uint64_t sample_memory_bytes = 0;  // that samples take more than right after it
};

inline constexpr uint64_t kSampleLogBytesPerByte = 8;

// `log_bytes_max`: so many bytes of points' log, not 0.
inline bool CheckpointDue(const SinceCheckpoint& since, uint64_t log_bytes_max) {
  // Counted at slightly different moments.
  const uint64_t of_points = since.log_bytes > since.sample_log_bytes ? since.log_bytes - since.sample_log_bytes : 0;
  if (of_points + since.sample_log_bytes / kSampleLogBytesPerByte >= log_bytes_max) return true;
  return since.sample_memory_bytes >= log_bytes_max;
}

}  // namespace rhizome::shard
