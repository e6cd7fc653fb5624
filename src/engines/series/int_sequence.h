// Integer sequences in few bits: timestamps and the values of series (docs/formats/series_chunk.md).
//
// A sequence is its first integer, which the caller keeps, and for every later one what a predictor missed: the
// difference to the first, to the one before, to the last step, or to a straight line. What was missed is cut into
// blocks of up to 128; a block is a base and bit-packed offsets from it, with rare large ones beside it (frame of
// reference and patching: Zukowski et al., "Super-Scalar RAM-CPU Cache Compression", ICDE 2006). All arithmetic is
// modulo 2^64, so every sequence of 64-bit integers comes back; only how short it gets depends on what it holds.
//
// Encoding takes integers of ours. Decoding takes any bytes: false when they are no sequence, never a read outside.
// Pure functions; thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "format/coding.h"

namespace rhizome::series {

inline constexpr size_t kBlockIntegers = 128;

// Appends `integers` but for the first; they are overwritten.
void PutSequence(std::span<uint64_t> integers, std::string& out);

// Reads what PutSequence wrote of a sequence of `count` integers, block after block.
class SequenceReader {
 public:
  // False: the bytes are no sequence.
  [[nodiscard]] bool Start(format::Decoder& in, uint64_t first, size_t count);
  // The next integers, at most kBlockIntegers of them, beginning with `first`; none at the end. They stay until the
  // next call. False: the bytes are no sequence.
  [[nodiscard]] bool Next(format::Decoder& in, std::span<const uint64_t>& integers);

 private:
  void Integrate(uint64_t* block, size_t count);

  unsigned predictor_ = 0;
  unsigned shift_ = 0;
  uint64_t first_ = 0;
  uint64_t step_ = 0;     // of the line
  uint64_t last_ = 0;     // the integer before, as a difference to the first
  uint64_t slope_ = 0;    // the difference before
  uint64_t index_ = 0;    // of the next integer
  size_t remaining_ = 0;  // integers not yet handed out
  std::array<uint64_t, kBlockIntegers + 1> block_{};
};

}  // namespace rhizome::series
