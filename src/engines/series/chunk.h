// Chunk: some consecutive samples of one series, compressed without loss (docs/formats/series_chunk.md).
//
// Every double comes back bit for bit: NaN payloads, stale markers, -0, infinities, denormals. Timestamps are
// milliseconds since 1970 UTC, strictly ascending, any int64. Values that are decimals are stored as integers at one
// power of ten, all others by their bits in an order in which near values are near integers; either way as a sequence
// of integers (int_sequence.h).
//
// A chunk carries its count, its time range and a checksum. Decoding takes any bytes: Corruption for what no encoder
// wrote, no more memory than kChunkSamplesMax samples need.
// Thread-safety: functions are pure; a ChunkEncoder belongs to one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engines/series/decimal.h"

namespace rhizome::series {

inline constexpr size_t kChunkSamplesMax = 8192;
inline constexpr uint64_t kStaleMarkerBits = 0x7ff0000000000002;  // the NaN by which a scraper says "no longer there"

struct Sample {
  int64_t time_ms = 0;
  double value = 0;
};

// Times and values in step.
struct Samples {
  std::vector<int64_t> times;
  std::vector<double> values;
  size_t size() const { return times.size(); }
  void clear() {
    times.clear();
    values.clear();
  }
};

struct ChunkInfo {
  uint32_t count = 0;
  int64_t min_time = 0;
  int64_t max_time = 0;
};

// Keeps its working memory from one chunk to the next.
class ChunkEncoder {
 public:
  // Appends one chunk to `out`. As many times as values, 1 to kChunkSamplesMax, times strictly ascending.
  void Encode(std::span<const int64_t> times, std::span<const double> values, std::string& out);

 private:
  std::vector<uint64_t> integers_;
  DecimalForm decimal_;
};

// What the header says; the rest is not looked at, the checksum neither.
Result<ChunkInfo> ReadChunkInfo(std::string_view chunk);

// Appends the samples of `chunk`, which is one chunk and nothing else, to `to`; after a failure `to` is as it was.
Status DecodeChunk(std::string_view chunk, Samples& to);

}  // namespace rhizome::series
